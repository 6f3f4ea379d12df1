use super::*;

#[test]
fn names_of_folders_are_written_as_every_server_reads_them() {
    for (name, written) in [
        ("INBOX", "\"INBOX\""),
        ("Lists/Tide Notes", "\"Lists/Tide Notes\""),
        ("R&D", "\"R&-D\""),
        ("退信", "\"&kABP4Q-\""),
        ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ("a\r\nS1 LOGOUT", "\"aS1 LOGOUT\""),
    ] {
        let encoded = if name.contains('\r') { name.to_owned() } else { modified_utf7(name) };
        assert_eq!(quoted(&encoded), written);
    }
}

fn response(texts: &[&str], literals: &[&[u8]]) -> Response {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Response { texts, literals: literals.iter().map(|literal| literal.to_vec()).collect() }
}

#[test]
fn responses_say_what_was_found_and_fetched() {
    assert_eq!(uids_of_search(&response(&["* SEARCH 2 84 882"], &[])), [2, 84, 882]);
    assert_eq!(uids_of_search(&response(&["* SEARCH"], &[])), [0_u32; 0]);
    assert_eq!(uids_of_search(&response(&["* 3 EXISTS"], &[])), [0_u32; 0]);
    let fetched = response(&["* 12 FETCH (UID 84 BODY[]<0> ", ")"], &[b"Subject: a\r\n"]);
    assert_eq!(fetched.into_fetched(), Some((84, b"Subject: a\r\n".to_vec())));
    let fetched = response(&["* 12 fetch (BODY[]<0> ", " FLAGS (\\Recent) UID 7)"], &[b"b"]);
    assert_eq!(fetched.into_fetched(), Some((7, b"b".to_vec())));
    assert_eq!(response(&["* 12 FETCH (UID 9 BODY[]<0> \"\")"], &[]).into_fetched(), Some((9, Vec::new())));
    for other in ["* 12 FETCH (UID 9 FLAGS (\\Seen))", "* 12 EXPUNGE", "* FETCH", "* 1 fet", "+ go on"] {
        assert_eq!(response(&[other], &[]).into_fetched(), None, "{other}");
    }
}

#[test]
fn a_command_is_completed_by_its_tag_alone() {
    let line = |text: &str| response(&[text], &[]);
    assert_eq!(line("S1 ok done").completion("S1").as_deref(), Some("OK done"));
    assert_eq!(line("S10 OK done").completion("S1"), None);
    assert_eq!(line("* OK still here").completion("S1"), None);
    assert_eq!(
        line("S1 NO [AUTHENTICATIONFAILED] no").completion("S1").as_deref(),
        Some("NO [AUTHENTICATIONFAILED] no")
    );
}

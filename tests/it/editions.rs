//! An issue mailed in two editions, each with recipients whose delivery is unknown.

use crate::newsletter::{NOON, Newsletter, READERS};
use crate::smtp_peer::{Answer, Peer, Script};

/// The first two messages of each edition are accepted, but the connection breaks before the reply.
#[test]
fn recipients_of_an_earlier_edition_are_settled_by_its_number() {
    let script = Script::new().on_nth("DOT", 1, Answer::TakeAndDrop).on_nth("DOT", 2, Answer::TakeAndDrop);
    let script = script.on_nth("DOT", READERS + 1, Answer::TakeAndDrop);
    let peer = Peer::start(vec![script]);
    let folder = tempfile::tempdir().unwrap();
    let newsletter = Newsletter::new(folder.path(), peer.port(), "sqlite:slugline.db");
    for edition in ["edition: 1", "edition: 2"] {
        newsletter.write_issue_with("neap", edition);
        let sent = newsletter.sending(newsletter.folder(), NOON, "neap").status().unwrap();
        assert_eq!(sent.code(), Some(1), "{edition}");
    }
    let resolve = |arguments: &[&str]| {
        let output = newsletter.command(folder.path(), NOON, &[&["resolve", "neap"], arguments].concat()).output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), said[0].clone(), said[1].clone())
    };
    let (code, _, said) = resolve(&["--resend", "--edition", "1"]);
    assert!(code == Some(2) && said.starts_with("error[edition-outdated]"), "{said}");
    let (code, _, said) = resolve(&["--sent", "--edition", "3"]);
    assert!(code == Some(2) && said.starts_with("error[edition-not-mailed]"), "{said}");
    let resolved = |count| format!("{count} unknown recipients of `neap` are sent now\n");
    assert_eq!(resolve(&["--sent"]), (Some(0), resolved(1), String::new()), "those of the edition it is now");
    assert_eq!(resolve(&["--sent"]).0, Some(1), "those of the other wait for a decision");
    assert_eq!(resolve(&["--sent", "--edition", "1"]), (Some(0), resolved(2), String::new()));
    assert_eq!(newsletter.status("neap", &[]).status.code(), Some(0));
    assert_eq!(peer.count(), 2 * READERS, "no one was mailed again");
}

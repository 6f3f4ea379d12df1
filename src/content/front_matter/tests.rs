use proptest::prelude::*;

use super::*;

type Entries = Vec<(String, Value)>;

fn fields(text: &str) -> Result<(Entries, &str), String> {
    let show = |finding: Box<Finding>| {
        let place = finding.place.clone().map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {}: {finding}", finding.rule)
    };
    let block = split("a.md", text.as_bytes()).map_err(show)?;
    let fields = block.fields("a.md").map_err(show)?;
    Ok((fields.entries, &text[block.body.offset..]))
}

fn one(key: &str, value: &str) -> Entries {
    vec![(key.to_owned(), Value::from(value))]
}

#[test]
fn yaml_and_toml_give_the_same_fields() {
    assert_eq!(fields("---\nTitle: 标题\n---\nbody\n"), Ok((one("title", "标题"), "body\n")));
    assert_eq!(fields("+++\ntitle = '标题'\n+++\nbody\n"), Ok((one("title", "标题"), "body\n")));
    assert_eq!(fields("---\ndate: 2026-11-01\n---\n"), Ok((one("date", "2026-11-01"), "")));
    assert_eq!(fields("+++\ndate = 2026-11-01\n+++\n"), Ok((one("date", "2026-11-01"), "")));
}

#[test]
fn real_files_are_sloppy() {
    assert_eq!(fields("\u{feff}---\r\ntitle: a\r\n--- \t\r\nbody"), Ok((one("title", "a"), "body")));
    assert_eq!(fields("\n\n---\ntitle: a\n---"), Ok((one("title", "a"), "")));
    assert_eq!(fields("---\n---\nbody"), Ok((vec![], "body")));
    assert_eq!(fields("---\n# nothing\n---\n"), Ok((vec![], "")));
}

#[test]
fn what_is_wrong_is_named_at_its_place() {
    assert_eq!(fields("# Title\n"), Err("a.md front-matter-missing: the file does not begin with front matter".into()));
    assert_eq!(fields(""), Err("a.md front-matter-missing: the file does not begin with front matter".into()));
    assert_eq!(
        fields("---\ntitle: a\n"),
        Err("a.md:1:1 front-matter-open: the front matter has no closing `---`".into())
    );
    assert_eq!(
        fields("---\ntitle: a\ntitle: b\n---\n"),
        Err("a.md:3:1 front-matter-syntax: the field `title` is written twice".into())
    );
    assert_eq!(
        fields("---\ntitle: a\nparams:\n  title: c\n\"Title\" : b\n---\n"),
        Err("a.md:5:1 front-matter-syntax: the field `title` is written twice".into())
    );
    assert_eq!(
        fields("+++\ntitle = 'a'\ntitle = 'b'\n+++\n"),
        Err("a.md:3:1 front-matter-syntax: the field `title` is written twice".into())
    );
    assert_eq!(
        fields("---\ntitle: a: b\n---\n"),
        Err("a.md:2:9 front-matter-syntax: mapping values are not allowed in this context".into())
    );
    assert_eq!(
        fields("+++\ntitle = a\n+++\n"),
        Err("a.md:2:9 front-matter-syntax: string values must be quoted, expected literal string".into())
    );
    let error = split("a.md", b"---\na: b\ntitle: \xff\n---\n").unwrap_err();
    assert_eq!((error.rule, error.place.unwrap().to_string()), ("not-utf8", "a.md:3".to_owned()));
}

#[test]
fn reading_stops_where_the_front_matter_ends() {
    assert!(!is_complete(b"---\ntitle: a\n"));
    assert!(is_complete(b"---\ntitle: a\n---\n"));
    assert!(is_complete(b"plain text\n"));
    assert!(!is_complete(b"\n"));
    assert!(is_complete(&[b"---\n".as_slice(), &[b'['; MAX_BYTES]].concat()));
}

proptest! {
    #[test]
    fn any_bytes_are_split_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(block) = split("a.md", &bytes) {
            prop_assert!(block.body.offset <= bytes.len());
            let _ = block.fields("a.md");
        }
    }

    #[test]
    fn any_title_comes_back(title in "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,40}") {
        let text = format!("---\ntitle: {}\n---\n", serde_json::to_string(&title).unwrap());
        prop_assert_eq!(fields(&text).unwrap().0, one("title", &title));
    }
}

use proptest::prelude::*;

use super::*;

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn id(text: &str) -> IssueId {
    IssueId::new(text).unwrap()
}

fn locked(name: &str) -> Locked {
    let published = "2026-11-02T08:00:00Z".parse().unwrap();
    Locked { id: id(name), published, hash: HASH.to_owned(), former: BTreeSet::new() }
}

fn finding(body: &str) -> String {
    let finding = Lock::parse(&format!("version = 1\n[issues]\n{body}")).unwrap_err();
    format!("{} {}: {finding}", finding.place.as_ref().unwrap(), finding.rule)
}

#[test]
fn one_line_per_issue_in_the_order_of_the_paths() {
    let moved = Locked { former: [id("c"), id("b")].into(), ..locked("https://example.org/b/") };
    let lock = Lock { entries: [("潮 汐.md".to_owned(), moved), ("a\".md".to_owned(), locked("one"))].into() };
    let expected = format!(
        "version = 1\n\n[issues]\n\
         \"a\\\".md\" = {{ id = \"one\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\" }}\n\
         \"潮 汐.md\" = {{ id = \"https://example.org/b/\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\", \
         former = [\"b\", \"c\"] }}\n"
    );
    assert_eq!(lock.to_text().strip_prefix(HEADER), Some(expected.as_str()));
    assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let entry = |id: &str| format!("{{ id = \"{id}\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\" }}");
    let (a, blank) = (entry("a"), entry(" "));
    for (body, expected) in [
        (
            format!("\"a.md\" = {a}\n<<<<<<< HEAD\n"),
            "4:1 lock-conflict: it holds two versions that git could not merge",
        ),
        (format!("\"a.md\" = {a}\n\"b.md\" = {a}\n"), "4:10 lock: `a` is the id of `a.md` too"),
        (format!("\"a.md\" = {a}\n\"a.md\" = {a}\n"), "4:1 lock: it cannot be read: duplicate key"),
        (format!("\"a.md\" = {blank}\n"), "3:10 lock: the id is blank"),
        (
            format!("\"a.md\" = {}\n", a.replace("2026", "26")),
            "3:10 lock: `published` is no date such as `2026-11-23T07:00:00Z`",
        ),
        (format!("\"a.md\" = {}\n", a.replace("b855", "")), "3:10 lock: `sha256` is not 64 hexadecimal digits"),
        (
            format!("\"a.md\" = {}\n", a.replace("id =", "name =")),
            "3:12 lock: it cannot be read: unknown field `name`, expected one of `id`, `published`, `sha256`, `former`",
        ),
    ] {
        assert_eq!(finding(&body), format!("feeds.lock:{expected}"));
    }
}

#[test]
fn a_file_of_another_version_is_refused_whatever_else_it_says() {
    for text in ["version = 2\n", "version = 2\n[posts]\na = 1\n"] {
        let finding = Lock::parse(text).unwrap_err();
        let place = finding.place.as_ref().unwrap().to_string();
        assert_eq!((finding.rule, place.as_str()), ("lock-version", "feeds.lock:1:11"), "{text}");
    }
    assert_eq!(Lock::parse("").unwrap_err().message, "it cannot be read: missing field `version`");
}

#[test]
fn the_hash_is_that_of_the_words() {
    assert_eq!(content_hash("one\r\n\r\ntwo\r\n"), content_hash("\n\none\n\ntwo"));
    assert_ne!(content_hash("one\ntwo"), content_hash("one two"));
    assert_ne!(content_hash("one\ntwo"), content_hash("onetwo"));
}

proptest! {
    #[test]
    fn any_path_and_id_comes_back(
        entries in proptest::collection::btree_map(
            "(.|[\"\\\\\u{0}-\u{1f}\u{7f}\n\r]){1,12}",
            ("(.|[\"\\\\\u{7f}\u{85}\n]){0,6}", 0_i64..4_000_000_000, 0_u32..1_000_000_000, "[0-9a-f]{64}"),
            0..6,
        ),
    ) {
        let mut lock = Lock::default();
        for (number, (path, (name, seconds, nanoseconds, hash))) in entries.into_iter().enumerate() {
            let published = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
            let former = (number % 2 == 0).then(|| id(&format!("{number} {name}~"))).into_iter().collect();
            lock.entries.insert(path, Locked { id: id(&format!("{number}{name}!")), published, hash, former });
        }
        prop_assert_eq!(as_written(&lock.to_text()), Some(lock.clone()));
        // A comment more, and the whole of TOML is needed.
        prop_assert_eq!(Lock::parse(&format!("# mine\n{}", lock.to_text())).unwrap(), lock);
    }

    #[test]
    fn no_text_is_half_read(text in "(version = 1\n|\\[issues\\]\n|\"a\" = |\\{ id = \"|.|\n){0,12}") {
        if let Ok(lock) = Lock::parse(&text) {
            prop_assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
        }
    }
}

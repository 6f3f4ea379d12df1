//! `feeds.lock`: the ids by which subscribers know the issues, so that a new slug, domain or folder never makes an old
//! issue look new. Committed to version control, like Cargo.lock.
//!
//! Parses and writes the file: TOML, one line per issue ordered by path, so that branches merge. The entry of a deleted
//! issue stays: its id is never reused. `identity` assigns the ids. `mailings` handles what was mailed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::finding::{Finding, Place};
use crate::hex::hex;
use crate::identity::likeness::Likeness;
use crate::issue::IssueId;

use mailings::RawMailing;
pub use mailings::{LockedMailing, Mailings};

mod mailings;

/// The file, below the project folder.
pub const FILE: &str = "feeds.lock";

const VERSION: u32 = 3;

/// The latest version of programs that loaded fewer issues than this one.
const VERSION_BEFORE: u32 = 2;

const HEADER: &str = "\
# The ids under which subscribers know your issues. `slugline build` writes this file; commit it. As long as it is there,
# an issue that is renamed, moved or edited stays the same to every reader.
";

/// The contents of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// By the path of the issue below the project folder.
    pub entries: BTreeMap<String, LockEntry>,
    /// Mailings, by the path of the project file below the project folder.
    pub mailings: BTreeMap<String, Mailings>,
    /// Whether a program wrote it that loaded fewer issues than this one: see `identity::backfill`.
    pub is_from_before: bool,
}

/// The entry of a published issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// Its id.
    pub id: IssueId,
    /// Its date when recorded.
    pub published: DateTime<Utc>,
    /// `content_hash` of its body when last built.
    pub hash: String,
    /// Its title and text when last built, for comparison; `None` in entries from before this was recorded.
    pub like: Option<Likeness>,
    /// Seconds added to its last change in feeds, so that no two issues changed at the same time.
    pub seconds: u32,
    /// Whether it was there before this program could load it: see `Issue::is_backfilled`.
    pub is_backfilled: bool,
    /// Previous ids, which are never reused.
    pub former: BTreeSet<IssueId>,
}

/// Hash of an issue's text: SHA-256 in hexadecimal. Ignores line endings, surrounding empty lines and the front matter,
/// whose title often changes together with the file name.
pub fn content_hash(body: &str) -> String {
    let mut hash = Sha256::new();
    for line in body.trim().lines() {
        hash.update(line);
        hash.update("\n");
    }
    hex(hash.finalize())
}

impl Lock {
    /// Parses the text of the file.
    ///
    /// # Errors
    /// A finding with line and remedy: ignoring unreadable lines would change ids.
    pub fn parse(text: &str) -> Result<Self, Box<Finding>> {
        if let Some(lock) = parse_own_output(text) {
            return Ok(lock);
        }
        if let Some(conflict) = conflict(text) {
            return Err(Box::new(conflict));
        }
        let raw = match toml::from_str::<RawLock>(text) {
            Ok(raw) if is_known(raw.version) => raw,
            Ok(raw) => return Err(Box::new(other_version(text, raw.version))),
            Err(error) => return Err(Box::new(unreadable(text, &error))),
        };
        let mut lock = Self { is_from_before: raw.version <= VERSION_BEFORE, ..Self::default() };
        let mut owners: BTreeMap<IssueId, String> = BTreeMap::new();
        for (path, entry) in raw.issues {
            let place = Place::in_text(FILE, text, entry.span().start);
            let wrong = |why: String| Box::new(Finding::error("lock", why).help(HELP).at(place.clone()));
            let locked = entry.into_inner().locked().map_err(|why| wrong(why.to_owned()))?;
            for id in locked.ids() {
                if let Some(other) = owners.insert(id.clone(), path.clone()) {
                    return Err(wrong(format!("`{id}` is also the id of `{other}`")));
                }
            }
            lock.entries.insert(path, locked);
        }
        for (file, raw) in raw.mailings.into_iter().filter(|(_, raw)| !raw.is_empty()) {
            lock.mailings.insert(file, mailings_of(text, raw)?);
        }
        Ok(lock)
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let version = if self.is_from_before { VERSION_BEFORE } else { VERSION };
        let mut text = format!("{HEADER}version = {version}\n\n[issues]\n");
        for (path, locked) in &self.entries {
            let published = locked.published.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            let (path, id) = (quoted(path), quoted(locked.id.as_str()));
            let _ = write!(text, "{path} = {{ id = {id}, published = \"{published}\", sha256 = \"{}\"", locked.hash);
            if let Some(like) = locked.like {
                let _ = write!(text, ", like = \"{like}\"");
            }
            if locked.seconds > 0 {
                let _ = write!(text, ", seconds = {}", locked.seconds);
            }
            if locked.is_backfilled {
                text.push_str(", backfilled = true");
            }
            if !locked.former.is_empty() {
                let former: Vec<String> = locked.former.iter().map(|id| quoted(id.as_str())).collect();
                let _ = write!(text, ", former = [{}]", former.join(", "));
            }
            text.push_str(" }\n");
        }
        mailings::write(&mut text, &self.mailings);
        text
    }

    /// Every id that was ever published.
    pub fn ids(&self) -> impl Iterator<Item = &IssueId> {
        self.entries.values().flat_map(LockEntry::ids)
    }
}

impl LockEntry {
    /// Its id, then its former ones.
    pub fn ids(&self) -> impl Iterator<Item = &IssueId> {
        std::iter::once(&self.id).chain(&self.former)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    version: u32,
    #[serde(default)]
    issues: BTreeMap<String, Spanned<RawLockEntry>>,
    #[serde(default)]
    mailings: BTreeMap<String, BTreeMap<String, Spanned<RawMailing>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLockEntry {
    id: String,
    published: String,
    sha256: String,
    like: Option<String>,
    #[serde(default)]
    seconds: u32,
    #[serde(default)]
    backfilled: bool,
    #[serde(default)]
    former: Vec<String>,
}

impl RawLockEntry {
    fn locked(self) -> Result<LockEntry, &'static str> {
        let id = |id: &str| IssueId::new(id).ok_or("the id is empty");
        let published = DateTime::parse_from_rfc3339(&self.published);
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("`sha256` is not 64 hexadecimal digits");
        }
        let like = self.like.map(|like| like.parse()).transpose();
        let like = like.map_err(|()| "`like` is not 72 hexadecimal digits")?;
        let mut former = BTreeSet::new();
        for text in &self.former {
            former.insert(id(text)?);
        }
        let published = published.map_err(|_| "`published` is not a date such as `2026-11-23T07:00:00Z`")?.to_utc();
        let (seconds, is_backfilled) = (self.seconds, self.backfilled);
        Ok(LockEntry { id: id(&self.id)?, published, hash: self.sha256, like, seconds, is_backfilled, former })
    }
}

/// The mailings of one project file.
fn mailings_of(text: &str, raw: BTreeMap<String, Spanned<RawMailing>>) -> Result<Mailings, Box<Finding>> {
    let mut mailings = Mailings::new();
    for (id, raw) in raw {
        let place = Place::in_text(FILE, text, raw.span().start);
        let id = IssueId::new(&id).ok_or("the id is empty");
        let read = id.and_then(|id| raw.into_inner().mailing(&id).map(|mailing| (id, mailing)));
        let (id, mailing) = read.map_err(|why| Box::new(Finding::error("lock", why).help(HELP).at(place)))?;
        mailings.insert(id, mailing);
    }
    Ok(mailings)
}

/// Parses a file exactly as written by `to_text`, without a TOML document: after years it contains thousands of lines,
/// and every command reads it. `None` for anything else, valid or not.
fn parse_own_output(text: &str) -> Option<Lock> {
    let lines = text.strip_prefix(HEADER)?.strip_prefix("version = ")?;
    let (version, lines) = lines.split_once("\n\n[issues]\n")?;
    let version = version.parse().ok().filter(|version| is_known(*version))?;
    let (lines, mailings) = match lines.strip_prefix('\n') {
        Some(mailings) => ("", mailings),
        None => lines.split_once("\n\n").unwrap_or((lines, "")),
    };
    let (mailings, is_from_before) = (mailings::parse_own_output(mailings.lines())?, version <= VERSION_BEFORE);
    let mut lock = Lock { mailings, is_from_before, ..Lock::default() };
    for line in lines.lines() {
        let (path, locked) = parse_line(line)?;
        if lock.entries.insert(path, locked).is_some() {
            return None;
        }
    }
    let mut ids = HashSet::with_capacity(lock.entries.len());
    let distinct = lock.ids().all(|id| ids.insert(id));
    distinct.then_some(lock)
}

fn parse_line(line: &str) -> Option<(String, LockEntry)> {
    let (path, rest) = json(line)?;
    let (id, rest) = json(rest.strip_prefix(" = { id = ")?)?;
    let (published, rest) = json(rest.strip_prefix(", published = ")?)?;
    let (sha256, rest) = json(rest.strip_prefix(", sha256 = ")?)?;
    let (like, rest) = match rest.strip_prefix(", like = ") {
        Some(rest) => json(rest).map(|(like, rest)| (Some(like), rest))?,
        None => (None, rest),
    };
    let (seconds, rest) = match rest.strip_prefix(", seconds = ") {
        Some(rest) => json(rest)?,
        None => (0, rest),
    };
    let (backfilled, rest) = match rest.strip_prefix(", backfilled = true") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (former, rest) = match rest.strip_prefix(", former = ") {
        Some(rest) => json(rest)?,
        None => (Vec::new(), rest),
    };
    let locked = RawLockEntry { id, published, sha256, like, seconds, backfilled, former }.locked().ok()?;
    (rest == " }").then_some((path, locked))
}

/// The value at the start of a text, and the rest: strings written by `quoted` are valid JSON.
fn json<T: DeserializeOwned>(text: &str) -> Option<(T, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

const HELP: &str = "restore the last committed version of the file, then run `slugline build`";

/// Reports the markers of a merge conflict.
fn conflict(text: &str) -> Option<Finding> {
    let is_mark = |line: &str| ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark));
    let line = text.lines().position(is_mark)? + 1;
    let finding = Finding::error("lock-conflict", "the lock file contains an unresolved merge conflict");
    let help = "keep the lines of both sides (of two for the same mailing, the one with the higher `run`), remove the conflict \
                markers, then run `slugline build`";
    Some(finding.help(help).at(Place::at_line(FILE, text, line, 1)))
}

fn unreadable(text: &str, error: &toml::de::Error) -> Finding {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    if let Ok(Versioned { version }) = toml::from_str(text)
        && !is_known(version)
    {
        return other_version(text, version);
    }
    let offset = error.span().map_or(0, |span| span.start);
    let message = format!("the lock file cannot be read: {}", error.message().lines().next().unwrap_or_default());
    Finding::error("lock", message).help(HELP).at(Place::in_text(FILE, text, offset))
}

fn is_known(version: u32) -> bool {
    (1..=VERSION).contains(&version)
}

fn other_version(text: &str, version: u32) -> Finding {
    let message =
        format!("the lock file has version {version}, but this slugline supports only versions up to {VERSION}");
    let place = Place::of_value(FILE, text, &["version"]);
    Finding::error("lock-version", message).help("use the slugline version that wrote it, or a newer one").at(place)
}

/// A TOML basic string: escaped like JSON, except for DEL, which JSON does not escape.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::{DigestContents, Period, PeriodName};
    use crate::identity::likeness::{TextSketch, TitleHash};

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn id(text: &str) -> IssueId {
        IssueId::new(text).unwrap()
    }

    fn locked(name: &str) -> LockEntry {
        let published = "2026-11-02T08:00:00Z".parse().unwrap();
        LockEntry {
            id: id(name),
            published,
            hash: HASH.to_owned(),
            like: None,
            seconds: 0,
            is_backfilled: false,
            former: BTreeSet::new(),
        }
    }

    fn finding(body: &str) -> String {
        let finding = Lock::parse(&format!("version = 1\n[issues]\n{body}")).unwrap_err();
        format!("{} {}: {finding}", finding.place.as_ref().unwrap(), finding.rule)
    }

    #[test]
    fn one_line_per_issue_ordered_by_path() {
        let moved = LockEntry { former: [id("c"), id("b")].into(), ..locked("https://example.org/b/") };
        let lock = Lock {
            entries: [("潮 汐.md".to_owned(), moved), ("a\".md".to_owned(), locked("one"))].into(),
            ..Lock::default()
        };
        let expected = format!(
            "version = 3\n\n[issues]\n\
             \"a\\\".md\" = {{ id = \"one\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\" }}\n\
             \"潮 汐.md\" = {{ id = \"https://example.org/b/\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\", \
             former = [\"b\", \"c\"] }}\n"
        );
        assert_eq!(lock.to_text().strip_prefix(HEADER), Some(expected.as_str()));
        assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
    }

    #[test]
    fn problems_are_reported_with_their_place() {
        let entry =
            |id: &str| format!("{{ id = \"{id}\", published = \"2026-11-02T08:00:00Z\", sha256 = \"{HASH}\" }}");
        let (a, empty) = (entry("a"), entry(" "));
        for (body, expected) in [
            (
                format!("\"a.md\" = {a}\n<<<<<<< HEAD\n"),
                "4:1 lock-conflict: the lock file contains an unresolved merge conflict",
            ),
            (format!("\"a.md\" = {a}\n\"b.md\" = {a}\n"), "4:10 lock: `a` is also the id of `a.md`"),
            (format!("\"a.md\" = {a}\n\"a.md\" = {a}\n"), "4:1 lock: the lock file cannot be read: duplicate key"),
            (format!("\"a.md\" = {empty}\n"), "3:10 lock: the id is empty"),
            (
                format!("\"a.md\" = {}\n", a.replace("2026", "26")),
                "3:10 lock: `published` is not a date such as `2026-11-23T07:00:00Z`",
            ),
            (format!("\"a.md\" = {}\n", a.replace("b855", "")), "3:10 lock: `sha256` is not 64 hexadecimal digits"),
            (
                format!("\"a.md\" = {}\n", a.replace("id =", "name =")),
                "3:12 lock: the lock file cannot be read: unknown field `name`, expected one of `id`, `published`, `sha256`, `like`, `seconds`, `backfilled`, `former`",
            ),
        ] {
            assert_eq!(finding(&body), format!("feeds.lock:{expected}"));
        }
    }

    #[test]
    fn the_versions_before_are_read() {
        for (version, is_from_before) in [(1, true), (2, true), (3, false)] {
            let lock = Lock::parse(&format!("version = {version}\n\n[issues]\n")).unwrap();
            assert_eq!(lock.is_from_before, is_from_before, "{version}");
            assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock, "{version}");
        }
    }

    #[test]
    fn a_file_of_another_version_is_rejected() {
        for text in ["version = 4\n", "version = 4\n[posts]\na = 1\n"] {
            let finding = Lock::parse(text).unwrap_err();
            let place = finding.place.as_ref().unwrap().to_string();
            assert_eq!((finding.rule, place.as_str()), ("lock-version", "feeds.lock:1:11"), "{text}");
        }
        assert_eq!(Lock::parse("").unwrap_err().message, "the lock file cannot be read: missing field `version`");
    }

    #[test]
    fn the_hash_covers_the_text_only() {
        assert_eq!(content_hash("one\r\n\r\ntwo\r\n"), content_hash("\n\none\n\ntwo"));
        assert_ne!(content_hash("one\ntwo"), content_hash("one two"));
        assert_ne!(content_hash("one\ntwo"), content_hash("onetwo"));
    }

    /// Two project files with mailings, one of them a digest.
    fn mailed() -> Lock {
        let mailing = LockedMailing {
            begun: "2026-11-20T12:00:00.5Z".parse().unwrap(),
            ended: None,
            recipients: 1204,
            run: 17,
            store: "5f".to_owned(),
            digest: None,
        };
        let period = Period {
            name: PeriodName::new("2026-W46").unwrap(),
            start: "2026-11-09T00:00:00Z".parse().unwrap(),
            end: "2026-11-16T00:00:00Z".parse().unwrap(),
        };
        let digest = LockedMailing {
            begun: "2026-11-16T08:00:00Z".parse().unwrap(),
            ended: Some("2026-11-16T09:00:00Z".parse().unwrap()),
            digest: Some(DigestContents { period: period.clone(), issues: vec![id("b\""), id("c")] }),
            ..mailing.clone()
        };
        let mailings = [(id("a#edition-2"), mailing.clone()), (period.id(), digest)];
        let files = [("slugline.yaml", Mailings::from(mailings)), ("week \"ly\".yaml", [(id("a"), mailing)].into())];
        let entries = [("a.md".to_owned(), locked("a"))].into();
        Lock {
            entries,
            mailings: files.map(|(file, mailings)| (file.to_owned(), mailings)).into(),
            is_from_before: false,
        }
    }

    #[test]
    fn one_line_per_mailing_ordered_by_start() {
        let expected = "\n\
            # Mailings sent so far, so that a lost or restored store mails no one twice. Commit this file after every sending.\n\
            [mailings.\"slugline.yaml\"]\n\
            \"digest:2026-W46\" = { begun = \"2026-11-16T08:00:00Z\", ended = \"2026-11-16T09:00:00Z\", recipients = 1204, \
            run = 17, store = \"5f\", period = [\"2026-11-09T00:00:00Z\", \"2026-11-16T00:00:00Z\"], \
            holds = [\"b\\\"\", \"c\"] }\n\
            \"a#edition-2\" = { begun = \"2026-11-20T12:00:00.500Z\", recipients = 1204, run = 17, store = \"5f\" }\n\n\
            [mailings.\"week \\\"ly\\\".yaml\"]\n\
            \"a\" = { begun = \"2026-11-20T12:00:00.500Z\", recipients = 1204, run = 17, store = \"5f\" }\n";
        let mailed = mailed();
        let text = mailed.to_text();
        assert_eq!(text.split_once("\n\n").unwrap().1.split_once(" }\n").unwrap().1, expected);
        for lock in [mailed.clone(), Lock { entries: BTreeMap::new(), ..mailed }] {
            assert_eq!(parse_own_output(&lock.to_text()), Some(lock.clone()));
            assert_eq!(Lock::parse(&format!("# mine\n{}", lock.to_text())).unwrap(), lock);
        }
    }

    #[test]
    fn problems_with_a_mailing_are_reported_with_their_place() {
        let text = mailed().to_text();
        let (a, digest) = (", run = 17, store = \"5f\" }", "holds = [\"b\\\"\", \"c\"] }");
        for (from, to, line, expected) in [
            (a, ", store = \"5f\" }", 11, "missing field `run`"),
            (a, ", run = -1, store = \"5f\" }", 11, "invalid value: integer `-1`, expected u64"),
            ("\"2026-11-16T09", "\"26-11-16T09", 10, "a time is not a date such as `2026-11-23T07:00:00Z`"),
            (digest, " }", 10, "`period` and `holds` go together"),
            (digest, "holds = [\"\"] }", 10, "an id is empty"),
            ("\"digest:2026-W46\"", "\"w46\"", 10, "only a digest has a period"),
        ] {
            let wrong = text.replacen(from, to, 1);
            assert_ne!(wrong, text, "{from}");
            let finding = Lock::parse(&wrong).unwrap_err();
            assert!(finding.message.ends_with(expected), "{finding}");
            assert_eq!(finding.place.as_ref().unwrap().line, line, "{finding}");
        }
    }

    proptest! {
        #[test]
        fn any_path_and_id_round_trips(
            entries in proptest::collection::btree_map(
                "(.|[\"\\\\\u{0}-\u{1f}\u{7f}\n\r]){1,12}",
                ("(.|[\"\\\\\u{7f}\u{85}\n]){0,6}", 0_i64..4_000_000_000, 0_u32..1_000_000_000, "[0-9a-f]{64}"),
                0..6,
            ),
        ) {
            let mut lock = Lock::default();
            let likes = [None, Some(Likeness { title: TitleHash::of("a"), text: TextSketch::of(HASH) })];
            for (number, (path, (name, seconds, nanoseconds, hash))) in entries.into_iter().enumerate() {
                let published = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
                let former = (number % 2 == 0).then(|| id(&format!("{number} {name}~"))).into_iter().collect();
                lock.entries.insert(path, LockEntry { id: id(&format!("{number}{name}!")), published, hash, like: likes[number % 2], seconds: (number % 3) as u32, is_backfilled: number % 2 == 0, former });
            }
            for (path, locked) in &lock.entries {
                let mailing = LockedMailing {
                    begun: locked.published,
                    ended: locked.former.is_empty().then_some(locked.published),
                    recipients: u64::from(locked.published.timestamp_subsec_nanos()),
                    run: locked.former.len() as u64,
                    store: locked.hash.clone(),
                    digest: None,
                };
                let file = path.chars().take(1).collect();
                lock.mailings.entry(file).or_default().insert(locked.id.clone(), mailing);
            }
            prop_assert_eq!(parse_own_output(&lock.to_text()), Some(lock.clone()));
            // With an added comment, it needs the TOML parser.
            prop_assert_eq!(Lock::parse(&format!("# mine\n{}", lock.to_text())).unwrap(), lock);
        }

        #[test]
        fn no_text_is_partially_parsed(text in "(version = 1\n|\\[issues\\]\n|\\[mailings\\.a\\]\n|\"a\" = |\\{ id = \"|.|\n){0,12}") {
            if let Ok(lock) = Lock::parse(&text) {
                prop_assert_eq!(Lock::parse(&lock.to_text()).unwrap(), lock);
            }
        }
    }
}

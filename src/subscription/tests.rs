use std::io::{self, Cursor, Seek, SeekFrom};

use super::*;
use crate::store::sqlite::Sqlite;
use crate::subscriber::StatusCounts;

mod exports;
mod refused;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn with_store(test: impl FnOnce(&mut dyn Store)) {
    let folder = tempfile::tempdir().unwrap();
    test(&mut Sqlite::open(&folder.path().join("store.db")).unwrap());
}

fn import_text(store: &mut dyn Store, csv: &str) -> anyhow::Result<(Added, Vec<String>)> {
    import_with(store, csv, &Options::default())
}

fn import_with(store: &mut dyn Store, csv: &str, options: &Options) -> anyhow::Result<(Added, Vec<String>)> {
    let imported = import(store, "list.csv", &mut Cursor::new(csv), options, now(), &mut |_| {})?;
    let show = |finding: &Finding| format!("{}: {finding}", finding.place.as_ref().unwrap());
    Ok((imported.added, imported.findings.iter().map(show).collect()))
}

fn exported(store: &dyn Store) -> String {
    let mut out = Vec::new();
    export::csv(store, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn subscriber(address: &str) -> NewSubscriber {
    NewSubscriber::new(address.parse().unwrap(), "")
}

#[test]
fn valid_rows_are_imported_and_invalid_ones_reported() {
    with_store(|store| {
        let csv = "\u{feff}Name; E-Mail ;city\n李雷;li@例え.jp;\"海口;市\"\n;no address;\n\nHan;han@example.org\n;LI@xn--r8jz45g.jp;\n";
        let (added, findings) = import_text(store, csv).unwrap();
        assert_eq!(
            added,
            Added { new: 2, repeated: 1, by_status: by_status(&[(Status::Active, 2)]), ..Added::default() }
        );
        assert_eq!(
            findings,
            ["list.csv:3: `no address` is not an email address: it needs a name, an `@` and a domain"]
        );
        assert_eq!(
            exported(store),
            "email,name,status,created,city\nli@xn--r8jz45g.jp,李雷,active,2026-11-23T08:00:00+00:00,海口;市\n\
             han@example.org,Han,active,2026-11-23T08:00:00+00:00,\n"
        );
    });
}

#[test]
fn an_excel_separator_line_is_not_the_header() {
    for (line, separator) in [("\u{feff}sep=;", ';'), ("SEP=,", ','), ("sep=\t", '\t'), ("sep=|\r", '|')] {
        with_store(|store| {
            let csv =
                format!("{line}\nemail;name\na@example.org;Anna, B\nnobody;\n").replace(';', &separator.to_string());
            let csv = csv.replace("Anna, B", "\"Anna, B\"");
            let (added, findings) = import_text(store, &csv).unwrap();
            assert_eq!(added.new, 1, "{csv:?}");
            assert!(findings[0].starts_with("list.csv:4: `nobody` is not an email address"), "{findings:?}");
            assert!(exported(store).contains("a@example.org,\"Anna, B\",active"));
        });
    }
}

#[test]
fn an_export_imports_again_and_changes_nothing() {
    with_store(|store| {
        import_text(store, "email,name,plan\na@example.org,\"A, B\",pro\nb@example.org,,\n").unwrap();
        remove(store, &"b@example.org".parse().unwrap(), now()).unwrap();
        let before = exported(store);
        let by_status = by_status(&[(Status::Active, 1), (Status::Unsubscribed, 1)]);
        assert_eq!(import_text(store, &before).unwrap().0, Added { known: 1, away: 1, by_status, ..Added::default() });
        assert_eq!(exported(store), before);
    });
}

#[test]
fn a_file_without_an_address_column_adds_no_one() {
    with_store(|store| {
        let error = import_text(store, "a@example.org\nb@example.org\n").unwrap_err();
        assert_eq!(error.to_string(), "there is no column `email` in the file");
        let help = error.downcast_ref::<Finding>().unwrap().help.clone().unwrap();
        assert!(help.contains("add a line with the column names above it"), "{help}");
        let error = import_text(store, "mail,name\na@example.org,A\n").unwrap_err();
        let help = error.downcast_ref::<Finding>().unwrap().help.clone().unwrap();
        assert_eq!(help, "name the address column with `--map email=COLUMN`; the columns are `mail`, `name`");
        assert!(import_text(store, "").is_err());
    });
}

#[test]
fn an_unsubscribed_address_is_added_again_only_on_request() {
    with_store(|store| {
        let address: EmailAddress = "a@example.org".parse().unwrap();
        assert_eq!(remove(store, &address, now()).unwrap(), None);
        assert_eq!(add(store, subscriber("a@example.org"), false, now()).unwrap(), AddOutcome::New);
        assert_eq!(add(store, subscriber("A@example.org"), false, now()).unwrap(), AddOutcome::Known);
        assert_eq!(remove(store, &address, now()).unwrap(), Some(Status::Active));
        assert_eq!(remove(store, &address, now()).unwrap(), Some(Status::Unsubscribed));
        let away = AddOutcome::Away(Status::Unsubscribed);
        assert_eq!(add(store, subscriber("a@example.org"), false, now()).unwrap(), away);
        let again = AddOutcome::Again(Status::Unsubscribed);
        assert_eq!(add(store, subscriber("a@example.org"), true, now()).unwrap(), again);
        assert_eq!(store.subscriber(&address).unwrap().unwrap().status, Status::Active);
        for status in [Status::Unconfirmed, Status::Bounced, Status::Complained] {
            store.set_status(&address, status, now()).unwrap();
            assert_eq!(add(store, subscriber("a@example.org"), false, now()).unwrap(), AddOutcome::Away(status));
            assert_eq!(remove(store, &address, now()).unwrap(), Some(status));
            let after = if status == Status::Unconfirmed { Status::Unsubscribed } else { status };
            assert_eq!(add(store, subscriber("a@example.org"), true, now()).unwrap(), AddOutcome::Again(after));
        }
    });
}

#[test]
fn an_export_carries_statuses_to_another_store() {
    with_store(|store| {
        import_text(store, "email,name\na@example.org,A\nb@example.org,B\n").unwrap();
        remove(store, &"b@example.org".parse().unwrap(), now()).unwrap();
        let all = exported(store);
        with_store(|other| {
            let by_status = by_status(&[(Status::Active, 1), (Status::Unsubscribed, 1)]);
            assert_eq!(import_text(other, &all).unwrap().0, Added { new: 1, away: 1, by_status, ..Added::default() });
            assert_eq!(exported(other), all);
        });
    });
}

#[test]
fn every_finding_names_its_line() {
    let rows = [
        "email,name,note",
        "",
        "a@example.org,A,\"one",
        "two\"",
        "",
        "",
        "bad,B,",
        "b@example.org,\"B,",
        "bad,\"C\",",
        "bad",
    ];
    let expected = [
        "list.csv:7: `bad` is not an email address: it needs a name, an `@` and a domain",
        "list.csv:8: a quote is opened here and never closed",
        "list.csv:9: `bad` is not an email address: it needs a name, an `@` and a domain",
        "list.csv:10: `bad` is not an email address: it needs a name, an `@` and a domain",
    ];
    for end in ["\n", "\r\n"] {
        with_store(|store| {
            let (added, findings) = import_text(store, &rows.join(end)).unwrap();
            assert_eq!((added.new, findings), (1, expected.map(str::to_owned).to_vec()));
            let note = store.subscriber(&"a@example.org".parse().unwrap()).unwrap().unwrap().attributes["note"].clone();
            assert_eq!(note, "one\ntwo");
        });
    }
}

/// Returns its text byte by byte, like a slow disk; after `whole` complete readings it fails at the end.
struct Failing<'a> {
    text: Cursor<&'a [u8]>,
    whole: usize,
}

impl<'a> Failing<'a> {
    fn new(text: &'a [u8], whole: usize) -> Self {
        // Every reading first seeks to the beginning.
        Self { text: Cursor::new(text), whole: whole + 1 }
    }
}

impl io::Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match io::Read::read(&mut self.text, &mut out[..1])? {
            0 if self.whole == 0 => Err(io::Error::other("the cable is unplugged")),
            read => Ok(read),
        }
    }
}

impl Seek for Failing<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.whole = self.whole.saturating_sub(1);
        self.text.seek(to)
    }
}

#[test]
fn a_read_error_is_reported() {
    with_store(|store| {
        for (whole, expected) in [
            (0, "failed to read `list.csv` to its end; nothing was added: the cable is unplugged"),
            (2, "failed to read `list.csv` to its end; the 1 before were added: the cable is unplugged"),
        ] {
            let mut csv = Failing::new("\u{feff}email;name\na@example.org;A\nb@exa".as_bytes(), whole);
            let error = import(store, "list.csv", &mut csv, &Options::default(), now(), &mut |_| {}).unwrap_err();
            assert_eq!(format!("{error:#}"), expected);
            let there = store.subscriber(&"a@example.org".parse().unwrap()).unwrap();
            assert_eq!(there.map(|there| there.name), (whole == 2).then(|| "A".to_owned()));
        }
    });
}

#[test]
fn a_row_that_is_not_utf8_is_reported() {
    with_store(|store| {
        let csv = b"email,name\na@example.org,\xe6\x9d\x8e\ncaf\xe9@example.org\nb@example.org\n";
        let mut list = Cursor::new(csv);
        let imported = import(store, "list.csv", &mut list, &Options::default(), now(), &mut |_| {}).unwrap();
        assert_eq!(imported.added.new, 2);
        assert_eq!(imported.findings[0].place.as_ref().unwrap().to_string(), "list.csv:3");
    });
}

/// A list with one address for each possible outcome of a record.
const MIXED: &str = "email,status\nhere@example.org,\nnew@example.org,\nNEW@example.org,\nnobody,\nleft@example.org,\n\
                     gone@example.org,unsubscribed\ntwice@example.org,\ntwice@example.org,bounced\nhere@example.org,\n\
                     leaving@example.org,complained\nstays@example.org,unconfirmed\n";

fn before_mixed(store: &mut dyn Store) {
    let csv =
        "email,status\nhere@example.org,\nleft@example.org,unsubscribed\nleaving@example.org,\nstays@example.org,\n";
    import_text(store, csv).unwrap();
}

#[test]
fn new_subscribers_are_those_an_import_would_add_as_active() {
    with_store(|store| {
        before_mixed(store);
        let before = exported(store);
        let mut active = Vec::new();
        let mut each = |new: NewSubscriber| {
            active.push(new.address.to_string());
            Ok(())
        };
        let options = Options::default();
        let findings = dry_run::each_new_subscriber(store, "list.csv", &mut Cursor::new(MIXED), &options, &mut each);
        assert_eq!((active, findings.unwrap().len()), (vec!["new@example.org".to_owned()], 1));
        assert_eq!(exported(store), before);
    });
}

#[test]
fn a_dry_run_returns_what_the_import_returns() {
    with_store(|store| {
        before_mixed(store);
        let before = exported(store);
        let foreseen = dry_run::import(store, "list.csv", &mut Cursor::new(MIXED), &Options::default()).unwrap();
        assert_eq!(exported(store), before);
        let imported = import(store, "list.csv", &mut Cursor::new(MIXED), &Options::default(), now(), &mut |_| {});
        assert_eq!(imported.unwrap(), foreseen);
        let by_status =
            by_status(&[(Status::Active, 3), (Status::Unsubscribed, 2), (Status::Bounced, 1), (Status::Complained, 1)]);
        assert_eq!(foreseen.added, Added { new: 2, known: 3, repeated: 1, away: 4, by_status, ..Added::default() });
    });
}

fn by_status(counts: &[(Status, u64)]) -> StatusCounts {
    let mut by_status = StatusCounts::default();
    counts.iter().for_each(|(status, count)| by_status.add(*status, *count));
    by_status
}

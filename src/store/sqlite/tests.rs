use std::path::Path;

use super::*;
use crate::bounce::Class;
use crate::consent::{SubscriptionRequest, Wording};
use crate::ledger::AttemptOutcome;
use crate::store::conformance::{Runs, conforms};
use crate::store::events::MailEvent;
use crate::store::{EventStore as _, ReaderStore as _};
use crate::token::Secrets;
use crate::unsubscription::Channel;

#[test]
fn conforms_to_the_contract() {
    conforms(Runs::One, &|test| {
        let folder = tempfile::tempdir().unwrap();
        test(&|| Box::new(Sqlite::open(&folder.path().join("store.db")).unwrap()));
    });
}

impl Sqlite {
    /// As if subscribers up to this number had existed and were deleted.
    pub(crate) fn set_last_number(&self, number: i64) {
        self.connection.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'subscriber'", [number]).unwrap();
    }

    /// Changes the database directly.
    pub(crate) fn damage(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }
}

fn open_error(prepare: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    prepare(&path);
    let error = anyhow::Error::from(Sqlite::open(&path).unwrap_err());
    format!("{error:#}").replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn what_is_not_a_store_is_refused() {
    let text = |path: &Path| std::fs::write(path, "not a database but a text file").unwrap();
    assert_eq!(open_error(text), "cannot open the store `DIR/store.db`: it is not a SQLite database");
    let folder = |path: &Path| std::fs::create_dir(path).unwrap();
    assert!(open_error(folder).starts_with("cannot open the store `DIR/store.db`: "));
}

#[test]
fn a_database_of_another_program_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for batch in ["CREATE TABLE t (a)", "DROP TABLE t; PRAGMA application_id = 1"] {
        Connection::open(&path).unwrap().execute_batch(batch).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = anyhow::Error::from(Sqlite::open(&path).unwrap_err());
        assert_eq!(error.root_cause().to_string(), "it is a database of another program");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file is created beside it");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let error = anyhow::Error::from(Sqlite::open(Path::new("/nonexistent/store.db")).unwrap_err());
    let expected = "cannot open the store `/nonexistent/store.db`: the folder `/nonexistent` does not exist";
    assert_eq!(format!("{error:#}"), expected);
}

#[test]
fn a_damaged_store_is_reported_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let sound = Sqlite::open(&path).unwrap();
    let mut select =
        sound.connection.prepare("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'subscriber'").unwrap();
    let pages: Vec<u32> = select.query_map([], |row| row.get(0)).unwrap().map(|page| page.unwrap()).collect();
    drop(select);
    drop(sound);
    let mut bytes = std::fs::read(&path).unwrap();
    pages.iter().for_each(|page| bytes[4096 * (*page as usize - 1)..][..4096].fill(0x55));
    std::fs::write(&path, bytes).unwrap();
    let store = Sqlite::open(&path).unwrap();
    let error = store.each_subscriber(None, &mut |_| Ok(())).unwrap_err();
    assert!(error.root_cause().to_string().contains("is damaged"), "{error:#}");
    let error = store.subscriber(&"reader@example.org".parse().unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_newer_store_is_refused() {
    let newer = |path: &Path| {
        drop(Sqlite::open(path).unwrap());
        Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    };
    let known = schema::MIGRATIONS.len();
    let expected = format!("the store `DIR/store.db` has schema version 99; this program knows versions up to {known}");
    assert_eq!(open_error(newer), expected);
}

#[test]
fn a_store_of_the_first_version_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let older = Connection::open(&path).unwrap();
    older.execute_batch(schema::MIGRATIONS[0]).unwrap();
    older.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    older.pragma_update(None, "user_version", 1).unwrap();
    // What the first version wrote, before and after a newer version opened its file.
    let write = |number: u8| {
        let row = format!(
            "INSERT INTO mailing (issue, content_hash, frozen_at, expected) \
                           VALUES ('issue {number}', 'hash', '2026-11-23T08:00:00.000Z', 0)"
        );
        older.execute_batch(&row).unwrap();
    };
    write(1);
    let store = Sqlite::open(&path).unwrap();
    write(2);
    let mailings = store.mailings().unwrap();
    let issues: Vec<_> = mailings.iter().map(|mailing| (mailing.issue.as_str(), &mailing.digest)).collect();
    assert_eq!(issues, [("issue 2", &None), ("issue 1", &None)]);
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Sqlite::open(&path).unwrap();
    let row =
        "INSERT INTO subscriber VALUES (3, 'k', 'no address', '', 'active', '{}', '2026-01-01T00:00:00Z', '', NULL)";
    store.connection.execute_batch(row).unwrap();
    let error = store.each_subscriber(None, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "row 3 of the table `subscriber` cannot be read");
}

#[test]
fn a_failed_import_adds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(&folder.path().join("store.db")).unwrap();
    store.connection.execute_batch("PRAGMA max_page_count = 40").unwrap();
    let new = |number| NewSubscriber::new(format!("reader{number}@example.org").parse().unwrap(), "");
    let error = store.add_subscribers(&mut (0..10_000).map(new), DateTime::default()).unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    store.each_subscriber(None, &mut |_| panic!("a subscriber was added")).unwrap();
}

#[test]
fn waits_for_another_process_that_creates_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| Sqlite::open(&path).map(|store| count(&store)));
        // The test must succeed whatever the other thread does meanwhile.
        std::thread::sleep(std::time::Duration::from_millis(200));
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(opened.join().unwrap().unwrap(), 0);
    });
}

/// Threads with separate connections contend for the file's locks as processes do.
#[test]
fn many_may_open_read_and_write_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let add = |thread: usize| {
        let mut store = Sqlite::open(&path).unwrap();
        for number in 0..10 {
            let address = format!("reader{number}@{thread}.example.org").parse().unwrap();
            store.add_subscribers(&mut std::iter::once(NewSubscriber::new(address, "")), DateTime::default()).unwrap();
        }
    };
    let watch = || {
        let store = Sqlite::open(&path).unwrap();
        let mut seen = 0;
        for _ in 0..200 {
            let now = count(&store);
            assert!(now >= seen, "a subscriber vanished");
            seen = now;
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || add(thread));
        }
        scope.spawn(watch);
        scope.spawn(watch);
    });
    assert_eq!(count(&Sqlite::open(&path).unwrap()), 40);
}

fn count(store: &Sqlite) -> usize {
    let mut count = 0;
    let mut each = |_| {
        count += 1;
        Ok(())
    };
    store.each_subscriber(None, &mut each).unwrap();
    count
}

/// A store as the previous version left it, with one subscriber.
fn old(path: &Path) {
    let connection = Connection::open(path).unwrap();
    for migration in &schema::MIGRATIONS[..6] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", 6).unwrap();
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    let reader = "INSERT INTO subscriber VALUES
        (1, 'a@example.org', 'a@example.org', '', 'active', '{}', '2026-11-23T08:00:00.000Z', '2026-11-23T08:00:00.000Z')";
    connection.execute_batch(reader).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_store_is_backed_up_before_its_schema_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    old(&path);
    drop(Sqlite::open(&path).unwrap());
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(names(folder.path()), ["store.db", "store.db.before-v9"]);
    let kept = folder.path().join("store.db.before-v9");
    let version = |path: &Path| -> i64 {
        Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((version(&kept), version(&path)), (6, 9));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // If the old file returns, it is backed up again.
    std::fs::copy(&kept, &path).unwrap();
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(names(folder.path()), ["store.db", "store.db.before-v9", "store.db.before-v9-2"]);
    let store = Sqlite::open(&kept).unwrap();
    assert!(store.subscriber(&"a@example.org".parse().unwrap()).unwrap().is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_that_cannot_be_backed_up_is_not_migrated() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    std::fs::create_dir(&path).unwrap();
    let path = path.join("store.db");
    old(&path);
    let error = anyhow::Error::from(Sqlite::open(&path).unwrap_err());
    assert!(format!("{error:#}").contains("keep a copy of itself before its schema changes"), "{error:#}");
    let version: i64 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 6);
}

#[test]
fn an_empty_older_store_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    old(&path);
    Connection::open(&path).unwrap().execute_batch("DELETE FROM subscriber").unwrap();
    drop(Sqlite::open(&path).unwrap());
    assert_eq!(names(folder.path()), ["store.db"]);
}

/// The names of the files in a folder that contain an address, in any case.
fn holding(folder: &Path, address: &EmailAddress) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).to_lowercase();
        if text.contains(&address.key()) {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    names
}

fn forget(store: &mut Sqlite, address: &EmailAddress, run: &Run) -> crate::store::Erasure {
    match store.forget(address, run, DateTime::UNIX_EPOCH).unwrap() {
        ForgetOutcome::Done(erasure) => *erasure,
        ForgetOutcome::Busy(_) => panic!("a run has claimed them"),
    }
}

/// With enough subscribers that pages are split and old versions of rows remain.
#[test]
fn no_trace_of_a_forgotten_address_stays_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(&folder.path().join("store.db")).unwrap();
    let (now, issue) = (DateTime::UNIX_EPOCH, IssueId::new("https://example.org/7/").unwrap());
    let run = |boot_id: &str| Run { host: "host".into(), boot_id: boot_id.into(), pid: 7 };
    let reader = |number: usize| format!("Reader{number:04}@Example.org").parse::<EmailAddress>().unwrap();
    // Not in the order of the index.
    let numbers: Vec<usize> = (0..2000).map(|number| number * 997 % 2000).collect();
    let new = |number: &usize| NewSubscriber::new(reader(*number), "N");
    store.add_subscribers(&mut numbers.iter().map(new), now).unwrap();
    store.freeze(&issue, "hash", None, now).unwrap();
    store.begin_run(&run("boot"), now).unwrap();
    let claims = store.claim(&issue, 2000, now).unwrap();
    let refused =
        |reader: &EmailAddress| AttemptOutcome::Failed { reply: format!("550 <{reader}>: unknown"), suppress: true };
    let entries: Vec<_> = claims
        .iter()
        .map(|claim| (claim.subscriber.id, LedgerEntry::Settled(refused(&claim.subscriber.address))))
        .collect();
    store.record(&issue, &entries[..1500], now).unwrap();
    store.renew_run(now).unwrap();
    store.record(&issue, &entries[1500..], now).unwrap();
    drop(store);
    let mut store = Sqlite::open(&folder.path().join("store.db")).unwrap();
    for number in [0, 3, 1000, 1999] {
        let address = reader(number);
        assert!(!holding(folder.path(), &address).is_empty(), "{number}");
        let erasure = forget(&mut store, &address, &run("boot"));
        assert!(erasure.was_known && erasure.is_erased, "{number}");
        assert_eq!(holding(folder.path(), &address), [] as [&str; 0], "{number}");
    }
    // While another run is alive, the result says whether a trace is left, and a later call erases it.
    let mut sending = Sqlite::open(&folder.path().join("store.db")).unwrap();
    sending.begin_run(&run("boot"), now).unwrap();
    let gone: Vec<EmailAddress> = (10..20).map(reader).collect();
    for address in &gone {
        let is_erased = forget(&mut store, address, &run("boot")).is_erased;
        assert_eq!(holding(folder.path(), address).is_empty(), is_erased, "{address}");
    }
    drop(sending);
    for address in &gone {
        let erasure = forget(&mut store, address, &run("boot"));
        assert!(erasure.was_forgotten && erasure.is_erased, "{address}");
        assert_eq!(holding(folder.path(), address), [] as [&str; 0]);
    }
}

/// What the previous version wrote: subscribers, an edition under way, tags.
const VERSION_7: &str = "
INSERT INTO subscriber VALUES
    (1, 'a@example.org', 'A@example.org', '读者', 'active', '{\"city\":\"海口\"}', '2026-11-01T08:00:00.000Z',
     '2026-11-02T08:00:00.000Z', 'yes'),
    (2, 'b@example.org', 'b@example.org', '', 'unsubscribed', '{}', '2026-11-01T08:00:00.000Z',
     '2026-11-02T08:00:00.000Z', NULL);
UPDATE sqlite_sequence SET seq = 7 WHERE name = 'subscriber';
INSERT INTO mailing VALUES (1, 'https://example.org/7/', 'hash', '2026-11-23T08:00:00.000Z', 2);
INSERT INTO delivery VALUES
    (1, 1, 'A@example.org', 'sent', 1, NULL, NULL, '250 ok', '2026-11-23T08:00:01.000Z'),
    (1, 2, 'b@example.org', 'queued', 0, NULL, NULL, NULL, '2026-11-23T08:00:00.000Z');
INSERT INTO address_tag VALUES ('f', 't', 1);
INSERT INTO forgotten VALUES ('h');
INSERT INTO rate VALUES ('mail', '2026-11-23T08:00:00.000000001Z')";

/// The rows of the tables that every version has, without the columns that are new.
fn rows_of_all_versions(connection: &Connection) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["subscriber", "mailing", "delivery", "address_tag", "forgotten", "rate", "property", "run", "server"]
    {
        let mut select = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let is_old = |at: &usize| !["class", "accepted_failures"].contains(&select.column_name(*at).unwrap());
        let columns: Vec<usize> = (0..select.column_count()).filter(is_old).collect();
        let mut all = select.query([]).unwrap();
        while let Some(row) = all.next().unwrap() {
            let values = columns.iter().map(|at| format!("{:?}", row.get_ref(*at).unwrap()));
            rows.push(format!("{table} {}", values.collect::<Vec<_>>().join(" ")));
        }
    }
    rows
}

#[test]
fn everything_survives_the_migration_of_earlier_versions() {
    for version in [7, 8] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let older = Connection::open(&path).unwrap();
        for migration in &schema::MIGRATIONS[..version] {
            older.execute_batch(migration).unwrap();
        }
        older.pragma_update(None, "user_version", version as i64).unwrap();
        older.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
        older.execute_batch(VERSION_7).unwrap();
        let before = rows_of_all_versions(&older);
        drop(older);
        let mut store = Sqlite::open(&path).unwrap();
        assert_eq!(rows_of_all_versions(&store.connection), before);
        assert!(names(folder.path()).contains(&"store.db.before-v9".to_owned()));
        // And the new tables work with them: numbers go on, who left before is not known to have.
        let left = store.leave(SubscriberId(1), Channel::Page, Some("zh"), DateTime::UNIX_EPOCH);
        assert_eq!(left.unwrap(), Some(Status::Active));
        assert_eq!(store.unsubscription(SubscriberId(2)).unwrap(), None);
        assert_eq!(store.message_counts().unwrap().of(State::Queued), 1);
        // What was sent before may bounce now.
        let issue = IssueId::new("https://example.org/7/").unwrap();
        let (subscriber, reply) = (SubscriberId(1), "550 nobody".to_owned());
        let bounced =
            MailEvent::Bounced { issue: issue.clone(), subscriber, class: Class::Ours, reply, suppress: false };
        assert!(store.handle("d", &[bounced], DateTime::UNIX_EPOCH).unwrap().is_some());
        assert_eq!(store.bounces(&issue).unwrap(), [(Class::Ours, 1)]);
        assert_eq!(store.accepted_failures(&issue).unwrap(), 0);
    }
}

/// Requests and messages are erased as rows of subscribers are, and so are network addresses that had their time.
#[test]
fn no_trace_of_a_forgotten_reader_stays_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(&folder.path().join("store.db")).unwrap();
    let (now, run) = (DateTime::UNIX_EPOCH, Run { host: "host".into(), boot_id: "boot".into(), pid: 7 });
    let reader = |number: usize| format!("Reader{number:04}@Example.org").parse::<EmailAddress>().unwrap();
    let tag = |address: &EmailAddress| Secrets::parse(&"s".repeat(32)).unwrap().tag(address);
    let request = |number| SubscriptionRequest {
        address: reader(number),
        name: String::new(),
        language: "en".into(),
        page: None,
        return_to: None,
        wording: Wording::new("Words"),
        ip: Some("192.0.2.77".into()),
        requested: now,
    };
    for number in (0..400).map(|number| number * 97 % 400) {
        store.note_request(&request(number), tag(&reader(number))).unwrap();
        if number % 2 == 0 {
            store.confirm(&request(number), now).unwrap();
        }
    }
    for number in [0, 1, 398, 399] {
        let address: EmailAddress = reader(number).as_str().to_uppercase().parse().unwrap();
        assert!(!holding(folder.path(), &address).is_empty(), "{number}");
        assert!(forget(&mut store, &address, &run).is_erased, "{number}");
        assert_eq!(holding(folder.path(), &address), [] as [&str; 0], "{number}");
    }
    let later = now + chrono::TimeDelta::days(1);
    assert_eq!(store.purge(later, later).unwrap(), 396);
    store.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let bytes = std::fs::read(folder.path().join("store.db")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("192.0.2.77"));
}

/// Readers are served while a run writes; no one waits longer than a transaction takes, and none is lost.
#[test]
fn readers_come_and_go_while_a_mailing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (now, run) = (DateTime::UNIX_EPOCH, Run { host: "host".into(), boot_id: "boot".into(), pid: 7 });
    let issue = IssueId::new("https://example.org/7/").unwrap();
    let mut mailing = Sqlite::open(&path).unwrap();
    let reader = |number: usize| format!("reader{number}@example.org").parse::<EmailAddress>().unwrap();
    mailing.add_subscribers(&mut (0..200).map(|number| NewSubscriber::new(reader(number), "")), now).unwrap();
    mailing.freeze(&issue, "hash", None, now).unwrap();
    mailing.begin_run(&run, now).unwrap();
    let serve = |from: usize| {
        let mut store = Sqlite::open(&path).unwrap();
        for number in from..from + 25 {
            let id = store.subscriber(&reader(number)).unwrap().unwrap().id;
            let left = store.leave(id, Channel::Page, Some("en"), now).unwrap();
            assert_eq!(left, Some(Status::Active));
        }
    };
    let send = || {
        let mut store = Sqlite::open(&path).unwrap();
        let mut sent = 0;
        while sent < 100 {
            if store.begin_batch(&run, now).unwrap().is_none() {
                continue;
            }
            for message in store.claim_messages(10, now).unwrap() {
                store.record_message(message.id, &LedgerEntry::Sending, now).unwrap();
                let outcome = AttemptOutcome::Sent("250".into());
                store.record_message(message.id, &LedgerEntry::Settled(outcome), now).unwrap();
                sent += 1;
            }
            store.end_batch().unwrap();
        }
    };
    let mut mailed = 0;
    std::thread::scope(|scope| {
        (0..4).for_each(|thread| drop(scope.spawn(move || serve(thread * 25))));
        scope.spawn(send);
        loop {
            let claims = mailing.claim(&issue, 5, now).unwrap();
            if claims.is_empty() {
                break;
            }
            for claim in claims {
                let entries = [LedgerEntry::Sending, LedgerEntry::Settled(AttemptOutcome::Sent("250".into()))];
                let entries = entries.map(|entry| (claim.subscriber.id, entry));
                assert_eq!(mailing.record(&issue, &entries, now).unwrap(), []);
                mailed += 1;
            }
        }
    });
    let counts = mailing.counts(&issue).unwrap();
    assert_eq!((counts.of(State::Sent), counts.total()), (mailed, 200));
    assert_eq!(mailing.count_subscribers(Some(Status::Unsubscribed)).unwrap(), 100);
    assert_eq!(mailing.message_counts().unwrap().of(State::Sent), 100);
}

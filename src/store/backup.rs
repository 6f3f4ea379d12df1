//! Backups: a complete copy of a store in one SQLite file, made while others send, and a store restored from such a
//! file.
//!
//! Both are written beside their destination and moved there once complete, so that a killed process leaves nothing
//! that looks complete. A backup is only read. The store that a restored one replaces is kept, and subscribers who
//! unsubscribed there stay unsubscribed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::email::EmailAddress;
use crate::fault;
use crate::ledger::Run;
use crate::store::moving::restoring::{Restoring, uncertain};
use crate::store::moving::{Movable, Moved, RowCounts, Table, copy_rows};
use crate::store::sqlite::path::folder_of;
use crate::store::sqlite::run_lock::{acquire, acquire_batch, write_holder};
use crate::store::sqlite::{Sqlite, backups};
use crate::store::{Store as _, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber};

/// How many subscribers one transaction carries over.
const SUBSCRIBERS_PER_TRANSACTION: usize = 10_000;

/// Writes a snapshot of the store into a new file. Calls `each` for every row.
///
/// # Errors
/// If the file exists or cannot be written, or the store cannot be read. Then there is no file.
pub fn back_up(
    from: &mut dyn Movable,
    file: &Path,
    run: &Run,
    now: DateTime<Utc>,
    each: &mut dyn FnMut(u64),
) -> Result<RowCounts, StoreError> {
    if file.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { place: file.display().to_string() });
    }
    let part = tempfile::Builder::new().prefix(".slugline-").tempfile_in(folder_of(file));
    let part = part.with_context(|| format!("failed to make a file beside `{}`", file.display()));
    let part = part.map_err(|source| StoreError::Failed { doing: "be backed up", source })?.into_temp_path();
    from.begin_snapshot()?;
    let counts = from.row_counts()?;
    let mut to = Sqlite::open(&part)?;
    copy_rows(from, &mut to, &Moved::new("a backup", run, now), &counts, each)?;
    to.mark_as_backup(now)?;
    to.close()?;
    fault::step("back the store up", "not in its place");
    backups::put_where_nothing_is(part, file)?;
    Ok(counts)
}

/// What to restore, and how.
pub struct Restore<'a> {
    /// The backup, or any other SQLite store.
    pub file: &'a Path,
    /// The run counter is at least this afterwards.
    pub runs: u64,
    /// The process that restores.
    pub run: Run,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// The outcome of a restore.
#[derive(Debug)]
pub enum RestoreOutcome {
    /// The store is restored.
    Done(Box<RestoreReport>),
    /// Another run is sending from it; nothing was done.
    Busy(Option<Run>),
}

/// A restored store.
#[derive(Debug)]
pub struct RestoreReport {
    /// When the backup was made; for another kind of store, when it was last written.
    pub made: DateTime<Utc>,
    /// What the backup contains.
    pub counts: RowCounts,
    /// How many recipients were pending then; whether they were mailed since is unknown.
    pub unknown: u64,
    /// The store that was in its place.
    pub replaced: Option<ReplacedStore>,
}

/// A store that was replaced by a restored one.
#[derive(Debug)]
pub struct ReplacedStore {
    /// Where it is kept now.
    pub file: PathBuf,
    /// What was carried over from it, as far as it could be read.
    pub carried: CarriedOver,
}

/// Subscribers carried over from a replaced store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CarriedOver {
    /// Had unsubscribed or been suppressed since the backup, and stay so.
    pub left: u64,
    /// Had joined since.
    pub joined: u64,
    /// Had been forgotten since; the backup still has them, and they are forgotten again.
    pub forgotten: u64,
    /// Whether all of it could be read.
    pub is_whole: bool,
}

impl Restore<'_> {
    /// Restores into an empty store on a server.
    ///
    /// # Errors
    /// If the backup cannot be read, or the store is not empty or cannot be written; it is then unchanged.
    pub fn to_server(
        &self,
        to: &mut dyn Movable,
        scratch_in: &Path,
        each: &mut dyn FnMut(u64),
    ) -> Result<RestoreOutcome, StoreError> {
        to.can_be_filled()?;
        let scratch = scratch(scratch_in)?;
        let (from, restoring) = self.open(scratch.path())?;
        restoring.fill(&from, to, &self.moved(), each)?;
        self.outcome(&from, restoring.made, None)
    }

    /// Restores into a file, replacing any that is there.
    ///
    /// # Errors
    /// If the backup cannot be read, or the new file cannot be written; the old one is then unchanged.
    pub fn to_file(&self, place: &Path, each: &mut dyn FnMut(u64)) -> Result<RestoreOutcome, StoreError> {
        let failed = |source| StoreError::Failed { doing: "be restored", source };
        let scratch = scratch(folder_of(place))?;
        // Before anything else, so that a wrong file name changes nothing.
        let (from, restoring) = self.open(scratch.path())?;
        let mut lock = match acquire(place).map_err(failed)? {
            Ok(lock) => lock,
            Err(other) => return Ok(RestoreOutcome::Busy(other)),
        };
        write_holder(&mut lock, &self.run).map_err(failed)?;
        let _batch = match acquire_batch(place).map_err(failed)? {
            Ok(batch) => batch,
            Err(other) => return Ok(RestoreOutcome::Busy(other)),
        };
        if place.exists()
            && let Ok(old) = Sqlite::open(place)
        {
            old.refuse_if_open_elsewhere()?;
        }
        let file = scratch.path().join("new.db");
        let mut to = Sqlite::open(&file)?;
        restoring.fill(&from, &mut to, &self.moved(), each)?;
        let carried = if place.exists() { self.carry_over(place, &mut to)? } else { CarriedOver::default() };
        to.close()?;
        let kept = backups::put_in_place(&file, place, self.now)?;
        self.outcome(&from, restoring.made, kept.map(|file| ReplacedStore { file, carried }))
    }

    /// Opens a copy of the backup, which migrates the copy to the newest schema.
    fn open(&self, scratch: &Path) -> Result<(Sqlite, Restoring), StoreError> {
        let place = self.file.display().to_string();
        let written = fs::metadata(self.file).and_then(|metadata| metadata.modified());
        let written = written.map_err(|why| StoreError::Open { place: place.clone(), source: why.into() })?;
        let from = backups::copy_of(self.file, &scratch.join("backup.db")).map_err(|error| error.at(&place))?;
        if let Some(moved) = from.moved()? {
            return Err(moved.refusal(place));
        }
        let made = from.made_as_backup()?.unwrap_or_else(|| written.into());
        Ok((from, Restoring { made, runs: self.runs, now: self.now }))
    }

    /// Subscribers who left the replaced store stay away, and those who joined it stay, with what is recorded of it.
    fn carry_over(&self, place: &Path, to: &mut Sqlite) -> Result<CarriedOver, StoreError> {
        let Ok(old) = Sqlite::open(place) else { return Ok(CarriedOver::default()) };
        let (before, mut joined, mut some) = (to.count_subscribers(Some(Status::Active))?, 0, Vec::new());
        let mut add = |some: &mut Vec<NewSubscriber>| -> Result<(), StoreError> {
            joined += to.add_subscribers(&mut some.drain(..), self.now)?.new;
            Ok(())
        };
        let mut failed = None;
        let read = old.each_subscriber(None, &mut |subscriber| {
            some.push(as_new(subscriber));
            if some.len() == SUBSCRIBERS_PER_TRANSACTION {
                add(&mut some).map_err(|why| failed.insert(why).to_string()).map_err(anyhow::Error::msg)?;
            }
            Ok(())
        });
        if let Some(why) = failed {
            return Err(why);
        }
        add(&mut some)?;
        let left = before + joined - to.count_subscribers(Some(Status::Active))?;
        let is_whole = read.is_ok() && old.is_sound();
        if is_whole {
            to.take_over_readers(&old)?;
        }
        let forgotten = if is_whole { self.forget_again(&old, to)? } else { 0 };
        Ok(CarriedOver { left, joined, forgotten, is_whole })
    }

    /// Forgets the addresses that were forgotten since the backup and are still in it, as subscribers or as readers who asked for
    /// mail. Returns how many.
    fn forget_again(&self, old: &Sqlite, to: &mut Sqlite) -> Result<u64, StoreError> {
        to.forget_as(old)?;
        let mut forgotten = Vec::new();
        let mut note = |address: EmailAddress| -> anyhow::Result<()> {
            if to.are_forgotten(&[&address])? == [true] && !forgotten.contains(&address) {
                forgotten.push(address);
            }
            Ok(())
        };
        let mut read = to.each_subscriber(None, &mut |subscriber| note(subscriber.address));
        for table in [Table::Request, Table::Message] {
            read = read
                .and_then(|()| to.for_each_row(table, &mut |fields| table.address(fields)?.map_or(Ok(()), &mut note)));
        }
        read.map_err(|source| StoreError::Failed { doing: "be restored", source })?;
        for address in &forgotten {
            to.forget(address, &self.run, self.now)?;
        }
        Ok(forgotten.len() as u64)
    }

    fn moved(&self) -> Moved {
        Moved::new("a restored store", &self.run, self.now)
    }

    fn outcome(
        &self,
        from: &Sqlite,
        made: DateTime<Utc>,
        replaced: Option<ReplacedStore>,
    ) -> Result<RestoreOutcome, StoreError> {
        let counts = from.row_counts()?;
        let unknown = uncertain(&counts);
        Ok(RestoreOutcome::Done(Box::new(RestoreReport { made, counts, unknown, replaced })))
    }
}

/// A subscriber as a record to import.
fn as_new(subscriber: Subscriber) -> NewSubscriber {
    let Subscriber { address, name, status, attributes, .. } = subscriber;
    NewSubscriber { status, attributes, ..NewSubscriber::new(address, &name) }
}

/// A folder for unfinished files, deleted at the end.
fn scratch(folder: &Path) -> Result<tempfile::TempDir, StoreError> {
    let made = tempfile::Builder::new().prefix(".slugline-").tempdir_in(folder);
    let made = made.with_context(|| format!("failed to make a folder in `{}`", folder.display()));
    made.map_err(|source| StoreError::Failed { doing: "be restored", source })
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::consent::{SubscriptionRequest, Wording};
    use crate::issue::IssueId;
    use crate::ledger::{AttemptOutcome, LedgerEntry, State};
    use crate::store::moving::tests::rows;
    use crate::store::postgres::tests::World;
    use crate::store::readers::REQUEST_LIFETIME;
    use crate::store::{ReaderStore as _, RunStart, Store};
    use crate::token::Secrets;
    use crate::transactional_message::MessageKind;
    use crate::unsubscription::{Channel, Unsubscription};

    fn now() -> DateTime<Utc> {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    fn run() -> Run {
        Run { host: "host".into(), boot_id: "boot".into(), pid: 7 }
    }

    fn issue() -> IssueId {
        IssueId::new("spring").unwrap()
    }

    fn address(number: usize) -> EmailAddress {
        format!("reader{number}@example.org").parse().unwrap()
    }

    fn add(store: &mut dyn Store, numbers: std::ops::Range<usize>) {
        store.add_subscribers(&mut numbers.map(|number| NewSubscriber::new(address(number), "")), now()).unwrap();
    }

    /// A store with one recipient in each state that a mailing can leave them in, while its run is alive.
    fn sending<S: Store>(mut store: S) -> S {
        add(&mut store, 0..7);
        store.freeze(&issue(), "hash", None, now()).unwrap();
        store.count_run().unwrap();
        assert!(matches!(store.begin_run(&run(), now()).unwrap(), RunStart::Started(_)));
        let ids: Vec<_> =
            store.claim(&issue(), 6, now()).unwrap().into_iter().map(|claim| claim.subscriber.id).collect();
        let outcomes = [
            AttemptOutcome::Sent("250".into()),
            AttemptOutcome::Deferred { reply: "450".into(), retry_at: now() + TimeDelta::hours(1) },
            AttemptOutcome::Failed { reply: "550".into(), suppress: false },
            AttemptOutcome::Unknown("dropped".into()),
        ];
        let mut entries: Vec<_> = ids.iter().copied().zip(outcomes.map(LedgerEntry::Settled)).collect();
        entries.push((ids[4], LedgerEntry::Sending));
        store.record(&issue(), &entries, now()).unwrap();
        for number in 0..4 {
            store.queue_message(MessageKind::Links, &address(number), "en", now()).unwrap();
        }
        store.begin_batch(&run(), now()).unwrap();
        let ids: Vec<_> = store.claim_messages(3, now()).unwrap().into_iter().map(|message| message.id).collect();
        for (id, entry) in [(ids[0], LedgerEntry::Sending), (ids[1], sent())] {
            store.record_message(id, &entry, now()).unwrap();
        }
        // Writes the log into the database; until then others see these recipients as claimed.
        store.counts(&issue()).unwrap();
        store
    }

    #[test]
    fn a_snapshot_does_not_change_while_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let stands_still = |open: &dyn Fn() -> Box<dyn Movable>| {
            let mut writer = open();
            add(&mut *writer, 0..2);
            let mut reader = open();
            reader.begin_snapshot().unwrap();
            // The numbers a server hands out are not part of the snapshot: they only go up.
            let seen = |store: &dyn Movable| (rows(store), store.row_counts().unwrap().rows);
            let before = seen(&*reader);
            add(&mut *writer, 2..4);
            writer.count_run().unwrap();
            assert_eq!(seen(&*reader), before);
            drop(reader);
            assert_ne!(seen(&*open()), before);
        };
        let path = folder.path().join("store.db");
        stands_still(&|| Box::new(Sqlite::open(&path).unwrap()));
        if let Some(world) = World::new() {
            stands_still(&|| Box::new(world.open()));
        }
    }

    /// From either kind of store, while a run is alive, and back into either.
    #[test]
    fn a_backup_is_complete_and_pending_recipients_are_unknown_after_a_restore() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let sqlite = sending(Sqlite::open(&path("store.db")).unwrap());
        back_up(&mut Sqlite::open(&path("store.db")).unwrap(), &path("sqlite.db"), &run(), now(), &mut |_| {}).unwrap();
        let world = World::new();
        let server = world.as_ref().map(|world| sending(world.open()));
        if let Some(world) = &world {
            back_up(&mut world.open(), &path("server.db"), &run(), now(), &mut |_| {}).unwrap();
        }
        for (file, id) in [("sqlite.db", Some(sqlite.id())), ("server.db", server.as_ref().map(|store| store.id()))] {
            let Some(id) = id else { continue };
            let restore = Restore { file: &path(file), runs: 17, run: run(), now: now() + TimeDelta::days(1) };
            let place = path(&format!("back-from-{file}"));
            let RestoreOutcome::Done(outcome) = restore.to_file(&place, &mut |_| {}).unwrap() else { panic!("busy") };
            let store = Sqlite::open(&place).unwrap();
            assert_eq!((outcome.made, outcome.replaced.is_none()), (now(), true));
            assert_eq!((store.id().unwrap(), store.runs().unwrap()), (id.unwrap(), 17));
            is_settled(&store, outcome.unknown);
            assert!(Sqlite::open(&path(file)).unwrap().begin_run(&run(), now()).is_err(), "a backup never sends");
            if let Some(world) = World::new() {
                let RestoreOutcome::Done(outcome) =
                    restore.to_server(&mut world.open(), folder.path(), &mut |_| {}).unwrap()
                else {
                    panic!("busy")
                };
                is_settled(&world.open(), outcome.unknown);
                let error = restore.to_server(&mut world.open(), folder.path(), &mut |_| {}).unwrap_err();
                assert!(matches!(error, StoreError::NotEmpty { .. }), "{error}");
            }
        }
    }

    fn sent() -> LedgerEntry {
        LedgerEntry::Settled(AttemptOutcome::Sent("250".into()))
    }

    #[track_caller]
    fn is_settled(store: &dyn Store, unknown: u64) {
        let counts = store.counts(&issue()).unwrap();
        let counted = [State::Sent, State::Failed, State::Unknown].map(|state| counts.of(state));
        assert_eq!((counted, counts.total(), unknown), ([1, 1, 5], 7, 4), "{counts:?}");
        let messages = store.message_counts().unwrap();
        assert_eq!((messages.of(State::Sent), messages.of(State::Unknown), messages.total()), (1, 3, 4));
        let reply = store.personal_data(&address(3)).unwrap().unwrap().messages[0].reply.clone().unwrap();
        assert!(reply.contains("a backup of 2026-11-23T08:00:00Z"), "{reply}");
        let mut replies = Vec::new();
        let each = &mut |delivery: crate::ledger::Delivery| {
            replies.extend(delivery.reply);
            Ok(())
        };
        store.each_delivery(&issue(), Some(State::Unknown), each).unwrap();
        let restored = replies.iter().filter(|reply| reply.contains("a backup of 2026-11-23T08:00:00Z")).count();
        assert_eq!((restored, replies.len()), (4, 5), "{replies:?}");
    }

    #[test]
    fn subscribers_who_left_or_joined_the_replaced_store_are_carried_over() {
        let folder = tempfile::tempdir().unwrap();
        let (place, file) = (folder.path().join("store.db"), folder.path().join("backup.db"));
        let mut store = Sqlite::open(&place).unwrap();
        add(&mut store, 0..4);
        back_up(&mut Sqlite::open(&place).unwrap(), &file, &run(), now(), &mut |_| {}).unwrap();
        store.set_status(&address(0), Status::Unsubscribed, now()).unwrap();
        store.set_status(&address(1), Status::Suppressed, now()).unwrap();
        store.forget(&address(2), &run(), now()).unwrap();
        add(&mut store, 8..10);
        store.set_status(&address(9), Status::Unsubscribed, now()).unwrap();
        drop(store);
        let restore = Restore { file: &file, runs: 0, run: run(), now: now() };
        let RestoreOutcome::Done(outcome) = restore.to_file(&place, &mut |_| {}).unwrap() else { panic!("busy") };
        let replaced = outcome.replaced.unwrap();
        assert_eq!(replaced.carried, CarriedOver { left: 2, joined: 1, forgotten: 1, is_whole: true });
        let mut statuses = Vec::new();
        let each = &mut |subscriber: Subscriber| {
            statuses.push((subscriber.address.to_string(), subscriber.status.as_str()));
            Ok(())
        };
        Sqlite::open(&place).unwrap().each_subscriber(None, each).unwrap();
        let expected = [(0, "unsubscribed"), (1, "suppressed"), (3, "active"), (8, "active"), (9, "unsubscribed")];
        assert_eq!(statuses, expected.map(|(number, status)| (address(number).to_string(), status)));
        assert_eq!(
            Sqlite::open(&replaced.file).unwrap().subscriber(&address(2)).unwrap(),
            None,
            "it is kept unchanged"
        );
    }

    fn request(number: usize) -> SubscriptionRequest {
        SubscriptionRequest {
            address: address(number),
            name: String::new(),
            language: "en".into(),
            page: None,
            return_to: None,
            wording: Wording::new(format!("Words {number}")),
            ip: None,
            requested: now(),
        }
    }

    fn ask(store: &mut dyn Store, number: usize) -> SubscriptionRequest {
        let tag = Secrets::parse(&"s".repeat(32)).unwrap().tag(&address(number));
        store.note_request(&request(number), tag).unwrap();
        request(number)
    }

    #[test]
    fn what_readers_did_since_the_backup_is_carried_over() {
        let folder = tempfile::tempdir().unwrap();
        let (place, file) = (folder.path().join("store.db"), folder.path().join("backup.db"));
        let mut store = Sqlite::open(&place).unwrap();
        add(&mut store, 0..3);
        ask(&mut store, 4);
        ask(&mut store, 7);
        back_up(&mut Sqlite::open(&place).unwrap(), &file, &run(), now(), &mut |_| {}).unwrap();
        let id = |store: &dyn Store, number| store.subscriber(&address(number)).unwrap().unwrap().id;
        let left = store.leave(id(&store, 1), Channel::Page, None, now()).unwrap();
        assert_eq!(left, Some(Status::Active));
        // So that the next subscriber has another number here.
        store.forget(&address(2), &run(), now()).unwrap();
        let confirmed = ask(&mut store, 5);
        store.confirm(&confirmed, now()).unwrap();
        store.block(&address(6), now()).unwrap();
        ask(&mut store, 8);
        store.forget(&address(4), &run(), now()).unwrap();
        drop(store);
        let restore = Restore { file: &file, runs: 0, run: run(), now: now() };
        let RestoreOutcome::Done(outcome) = restore.to_file(&place, &mut |_| {}).unwrap() else { panic!("busy") };
        let carried = CarriedOver { left: 1, joined: 1, forgotten: 2, is_whole: true };
        assert_eq!(outcome.replaced.unwrap().carried, carried);
        let store = Sqlite::open(&place).unwrap();
        let gone = Unsubscription { channel: Channel::Page, at: now() };
        assert_eq!(store.unsubscription(id(&store, 1)).unwrap(), Some(gone));
        let consents = store.consents(id(&store, 5)).unwrap();
        assert_eq!(consents.iter().map(|one| one.wording.text()).collect::<Vec<_>>(), ["Words 5"]);
        assert_eq!([6, 7].map(|number| store.is_blocked(&address(number)).unwrap()), [true, false]);
        let waits = |number| store.request_of(&address(number), now() + REQUEST_LIFETIME).unwrap().is_some();
        assert_eq!([4, 5, 7, 8].map(waits), [false, false, true, true]);
        assert_eq!(store.personal_data(&address(4)).unwrap(), None);
    }

    #[test]
    fn no_message_is_sent_while_a_store_is_restored() {
        let folder = tempfile::tempdir().unwrap();
        let (place, file) = (folder.path().join("store.db"), folder.path().join("backup.db"));
        let mut store = Sqlite::open(&place).unwrap();
        back_up(&mut Sqlite::open(&place).unwrap(), &file, &run(), now(), &mut |_| {}).unwrap();
        assert_eq!(store.begin_batch(&run(), now()).unwrap(), Some(0));
        let restore = Restore { file: &file, runs: 0, run: run(), now: now() };
        assert!(matches!(restore.to_file(&place, &mut |_| {}).unwrap(), RestoreOutcome::Busy(_)));
        store.end_batch().unwrap();
        // As `serve` has it: what it wrote would go into the replaced file.
        let error = restore.to_file(&place, &mut |_| {}).unwrap_err();
        assert!(matches!(error, StoreError::Locked), "{error}");
        assert_eq!(store.begin_batch(&run(), now()).unwrap(), Some(0), "it goes on");
        drop(store);
        assert!(matches!(restore.to_file(&place, &mut |_| {}).unwrap(), RestoreOutcome::Done(_)));
    }

    /// A run must not find files of another store beside its own.
    #[test]
    fn the_files_beside_a_store_move_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (place, file) = (folder.path().join("store.db"), folder.path().join("backup.db"));
        let live = folder.path().join("live.db");
        let store = sending(Sqlite::open(&live).unwrap());
        back_up(&mut Sqlite::open(&live).unwrap(), &file, &run(), now(), &mut |_| {}).unwrap();
        let restore = Restore { file: &file, runs: 0, run: run(), now: now() };
        assert!(matches!(restore.to_file(&live, &mut |_| {}).unwrap(), RestoreOutcome::Busy(_)), "it is sending");
        // What is left if the process is killed now: nothing more reaches the database.
        for suffix in ["", "-wal", "-log", "-log2"] {
            let beside = |name: &str| folder.path().join(format!("{name}{suffix}"));
            fs::copy(beside("live.db"), beside("store.db")).unwrap();
        }
        drop(store);
        let RestoreOutcome::Done(outcome) = restore.to_file(&place, &mut |_| {}).unwrap() else { panic!("busy") };
        let kept = outcome.replaced.unwrap().file;
        let there = |suffix: &str| folder.path().join(format!("{}{suffix}", kept.display())).exists();
        assert_eq!((there("-log"), there("-log2")), (true, true));
        assert!(!folder.path().join("store.db-log").exists());
        let mut store = Sqlite::open(&place).unwrap();
        assert!(matches!(store.begin_run(&run(), now()).unwrap(), RunStart::Started(_)));
        is_settled(&store, outcome.unknown);
    }
}

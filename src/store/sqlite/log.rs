//! What the live run has done since its last transaction: two files beside the database, one line per entry.
//!
//! A transaction per message would cost more than the message. A line costs one write into the page cache, which
//! survives the death of the process just as a commit without sync does; entries then go into the database by the
//! dozen, while further ones go into the other file. A run that follows a dead one reads its log first, so that
//! nothing is lost. After a power cut the log counts no more than other unsynced writes: every claim is then `unknown`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::path::beside;
use super::{Result, format_time, parse_time};
use crate::fault;
use crate::ledger::{AttemptOutcome, LedgerEntry, State};
use crate::subscriber::SubscriberId;

/// The log of a run, and those of its entries that are not in the database.
#[derive(Debug)]
pub(super) struct Log {
    files: [LogFile; 2],
    /// The file being written, and how often the files were switched.
    current: usize,
    turn: u64,
    run: i64,
    /// The recipients this run has claimed, each with its state after the last entry.
    claimed: HashMap<Key, State>,
    /// The last entry about each recipient that is not in the database yet. Each claim empties it.
    uncommitted: HashMap<Key, LoggedEntry>,
}

/// A file of the log.
#[derive(Debug)]
struct LogFile {
    file: File,
    length: u64,
}

/// A mailing and one of its recipients.
type Key = (i64, SubscriberId);

/// Entries on their way into the database, the last one about each recipient.
#[derive(Debug)]
pub(super) struct Batch(HashMap<Key, LoggedEntry>);

/// An entry and its time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LoggedEntry {
    pub(super) entry: LedgerEntry,
    pub(super) at: DateTime<Utc>,
}

/// One line of a file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    run: i64,
    /// How often the files had been switched; absent in logs of versions with a single file.
    #[serde(default)]
    turn: u64,
    mailing: i64,
    subscriber: i64,
    at: Cow<'a, str>,
    /// The recipient's state after the entry.
    state: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_at: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    suppress: bool,
}

/// The log files beside this database.
pub(super) fn paths(database: &Path) -> [PathBuf; 2] {
    ["-log", "-log2"].map(|suffix| beside(database, suffix))
}

/// Locks the log for one thread.
pub(super) fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogFile {
    fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    fn write(&mut self, lines: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // No line may follow an incomplete one.
            let _ = self.cut(self.length);
            return Err(error.into());
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.length = length;
        Ok(())
    }
}

impl Log {
    /// Begins the log of a run; empties the files.
    pub(super) fn begin(paths: &[PathBuf; 2], run: i64) -> Result<Self> {
        let mut files = [LogFile::open(&paths[0])?, LogFile::open(&paths[1])?];
        files.iter_mut().try_for_each(|file| file.cut(0))?;
        Ok(Self { files, current: 0, turn: 0, run, claimed: HashMap::new(), uncommitted: HashMap::new() })
    }

    /// Records that this run has claimed a recipient.
    pub(super) fn note_claim(&mut self, mailing: i64, subscriber: SubscriberId) {
        self.claimed.insert((mailing, subscriber), State::Claimed);
    }

    /// Appends entries; returns the recipients that this run has not claimed, about which nothing is written.
    pub(super) fn add(
        &mut self,
        mailing: i64,
        entries: &[(SubscriberId, LedgerEntry)],
        now: DateTime<Utc>,
    ) -> Result<Vec<SubscriberId>> {
        const USUAL_LINE_BYTES: usize = 128;
        let (mut lost, mut lines, at) =
            (Vec::new(), Vec::with_capacity(entries.len() * USUAL_LINE_BYTES), format_time(now));
        for (subscriber, entry) in entries {
            if !self.step(mailing, *subscriber, entry) {
                lost.push(*subscriber);
                continue;
            }
            let line = Line::of(self, mailing, *subscriber, entry, &at);
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            self.uncommitted.insert((mailing, *subscriber), LoggedEntry { entry: entry.clone(), at: now });
        }
        fault::step("note entries", "not written");
        self.files[self.current].write(&lines)?;
        fault::step("note entries", "written");
        Ok(lost)
    }

    /// Hands out what is not in the database yet, and switches files, so that later entries stay apart.
    pub(super) fn rotate(&mut self) -> Batch {
        let other = 1 - self.current;
        // The other file is empty, unless its entries could not be written into the database.
        if self.files[other].length == 0 && !self.uncommitted.is_empty() {
            (self.current, self.turn) = (other, self.turn + 1);
        }
        Batch(mem::take(&mut self.uncommitted))
    }

    /// Everything handed out is in the database.
    pub(super) fn committed(&mut self) -> Result<()> {
        for (number, file) in self.files.iter_mut().enumerate() {
            if file.length > 0 && (number != self.current || self.uncommitted.is_empty()) {
                file.cut(0)?;
                fault::step("note entries", "all in the database");
            }
        }
        Ok(())
    }

    /// The transaction with these entries failed.
    pub(super) fn rolled_back(&mut self, Batch(entries): Batch) {
        for (key, noted) in entries {
            self.uncommitted.entry(key).or_insert(noted);
        }
    }

    /// Applies the entry to the recipient's state; returns whether it may follow.
    fn step(&mut self, mailing: i64, subscriber: SubscriberId, entry: &LedgerEntry) -> bool {
        let Some(state) = self.claimed.get_mut(&(mailing, subscriber)) else { return false };
        match (entry, *state) {
            (LedgerEntry::Sending, State::Claimed) => *state = State::Sending,
            (LedgerEntry::Unsent, State::Sending) => *state = State::Claimed,
            (LedgerEntry::Settled(_), _) => {
                self.claimed.remove(&(mailing, subscriber));
            }
            _ => return false,
        }
        true
    }
}

impl Batch {
    /// Whether there are no entries.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the form that `ledger::apply` takes.
    pub(super) fn entries(&self) -> impl Iterator<Item = (i64, SubscriberId, &LoggedEntry)> {
        self.0.iter().map(|((mailing, subscriber), noted)| (*mailing, *subscriber, noted))
    }
}

/// The entries of a dead run that are not in the database, in order. An incomplete last line is ignored: what it
/// announces had not happened yet.
pub(super) fn read_uncommitted(paths: &[PathBuf; 2], run: i64) -> Result<Vec<(i64, SubscriberId, LoggedEntry)>> {
    let mut entries = Vec::new();
    for path in paths {
        let mut text = Vec::new();
        LogFile::open(path)?.file.read_to_end(&mut text)?;
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let line: Line<'_> = serde_json::from_slice(line)
                .with_context(|| format!("the log of the last run, `{}`, cannot be read", path.display()))?;
            if line.run == run {
                let (turn, mailing, subscriber) = (line.turn, line.mailing, SubscriberId(line.subscriber));
                entries.push((turn, (mailing, subscriber, line.noted()?)));
            }
        }
    }
    entries.sort_by_key(|(turn, _)| *turn);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

impl<'a> Line<'a> {
    fn of(log: &Log, mailing: i64, subscriber: SubscriberId, entry: &'a LedgerEntry, at: &'a str) -> Self {
        let line = |state: State, reply: Option<&'a String>| Self {
            run: log.run,
            turn: log.turn,
            mailing,
            subscriber: subscriber.0,
            at: at.into(),
            state: state.as_str().into(),
            reply: reply.map(Into::into),
            retry_at: None,
            suppress: false,
        };
        match entry {
            LedgerEntry::Sending => line(State::Sending, None),
            LedgerEntry::Unsent => line(State::Claimed, None),
            LedgerEntry::Settled(AttemptOutcome::Sent(reply)) => line(State::Sent, Some(reply)),
            LedgerEntry::Settled(AttemptOutcome::Deferred { reply, retry_at }) => {
                Self { retry_at: Some(format_time(*retry_at).into()), ..line(State::Deferred, Some(reply)) }
            }
            LedgerEntry::Settled(AttemptOutcome::Failed { reply, suppress }) => {
                Self { suppress: *suppress, ..line(State::Failed, Some(reply)) }
            }
            LedgerEntry::Settled(AttemptOutcome::Unknown(why)) => line(State::Unknown, Some(why)),
            LedgerEntry::Settled(AttemptOutcome::Requeued) => line(State::Queued, None),
            LedgerEntry::Settled(AttemptOutcome::RequeuedAfterRefusal(reply)) => line(State::Queued, Some(reply)),
        }
    }

    fn noted(self) -> Result<LoggedEntry> {
        let is_put_back = self.reply.is_some();
        let reply = self.reply.unwrap_or_default().into_owned();
        let entry = match State::from_word(&self.state) {
            Some(State::Sending) => LedgerEntry::Sending,
            Some(State::Claimed) => LedgerEntry::Unsent,
            Some(State::Sent) => LedgerEntry::Settled(AttemptOutcome::Sent(reply)),
            Some(State::Deferred) => {
                let retry_at = parse_time(&self.retry_at.context("a deferred recipient has no time")?)?;
                LedgerEntry::Settled(AttemptOutcome::Deferred { reply, retry_at })
            }
            Some(State::Failed) => LedgerEntry::Settled(AttemptOutcome::Failed { reply, suppress: self.suppress }),
            Some(State::Unknown) => LedgerEntry::Settled(AttemptOutcome::Unknown(reply)),
            Some(State::Queued) if is_put_back => LedgerEntry::Settled(AttemptOutcome::RequeuedAfterRefusal(reply)),
            Some(State::Queued) => LedgerEntry::Settled(AttemptOutcome::Requeued),
            Some(State::Suppressed | State::Bounced) | None => bail!("no entry leaves a recipient `{}`", self.state),
        };
        Ok(LoggedEntry { entry, at: parse_time(&self.at)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<LedgerEntry> {
        let reply = || "250 2.0.0 Ok: \"queued\"\u{2028}".to_owned();
        let retry_at = "2026-11-23T08:05:00Z".parse().unwrap();
        let outcomes = [
            AttemptOutcome::Sent(reply()),
            AttemptOutcome::Deferred { reply: reply(), retry_at },
            AttemptOutcome::Failed { reply: reply(), suppress: true },
            AttemptOutcome::Failed { reply: reply(), suppress: false },
            AttemptOutcome::Unknown(reply()),
            AttemptOutcome::RequeuedAfterRefusal(reply()),
            AttemptOutcome::Requeued,
        ];
        [LedgerEntry::Sending, LedgerEntry::Unsent].into_iter().chain(outcomes.map(LedgerEntry::Settled)).collect()
    }

    #[test]
    fn entries_are_found_by_the_next_run_and_an_incomplete_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder.path().join("store.db"));
        let now: DateTime<Utc> = "2026-11-23T08:00:00.123Z".parse().unwrap();
        let mut log = Log::begin(&paths, 7).unwrap();
        let mut expected = Vec::new();
        for (number, entry) in entries().into_iter().enumerate() {
            let reader = SubscriberId(number as i64);
            log.note_claim(1, reader);
            let noted: Vec<_> = match entry {
                LedgerEntry::Sending => vec![(reader, LedgerEntry::Sending)],
                entry => vec![(reader, LedgerEntry::Sending), (reader, entry)],
            };
            assert_eq!(log.add(1, &noted, now).unwrap(), []);
            expected.extend(noted.into_iter().map(|(reader, entry)| (1, reader, LoggedEntry { entry, at: now })));
        }
        let mut text = std::fs::read(&paths[0]).unwrap();
        assert_eq!(read_uncommitted(&paths, 7).unwrap(), expected);
        assert_eq!(read_uncommitted(&paths, 8).unwrap(), [], "they belong to another run");
        text.truncate(text.len() - 5);
        std::fs::write(&paths[0], &text).unwrap();
        expected.pop();
        assert_eq!(read_uncommitted(&paths, 7).unwrap(), expected);
        let untold = String::from_utf8(text.clone()).unwrap().replace("\"turn\":0,", "");
        std::fs::write(&paths[0], untold).unwrap();
        assert_eq!(read_uncommitted(&paths, 7).unwrap(), expected, "an older version wrote it");
        std::fs::write(&paths[0], "{\"run\":7}\n").unwrap();
        assert!(read_uncommitted(&paths, 7).unwrap_err().to_string().contains("cannot be read"));
        Log::begin(&paths, 8).unwrap();
        assert_eq!(read_uncommitted(&paths, 7).unwrap(), []);
    }

    #[test]
    fn the_last_entry_about_each_recipient_goes_into_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::begin(&paths(&folder.path().join("store.db")), 7).unwrap();
        let (one, now) = (SubscriberId(1), DateTime::<Utc>::UNIX_EPOCH);
        log.note_claim(1, one);
        let sent = LedgerEntry::Settled(AttemptOutcome::Sent("250".to_owned()));
        assert_eq!(
            log.add(1, &[(one, LedgerEntry::Sending), (one, sent.clone()), (one, sent.clone())], now).unwrap(),
            [one]
        );
        let batch = log.rotate();
        assert_eq!(batch.entries().collect::<Vec<_>>(), [(1, one, &LoggedEntry { entry: sent, at: now })]);
        log.committed().unwrap();
        assert!(log.rotate().is_empty());
    }

    #[test]
    fn entries_made_during_a_transaction_are_neither_lost_nor_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder.path().join("store.db"));
        let mut log = Log::begin(&paths, 7).unwrap();
        let (one, two, now) = (SubscriberId(1), SubscriberId(2), DateTime::<Utc>::UNIX_EPOCH);
        let sent = || LedgerEntry::Settled(AttemptOutcome::Sent("250".to_owned()));
        let left = || {
            read_uncommitted(&paths, 7).unwrap().into_iter().map(|(_, id, noted)| (id, noted.entry)).collect::<Vec<_>>()
        };
        log.note_claim(1, one);
        for _ in 0..3 {
            log.note_claim(1, two);
            log.add(1, &[(two, LedgerEntry::Sending)], now).unwrap();
            let batch = log.rotate();
            log.add(1, &[(two, sent())], now).unwrap();
            assert_eq!(left(), [(two, LedgerEntry::Sending), (two, sent())], "whichever file is the older one");
            assert_eq!(batch.entries().count(), 1);
            log.committed().unwrap();
            assert_eq!(left(), [(two, sent())]);
            assert_eq!(log.rotate().entries().next().map(|(_, _, noted)| noted.entry.clone()), Some(sent()));
            log.committed().unwrap();
            assert_eq!(left(), []);
        }
        // The transaction fails, and a later one takes all entries.
        log.add(1, &[(one, LedgerEntry::Sending)], now).unwrap();
        let refused = log.rotate();
        log.add(1, &[(one, sent())], now).unwrap();
        log.rolled_back(refused);
        assert_eq!(left(), [(one, LedgerEntry::Sending), (one, sent())]);
        assert_eq!(log.rotate().entries().next().map(|(_, _, noted)| noted.entry.clone()), Some(sent()));
        log.committed().unwrap();
        assert_eq!(left(), []);
    }
}

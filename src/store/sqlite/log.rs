//! What the run that is alive has done since its last transaction: a file beside the database, a line for each entry.
//!
//! A transaction for every message would cost more than the message. A line costs one write into the page cache, which
//! survives the death of the process as a commit without a sync does; some dozens of entries then go into the database
//! together. Whoever takes the lock of a dead run reads its log first, so nothing is ever missing. After a power cut the
//! log counts no more than any other write without a sync: every claim is `unknown` then.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Result, time, time_text};
use crate::fault;
use crate::ledger::{Entry, Outcome, State};
use crate::subscriber::SubscriberId;

/// So many entries are kept here at most before they go into the database.
const MOST: usize = 512;

/// The log of a run, and what of it is not in the database.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    length: u64,
    run: i64,
    /// The recipients this run has claimed, each with the state as the last entry left it.
    claimed: HashMap<(i64, SubscriberId), State>,
    /// What is not in the database yet, the last word about each recipient.
    waiting: HashMap<(i64, SubscriberId), Noted>,
}

/// An entry and its time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Noted {
    pub(super) entry: Entry,
    pub(super) at: DateTime<Utc>,
}

/// One line.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    run: i64,
    mailing: i64,
    subscriber: i64,
    at: Cow<'a, str>,
    /// The word of the state in which the entry leaves the recipient.
    state: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_at: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    suppress: bool,
}

impl Log {
    /// Begins the log of a run; what the file held is gone.
    pub(super) fn begin(path: &Path, run: i64) -> Result<Self> {
        let mut log = Self { file: open(path)?, length: 0, run, claimed: HashMap::new(), waiting: HashMap::new() };
        log.empty()?;
        Ok(log)
    }

    /// Notes that this run has claimed a recipient.
    pub(super) fn claimed(&mut self, mailing: i64, subscriber: SubscriberId) {
        self.claimed.insert((mailing, subscriber), State::Claimed);
    }

    /// Writes entries down; gives the recipients this run has not claimed, of whom nothing is written.
    pub(super) fn add(
        &mut self,
        mailing: i64,
        entries: &[(SubscriberId, Entry)],
        now: DateTime<Utc>,
    ) -> Result<Vec<SubscriberId>> {
        const USUAL: usize = 128;
        let (mut lost, mut lines, at) = (Vec::new(), Vec::with_capacity(entries.len() * USUAL), time_text(now));
        for (subscriber, entry) in entries {
            if !self.step(mailing, *subscriber, entry) {
                lost.push(*subscriber);
                continue;
            }
            let line = Line::of(self.run, mailing, *subscriber, entry, &at);
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
            self.waiting.insert((mailing, *subscriber), Noted { entry: entry.clone(), at: now });
        }
        fault::step("note entries", "not written");
        if let Err(error) = self.file.write_all(&lines) {
            // Half a line must not stand before others.
            let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            return Err(error.into());
        }
        fault::step("note entries", "written");
        self.length += lines.len() as u64;
        Ok(lost)
    }

    /// Whether so many wait that they should go into the database.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// What is not in the database yet.
    pub(super) fn waiting(&self) -> &HashMap<(i64, SubscriberId), Noted> {
        &self.waiting
    }

    /// All that waited is in the database.
    pub(super) fn empty(&mut self) -> Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        self.waiting.clear();
        fault::step("note entries", "all in the database");
        Ok(())
    }

    /// Whether the entry may follow what is known of the recipient; if so, it does.
    fn step(&mut self, mailing: i64, subscriber: SubscriberId, entry: &Entry) -> bool {
        let Some(state) = self.claimed.get_mut(&(mailing, subscriber)) else { return false };
        match (entry, *state) {
            (Entry::Sending, State::Claimed) => *state = State::Sending,
            (Entry::Unsent, State::Sending) => *state = State::Claimed,
            (Entry::Ended(_), _) => {
                self.claimed.remove(&(mailing, subscriber));
            }
            _ => return false,
        }
        true
    }
}

/// What a dead run has noted and not put into the database, in its order. A last line that was cut off is none: what it
/// was to say had not happened.
pub(super) fn left_behind(path: &Path, run: i64) -> Result<Vec<(i64, SubscriberId, Noted)>> {
    let mut text = Vec::new();
    open(path)?.read_to_end(&mut text)?;
    let mut entries = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let line: Line<'_> = serde_json::from_slice(line)
            .with_context(|| format!("the log of the last run, `{}`, cannot be read", path.display()))?;
        if line.run == run {
            let (mailing, subscriber) = (line.mailing, SubscriberId(line.subscriber));
            entries.push((mailing, subscriber, line.noted()?));
        }
    }
    Ok(entries)
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?)
}

impl<'a> Line<'a> {
    fn of(run: i64, mailing: i64, subscriber: SubscriberId, entry: &'a Entry, at: &'a str) -> Self {
        let line = |state: State, reply: Option<&'a String>| Self {
            run,
            mailing,
            subscriber: subscriber.0,
            at: at.into(),
            state: state.as_str().into(),
            reply: reply.map(Into::into),
            retry_at: None,
            suppress: false,
        };
        match entry {
            Entry::Sending => line(State::Sending, None),
            Entry::Unsent => line(State::Claimed, None),
            Entry::Ended(Outcome::Sent(reply)) => line(State::Sent, Some(reply)),
            Entry::Ended(Outcome::Deferred { reply, retry_at }) => {
                Self { retry_at: Some(time_text(*retry_at).into()), ..line(State::Deferred, Some(reply)) }
            }
            Entry::Ended(Outcome::Failed { reply, suppress }) => {
                Self { suppress: *suppress, ..line(State::Failed, Some(reply)) }
            }
            Entry::Ended(Outcome::Unknown(why)) => line(State::Unknown, Some(why)),
            Entry::Ended(Outcome::Requeued) => line(State::Queued, None),
        }
    }

    fn noted(self) -> Result<Noted> {
        let reply = self.reply.unwrap_or_default().into_owned();
        let entry = match State::from_word(&self.state) {
            Some(State::Sending) => Entry::Sending,
            Some(State::Claimed) => Entry::Unsent,
            Some(State::Sent) => Entry::Ended(Outcome::Sent(reply)),
            Some(State::Deferred) => {
                let retry_at = time(&self.retry_at.context("a deferred recipient has no time")?)?;
                Entry::Ended(Outcome::Deferred { reply, retry_at })
            }
            Some(State::Failed) => Entry::Ended(Outcome::Failed { reply, suppress: self.suppress }),
            Some(State::Unknown) => Entry::Ended(Outcome::Unknown(reply)),
            Some(State::Queued) => Entry::Ended(Outcome::Requeued),
            Some(State::Suppressed) | None => bail!("no entry leaves a recipient `{}`", self.state),
        };
        Ok(Noted { entry, at: time(&self.at)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let reply = || "250 2.0.0 Ok: \"queued\"\u{2028}".to_owned();
        let retry_at = "2026-11-23T08:05:00Z".parse().unwrap();
        let outcomes = [
            Outcome::Sent(reply()),
            Outcome::Deferred { reply: reply(), retry_at },
            Outcome::Failed { reply: reply(), suppress: true },
            Outcome::Failed { reply: reply(), suppress: false },
            Outcome::Unknown(reply()),
            Outcome::Requeued,
        ];
        [Entry::Sending, Entry::Unsent].into_iter().chain(outcomes.map(Entry::Ended)).collect()
    }

    #[test]
    fn what_is_noted_is_found_by_the_next_run_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let now: DateTime<Utc> = "2026-11-23T08:00:00.123Z".parse().unwrap();
        let mut log = Log::begin(&path, 7).unwrap();
        let mut expected = Vec::new();
        for (number, entry) in entries().into_iter().enumerate() {
            let reader = SubscriberId(number as i64);
            log.claimed(1, reader);
            let noted: Vec<_> = match entry {
                Entry::Sending => vec![(reader, Entry::Sending)],
                entry => vec![(reader, Entry::Sending), (reader, entry)],
            };
            assert_eq!(log.add(1, &noted, now).unwrap(), []);
            expected.extend(noted.into_iter().map(|(reader, entry)| (1, reader, Noted { entry, at: now })));
        }
        let mut text = std::fs::read(&path).unwrap();
        assert_eq!(left_behind(&path, 7).unwrap(), expected);
        assert_eq!(left_behind(&path, 8).unwrap(), [], "it is another run's");
        text.truncate(text.len() - 5);
        std::fs::write(&path, &text).unwrap();
        expected.pop();
        assert_eq!(left_behind(&path, 7).unwrap(), expected);
        std::fs::write(&path, "{\"run\":7}\n").unwrap();
        assert!(left_behind(&path, 7).unwrap_err().to_string().contains("cannot be read"));
        Log::begin(&path, 8).unwrap();
        assert_eq!(left_behind(&path, 7).unwrap(), []);
    }

    #[test]
    fn the_last_word_about_each_recipient_waits_for_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::begin(&folder.path().join("log"), 7).unwrap();
        let (one, now) = (SubscriberId(1), DateTime::<Utc>::UNIX_EPOCH);
        log.claimed(1, one);
        let sent = Entry::Ended(Outcome::Sent("250".to_owned()));
        assert_eq!(log.add(1, &[(one, Entry::Sending), (one, sent.clone()), (one, sent.clone())], now).unwrap(), [one]);
        assert_eq!(log.waiting().len(), 1);
        assert_eq!(log.waiting()[&(1, one)].entry, sent);
        log.empty().unwrap();
        assert!(log.waiting().is_empty());
    }
}

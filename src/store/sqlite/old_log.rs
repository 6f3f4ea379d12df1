//! The log of a program of before, which noted the entries of a run in two files beside the database and brought them into
//! it later. A run of that program that was killed left there what the next run needs to know; nothing writes it any more.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::file::beside;
use super::{Result, time};
use crate::ledger::{Entry, Outcome, State};
use crate::subscriber::SubscriberId;

/// An entry, with the number of its mailing and its time.
#[derive(Debug, PartialEq)]
pub(super) struct Noted {
    pub(super) mailing: i64,
    pub(super) subscriber: SubscriberId,
    pub(super) entry: Entry,
    pub(super) at: DateTime<Utc>,
}

/// One line.
#[derive(Deserialize)]
struct Line {
    run: i64,
    /// Which of the two files was written first; a program of before there were two does not say.
    #[serde(default)]
    turn: u64,
    mailing: i64,
    subscriber: i64,
    at: String,
    /// The word of the state in which the entry leaves the recipient.
    state: String,
    #[serde(default)]
    reply: String,
    retry_at: Option<String>,
    #[serde(default)]
    suppress: bool,
}

fn paths(database: &Path) -> [PathBuf; 2] {
    ["-log", "-log2"].map(|suffix| beside(database, suffix))
}

/// What the run of that number noted, in its order. A last line that was cut off is none: what it was to say had not
/// happened.
pub(super) fn left_behind(database: &Path, run: i64) -> Result<Vec<Noted>> {
    let mut lines = Vec::new();
    for path in paths(database) {
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read?,
        };
        for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let line: Line = serde_json::from_slice(line)
                .with_context(|| format!("the log of the last run, `{}`, cannot be read", path.display()))?;
            lines.push(line);
        }
    }
    lines.retain(|line| line.run == run);
    lines.sort_by_key(|line| line.turn);
    lines.into_iter().map(Line::noted).collect()
}

/// Removes the files: what they held is in the database.
pub(super) fn remove(database: &Path) -> Result<()> {
    for path in paths(database).into_iter().filter(|path| path.exists()) {
        fs::remove_file(path)?;
    }
    Ok(())
}

impl Line {
    fn noted(self) -> Result<Noted> {
        let reply = self.reply;
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
        Ok(Noted { mailing: self.mailing, subscriber: SubscriberId(self.subscriber), entry, at: time(&self.at)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
        {\"run\":7,\"turn\":1,\"mailing\":1,\"subscriber\":2,\"at\":\"2026-11-23T08:00:01.000Z\",\"state\":\"deferred\",\
         \"reply\":\"450 Later\",\"retry_at\":\"2026-11-23T08:05:00.000Z\"}\n\
        {\"run\":7,\"turn\":1,\"mailing\":1,\"subscriber\":3,\"at\":\"2026-11-23T08:00:01.000Z\",\"state\":\"failed\",\
         \"reply\":\"550 5.1.1 Nobody\",\"suppress\":true}\n";
    const EARLIER_LINES: &str = "\
        {\"run\":7,\"mailing\":1,\"subscriber\":2,\"at\":\"2026-11-23T08:00:00.000Z\",\"state\":\"sending\"}\n\
        {\"run\":6,\"mailing\":1,\"subscriber\":1,\"at\":\"2026-11-23T07:00:00.000Z\",\"state\":\"sending\"}\n\
        {\"run\":7,\"mailing\":1,\"subscr";

    #[test]
    fn what_the_last_run_noted_is_read_in_its_order_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("store.db");
        assert_eq!(left_behind(&database, 7).unwrap(), []);
        let [first, second] = paths(&database);
        fs::write(&first, LINES).unwrap();
        fs::write(&second, EARLIER_LINES).unwrap();
        let at = |second| format!("2026-11-23T08:00:0{second}Z").parse().unwrap();
        let noted = |subscriber, entry, second| Noted {
            mailing: 1,
            subscriber: SubscriberId(subscriber),
            entry,
            at: at(second),
        };
        let retry_at = "2026-11-23T08:05:00Z".parse().unwrap();
        let failed = Outcome::Failed { reply: "550 5.1.1 Nobody".to_owned(), suppress: true };
        let expected = [
            noted(2, Entry::Sending, 0),
            noted(2, Entry::Ended(Outcome::Deferred { reply: "450 Later".to_owned(), retry_at }), 1),
            noted(3, Entry::Ended(failed), 1),
        ];
        assert_eq!(left_behind(&database, 7).unwrap(), expected);
        fs::write(&first, "{\"run\":7}\n").unwrap();
        assert!(left_behind(&database, 7).unwrap_err().to_string().contains("cannot be read"));
        remove(&database).unwrap();
        assert_eq!(left_behind(&database, 7).unwrap(), []);
    }
}

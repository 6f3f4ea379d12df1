//! Backups: all that a store holds in one SQLite file, made while others send, and a store brought back from such a file.
//!
//! Takes a store and a file; returns what was written, and what nobody can know any more. Both are made beside their place
//! and put there when they are whole, so that whoever is killed leaves nothing that looks whole. A backup is only read; what
//! stood in the place of a store that is brought back is kept, and whoever left there stays away.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::fault;
use crate::ledger::Run;
use crate::store::moving::restoring::{Restoring, uncertain};
use crate::store::moving::{Census, Movable, Moved, pour_into};
use crate::store::sqlite::alone::{alone, sign};
use crate::store::sqlite::{Sqlite, backups};
use crate::store::{Store as _, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber};

/// So many subscribers are taken over in one transaction.
const AT_ONCE: usize = 10_000;

/// Writes all that a store holds in this moment into a new file. `each` is told of every row.
///
/// # Errors
/// When the file is there, or cannot be written; when the store cannot be read. Then there is no file.
pub fn back_up(
    from: &mut dyn Movable,
    file: &Path,
    run: &Run,
    now: DateTime<Utc>,
    each: &mut dyn FnMut(u64),
) -> Result<Census, StoreError> {
    if file.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { place: file.display().to_string() });
    }
    let part = tempfile::Builder::new().prefix(".slugline-").tempfile_in(folder_of(file));
    let part = part.with_context(|| format!("failed to make a file beside `{}`", file.display()));
    let part = part.map_err(|source| StoreError::Failed { doing: "be backed up", source })?.into_temp_path();
    from.begin_snapshot()?;
    let census = from.census()?;
    let mut to = Sqlite::open(&part)?;
    pour_into(from, &mut to, &Moved::new("a backup", run, now), &census, each)?;
    to.mark_as_backup(now)?;
    to.close()?;
    fault::step("back the store up", "not in its place");
    backups::put_where_nothing_is(part, file)?;
    Ok(census)
}

/// What is to be brought back, and as what.
pub struct Restore<'a> {
    /// The backup, or any other SQLite store.
    pub file: &'a Path,
    /// So many runs are counted at least.
    pub runs: u64,
    /// Who does it.
    pub run: Run,
    /// The time.
    pub now: DateTime<Utc>,
}

/// What became of it.
#[derive(Debug)]
pub enum Restored {
    /// The store is back.
    Done(Box<Outcome>),
    /// Another run sends from it; nothing was done.
    Busy(Option<Run>),
}

/// A store that is back.
#[derive(Debug)]
pub struct Outcome {
    /// When the backup was made; of another store, when it was last written.
    pub made: DateTime<Utc>,
    /// What the backup held.
    pub census: Census,
    /// How many recipients waited for a mailing then; nobody knows whether they were mailed since.
    pub unknown: u64,
    /// The store that stood in its place.
    pub replaced: Option<Replaced>,
}

/// A store that another one stands in the place of.
#[derive(Debug)]
pub struct Replaced {
    /// Where it is kept.
    pub file: PathBuf,
    /// What was taken over from it, as far as it could be read.
    pub carried: Carried,
}

/// Subscribers taken over from a store that is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Had left or were suppressed since the backup, and stay so.
    pub left: u64,
    /// Had joined since.
    pub joined: u64,
    /// Had been erased since; they are in the backup, and do not get mail.
    pub erased: u64,
    /// Whether all of it could be read.
    pub is_whole: bool,
}

impl Restore<'_> {
    /// Brings a store back to a server, where there must be none.
    ///
    /// # Errors
    /// When the backup cannot be read, or the store holds anything already, or cannot be written; then it is as it was.
    pub fn to_server(
        &self,
        to: &mut dyn Movable,
        scratch_in: &Path,
        each: &mut dyn FnMut(u64),
    ) -> Result<Restored, StoreError> {
        to.can_be_filled()?;
        let scratch = scratch(scratch_in)?;
        let (from, restoring) = self.open(scratch.path())?;
        restoring.fill(&from, to, &self.moved(), each)?;
        self.outcome(&from, restoring.made, None)
    }

    /// Brings a store back to a file, in the place of any that is there.
    ///
    /// # Errors
    /// When the backup cannot be read, or the new file not be written; then the old one is as it was.
    pub fn to_file(&self, place: &Path, each: &mut dyn FnMut(u64)) -> Result<Restored, StoreError> {
        let failed = |source| StoreError::Failed { doing: "be brought back", source };
        let scratch = scratch(folder_of(place))?;
        // First of all, so that a wrong name changes nothing.
        let (from, restoring) = self.open(scratch.path())?;
        let mut lock = match alone(place).map_err(failed)? {
            Ok(lock) => lock,
            Err(other) => return Ok(Restored::Busy(other)),
        };
        sign(&mut lock, &self.run).map_err(failed)?;
        let file = scratch.path().join("new.db");
        let mut to = Sqlite::open(&file)?;
        restoring.fill(&from, &mut to, &self.moved(), each)?;
        let carried = if place.exists() { self.carry_over(place, &mut to)? } else { Carried::default() };
        to.close()?;
        let kept = backups::put_in_place(&file, place, self.now)?;
        self.outcome(&from, restoring.made, kept.map(|file| Replaced { file, carried }))
    }

    /// Opens a copy of the backup, which brings the copy to the newest schema.
    fn open(&self, scratch: &Path) -> Result<(Sqlite, Restoring), StoreError> {
        let written = fs::metadata(self.file).and_then(|metadata| metadata.modified());
        let written = written.with_context(|| format!("failed to read `{}`", self.file.display()));
        let written = written.map_err(|source| StoreError::Open { place: self.file.display().to_string(), source })?;
        let from = backups::copy_of(self.file, &scratch.join("backup.db"))?;
        if let Some(moved) = from.moved()? {
            return Err(moved.refusal(self.file.display().to_string()));
        }
        let made = from.made_as_backup()?.unwrap_or_else(|| written.into());
        Ok((from, Restoring { made, runs: self.runs, now: self.now }))
    }

    /// Whoever left the store that is replaced stays away, and whoever joined it stays.
    fn carry_over(&self, place: &Path, to: &mut Sqlite) -> Result<Carried, StoreError> {
        let Ok(old) = Sqlite::open(place) else { return Ok(Carried::default()) };
        let (before, mut joined, mut some) = (to.active()?, 0, Vec::new());
        let mut add = |some: &mut Vec<NewSubscriber>| -> Result<(), StoreError> {
            joined += to.add_subscribers(&mut some.drain(..), self.now)?.new;
            Ok(())
        };
        let mut failed = None;
        let read = old.each_subscriber(None, &mut |subscriber| {
            some.push(as_new(subscriber));
            if some.len() == AT_ONCE {
                add(&mut some).map_err(|why| failed.insert(why).to_string()).map_err(anyhow::Error::msg)?;
            }
            Ok(())
        });
        if let Some(why) = failed {
            return Err(why);
        }
        add(&mut some)?;
        let is_whole = read.is_ok() && old.is_sound();
        let erased = if is_whole { self.keep_away_erased(&old, to)? } else { 0 };
        Ok(Carried { left: before + joined - erased - to.active()?, joined, erased, is_whole })
    }

    /// Whoever was erased since is in the backup still, and must not be mailed. Returns how many they are.
    fn keep_away_erased(&self, old: &Sqlite, to: &mut Sqlite) -> Result<u64, StoreError> {
        to.forget_as(old)?;
        if to.id()? != old.id()? {
            return Ok(0);
        }
        let mut erased = Vec::new();
        let read = to.each_subscriber(Some(Status::Active), &mut |subscriber| {
            if old.subscriber(&subscriber.address)?.is_none() {
                erased.push(subscriber.address);
            }
            Ok(())
        });
        read.map_err(|source| StoreError::Failed { doing: "be brought back", source })?;
        for address in &erased {
            to.set_status(address, Status::Unsubscribed, self.now)?;
        }
        Ok(erased.len() as u64)
    }

    fn moved(&self) -> Moved {
        Moved::new("a store that is brought back", &self.run, self.now)
    }

    fn outcome(&self, from: &Sqlite, made: DateTime<Utc>, replaced: Option<Replaced>) -> Result<Restored, StoreError> {
        let census = from.census()?;
        let unknown = uncertain(&census);
        Ok(Restored::Done(Box::new(Outcome { made, census, unknown, replaced })))
    }
}

/// A subscriber as an import brings them.
fn as_new(subscriber: Subscriber) -> NewSubscriber {
    let Subscriber { address, name, status, attributes, .. } = subscriber;
    NewSubscriber { status, attributes, ..NewSubscriber::new(address, &name) }
}

/// A folder for what is not whole yet, gone at the end.
fn scratch(folder: &Path) -> Result<tempfile::TempDir, StoreError> {
    let made = tempfile::Builder::new().prefix(".slugline-").tempdir_in(folder);
    let made = made.with_context(|| format!("failed to make a folder in `{}`", folder.display()));
    made.map_err(|source| StoreError::Failed { doing: "be brought back", source })
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

//! Moving: everything in a store is copied into another one, which sends from then on; the old one refuses to.
//!
//! The order ensures that no one is mailed twice. First the old store is marked: from here on it refuses runs and
//! changes, and says where it moves to. Then the new one is filled, in one transaction that also records the id of the
//! move. Last, the mark is set to complete. If the program dies on the way, the old store stays marked; the id tells
//! the next call whether the new one is filled, and it continues from there. At no moment do both stores send.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::ledger::{Run, State};
use crate::store::{Store, StoreError};

pub(super) use table::{Kind, SEQUENCES};
pub use table::{RowCounts, Table};

pub(super) mod restoring;
mod table;
#[cfg(test)]
#[cfg(feature = "postgres")]
pub(super) mod tests;

/// Properties that the stores themselves read: the store's id, the run counter, and when a backup was made.
pub(super) const ID: &str = "id";
pub(super) const RUNS: &str = "runs";
pub(super) const BACKUP: &str = "backup";

/// Takes one row: a text for each column of its table, `None` for NULL.
pub type EachRow<'a> = dyn FnMut(&[Option<&str>]) -> anyhow::Result<()> + 'a;

/// Calls a visitor with each row of a table.
pub type RowSource<'a> = dyn FnMut(Table, &mut EachRow<'_>) -> anyhow::Result<()> + 'a;

/// A store that can be moved to another one, and be the target of a move.
pub trait Movable: Store {
    /// The mark of a store that was moved or is being moved.
    fn moved(&self) -> Result<Option<Moved>, StoreError>;

    /// Takes the run lock and the right to send messages, settles what dead runs left, as `begin_run` does, and marks the store as being moved to
    /// `place`, durable: from here on it refuses `begin_run`, `freeze` and every other change. An unfinished move to
    /// the same place is resumed; it is an error if the store was, or is being, moved to another place. Does nothing
    /// while another run sends.
    fn begin_move(&mut self, place: &str, run: &Run, now: DateTime<Utc>) -> Result<MoveStart, StoreError>;

    /// Records that the move is complete, durable.
    fn end_move(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Removes the mark, durable.
    fn give_up_move(&mut self) -> Result<(), StoreError>;

    /// From now on `row_counts` and `for_each_row` show the store as of this moment, while others change it.
    fn begin_snapshot(&mut self) -> Result<(), StoreError>;

    /// How many rows it contains.
    fn row_counts(&self) -> Result<RowCounts, StoreError>;

    /// Calls `each` with every row of a table in the order of its key, the values in the order of `Table::columns`.
    fn for_each_row(&self, table: Table, each: &mut EachRow<'_>) -> anyhow::Result<()>;

    /// Checks that it may be filled: an error if it has a subscriber, a mailing, a request or a message, has forgotten or
    /// blocked an address, or was moved itself.
    fn can_be_filled(&self) -> Result<(), StoreError>;

    /// Fills it with `rows` in one durable transaction, and records the id of the move. Its row counts must then be as
    /// `expected`; any error leaves it unchanged. Subscribers who join later get higher numbers than any ever given.
    fn fill(&mut self, moved: &Moved, expected: &RowCounts, rows: &mut RowSource<'_>) -> Result<(), StoreError>;

    /// Deletes it if opening it created the file and nothing was put into it. Any other store stays.
    fn discard(self: Box<Self>) -> Result<(), StoreError>;

    /// Whether this move has filled it. Waits for a `fill` in progress, in whichever process.
    fn is_filled_by(&mut self, moved: &Moved) -> Result<bool, StoreError>;
}

/// The mark of a store that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The unique id of the move.
    pub id: String,
    /// The new location, in the project file's notation.
    pub place: String,
    /// When it stopped sending.
    pub begun: DateTime<Utc>,
    /// When the copy was complete; `None` if it may not be.
    pub ended: Option<DateTime<Utc>>,
}

impl Moved {
    /// A move that this process begins now.
    pub(super) fn new(place: &str, run: &Run, now: DateTime<Utc>) -> Self {
        let time = now.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let id = format!("{time} {} {} {}", run.host, run.boot_id, run.pid);
        Self { id, place: place.to_owned(), begun: now, ended: None }
    }

    /// The error for attempts to send from, or change, the store at `place`.
    pub(super) fn refusal(self, place: String) -> StoreError {
        StoreError::Moved { place, to: self.place, begun: self.begun, ended: self.ended.is_some() }
    }
}

/// Whether a move may begin.
#[derive(Debug, Clone, PartialEq)]
pub enum MoveStart {
    /// The store is marked.
    Begun(Moved),
    /// Another live run is sending; which one, if known.
    Busy(Option<Run>),
}

/// The outcome of a copy.
#[derive(Debug, Clone, PartialEq)]
pub enum CopyOutcome {
    /// The other store contains this and sends from now on.
    Done(RowCounts),
    /// Another live run is sending; nothing was done.
    Busy(Option<Run>),
}

/// Moves everything in `from` to the empty store `to`, which is at `place`, or finishes such a move. Calls `each` for
/// every row.
///
/// # Errors
/// If one of the stores fails. A move begun by this call is then undone, unless it is uncertain whether the other store
/// is filled; `from` then stays marked, and another call finds out.
pub fn copy(
    from: &mut dyn Movable,
    to: &mut dyn Movable,
    place: &str,
    run: &Run,
    now: DateTime<Utc>,
    each: &mut dyn FnMut(u64),
) -> Result<CopyOutcome, StoreError> {
    let is_new = from.moved()?.is_none();
    if is_new {
        to.can_be_filled()?;
    }
    let moved = match from.begin_move(place, run, now)? {
        MoveStart::Begun(moved) => moved,
        MoveStart::Busy(other) => return Ok(CopyOutcome::Busy(other)),
    };
    let counts = from.row_counts()?;
    if !to.is_filled_by(&moved)?
        && let Err(error) = refuse_if_in_hand(&counts).and_then(|()| copy_rows(from, to, &moved, &counts, each))
    {
        match to.is_filled_by(&moved) {
            // The reply to the commit was lost, the commit was not.
            Ok(true) => {}
            Ok(false) if is_new => {
                from.give_up_move()?;
                return Err(error);
            }
            _ => return Err(error),
        }
    }
    from.end_move(now)?;
    Ok(CopyOutcome::Done(counts))
}

fn refuse_if_in_hand(counts: &RowCounts) -> Result<(), StoreError> {
    if counts.in_state(State::Claimed) + counts.in_state(State::Sending) > 0 {
        let source = anyhow::anyhow!("recipients are claimed by a run");
        return Err(StoreError::Failed { doing: "be moved", source });
    }
    Ok(())
}

/// Fills `to` with everything in `from`, unchanged.
pub(super) fn copy_rows(
    from: &dyn Movable,
    to: &mut dyn Movable,
    moved: &Moved,
    counts: &RowCounts,
    each: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let total = counts.total();
    let mut rows = |table: Table, row: &mut EachRow<'_>| {
        from.for_each_row(table, &mut |fields| {
            each(total);
            row(fields)
        })
    };
    to.fill(moved, counts, &mut rows)
}

/// The outcome of cancelling a move.
#[derive(Debug, Clone, PartialEq)]
pub enum KeepOutcome {
    /// The store sends again.
    Again(Moved),
    /// It was never marked.
    NotMoved,
    /// The other store is filled and sends: only this one's mark is unfinished.
    Filled(Moved),
    /// Another live run is sending or copying; nothing was done.
    Busy(Option<Run>),
}

/// Opens the target of a move; returns `None` if the user has said that it is gone.
pub type Reopen<'a> = dyn FnMut(&Moved) -> anyhow::Result<Option<Box<dyn Movable>>> + 'a;

/// Cancels an unfinished move, unless the target turns out to be filled.
///
/// # Errors
/// If a store fails, or the move is complete.
pub fn keep(from: &mut dyn Movable, to: &mut Reopen<'_>, run: &Run, now: DateTime<Utc>) -> anyhow::Result<KeepOutcome> {
    let Some(moved) = from.moved()? else { return Ok(KeepOutcome::NotMoved) };
    // A process that copies has the run lock.
    let moved = match from.begin_move(&moved.place, run, now)? {
        MoveStart::Begun(moved) => moved,
        MoveStart::Busy(other) => return Ok(KeepOutcome::Busy(other)),
    };
    if let Some(mut to) = to(&moved)?
        && to.is_filled_by(&moved)?
    {
        return Ok(KeepOutcome::Filled(moved));
    }
    from.give_up_move()?;
    Ok(KeepOutcome::Again(moved))
}

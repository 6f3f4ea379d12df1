//! Moving: all that a store holds is copied into another one, which sends from then on; this one refuses to.
//!
//! Takes two stores; gives how much was copied. The order is what keeps anybody from being mailed twice. First the old
//! store is marked: from here on it refuses runs and changes, and says where it goes. Then the new one is filled, in one
//! transaction that also writes down the number of the move. Last the mark says that the move is over. Whoever dies on the
//! way leaves the old store marked; the number tells the next call whether the new one is filled, so that it goes on where
//! the other died. At no moment do both stores with the same subscribers send.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::ledger::{Run, State};
use crate::store::{Store, StoreError};

pub(super) use table::{Kind, SUBSCRIBERS};
pub use table::{RowCounts, Table};

pub(super) mod restoring;
mod table;
#[cfg(all(test, feature = "postgres"))]
pub(super) mod tests;

/// The properties of a store that stores themselves read: its id, how far it has counted runs, and, of a backup, when it was
/// made.
pub(super) const ID: &str = "id";
pub(super) const RUNS: &str = "runs";
pub(super) const BACKUP: &str = "backup";

/// Takes one row: a text for each column of its table, `None` where there is no value.
pub type EachRow<'a> = dyn FnMut(&[Option<&str>]) -> anyhow::Result<()> + 'a;

/// Gives the rows of a table, one by one.
pub type RowSource<'a> = dyn FnMut(Table, &mut EachRow<'_>) -> anyhow::Result<()> + 'a;

/// A store that can be moved to another one, and be the other one.
pub trait Movable: Store {
    /// The mark of a store that was moved, or is being moved.
    fn moved(&self) -> Result<Option<Moved>, StoreError>;

    /// Takes the right to send, settles what dead runs left, as `begin_run` does, and marks the store as being moved to
    /// `place`, durable: from here on it refuses `begin_run`, `freeze` and everything else that changes it. A move to the
    /// same place that did not come to its end is taken up again; it is an error if the store is, or is being, moved to
    /// another place. While anybody else sends, nothing is done.
    fn begin_move(&mut self, place: &str, run: &Run, now: DateTime<Utc>) -> Result<MoveStart, StoreError>;

    /// Notes that the move is over, durable.
    fn end_move(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Takes the mark away, durable.
    fn give_up_move(&mut self) -> Result<(), StoreError>;

    /// From now on `row_counts` and `for_each_row` tell of what it held in this moment, while others change it.
    fn begin_snapshot(&mut self) -> Result<(), StoreError>;

    /// How much it holds.
    fn row_counts(&self) -> Result<RowCounts, StoreError>;

    /// Calls `each` with every row of a table in the order of its key, the values in the order of `Table::columns`.
    fn for_each_row(&self, table: Table, each: &mut EachRow<'_>) -> anyhow::Result<()>;

    /// Whether it may be filled: an error if it has a subscriber or a mailing, has forgotten anybody, or was moved itself.
    fn can_be_filled(&self) -> Result<(), StoreError>;

    /// Fills it in one durable transaction with what `for_each_row` gives, and notes the number of the move. What it holds then is
    /// counted and has to be as `expected`; any error leaves it as it was. Subscribers who join later get higher numbers
    /// than any that was ever given.
    fn fill(&mut self, moved: &Moved, expected: &RowCounts, rows: &mut RowSource<'_>) -> Result<(), StoreError>;

    /// Takes it away again if it is a file that was made by being opened, and nothing was put into it. Another store stays.
    fn discard(self: Box<Self>) -> Result<(), StoreError>;

    /// Whether it was filled by that move. Waits for a `fill` that is not over, whoever does it.
    fn is_filled_by(&mut self, moved: &Moved) -> Result<bool, StoreError>;
}

/// What a store that was moved says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The number of the move, of which there is no other.
    pub id: String,
    /// Where to, as the project file would say it.
    pub place: String,
    /// Since when it refuses to send.
    pub begun: DateTime<Utc>,
    /// When everything was in the other store; `None`: it may not be.
    pub ended: Option<DateTime<Utc>>,
}

impl Moved {
    /// A move of this process that begins now.
    pub(super) fn new(place: &str, run: &Run, now: DateTime<Utc>) -> Self {
        let time = now.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let id = format!("{time} {} {} {}", run.host, run.boot_id, run.pid);
        Self { id, place: place.to_owned(), begun: now, ended: None }
    }

    /// What whoever wants to send from, or change, the store at `place` is told.
    pub(super) fn refusal(self, place: String) -> StoreError {
        StoreError::Moved { place, to: self.place, begun: self.begun, ended: self.ended.is_some() }
    }
}

/// Whether a move may begin.
#[derive(Debug, Clone, PartialEq)]
pub enum MoveStart {
    /// The store is marked.
    Begun(Moved),
    /// Another live run sends; who, as far as known.
    Busy(Option<Run>),
}

/// What became of a copy.
#[derive(Debug, Clone, PartialEq)]
pub enum CopyOutcome {
    /// The other store holds this, and sends from now on.
    Done(RowCounts),
    /// Another live run sends; nothing was done.
    Busy(Option<Run>),
}

/// Moves all of `from` to the empty store `to`, which is at `place`; or finishes such a move. `each` is told of every row.
///
/// # Errors
/// When one of the stores fails. A move that this call began is taken back then, unless nobody can know whether the other
/// store is filled; then `from` stays marked, and another call finds out.
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
            // The answer to the commit was lost, the commit was not.
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
        let source = anyhow::anyhow!("recipients are in the hands of a run");
        return Err(StoreError::Failed { doing: "be moved", source });
    }
    Ok(())
}

/// Fills `to` with all of `from`, as it is.
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

/// What became of the wish to keep a store that is being moved.
#[derive(Debug, Clone, PartialEq)]
pub enum KeepOutcome {
    /// It sends again.
    Again(Moved),
    /// It was never marked.
    NotMoved,
    /// The other store holds everything, and sends: only the mark of this one is not finished.
    Filled(Moved),
    /// Another live run sends, or copies; nothing was done.
    Busy(Option<Run>),
}

/// Opens the store to which a move was to go; gives `None` where a person has said that it is gone.
pub type Reopen<'a> = dyn FnMut(&Moved) -> anyhow::Result<Option<Box<dyn Movable>>> + 'a;

/// Gives up a move that was begun and not finished. The store it was to go to is asked whether it is filled.
///
/// # Errors
/// When a store fails, or the move is finished.
pub fn keep(from: &mut dyn Movable, to: &mut Reopen<'_>, run: &Run, now: DateTime<Utc>) -> anyhow::Result<KeepOutcome> {
    let Some(moved) = from.moved()? else { return Ok(KeepOutcome::NotMoved) };
    // Whoever copies has the right to send meanwhile.
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

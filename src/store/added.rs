//! What became of a list: how many of its records were new, and what their people are now.

use crate::subscriber::{Status, StatusCounts};

/// What became of the records that were given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Added as active.
    pub new: u64,
    /// Of those who were there already and are active still.
    pub known: u64,
    /// Came a second time in one call; the first counts.
    pub repeated: u64,
    /// Of those who are not active, as the store knew before or their new record says.
    pub away: u64,
    /// Of those who were forgotten, and were not added.
    pub forgotten: u64,
    /// The people of these records by what they are now, each counted once.
    pub by_status: StatusCounts,
}

/// How somebody was met, whose record comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// This record makes them.
    New,
    /// They were there before.
    Known,
    /// They were there before, and are in this list for a second time at least.
    KnownAgain,
    /// An earlier record of this list made them.
    Repeated,
}

impl Added {
    /// Counts a record by the status before and after it; of somebody new they are the same.
    pub fn count(&mut self, met: Occurrence, before: Status, after: Status) {
        match (after, met) {
            (Status::Active, Occurrence::New) => self.new += 1,
            (Status::Active, Occurrence::Known | Occurrence::KnownAgain) => self.known += 1,
            (Status::Active, Occurrence::Repeated) => self.repeated += 1,
            _ => self.away += 1,
        }
        match met {
            Occurrence::New | Occurrence::Known => self.by_status.add(after, 1),
            Occurrence::KnownAgain | Occurrence::Repeated => self.by_status.shift(before, after),
        }
    }
}

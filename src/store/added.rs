//! The result of adding a list: how many records were new, and the statuses of their subscribers.

use crate::subscriber::{Status, StatusCounts};

/// How the given records were handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Added as active.
    pub new: u64,
    /// Already there and still active.
    pub known: u64,
    /// Repeated in the same call; the first record counts.
    pub repeated: u64,
    /// Inactive, according to the store or the new record.
    pub away: u64,
    /// Forgotten, and not added.
    pub forgotten: u64,
    /// The subscribers of these records by their present status, each counted once.
    pub by_status: StatusCounts,
}

/// How a record relates to the store and to the records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// This record creates the subscriber.
    New,
    /// The subscriber was there before.
    Known,
    /// The subscriber was there before, and an earlier record named them too.
    KnownAgain,
    /// An earlier record created the subscriber.
    Repeated,
}

impl Added {
    /// Counts a record by the status before and after it; for a new subscriber both are the same.
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

//! Whether the project's own list names a subscriber: the words that stores keep.

use crate::subscriber::Status;

/// The list names the subscriber, or did when it was last read.
pub(super) const NAMED: &str = "yes";

/// The list named the subscriber and no longer does; the user has been told.
pub(super) const MISSING: &str = "missing";

/// Rows whose word changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Numbers of the subscribers that the list names.
    pub named: Vec<i64>,
    /// Numbers of those that it no longer names.
    pub missing: Vec<i64>,
}

impl Changes {
    /// Takes the row of one subscriber; returns whether to report that the list no longer names them.
    pub(super) fn apply(&mut self, id: i64, listed: Option<&str>, status: &str, is_named: bool) -> bool {
        match (is_named, listed) {
            (true, Some(NAMED)) => {}
            (true, _) => self.named.push(id),
            (false, Some(NAMED)) => {
                self.missing.push(id);
                return status == Status::Active.as_str();
            }
            (false, _) => {}
        }
        false
    }
}

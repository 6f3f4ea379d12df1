//! Whether the project's own list names a subscriber, as the stores keep it.

use crate::subscriber::Status;

/// It does, or did when it was last read.
pub(super) const NAMED: &str = "yes";

/// It did, and does not any more, as a person was told.
pub(super) const MISSING: &str = "missing";

/// Rows that get another word.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The numbers of those whom the list names.
    pub named: Vec<i64>,
    /// The numbers of those whom it does not name any more.
    pub missing: Vec<i64>,
}

impl Changes {
    /// Takes what the store has of one subscriber; tells whether a person has to know that the list lacks them.
    pub(super) fn judge(&mut self, id: i64, listed: Option<&str>, status: &str, is_named: bool) -> bool {
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

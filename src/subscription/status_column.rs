//! A status column, and the meaning of its cells.
//!
//! Combines what `services` knows of an export, words understood in any list, and the user's own meanings. Any other
//! cell has no meaning, and `plan` stops the import.

use crate::subscriber::Status;
use crate::subscription::options::Meaning;
use crate::subscription::services::StatusRule;
use crate::subscription::status_words::{STATUS_WORDS, normalized_cell};

/// A status column.
pub(super) struct StatusColumn {
    pub at: usize,
    cells: CellRule,
}

enum CellRule {
    /// Words, as `normalized_cell` returns them, and the meaning of every other word, if any.
    Words(Vec<(String, Status)>, Option<Status>),
    /// Any content means this status.
    Since(Status),
}

impl StatusColumn {
    /// A status column of an export. `is_alone`: no other column states the status of the entire file.
    pub fn of_service(at: usize, rule: &StatusRule, is_alone: bool) -> Self {
        let cells = match rule {
            StatusRule::Words(words) => CellRule::Words(owned(words).collect(), None),
            // The file then contains only this status, and a cell without a date is no reason to mail anyone.
            StatusRule::FileOf(status) if is_alone => CellRule::Words(Vec::new(), Some(*status)),
            StatusRule::Since(status) | StatusRule::FileOf(status) => CellRule::Since(*status),
        };
        Self { at, cells }
    }

    /// A status column with the user's meanings, followed by the words of `known` or those understood in any list. An
    /// empty cell is active only if `is_empty_active` is set or the user says so.
    pub fn explained(at: usize, known: Option<Self>, said: &[Meaning], is_empty_active: bool) -> Self {
        let mut said: Vec<&Meaning> = said.iter().collect();
        // Of two meanings of one word, the inactive one counts.
        said.sort_by_key(|meaning| meaning.status == Status::Active);
        let other = said.iter().find(|meaning| meaning.word == "*").map(|meaning| meaning.status);
        let said = said.into_iter().filter(|meaning| meaning.word != "*");
        let mut words: Vec<(String, Status)> =
            said.map(|meaning| (normalized_cell(&meaning.word), meaning.status)).collect();
        match known.map(|known| known.cells) {
            Some(CellRule::Words(known, _)) => words.extend(known),
            None | Some(CellRule::Since(_)) => {
                words.extend(Status::ALL.map(|status| (status.as_str().to_owned(), status)));
                words.extend(owned(&STATUS_WORDS).filter(|(word, _)| is_empty_active || !word.is_empty()));
            }
        }
        Self { at, cells: CellRule::Words(words, other) }
    }

    /// Whether words in it state the status.
    pub fn has_status_words(&self) -> bool {
        matches!(&self.cells, CellRule::Words(words, _) if !words.is_empty())
    }

    /// The status that a cell means, or `None` if it is unknown.
    pub fn status(&self, cell: &str) -> Option<Status> {
        match &self.cells {
            CellRule::Since(status) => Some(if cell.is_empty() { Status::Active } else { *status }),
            CellRule::Words(words, other) => {
                let plain = words.iter().find(|(word, _)| word == cell);
                let found = plain.or_else(|| {
                    let normalized = normalized_cell(cell);
                    words.iter().find(|(word, _)| *word == normalized)
                });
                found.map(|(_, status)| *status).or(*other)
            }
        }
    }
}

fn owned(words: &[(Status, &[&str])]) -> impl Iterator<Item = (String, Status)> {
    words.iter().flat_map(|(status, words)| words.iter().map(|word| ((*word).to_owned(), *status)))
}

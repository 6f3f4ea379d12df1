//! A column that tells the status: which cell means what.
//!
//! Made of what `services` knows of an export, of the words that are understood in any list, and of those that a person
//! explains. A cell that is none of them has no meaning, and `judge` stops the import.

use crate::subscriber::Status;
use crate::subscription::options::Meaning;
use crate::subscription::services::StatusRule;
use crate::subscription::status_words::{STATUS_WORDS, normalized_cell};

/// A column that tells the status.
pub(super) struct StatusColumn {
    pub at: usize,
    says: CellRule,
}

enum CellRule {
    /// By words, as `normalized_cell` leaves them; and what every other word means, if anything.
    Words(Vec<(String, Status)>, Option<Status>),
    /// Who has anything there has this status.
    Since(Status),
}

impl StatusColumn {
    /// The column at this place of an export. `is_alone`: no other tells of what status the whole file is.
    pub fn of_service(at: usize, tells: &StatusRule, is_alone: bool) -> Self {
        let says = match tells {
            StatusRule::Words(words) => CellRule::Words(owned(words).collect(), None),
            // Alone it is what the file is a list of, and a cell without a date is no reason to write to anybody.
            StatusRule::FileOf(status) if is_alone => CellRule::Words(Vec::new(), Some(*status)),
            StatusRule::Since(status) | StatusRule::FileOf(status) => CellRule::Since(*status),
        };
        Self { at, says }
    }

    /// The column at this place, with the words that a person explains before those of `known`, or else before those that
    /// are understood anyway. A blank cell is active only where it `is_blank_active` or somebody says so.
    pub fn explained(at: usize, known: Option<Self>, said: &[Meaning], is_blank_active: bool) -> Self {
        let mut said: Vec<&Meaning> = said.iter().collect();
        // Of two meanings of one word the one against mail counts.
        said.sort_by_key(|meaning| meaning.status == Status::Active);
        let other = said.iter().find(|meaning| meaning.word == "*").map(|meaning| meaning.status);
        let said = said.into_iter().filter(|meaning| meaning.word != "*");
        let mut words: Vec<(String, Status)> =
            said.map(|meaning| (normalized_cell(&meaning.word), meaning.status)).collect();
        match known.map(|known| known.says) {
            Some(CellRule::Words(known, _)) => words.extend(known),
            None | Some(CellRule::Since(_)) => {
                words.extend(Status::ALL.map(|status| (status.as_str().to_owned(), status)));
                words.extend(owned(&STATUS_WORDS).filter(|(word, _)| is_blank_active || !word.is_empty()));
            }
        }
        Self { at, says: CellRule::Words(words, other) }
    }

    /// Whether a word in it tells the status.
    pub fn has_status_words(&self) -> bool {
        matches!(&self.says, CellRule::Words(words, _) if !words.is_empty())
    }

    /// What a cell means; `None` when that is not known.
    pub fn status(&self, cell: &str) -> Option<Status> {
        match &self.says {
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

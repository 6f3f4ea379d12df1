//! What many issues have in common, kept once: the same authors, the same terms.
//!
//! A hundred thousand issues are written by a few people about a few things. Takes issues as they are read, and gives
//! them back equal.

use std::collections::HashSet;
use std::sync::Arc;

use crate::issue::{Issue, Term};
use crate::publication::Author;

/// The authors and terms of the issues so far.
#[derive(Default)]
pub(super) struct Interner {
    authors: HashSet<Arc<[Author]>>,
    terms: HashSet<Term>,
    lists: HashSet<Arc<[Term]>>,
}

impl Interner {
    /// The issue, holding what an issue before it holds already.
    pub fn intern(&mut self, mut issue: Issue) -> Issue {
        issue.authors = known(&mut self.authors, issue.authors);
        for terms in [&mut issue.categories, &mut issue.tags] {
            let list = terms.iter().map(|term| known(&mut self.terms, term.clone())).collect();
            *terms = known(&mut self.lists, list);
        }
        // A joined URL has room for more; its clone has not.
        issue.permalink = issue.permalink.clone();
        issue.title.shrink_to_fit();
        issue
    }
}

fn known<T: Clone + Eq + std::hash::Hash>(interner: &mut HashSet<T>, value: T) -> T {
    if let Some(known) = interner.get(&value) {
        return known.clone();
    }
    interner.insert(value.clone());
    value
}

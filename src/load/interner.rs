//! Shares equal authors and terms between issues.
//!
//! A hundred thousand issues are written by a few authors about a few topics. Takes issues as they are read and returns
//! them equal, but smaller.

use std::collections::HashSet;
use std::sync::Arc;

use crate::issue::{Issue, Term};
use crate::publication::Author;

/// The authors and terms so far.
#[derive(Default)]
pub(super) struct Interner {
    authors: HashSet<Arc<[Author]>>,
    terms: HashSet<Term>,
    lists: HashSet<Arc<[Term]>>,
}

impl Interner {
    /// The issue, sharing its authors and terms with earlier ones.
    pub fn intern(&mut self, mut issue: Issue) -> Issue {
        issue.authors = interned(&mut self.authors, issue.authors);
        for terms in [&mut issue.categories, &mut issue.tags] {
            *terms = match self.lists.get(terms) {
                Some(known) => known.clone(),
                None => interned(
                    &mut self.lists,
                    terms.iter().map(|term| interned(&mut self.terms, term.clone())).collect(),
                ),
            };
        }
        // A joined URL has spare capacity; its clone does not.
        issue.permalink = issue.permalink.clone();
        issue.title.shrink_to_fit();
        issue
    }
}

fn interned<T: Clone + Eq + std::hash::Hash>(interner: &mut HashSet<T>, value: T) -> T {
    if let Some(known) = interner.get(&value) {
        return known.clone();
    }
    interner.insert(value.clone());
    value
}

//! What was mailed according to the ledger: single issues, and the issues of digests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::digest::DigestContents;
use crate::issue::IssueId;
use crate::ledger::Mailing;
use crate::store::{Store, StoreError};

/// All mailings so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    mailings: BTreeMap<IssueId, Mailing>,
    /// The digest that contains each issue.
    digests: BTreeMap<IssueId, IssueId>,
}

impl History {
    /// Reads it from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let mut history = Self::default();
        for mailing in store.mailings()? {
            let issues = mailing.digest.iter().flat_map(|digest| &digest.issues);
            history.digests.extend(issues.map(|issue| (issue.clone(), mailing.issue.clone())));
            history.mailings.insert(mailing.issue.clone(), mailing);
        }
        Ok(history)
    }

    /// The mailing of an issue or digest.
    pub fn mailing(&self, id: &IssueId) -> Option<&Mailing> {
        self.mailings.get(id)
    }

    /// The digest that contains an issue.
    pub fn digest_of(&self, issue: &IssueId) -> Option<&IssueId> {
        self.digests.get(issue)
    }

    /// Whether an issue was mailed, by itself or in a digest.
    pub fn contains(&self, issue: &IssueId) -> bool {
        self.mailings.contains_key(issue) || self.digests.contains_key(issue)
    }

    /// The contents of the digests, in the order of their names.
    pub fn digests(&self) -> impl Iterator<Item = &DigestContents> {
        self.mailings.values().filter_map(|mailing| mailing.digest.as_ref())
    }

    /// Since when issues are collected: the start of the first digest.
    pub fn first_digest(&self) -> Option<DateTime<Utc>> {
        self.digests().map(|digest| digest.period.start).min()
    }
}

//! How a run claims recipients: those no server has refused come first.

use chrono::{DateTime, Utc};

use super::ledger::{self, Due};
use super::{Sqlite, StoreResult};
use crate::issue::IssueId;
use crate::ledger::Claim;

impl Sqlite {
    /// Claims up to `limit` recipients; see `Store::claim`.
    pub(super) fn claim_untried_first(
        &mut self,
        issue: &IssueId,
        limit: usize,
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<Claim>> {
        let claim = |which, limit| {
            self.claim_with(|transaction, run| ledger::claim(transaction, issue, run, which, limit, now))
        };
        let mut claims = match self.tried.contains(issue) {
            true => Vec::new(),
            false => claim(Due::Untried, limit)?,
        };
        if claims.len() < limit {
            claims.extend(claim(Due::All, limit - claims.len())?);
            self.tried.insert(issue.clone());
        }
        Ok(claims)
    }
}

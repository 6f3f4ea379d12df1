//! How a run takes recipients: those first whom no server has refused, and what is in the log of the run goes into the
//! database with them.

use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use super::ledger::{self, Due};
use super::log::lock;
use super::{Result, Sending, Sqlite, StoreResult, error};
use crate::issue::IssueId;
use crate::ledger::Claim;

impl Sqlite {
    /// Claims up to `limit` recipients, as `Store::claim` says.
    pub(super) fn claim_untried_first(
        &mut self,
        issue: &IssueId,
        limit: usize,
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<Claim>> {
        let claim =
            |which, limit| self.claimed(|transaction, run| ledger::claim(transaction, issue, run, which, limit, now));
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

    /// Claims recipients as `work` does, which gives the number of their mailing too.
    pub(super) fn claimed(
        &self,
        work: impl FnOnce(&Transaction<'_>, i64) -> Result<(i64, Vec<Claim>)>,
    ) -> StoreResult<Vec<Claim>> {
        const DOING: &str = "claim recipients";
        let Sending { run, log, .. } = self.sending(DOING)?;
        let turned = lock(log).turn();
        let worked = self.quickly(DOING, |transaction| {
            ledger::apply(transaction, *run, turned.entries())?;
            work(transaction, *run)
        });
        let mut log = lock(log);
        let (mailing, claims) = worked.inspect_err(|_| log.give_back(turned))?;
        log.done().map_err(|error| error::doing(DOING, &self.path, error))?;
        for claim in &claims {
            log.claimed(mailing, claim.subscriber.id);
        }
        Ok(claims)
    }
}

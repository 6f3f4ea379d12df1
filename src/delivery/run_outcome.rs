//! How a run goes: how many recipients came into each state, whether anybody has the issue, and whether to go on.
//!
//! Plain bookkeeping, which `queue` guards. What a reply means for its recipient is `reply_action`'s, for its server
//! `server`'s.

use crate::delivery::job::RunSummary;
use crate::finding::Finding;
use crate::ledger::{State, StateCounts};

#[derive(Default)]
pub(super) struct RunOutcome {
    tally: StateCounts,
    /// Somebody has this issue already, now or from an earlier run.
    accepted: bool,
    stopped: Option<Finding>,
}

impl RunOutcome {
    /// For a run. `accepted`: somebody has the issue already.
    pub(super) fn new(accepted: bool) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// StateCounts a recipient that was brought into `state`.
    pub(super) fn count(&mut self, state: State) {
        self.tally.set(state, self.tally.of(state) + 1);
        self.accepted |= state == State::Sent;
    }

    /// Ends the run, unless something else has before.
    pub(super) fn stop_for(&mut self, finding: Finding) {
        self.stopped.get_or_insert(finding);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Whether somebody has the issue.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// Sums up.
    pub(super) fn close(self) -> RunSummary {
        RunSummary { tally: self.tally, stopped: self.stopped, ..RunSummary::default() }
    }
}

//! The outcome of a run so far: its tally, whether anyone has the issue, and whether to stop.
//!
//! Plain bookkeeping, guarded by `queue`. What a reply means for a recipient is decided by `reply_action`, for a server by
//! `server_state`.

use crate::delivery::job::RunSummary;
use crate::finding::Finding;
use crate::ledger::{State, StateCounts};

#[derive(Default)]
pub(super) struct RunOutcome {
    tally: StateCounts,
    /// Whether a subscriber has the issue already, from this run or an earlier one.
    accepted: bool,
    stopped: Option<Finding>,
    halted: Option<Finding>,
}

impl RunOutcome {
    /// `accepted`: whether a subscriber has the issue already.
    pub(super) fn new(accepted: bool) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// Counts a recipient brought into `state`.
    pub(super) fn count(&mut self, state: State) {
        self.tally.set(state, self.tally.of(state) + 1);
        self.accepted |= state == State::Sent;
    }

    /// Ends the run, unless it is ended already.
    pub(super) fn stop_for(&mut self, finding: Finding) {
        self.stopped.get_or_insert(finding);
    }

    /// Ends the run of this mailing until a person decides.
    pub(super) fn halt_for(&mut self, finding: Finding) {
        self.halted.get_or_insert(finding);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some() || self.halted.is_some()
    }

    /// Whether a subscriber has the issue.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted
    }

    pub(super) fn close(self) -> RunSummary {
        RunSummary { tally: self.tally, stopped: self.stopped, halted: self.halted, ..RunSummary::default() }
    }
}

//! What the replies of a run say about the run itself: how many of each kind, refusals that may be about us, and whether to
//! go on.
//!
//! Plain bookkeeping, which `queue` guards. What a reply means for its recipient is `reply_action`'s, for its server
//! `server`'s.

use crate::delivery::job::Ended;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Outcome, State};
use crate::subscriber::SubscriberId;

#[derive(Default)]
pub(super) struct RunOutcome {
    tally: Counts,
    /// Somebody has this issue already, now or from an earlier run.
    accepted: bool,
    /// Recipients refused with words that may be about us.
    suspects: Vec<(Claim, String)>,
    suspicion: Option<Finding>,
    stopped: Option<Finding>,
}

impl RunOutcome {
    /// For a run. `accepted`: somebody has the issue already.
    pub(super) fn new(accepted: bool) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// Counts a recipient that was brought into `state`.
    pub(super) fn count(&mut self, state: State) {
        self.tally.set(state, self.tally.of(state) + 1);
        self.accepted |= state == State::Sent;
    }

    /// A recipient was refused with words that may be about us or the message, as `finding` says: judged at the end.
    pub(super) fn suspect(&mut self, claim: Claim, reply: String, finding: Finding) {
        self.suspects.push((claim, reply));
        self.suspicion = Some(finding);
    }

    /// Ends the run, unless something else has before.
    pub(super) fn stop_for(&mut self, finding: Finding) {
        self.stopped.get_or_insert(finding);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Judges the suspects and sums up.
    pub(super) fn close(mut self) -> (Ended, Vec<(SubscriberId, Outcome)>) {
        if !self.suspects.is_empty() && !self.accepted && self.stopped.is_none() {
            // Nobody at all got it: it is us.
            self.stopped = self.suspicion.take();
        }
        let mut outcomes = Vec::new();
        for (claim, reply) in std::mem::take(&mut self.suspects) {
            let (state, outcome) = match self.stopped {
                Some(_) => (State::Queued, Outcome::Requeued),
                None => (State::Failed, Outcome::Failed { reply, suppress: false }),
            };
            self.count(state);
            outcomes.push((claim.subscriber.id, outcome));
        }
        (Ended { tally: self.tally, stopped: self.stopped, ..Ended::default() }, outcomes)
    }
}

//! What the replies of a run say about the run itself: how many of each kind, refusals that may be about us, messages
//! without a verdict, and whether to go on.
//!
//! Plain bookkeeping; `desk` guards it. What a reply means for its recipient is `verdict`'s.

use crate::delivery::run::Ended;
use crate::delivery::trouble;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Outcome, State};
use crate::subscriber::SubscriberId;

/// So many refusals of us or of the message in a row stop the run; fewer may be one recipient's own filter.
const MOST_IN_A_ROW: usize = 3;

#[derive(Default)]
pub(super) struct Judgement {
    tally: Counts,
    /// Somebody has this issue already, now or from an earlier run.
    accepted: bool,
    /// Recipients refused with words that may be about us.
    suspects: Vec<(Claim, String)>,
    suspects_in_a_row: usize,
    suspicion: Option<Finding>,
    unknown_in_a_row: usize,
    /// So many unknown in a row stop the run. A server that restarts leaves one for each connection, which is no reason.
    most_unknown: usize,
    /// Why the last worker without a connection went.
    retired: Option<Finding>,
    stopped: Option<Finding>,
}

impl Judgement {
    /// For a run with so many connections. `accepted`: somebody has the issue already.
    pub(super) fn new(connections: usize, accepted: bool) -> Self {
        Self { accepted, most_unknown: connections + 2, ..Self::default() }
    }

    /// Counts a recipient that was brought into `state`.
    pub(super) fn count(&mut self, state: State) {
        self.tally.set(state, self.tally.of(state) + 1);
        match state {
            State::Sent => {
                self.accepted = true;
                self.suspects_in_a_row = 0;
                self.unknown_in_a_row = 0;
            }
            State::Unknown => {
                self.unknown_in_a_row += 1;
                if self.unknown_in_a_row >= self.most_unknown {
                    self.stop_for(trouble::no_verdict());
                }
            }
            _ => {}
        }
    }

    /// A recipient was refused with words that may be about us or the message, as `finding` says: judged at the end, or
    /// when they become many.
    pub(super) fn suspect(&mut self, claim: Claim, reply: String, finding: Finding) {
        self.suspects.push((claim, reply));
        self.suspects_in_a_row += 1;
        if self.suspects_in_a_row >= MOST_IN_A_ROW {
            self.stop_for(finding);
        } else {
            self.suspicion = Some(finding);
        }
    }

    /// Ends the run, unless something else has before.
    pub(super) fn stop_for(&mut self, finding: Finding) {
        self.stopped.get_or_insert(finding);
    }

    /// Notes why a worker goes; it counts if nobody is left to do the rest.
    pub(super) fn retire(&mut self, finding: Finding) {
        self.retired = Some(finding);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Judges the suspects and sums up. `unfinished`: letters are left over.
    pub(super) fn close(mut self, unfinished: bool) -> (Ended, Vec<(SubscriberId, Outcome)>) {
        if !self.suspects.is_empty() && !self.accepted && self.stopped.is_none() {
            // Nobody at all got it: it is us.
            self.stopped = self.suspicion.take();
        }
        if unfinished && self.stopped.is_none() {
            self.stopped = self.retired.take();
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
        (Ended { tally: self.tally, stopped: self.stopped }, outcomes)
    }
}

//! Whether the envelope of the next message may leave with the content before it, which saves each message a round trip.
//!
//! RFC 2920 allows it, but servers that offer PIPELINING lose what comes behind the final dot (Courier, chasquid), or crash
//! over a recipient who is named there (Dovecot's submission service). So each server has to earn it, by a trial over one
//! connection whose first steps put MAIL alone behind a message: whoever loses it still answers to the message, and a server
//! that is not done with the message refuses it. Bookkeeping for the threads of a run; the caller keeps what is learned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So often MAIL alone is put behind a message before the whole envelope is: once could be luck.
const SENDERS: u32 = 3;

/// What may leave behind a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Nothing,
    Sender,
    Envelope,
}

/// What is known of the servers of a run.
#[derive(Default)]
pub(super) struct Pipelining {
    known: Mutex<HashMap<(usize, String), SharedStage>>,
}

/// What is known of one server that greets in one way, shared by all its connections.
type SharedStage = Arc<Mutex<Stage>>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Untried,
    OnTrial,
    Earned,
    Lost,
}

/// The part of one connection in it.
pub(super) struct ConnectionPipelining {
    stage: SharedStage,
    /// How many steps of the trial went well, where this connection makes it.
    trial: Option<u32>,
}

impl Pipelining {
    /// The part of a new connection to a server of the route that greets so. What was kept of it is asked for once: whether
    /// it has earned it.
    pub(super) fn join<E>(
        &self,
        server: usize,
        greeting: &str,
        kept: impl FnOnce() -> Result<Option<bool>, E>,
    ) -> Result<ConnectionPipelining, E> {
        let mut known = lock(&self.known);
        let stage = match known.get(&(server, greeting.to_owned())) {
            Some(stage) => Arc::clone(stage),
            None => {
                let stage = match kept()? {
                    Some(true) => Stage::Earned,
                    Some(false) => Stage::Lost,
                    None => Stage::Untried,
                };
                let stage = Arc::new(Mutex::new(stage));
                known.insert((server, greeting.to_owned()), Arc::clone(&stage));
                stage
            }
        };
        Ok(ConnectionPipelining { stage, trial: None })
    }
}

impl ConnectionPipelining {
    /// What may leave behind the next message of this connection; takes the trial on, if nobody has.
    pub(super) fn allowed(&mut self) -> Allowed {
        let mut stage = lock(&self.stage);
        match (*stage, self.trial) {
            (Stage::Earned, _) => Allowed::Envelope,
            (Stage::Untried, _) => {
                *stage = Stage::OnTrial;
                self.trial = Some(0);
                Allowed::Sender
            }
            (Stage::OnTrial, Some(SENDERS..)) => Allowed::Envelope,
            (Stage::OnTrial, Some(_)) => Allowed::Sender,
            (Stage::OnTrial, None) | (Stage::Lost, _) => Allowed::Nothing,
        }
    }

    /// The server has, or has not, read what left behind a message. Returns what is to be kept of that, where it is decided
    /// now.
    pub(super) fn note(&mut self, reads_on: bool) -> Option<bool> {
        let mut stage = lock(&self.stage);
        let before = *stage;
        *stage = match (before, self.trial) {
            (Stage::Lost, _) => Stage::Lost,
            _ if !reads_on => Stage::Lost,
            (Stage::OnTrial, Some(steps)) => {
                self.trial = Some(steps + 1);
                if steps < SENDERS { Stage::OnTrial } else { Stage::Earned }
            }
            (stage, _) => stage,
        };
        (*stage != before).then_some(*stage == Stage::Earned)
    }
}

impl Drop for ConnectionPipelining {
    /// A trial that has come to no end is for another connection to make.
    fn drop(&mut self) {
        let mut stage = lock(&self.stage);
        if self.trial.is_some() && *stage == Stage::OnTrial {
            *stage = Stage::Untried;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn join(pipelining: &Pipelining, kept: Option<bool>) -> ConnectionPipelining {
        let Ok(pipelining) = pipelining.join::<Infallible>(0, "mx", || Ok(kept));
        pipelining
    }

    #[test]
    fn one_connection_makes_the_trial_and_all_have_what_it_earns() {
        let pipelining = Pipelining::default();
        let (mut one, mut other) = (join(&pipelining, None), join(&pipelining, None));
        for _ in 0..SENDERS {
            assert_eq!((one.allowed(), other.allowed()), (Allowed::Sender, Allowed::Nothing));
            assert_eq!(one.note(true), None);
        }
        assert_eq!((one.allowed(), other.allowed()), (Allowed::Envelope, Allowed::Nothing));
        assert_eq!(one.note(true), Some(true));
        assert_eq!((one.allowed(), other.allowed()), (Allowed::Envelope, Allowed::Envelope));
        assert_eq!(other.note(true), None);
    }

    #[test]
    fn once_lost_it_is_lost_for_all() {
        let pipelining = Pipelining::default();
        let (mut one, mut other) = (join(&pipelining, Some(true)), join(&pipelining, None));
        assert_eq!(other.allowed(), Allowed::Envelope);
        assert_eq!((one.note(false), other.note(false), other.note(true)), (Some(false), None, None));
        assert_eq!((one.allowed(), other.allowed()), (Allowed::Nothing, Allowed::Nothing));
        assert_eq!(join(&pipelining, Some(true)).allowed(), Allowed::Nothing, "it was asked once");
    }

    #[test]
    fn a_trial_that_ends_with_its_connection_is_made_by_another() {
        let pipelining = Pipelining::default();
        let (mut one, mut other) = (join(&pipelining, None), join(&pipelining, None));
        one.allowed();
        one.note(true);
        drop(one);
        assert_eq!(other.allowed(), Allowed::Sender);
        assert_eq!(other.note(false), Some(false));
        drop(other);
        assert_eq!(join(&pipelining, None).allowed(), Allowed::Nothing);
    }
}

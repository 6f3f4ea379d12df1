//! Whether the envelope of the next message may be pipelined behind the current content, which saves a round trip per
//! message.
//!
//! RFC 2920 allows it, but some servers that offer PIPELINING lose what follows the final dot (Courier, chasquid) or crash
//! on a recipient there (Dovecot's submission service). So each server must pass a trial on one connection, whose first
//! steps send only MAIL behind a message: a server that loses it still replies to the message, and one that is not done
//! with the message refuses it. Bookkeeping for the threads of a run; the caller stores the result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Times that MAIL alone is sent behind a message before the complete envelope: once could be luck.
const MIN_SENDER_TRIALS: u32 = 3;

/// What may be sent behind a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Nothing,
    Sender,
    Envelope,
}

/// What is known of the servers of a run, by index and greeting.
#[derive(Default)]
pub(super) struct PipeliningTrials {
    known: Mutex<HashMap<(usize, String), SharedStage>>,
}

/// The stage of one server with one greeting, shared by its connections.
type SharedStage = Arc<Mutex<Stage>>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Untried,
    OnTrial,
    Supported,
    Unsupported,
}

/// One connection's view of it.
pub(super) struct ConnectionPipelining {
    stage: SharedStage,
    /// Successful steps of the trial, if this connection runs it.
    trial: Option<u32>,
}

impl PipeliningTrials {
    /// The view of a new connection to a server with this greeting. `stored` is asked once for the result of an earlier
    /// run.
    pub(super) fn join<E>(
        &self,
        server: usize,
        greeting: &str,
        stored: impl FnOnce() -> Result<Option<bool>, E>,
    ) -> Result<ConnectionPipelining, E> {
        let mut known = lock(&self.known);
        let stage = match known.get(&(server, greeting.to_owned())) {
            Some(stage) => Arc::clone(stage),
            None => {
                let stage = match stored()? {
                    Some(true) => Stage::Supported,
                    Some(false) => Stage::Unsupported,
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
    /// What may be sent behind the next message of this connection; starts the trial if no connection has.
    pub(super) fn allowed(&mut self) -> Allowed {
        let mut stage = lock(&self.stage);
        match (*stage, self.trial) {
            (Stage::Supported, _) => Allowed::Envelope,
            (Stage::Untried, _) => {
                *stage = Stage::OnTrial;
                self.trial = Some(0);
                Allowed::Sender
            }
            (Stage::OnTrial, Some(MIN_SENDER_TRIALS..)) => Allowed::Envelope,
            (Stage::OnTrial, Some(_)) => Allowed::Sender,
            (Stage::OnTrial, None) | (Stage::Unsupported, _) => Allowed::Nothing,
        }
    }

    /// Notes whether the server read what was sent behind a message. Returns the result to store once it is decided.
    pub(super) fn note(&mut self, reads_on: bool) -> Option<bool> {
        let mut stage = lock(&self.stage);
        let before = *stage;
        *stage = match (before, self.trial) {
            (Stage::Unsupported, _) => Stage::Unsupported,
            _ if !reads_on => Stage::Unsupported,
            (Stage::OnTrial, Some(steps)) => {
                self.trial = Some(steps + 1);
                if steps < MIN_SENDER_TRIALS { Stage::OnTrial } else { Stage::Supported }
            }
            (stage, _) => stage,
        };
        (*stage != before).then_some(*stage == Stage::Supported)
    }
}

impl Drop for ConnectionPipelining {
    /// An unfinished trial is left to another connection.
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

    fn join(pipelining: &PipeliningTrials, stored: Option<bool>) -> ConnectionPipelining {
        let Ok(pipelining) = pipelining.join::<Infallible>(0, "mx", || Ok(stored));
        pipelining
    }

    #[test]
    fn one_connection_makes_the_trial_and_all_have_what_it_earns() {
        let pipelining = PipeliningTrials::default();
        let (mut one, mut other) = (join(&pipelining, None), join(&pipelining, None));
        for _ in 0..MIN_SENDER_TRIALS {
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
        let pipelining = PipeliningTrials::default();
        let (mut one, mut other) = (join(&pipelining, Some(true)), join(&pipelining, None));
        assert_eq!(other.allowed(), Allowed::Envelope);
        assert_eq!((one.note(false), other.note(false), other.note(true)), (Some(false), None, None));
        assert_eq!((one.allowed(), other.allowed()), (Allowed::Nothing, Allowed::Nothing));
        assert_eq!(join(&pipelining, Some(true)).allowed(), Allowed::Nothing, "it was asked once");
    }

    #[test]
    fn a_trial_that_ends_with_its_connection_is_made_by_another() {
        let pipelining = PipeliningTrials::default();
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

//! Pipelines the envelope of the next message, or part of it, behind the content of the current one, as far as
//! `delivery::pipelining` allows.

use super::Worker;
use crate::delivery::ledger_writer::Stopped;
use crate::delivery::pipelining::Allowed;
use crate::letter::Letter;
use crate::reply::Reply;
use crate::smtp::failure::SessionError;
use crate::smtp::relay::Relay;
use crate::smtp::session::Behind;

impl Worker<'_, '_> {
    /// Looks up what is known of the server's pipelining, from this run or an earlier one.
    pub(super) fn join_pipelining(&mut self, relay: &Relay) -> Result<(), Stopped> {
        let place = relay.to_string();
        let stored = |greeting: &str| self.ledger.with_store(|store| store.pipelining(&place, greeting));
        self.connection.join(self.pipelining, self.id.server, stored)
    }

    /// Sends the content, with what is allowed of the next envelope behind it.
    pub(super) fn transmit(&mut self, letter: &Letter) -> Result<Reply, SessionError> {
        let is_last_here = self.connection.is_used_up(self.queue.max_messages(self.id), 1);
        let allowed = if is_last_here { Allowed::Nothing } else { self.connection.allowed() };
        if allowed != Allowed::Nothing && self.following.is_none() {
            self.following = self.queue.next_if_ready(self.id).and_then(|next| self.prepare(next));
        }
        let behind = match (allowed, &self.following) {
            (Allowed::Sender, Some(next)) => Behind::Sender(&next.letter),
            (Allowed::Envelope, Some(next)) => Behind::Envelope(&next.letter),
            _ => Behind::Nothing,
        };
        self.connection.transmit(letter, behind)
    }

    /// Stores what the exchange has shown about the server's pipelining, if anything; returns whether it reads on behind a
    /// message.
    pub(super) fn note_pipelining(&mut self, relay: &Relay) -> Result<Option<bool>, Stopped> {
        let Some((reads_on, decided)) = self.connection.take_pipelining_result() else { return Ok(None) };
        if let Some(chains) = decided {
            let now = self.job.hooks.now();
            let (place, greeting) = (relay.to_string(), self.connection.greeting());
            self.ledger.with_store(|store| store.note_pipelining(&place, greeting, chains, now))?;
        }
        Ok(Some(reads_on))
    }
}

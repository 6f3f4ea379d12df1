//! What leaves behind a message: the envelope of the next one, or a part of it, as far as `pipelining` allows.

use super::Worker;
use crate::delivery::ledger_writer::Stopped;
use crate::delivery::pipelining::Allowed;
use crate::letter::Letter;
use crate::smtp::failure::SessionError;
use crate::smtp::relay::Relay;
use crate::smtp::reply::Reply;
use crate::smtp::session::Behind;

impl Worker<'_, '_> {
    /// A new connection takes part in what its server has earned, in this run or before.
    pub(super) fn join_pipelining(&mut self, relay: &Relay) -> Result<(), Stopped> {
        let place = relay.to_string();
        let kept = |greeting: &str| self.ledger.with_store(|store| store.pipelining(&place, greeting));
        self.connection.join(self.pipelining, self.id.server, kept)
    }

    /// Sends the content, and behind it what may leave there of the message after it.
    pub(super) fn transmit(&mut self, letter: &Letter) -> Result<Reply, SessionError> {
        let is_last_here = self.connection.is_used_up(self.queue.most_messages(self.id), 1);
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

    /// Keeps in the store what was learned of the server, if anything was; returns whether it reads what leaves behind a
    /// message.
    pub(super) fn note_pipelining(&mut self, relay: &Relay) -> Result<Option<bool>, Stopped> {
        let Some((reads_on, decided)) = self.connection.learned() else { return Ok(None) };
        if let Some(chains) = decided {
            let now = self.job.hooks.now();
            let (place, greeting) = (relay.to_string(), self.connection.greeting());
            self.ledger.with_store(|store| store.note_pipelining(&place, greeting, chains, now))?;
        }
        Ok(Some(reads_on))
    }
}

//! Who of those who wait is next at a server.
//!
//! In the order in which they were claimed, as long as all is well. Where the last one was refused, a stranger to those
//! refused so far, to see whom that is about: of another domain, from somewhere else in the list.

use super::{BATCH, Inner, MAX_CLAIMED};
use crate::delivery::recipient::Recipient;

impl Inner {
    /// Takes the next recipient for a server out of the queue; `None` if there is none for it.
    pub(super) fn choose(&mut self, server: usize) -> Option<Recipient> {
        let at = match self.servers.of(server).refusals.doubt() {
            None => self.position(0, |recipient| self.is_for(recipient, server)),
            Some(strangers) => self.stranger(server, strangers),
        };
        let recipient = self.waiting.remove(at?)?;
        // Whoever was refused before, while others have the issue, says nothing new if it is refused again.
        let says_nothing = recipient.claim.was_refused && self.outcome.is_accepted();
        let refusals = &mut self.servers.of_mut(server).refusals;
        let is_stranger = refusals.doubt().is_some() && !says_nothing;
        Some(Recipient { is_stranger, turn: refusals.next_turn(), ..recipient })
    }

    pub(super) fn has_one_for(&self, server: usize) -> bool {
        self.waiting.iter().any(|recipient| self.is_for(recipient, server))
    }

    fn is_for(&self, recipient: &Recipient, server: usize) -> bool {
        recipient.avoids != Some(server) || !self.servers.has_another(server)
    }

    /// Whether a server refuses whom it is offered, and nobody waits who is of another domain than those it refused.
    pub(super) fn lacks_strangers(&self) -> bool {
        self.servers.numbers().any(|server| {
            let refusals = &self.servers.of(server).refusals;
            refusals.doubt().is_some() && self.waiting.iter().all(|it| refusals.has_refused(it.domain()))
        })
    }

    /// Whether somebody may be claimed yet who is a stranger to those whom a server refused.
    pub(super) fn may_claim_strangers(&self) -> bool {
        !self.all_claimed && self.lacks_strangers() && self.waiting.len() + self.in_flight + BATCH <= MAX_CLAIMED
    }

    /// Somebody of a domain of which nobody was refused, else anybody, from all over the queue: refused neighbours are no
    /// strangers to each other.
    fn stranger(&self, server: usize, strangers: usize) -> Option<usize> {
        let from = spread(strangers + 1, self.waiting.len());
        let refusals = &self.servers.of(server).refusals;
        let is_for = |recipient: &Recipient| self.is_for(recipient, server);
        self.position(from, |it| is_for(it) && !refusals.has_refused(it.domain()))
            .or_else(|| self.position(from, is_for))
    }

    /// The first one in the queue, counted from `from` and on from its front, that is wanted; those who come last if there
    /// is no other.
    fn position(&self, from: usize, is_wanted: impl Fn(&Recipient) -> bool) -> Option<usize> {
        let places = || (from..self.waiting.len()).chain(0..from);
        let find = |last| places().find(|at| self.waiting[*at].comes_last == last && is_wanted(&self.waiting[*at]));
        find(false).or_else(|| find(true))
    }
}

/// Places in a row of `length`, one for each `number` from 1 on, so that any few of them in a row are far apart: multiples
/// of the golden ratio.
fn spread(number: usize, length: usize) -> usize {
    const RATIO: f64 = 0.618_033_988_749_895;
    ((number as f64 * RATIO).fract() * length as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_come_from_all_over_the_queue() {
        let places: Vec<usize> = (1..=8).map(|number| spread(number, 100)).collect();
        assert_eq!(places, [61, 23, 85, 47, 9, 70, 32, 94]);
        assert!((1..1000).all(|number| spread(number, 1) == 0));
    }
}

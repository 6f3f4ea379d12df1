//! Chooses the next recipient for a server.
//!
//! In the order of the claims, as long as the server accepts. After a refusal, a recipient unrelated to those refused so far (of
//! another domain, from elsewhere in the list), to find out whom the refusals are about.

use super::{BATCH, Inner, MAX_CLAIMED};
use crate::delivery::recipient::Recipient;

impl Inner {
    /// Removes the next recipient for a server from the queue; `None` if there is none.
    pub(super) fn choose(&mut self, server: usize) -> Option<Recipient> {
        let at = match self.servers.of(server).refusals.unrelated_refused() {
            None => self.position(0, |recipient| self.is_for(recipient, server)),
            Some(unrelated) => self.unrelated_position(server, unrelated),
        };
        let recipient = self.waiting.remove(at?)?;
        // If others have the issue, another refusal of a recipient refused in an earlier run proves nothing new.
        let proves_nothing = recipient.claim.was_refused && self.outcome.is_accepted();
        let refusals = &mut self.servers.of_mut(server).refusals;
        let is_unrelated = refusals.unrelated_refused().is_some() && !proves_nothing;
        Some(Recipient { is_unrelated, sequence: refusals.next_sequence(), ..recipient })
    }

    pub(super) fn has_recipient_for(&self, server: usize) -> bool {
        self.waiting.iter().any(|recipient| self.is_for(recipient, server))
    }

    fn is_for(&self, recipient: &Recipient, server: usize) -> bool {
        recipient.avoids != Some(server) || !self.servers.has_another(server)
    }

    /// Whether a server refuses recipients and none waiting is of another domain than those.
    pub(super) fn lacks_unrelated(&self) -> bool {
        self.servers.numbers().any(|server| {
            let refusals = &self.servers.of(server).refusals;
            refusals.unrelated_refused().is_some() && self.waiting.iter().all(|it| refusals.has_refused(it.domain()))
        })
    }

    /// Whether recipients unrelated to those a server refused can still be claimed.
    pub(super) fn may_claim_unrelated(&self) -> bool {
        !self.all_claimed && self.lacks_unrelated() && self.waiting.len() + self.in_flight + BATCH <= MAX_CLAIMED
    }

    /// A recipient of a domain not refused so far, else any; from all over the queue, since neighbours in a list are often
    /// related.
    fn unrelated_position(&self, server: usize, unrelated: usize) -> Option<usize> {
        let from = spread(unrelated + 1, self.waiting.len());
        let refusals = &self.servers.of(server).refusals;
        let is_for = |recipient: &Recipient| self.is_for(recipient, server);
        self.position(from, |it| is_for(it) && !refusals.has_refused(it.domain()))
            .or_else(|| self.position(from, is_for))
    }

    /// The first wanted recipient from `from` on, wrapping around; one marked `is_last` only if there is no other.
    fn position(&self, from: usize, is_wanted: impl Fn(&Recipient) -> bool) -> Option<usize> {
        let positions = || (from..self.waiting.len()).chain(0..from);
        let find = |last| positions().find(|at| self.waiting[*at].is_last == last && is_wanted(&self.waiting[*at]));
        find(false).or_else(|| find(true))
    }
}

/// Positions in a row of `length`, for `number` from 1 on, such that consecutive ones are far apart: multiples of the
/// golden ratio.
fn spread(number: usize, length: usize) -> usize {
    const RATIO: f64 = 0.618_033_988_749_895;
    ((number as f64 * RATIO).fract() * length as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unrelated_recipients_come_from_all_over_the_queue() {
        let positions: Vec<usize> = (1..=8).map(|number| spread(number, 100)).collect();
        assert_eq!(positions, [61, 23, 85, 47, 9, 70, 32, 94]);
        assert!((1..1000).all(|number| spread(number, 1) == 0));
    }
}

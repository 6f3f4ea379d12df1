//! Weighted fair sharing of a run's messages among servers: by weight while all keep up, and never for long at the expense
//! of speed.
//!
//! Each message advances its server's virtual time by one over the server's weight; a server that is ahead of the others
//! waits, within the messages it can have at once (stride scheduling). So that a slow server does not hold up a fast one,
//! each measures how much of its time it is throttled: if that is more than half, it bypasses the others for a while, and
//! what they missed is not owed to them. Plain arithmetic, which `queue` guards.

use std::time::{Duration, Instant};

/// By how much a message advances the virtual time of a server of weight 1: all weights up to 16 divide it.
const STRIDE: u64 = 720_720;

/// Over how long a server measures whether it waits too much.
const MEASURED: Duration = Duration::from_secs(2);

/// How long it then waits for nobody.
const BYPASS: Duration = Duration::from_secs(20);

/// The servers, each under its number from 0.
pub(super) struct WeightedFair {
    servers: Vec<Share>,
}

struct Share {
    stride: u64,
    /// How far its virtual time may be ahead of others.
    lead: u64,
    virtual_time: u64,
    /// How long it has waited for other servers since then: that of a connection, if all in use do.
    throttled: Duration,
    throttled_since: Option<Instant>,
    /// Until then it waits for nobody.
    bypass_until: Option<Instant>,
}

impl WeightedFair {
    /// For servers, each with its weight and its number of connections.
    pub(super) fn new(servers: impl Iterator<Item = (u32, usize)>) -> Self {
        let share = |(weight, connections): (u32, usize)| {
            let stride = STRIDE / u64::from(weight.max(1));
            let lead = stride * connections.max(1) as u64;
            Share {
                stride,
                lead,
                virtual_time: 0,
                throttled: Duration::ZERO,
                throttled_since: None,
                bypass_until: None,
            }
        };
        Self { servers: servers.map(share).collect() }
    }

    /// Whether a server may have the next letter. `others`: those that take letters at present.
    pub(super) fn allow(&mut self, server: usize, others: impl Iterator<Item = usize>) -> bool {
        if self.servers.len() == 1 || self.is_bypassing(server) {
            return true;
        }
        let behind = others.filter(|other| *other != server).map(|other| self.servers[other].virtual_time).min();
        let share = &self.servers[server];
        behind.is_none_or(|virtual_time| share.virtual_time < virtual_time.saturating_add(share.lead))
    }

    /// A server was given a letter.
    pub(super) fn give(&mut self, server: usize) {
        let share = &mut self.servers[server];
        share.virtual_time += share.stride;
    }

    /// A server gave a letter back.
    pub(super) fn take_back(&mut self, server: usize) {
        let share = &mut self.servers[server];
        share.virtual_time = share.virtual_time.saturating_sub(share.stride);
    }

    /// A server is here (again): what it missed is not owed to it.
    pub(super) fn join(&mut self, server: usize, others: impl Iterator<Item = usize>) {
        let behind = others.filter(|other| *other != server).map(|other| self.servers[other].virtual_time).min();
        let share = &mut self.servers[server];
        share.virtual_time = share.virtual_time.max(behind.unwrap_or(0));
    }

    /// One of the server's `connections` that are in use waited for other servers from `begun` to `now`.
    pub(super) fn note_throttled(&mut self, server: usize, connections: u32, begun: Instant, now: Instant) {
        let share = &mut self.servers[server];
        let since = *share.throttled_since.get_or_insert(begun);
        share.throttled += now.saturating_duration_since(begun) / connections.max(1);
        let passed = now.saturating_duration_since(since);
        if passed < MEASURED {
            return;
        }
        let waits_too_much = share.throttled > passed / 2;
        share.bypass_until = waits_too_much.then(|| now + BYPASS);
        (share.throttled, share.throttled_since) = (Duration::ZERO, None);
    }

    /// Whether the server waits for nobody at present. Afterwards all begin anew, as if they were even.
    fn is_bypassing(&mut self, server: usize) -> bool {
        let Some(until) = self.servers[server].bypass_until else { return false };
        if Instant::now() < until {
            return true;
        }
        self.servers[server].bypass_until = None;
        let farthest = self.servers.iter().map(|share| share.virtual_time).max().unwrap_or(0);
        self.servers.iter_mut().for_each(|share| share.virtual_time = farthest);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out letters to whoever of `present` is allowed, each in turn; gives how many each got.
    fn deal(shares: &mut WeightedFair, letters: usize, present: &[usize]) -> Vec<usize> {
        let mut got = vec![0; shares.servers.len()];
        while got.iter().sum::<usize>() < letters {
            for server in present {
                if got.iter().sum::<usize>() < letters && shares.allow(*server, present.iter().copied()) {
                    shares.give(*server);
                    got[*server] += 1;
                }
            }
        }
        got
    }

    fn shares(weights: &[u32]) -> WeightedFair {
        WeightedFair::new(weights.iter().map(|weight| (*weight, 1)))
    }

    #[test]
    fn letters_go_by_weight_and_evenly_all_the_time() {
        let mut shares = shares(&[1, 3, 2]);
        for round in 1..=20 {
            let got = deal(&mut shares, 6, &[0, 1, 2]);
            assert!(got[0] <= 2 && (2..=4).contains(&got[1]), "round {round}: {got:?}");
        }
        let got = deal(&mut self::shares(&[1, 3, 2]), 600, &[0, 1, 2]);
        assert!(got.iter().zip([100, 300, 200]).all(|(got, due)| got.abs_diff(due) <= 1), "{got:?}");
    }

    #[test]
    fn who_is_away_is_not_waited_for_and_is_owed_nothing_afterwards() {
        let mut shares = shares(&[1, 1]);
        assert_eq!(deal(&mut shares, 50, &[0]), [50, 0]);
        shares.join(1, [0].into_iter());
        assert_eq!(deal(&mut shares, 50, &[0, 1]), [25, 25]);
    }

    #[test]
    fn what_was_given_back_counts_no_more() {
        let mut shares = shares(&[1, 1]);
        shares.give(0);
        assert!(!shares.allow(0, [0, 1].into_iter()));
        shares.take_back(0);
        assert!(shares.allow(0, [0, 1].into_iter()));
    }

    #[test]
    fn who_waits_most_of_the_time_goes_on_alone_and_who_waits_a_little_does_not() {
        let begun = Instant::now();
        for (waits, alone) in [(MEASURED * 3 / 5, true), (MEASURED * 2 / 5, false)] {
            let mut shares = shares(&[1, 1]);
            shares.give(0);
            for _ in 0..4 {
                shares.note_throttled(0, 4, begun, begun + waits);
            }
            assert!(!shares.allow(0, [0, 1].into_iter()), "not measured yet");
            shares.note_throttled(0, 4, begun + MEASURED, begun + MEASURED);
            assert_eq!(shares.allow(0, [0, 1].into_iter()), alone, "{waits:?}");
        }
    }

    #[test]
    fn after_a_while_alone_all_are_even() {
        let mut shares = shares(&[1, 1]);
        let past = Instant::now().checked_sub(BYPASS + MEASURED * 2).unwrap();
        shares.note_throttled(0, 1, past, past + MEASURED);
        (0..40).for_each(|_| shares.give(0));
        assert_eq!(deal(&mut shares, 10, &[0, 1]), [5, 5]);
    }
}

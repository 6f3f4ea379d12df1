//! Weighted fair queuing of a run's messages among servers: by weight while all keep up, and never for long at the expense
//! of speed.
//!
//! Each message advances its server's virtual time by one over the server's weight; a server too far ahead of the others is
//! throttled (stride scheduling). So that a slow server does not hold up a fast one, each measures how much of its time it is
//! throttled: if that is more than half, it bypasses the others for a while, and owes them nothing afterwards. Plain
//! arithmetic, guarded by `queue`.

use std::time::{Duration, Instant};

/// Virtual time of a message at a server of weight 1; divisible by all weights up to 16.
const STRIDE: u64 = 720_720;

/// Interval over which a server measures how much it is throttled.
const MEASURE_INTERVAL: Duration = Duration::from_secs(2);

/// How long it then bypasses the others.
const BYPASS_TIME: Duration = Duration::from_secs(20);

/// The shares by server index.
pub(super) struct WeightedFair {
    servers: Vec<Share>,
}

struct Share {
    stride: u64,
    /// How far its virtual time may be ahead of the others.
    lead: u64,
    virtual_time: u64,
    /// Time throttled since `throttled_since`, averaged over the connections in use.
    throttled: Duration,
    throttled_since: Option<Instant>,
    /// End of its bypass.
    bypass_until: Option<Instant>,
}

impl WeightedFair {
    /// For servers, each with weight and number of connections.
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

    /// Whether a server may have the next message. `others`: the servers that are sending at present.
    pub(super) fn allow(&mut self, server: usize, others: impl Iterator<Item = usize>) -> bool {
        if self.servers.len() == 1 || self.is_bypassing(server) {
            return true;
        }
        let behind = others.filter(|other| *other != server).map(|other| self.servers[other].virtual_time).min();
        let share = &self.servers[server];
        behind.is_none_or(|virtual_time| share.virtual_time < virtual_time.saturating_add(share.lead))
    }

    /// A message was assigned to a server.
    pub(super) fn assign(&mut self, server: usize) {
        let share = &mut self.servers[server];
        share.virtual_time += share.stride;
    }

    /// A message assigned to a server was not sent.
    pub(super) fn unassign(&mut self, server: usize) {
        let share = &mut self.servers[server];
        share.virtual_time = share.virtual_time.saturating_sub(share.stride);
    }

    /// A server starts or resumes sending, with no claim to what it missed.
    pub(super) fn join(&mut self, server: usize, others: impl Iterator<Item = usize>) {
        let behind = others.filter(|other| *other != server).map(|other| self.servers[other].virtual_time).min();
        let share = &mut self.servers[server];
        share.virtual_time = share.virtual_time.max(behind.unwrap_or(0));
    }

    /// One of the server's `connections` in use was throttled from `begun` to `now`.
    pub(super) fn note_throttled(&mut self, server: usize, connections: u32, begun: Instant, now: Instant) {
        let share = &mut self.servers[server];
        let since = *share.throttled_since.get_or_insert(begun);
        share.throttled += now.saturating_duration_since(begun) / connections.max(1);
        let passed = now.saturating_duration_since(since);
        if passed < MEASURE_INTERVAL {
            return;
        }
        let is_throttled_too_much = share.throttled > passed / 2;
        share.bypass_until = is_throttled_too_much.then(|| now + BYPASS_TIME);
        (share.throttled, share.throttled_since) = (Duration::ZERO, None);
    }

    /// Whether the server is bypassing the others. When that ends, all servers start even.
    fn is_bypassing(&mut self, server: usize) -> bool {
        let Some(until) = self.servers[server].bypass_until else { return false };
        if Instant::now() < until {
            return true;
        }
        self.servers[server].bypass_until = None;
        let max = self.servers.iter().map(|share| share.virtual_time).max().unwrap_or(0);
        self.servers.iter_mut().for_each(|share| share.virtual_time = max);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Assigns messages in turn to those of `present` that are allowed one; returns the number of each.
    fn deal(shares: &mut WeightedFair, messages: usize, present: &[usize]) -> Vec<usize> {
        let mut got = vec![0; shares.servers.len()];
        while got.iter().sum::<usize>() < messages {
            for server in present {
                if got.iter().sum::<usize>() < messages && shares.allow(*server, present.iter().copied()) {
                    shares.assign(*server);
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
    fn messages_follow_the_weights_at_all_times() {
        let mut shares = shares(&[1, 3, 2]);
        for round in 1..=20 {
            let got = deal(&mut shares, 6, &[0, 1, 2]);
            assert!(got[0] <= 2 && (2..=4).contains(&got[1]), "round {round}: {got:?}");
        }
        let got = deal(&mut self::shares(&[1, 3, 2]), 600, &[0, 1, 2]);
        assert!(got.iter().zip([100, 300, 200]).all(|(got, due)| got.abs_diff(due) <= 1), "{got:?}");
    }

    #[test]
    fn an_absent_server_is_not_waited_for_and_owed_nothing_afterwards() {
        let mut shares = shares(&[1, 1]);
        assert_eq!(deal(&mut shares, 50, &[0]), [50, 0]);
        shares.join(1, [0].into_iter());
        assert_eq!(deal(&mut shares, 50, &[0, 1]), [25, 25]);
    }

    #[test]
    fn a_message_not_sent_does_not_count() {
        let mut shares = shares(&[1, 1]);
        shares.assign(0);
        assert!(!shares.allow(0, [0, 1].into_iter()));
        shares.unassign(0);
        assert!(shares.allow(0, [0, 1].into_iter()));
    }

    #[test]
    fn a_server_bypasses_the_others_if_throttled_most_of_the_time() {
        let begun = Instant::now();
        for (throttled, bypasses) in [(MEASURE_INTERVAL * 3 / 5, true), (MEASURE_INTERVAL * 2 / 5, false)] {
            let mut shares = shares(&[1, 1]);
            shares.assign(0);
            for _ in 0..4 {
                shares.note_throttled(0, 4, begun, begun + throttled);
            }
            assert!(!shares.allow(0, [0, 1].into_iter()), "not measured yet");
            shares.note_throttled(0, 4, begun + MEASURE_INTERVAL, begun + MEASURE_INTERVAL);
            assert_eq!(shares.allow(0, [0, 1].into_iter()), bypasses, "{throttled:?}");
        }
    }

    #[test]
    fn after_a_bypass_all_servers_are_even() {
        let mut shares = shares(&[1, 1]);
        let past = Instant::now().checked_sub(BYPASS_TIME + MEASURE_INTERVAL * 2).unwrap();
        shares.note_throttled(0, 1, past, past + MEASURE_INTERVAL);
        (0..40).for_each(|_| shares.assign(0));
        assert_eq!(deal(&mut shares, 10, &[0, 1]), [5, 5]);
    }
}

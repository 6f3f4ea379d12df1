//! The mail servers of a run together: how they share the mail, and whether any is left.
//!
//! What is known of each alone is `server`'s. Plain bookkeeping, which `queue` guards.

use std::time::{Duration, Instant};

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::Route;
use crate::delivery::diagnostics;
use crate::delivery::server_state::Server;
use crate::delivery::weighted_fair::WeightedFair;
use crate::finding::Finding;
use crate::rate::Quota;

/// The longest step of a server's rest where others may end the run meanwhile.
const REST_STEP: Duration = Duration::from_secs(1);

/// The servers, each under its number in the route, from 0.
pub(super) struct Servers {
    all: Vec<Server>,
    shares: WeightedFair,
}

impl Servers {
    /// The servers of a route, each with its number of workers. A folder counts as one that is always there.
    pub(super) fn new(route: &Route, workers: &[usize]) -> Self {
        let mut all: Vec<Server> = workers.iter().map(|workers| Server::new(*workers)).collect();
        let weights = match route {
            Route::Relays(relays) => {
                all.iter_mut().zip(relays).for_each(|(server, relay)| server.is_rated = relay.is_rated());
                relays.iter().map(|relay| relay.weight).collect()
            }
            Route::Outbox { .. } => {
                all.iter_mut().for_each(Server::note_connected);
                vec![1]
            }
        };
        Self { all, shares: WeightedFair::new(weights.into_iter().zip(workers.iter().copied())) }
    }

    pub(super) fn of(&self, server: usize) -> &Server {
        &self.all[server]
    }

    pub(super) fn of_mut(&mut self, server: usize) -> &mut Server {
        &mut self.all[server]
    }

    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    pub(super) fn is_any_usable(&self) -> bool {
        self.all.iter().any(Server::is_usable)
    }

    /// Whether there is a usable server beside this one.
    pub(super) fn has_another(&self, server: usize) -> bool {
        self.all.iter().enumerate().any(|(at, other)| at != server && other.is_usable())
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.all.len()
    }

    /// Whether the others have had their share, so that this server may be given the next message. `idle` ones have none.
    pub(super) fn may_have_next(&mut self, server: usize, idle: &[usize]) -> bool {
        let all = &self.all;
        let others = (0..all.len()).filter(|other| all[*other].takes_part() && !idle.contains(other));
        self.shares.allow(server, others)
    }

    /// A message was taken for a server.
    pub(super) fn give(&mut self, server: usize) {
        self.shares.give(server);
        self.all[server].use_permit();
    }

    /// A server did not get a message that was taken for it.
    pub(super) fn take_back(&mut self, server: usize) {
        self.shares.take_back(server);
        self.all[server].return_permit();
    }

    /// A connection of the server waited for other servers to have their share.
    pub(super) fn note_throttled(&mut self, server: usize, begun: Instant, now: Instant) {
        self.shares.note_throttled(server, self.all[server].connections(), begun, now);
    }

    /// Lets a part of the time pass for which a server is left alone; all of it if no other can end the run meanwhile.
    pub(super) fn rest(&mut self, server: usize) -> Duration {
        let longest = if self.are_several() { REST_STEP } else { Duration::MAX };
        let step = self.all[server].go_on_resting(longest);
        if !self.all[server].is_out() {
            let all = &self.all;
            self.shares.join(server, (0..all.len()).filter(|other| all[*other].takes_part()));
        }
        step
    }

    /// When the first of those may be given more that were given all they may be given today.
    pub(super) fn spent_until(&self) -> Option<DateTime<Tz>> {
        self.all.iter().filter(|server| server.is_spent()).filter_map(|server| server.spent_until).min()
    }

    /// Why no server is left.
    pub(super) fn none_left(&self) -> Finding {
        diagnostics::no_server(&self.all.iter().filter_map(Server::why_out).collect::<Vec<_>>())
    }

    /// What a person should know of servers among others that were out, if any is left, and of those that refused all whom
    /// they were given, if that did not stop the run.
    pub(super) fn warnings(&self, is_stopped: bool) -> Vec<Finding> {
        let is_any_left = self.all.iter().any(|server| server.is_usable() || server.is_spent());
        let out = self.all.iter().filter(|_| self.are_several() && is_any_left).filter_map(Server::why_out);
        let refusing = self.all.iter().filter(|_| !is_stopped).filter_map(|server| server.refusals.warning());
        out.map(diagnostics::server_out).chain(refusing).collect()
    }

    /// What was taken of their quotas and not used.
    pub(super) fn unused(self) -> impl Iterator<Item = (Quota, u64)> {
        self.all.into_iter().filter_map(|server| Some((server.quota?, server.permits)))
    }
}

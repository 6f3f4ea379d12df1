//! The mail servers of a run: how they share the mail, and whether any is usable.
//!
//! The state of each is in `server_state`. Plain bookkeeping, guarded by `queue`.

use std::time::{Duration, Instant};

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::Route;
use crate::delivery::diagnostics;
use crate::delivery::server_state::ServerState;
use crate::delivery::weighted_fair::WeightedFair;
use crate::finding::Finding;
use crate::rate::Quota;

/// Longest single wait of a suspension while other servers may end the run.
const SUSPENSION_STEP: Duration = Duration::from_secs(1);

/// The servers, by index in the route.
pub(super) struct ServerPool {
    all: Vec<ServerState>,
    shares: WeightedFair,
}

impl ServerPool {
    /// The servers of a route, each with its number of workers. An outbox counts as one that is always available.
    pub(super) fn new(route: &Route, workers: &[usize]) -> Self {
        let mut all: Vec<ServerState> = workers.iter().map(|workers| ServerState::new(*workers)).collect();
        let weights = match route {
            Route::Relays(relays) => {
                all.iter_mut().zip(relays).for_each(|(server, relay)| server.is_rated = relay.is_rated());
                relays.iter().map(|relay| relay.weight).collect()
            }
            Route::Outbox { .. } => {
                all.iter_mut().for_each(ServerState::note_connected);
                vec![1]
            }
        };
        Self { all, shares: WeightedFair::new(weights.into_iter().zip(workers.iter().copied())) }
    }

    pub(super) fn of(&self, server: usize) -> &ServerState {
        &self.all[server]
    }

    pub(super) fn of_mut(&mut self, server: usize) -> &mut ServerState {
        &mut self.all[server]
    }

    pub(super) fn has_several(&self) -> bool {
        self.all.len() > 1
    }

    pub(super) fn is_any_usable(&self) -> bool {
        self.all.iter().any(ServerState::is_usable)
    }

    /// Whether another server is usable.
    pub(super) fn has_another(&self, server: usize) -> bool {
        self.all.iter().enumerate().any(|(at, other)| at != server && other.is_usable())
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.all.len()
    }

    /// Whether the others have had their share, so that this server may have the next message; `idle` ones do not count.
    pub(super) fn may_have_next(&mut self, server: usize, idle: &[usize]) -> bool {
        let all = &self.all;
        let others = (0..all.len()).filter(|other| all[*other].is_sharing() && !idle.contains(other));
        self.shares.allow(server, others)
    }

    /// A message was assigned to a server.
    pub(super) fn assign(&mut self, server: usize) {
        self.shares.assign(server);
        self.all[server].use_permit();
    }

    /// A message assigned to a server was not sent.
    pub(super) fn unassign(&mut self, server: usize) {
        self.shares.unassign(server);
        self.all[server].return_permit();
    }

    /// A connection of the server was throttled.
    pub(super) fn note_throttled(&mut self, server: usize, begun: Instant, now: Instant) {
        self.shares.note_throttled(server, self.all[server].connections(), begun, now);
    }

    /// Lets part of a server's suspension pass, or all of it if no other server can end the run meanwhile; returns how long
    /// that is.
    pub(super) fn wait_out_suspension(&mut self, server: usize) -> Duration {
        let max = if self.has_several() { SUSPENSION_STEP } else { Duration::MAX };
        let step = self.all[server].pass_suspension(max);
        if !self.all[server].is_suspended() {
            let all = &self.all;
            self.shares.join(server, (0..all.len()).filter(|other| all[*other].is_sharing()));
        }
        step
    }

    /// The first time at which a server whose quota is used up may be given more.
    pub(super) fn exhausted_until(&self) -> Option<DateTime<Tz>> {
        self.all.iter().filter(|server| server.is_exhausted()).filter_map(|server| server.exhausted_until).min()
    }

    /// Why no server is usable.
    pub(super) fn no_server_left(&self) -> Finding {
        diagnostics::no_server(&self.all.iter().filter_map(ServerState::suspension_reason).collect::<Vec<_>>())
    }

    /// The warnings about servers that were suspended, if another one is usable, and about servers that refused all
    /// recipients without ending the run.
    pub(super) fn warnings(&self, is_stopped: bool) -> Vec<Finding> {
        let is_any_left = self.all.iter().any(|server| server.is_usable() || server.is_exhausted());
        let out =
            self.all.iter().filter(|_| self.has_several() && is_any_left).filter_map(ServerState::suspension_reason);
        let refusing = self.all.iter().filter(|_| !is_stopped).filter_map(|server| server.refusals.warning());
        out.map(diagnostics::server_suspended).chain(refusing).collect()
    }

    /// The unused parts of their quotas.
    pub(super) fn unused(self) -> impl Iterator<Item = (Quota, u64)> {
        self.all.into_iter().filter_map(|server| Some((server.quota?, server.permits)))
    }
}

//! What workers report of their servers: connections, allowances, and everything that may be wrong.

use super::{Queue, WorkerId};
use crate::delivery::rate_limit::Allowance;
use crate::delivery::server_state::Trouble;
use crate::finding::Finding;

impl Queue<'_> {
    /// The first connection lets the others follow.
    pub(in crate::delivery) fn note_connected(&self, worker: WorkerId) {
        self.inner().servers.of_mut(worker.server).note_connected();
        self.work_came.notify_all();
    }

    pub(in crate::delivery) fn note_closed(&self, worker: WorkerId) {
        self.inner().servers.of_mut(worker.server).note_closed();
    }

    /// Whether there was ever a connection to the worker's server.
    pub(in crate::delivery) fn was_connected(&self, worker: WorkerId) -> bool {
        self.inner().servers.of(worker.server).was_connected()
    }

    /// A server may be given what the store allows.
    pub(in crate::delivery) fn give_permits(&self, worker: WorkerId, allowance: Allowance) {
        let mut inner = self.inner();
        let server = inner.servers.of_mut(worker.server);
        server.asking = false;
        match allowance {
            Allowance::Granted(permits, quota) => {
                server.permits += permits;
                server.quota = quota.or_else(|| server.quota.take());
            }
            Allowance::Wait(_) => {}
            Allowance::UsedUp(until) => {
                server.spent_until = Some(until);
                inner.stop_without_servers();
            }
        }
        self.work_came.notify_all();
    }

    /// How many messages the worker's server takes on one connection, as far as this run has learned.
    pub(in crate::delivery) fn most_messages(&self, worker: WorkerId) -> Option<usize> {
        self.inner().servers.of(worker.server).most_messages()
    }

    /// The reply to a message did not come, which is written down; if that happens too often, the server is left, as
    /// `why` says.
    pub(in crate::delivery) fn note_missing_reply(&self, worker: WorkerId, why: impl FnOnce() -> Finding) {
        let mut inner = self.inner();
        if inner.servers.of_mut(worker.server).note_unknown() {
            inner.trouble(worker.server, Trouble::Refuses, why());
            self.work_came.notify_all();
        }
    }

    /// Something is wrong with a worker's server, and the connection is closed. Returns whether the server is left alone
    /// for a while; if not, the worker waits for itself.
    pub(in crate::delivery) fn trouble(&self, worker: WorkerId, trouble: Trouble, why: Finding) -> bool {
        let is_out = self.inner().trouble(worker.server, trouble, why);
        self.work_came.notify_all();
        is_out
    }
}

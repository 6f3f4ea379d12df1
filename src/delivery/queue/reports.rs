//! What workers report about their servers: connections, permits and problems.

use super::{Queue, WorkerId};
use crate::delivery::rate_limit::Allowance;
use crate::delivery::server_state::ServerProblem;
use crate::finding::Finding;

impl Queue<'_> {
    /// Once the first connection is open, the others may follow.
    pub(in crate::delivery) fn note_connected(&self, worker: WorkerId) {
        self.inner().servers.of_mut(worker.server).note_connected();
        self.work_available.notify_all();
    }

    pub(in crate::delivery) fn note_closed(&self, worker: WorkerId) {
        self.inner().servers.of_mut(worker.server).note_closed();
    }

    /// Whether the worker's server was ever connected to in this run.
    pub(in crate::delivery) fn was_connected(&self, worker: WorkerId) -> bool {
        self.inner().servers.of(worker.server).was_connected()
    }

    /// Grants a server the messages that the store allows.
    pub(in crate::delivery) fn grant_permits(&self, worker: WorkerId, allowance: Allowance) {
        let mut inner = self.inner();
        let server = inner.servers.of_mut(worker.server);
        server.is_asking = false;
        match allowance {
            Allowance::Granted(permits, quota) => {
                server.permits += permits;
                server.quota = quota.or_else(|| server.quota.take());
            }
            Allowance::Wait(_) => {}
            Allowance::UsedUp(until) => {
                server.exhausted_until = Some(until);
                inner.stop_without_servers();
            }
        }
        self.work_available.notify_all();
    }

    /// The number of messages the worker's server accepts on one connection, if this run has learned it.
    pub(in crate::delivery) fn max_messages(&self, worker: WorkerId) -> Option<usize> {
        self.inner().servers.of(worker.server).max_messages()
    }

    /// The reply to a message is missing, and the recipient settled as unknown. After too many, the server is given up with
    /// `finding`.
    pub(in crate::delivery) fn note_missing_reply(&self, worker: WorkerId, finding: impl FnOnce() -> Finding) {
        let mut inner = self.inner();
        if inner.servers.of_mut(worker.server).note_missing_reply() {
            inner.report_problem(worker.server, ServerProblem::RejectsUs, finding());
            self.work_available.notify_all();
        }
    }

    /// Reports a problem with a worker's server, whose connection is closed. Returns whether the server is suspended; if not,
    /// the worker itself backs off.
    pub(in crate::delivery) fn report_problem(
        &self,
        worker: WorkerId,
        problem: ServerProblem,
        finding: Finding,
    ) -> bool {
        let is_suspended = self.inner().report_problem(worker.server, problem, finding);
        self.work_available.notify_all();
        is_suspended
    }
}

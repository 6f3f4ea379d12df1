//! What a run knows of one mail server: its concurrency limit, permits, problems, and whether it is suspended.
//!
//! A server that has a problem while no other connection to it works is suspended: no worker uses it for a time that grows,
//! then one connection tries it again. Other servers take its recipients meanwhile. One that rejects us, or keeps failing,
//! is not usable and only tried at long intervals while others have work. Plain bookkeeping, guarded by `queue`.

use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::concurrency_limit::ConcurrencyLimit;
use crate::delivery::refusals::Refusals;
use crate::delivery::retry_schedule;
use crate::finding::Finding;
use crate::rate::Quota;

/// Failures in a row after which a server is not usable.
const MAX_FAILURES: u32 = 4;

/// A problem with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerProblem {
    /// It wants less from us.
    Busy,
    /// It accepts no further connection, or offers less on it than on earlier ones.
    TooManyConnections,
    /// It defers everyone, on every connection.
    DefersEveryone,
    /// A connection broke or could not be made.
    ConnectionLost,
    /// No connection could be made, and none was before.
    Unreachable,
    /// It rejects us or the message, which does not pass by itself.
    RejectsUs,
}

pub(super) struct ServerState {
    limit: ConcurrencyLimit,
    /// Number of open connections.
    connected: usize,
    /// Whether there has been one.
    was_connected: bool,
    /// Suspensions since it last accepted a message.
    failures: u32,
    /// Whether it rejects us, which does not pass by itself.
    refuses: bool,
    /// Remaining time of its suspension.
    suspended_for: Duration,
    /// Its refusals of recipients.
    pub(super) refusals: Refusals,
    /// Messages after which it last closed a connection, and the limit if that happened twice in a row.
    last_connection_limit: Option<usize>,
    max_messages: Option<usize>,
    unknown_in_a_row: u32,
    /// Unknown outcomes in a row that are too many. A restarting server leaves one for each connection, which is no reason.
    max_unknown: u32,
    /// Why it was last suspended.
    suspension_reason: Option<Finding>,
    /// Whether it has its own rate limits or warm-up, so that it needs permits.
    pub(super) is_rated: bool,
    /// Messages it may be given now, if it needs permits.
    pub(super) permits: u64,
    /// Whether a worker is asking for permits or waiting for them.
    pub(super) is_asking: bool,
    /// With a warm-up: the quota that permits were last taken from.
    pub(super) quota: Option<Quota>,
    /// When it may be given more, once today's quota is used up.
    pub(super) exhausted_until: Option<DateTime<Tz>>,
}

impl ServerState {
    /// A server with at most this many connections.
    pub(super) fn new(connections: usize) -> Self {
        Self {
            limit: ConcurrencyLimit::new(connections),
            connected: 0,
            was_connected: false,
            failures: 0,
            refuses: false,
            suspended_for: Duration::ZERO,
            refusals: Refusals::default(),
            last_connection_limit: None,
            max_messages: None,
            unknown_in_a_row: 0,
            max_unknown: u32::try_from(connections).unwrap_or(u32::MAX).saturating_add(2),
            suspension_reason: None,
            is_rated: false,
            permits: 0,
            is_asking: false,
            quota: None,
            exhausted_until: None,
        }
    }

    /// Whether the connection with this index may be used. Until the first one is made it is the only one, so that a wrong
    /// password is tried once.
    pub(super) fn admits(&self, number: usize) -> bool {
        !self.is_suspended() && !self.is_exhausted() && self.limit.admits(number) && (self.was_connected || number == 0)
    }

    /// Number of connections that may be used while it is not suspended.
    pub(super) fn connections(&self) -> u32 {
        self.limit.connections()
    }

    pub(super) fn is_suspended(&self) -> bool {
        !self.suspended_for.is_zero()
    }

    /// Whether it is expected to accept mail, now or soon.
    pub(super) fn is_usable(&self) -> bool {
        !self.refuses && self.failures < MAX_FAILURES && !self.is_exhausted()
    }

    /// Whether it was given all it may be given today.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted_until.is_some() && self.permits == 0
    }

    /// Whether it may be given nothing until the store grants more.
    pub(super) fn lacks_permits(&self) -> bool {
        self.is_rated && self.permits == 0
    }

    /// A message was assigned to it.
    pub(super) fn use_permit(&mut self) {
        if self.is_rated {
            self.permits -= 1;
        }
    }

    /// A message assigned to it was not sent.
    pub(super) fn return_permit(&mut self) {
        if self.is_rated {
            self.permits += 1;
        }
    }

    /// Whether the other servers must leave it its share.
    pub(super) fn is_sharing(&self) -> bool {
        !self.is_suspended() && self.is_usable() && !(self.is_asking && self.permits == 0)
    }

    /// Lets at most `max` of its suspension pass; returns how long that is.
    pub(super) fn pass_suspension(&mut self, max: Duration) -> Duration {
        let step = self.suspended_for.min(max);
        self.suspended_for -= step;
        step
    }

    pub(super) fn note_connected(&mut self) {
        self.connected += 1;
        self.was_connected = true;
    }

    pub(super) fn note_closed(&mut self) {
        self.connected -= 1;
    }

    /// Whether there has been a connection.
    pub(super) fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// A message was accepted.
    pub(super) fn note_sent(&mut self) {
        self.limit.raise();
        (self.failures, self.unknown_in_a_row) = (0, 0);
        (self.refuses, self.suspended_for) = (false, Duration::ZERO);
    }

    /// It replied, whatever it said about a recipient.
    pub(super) fn note_answered(&mut self) {
        self.failures = 0;
    }

    /// The reply to a message is missing; returns whether that happens too often.
    pub(super) fn note_missing_reply(&mut self) -> bool {
        self.unknown_in_a_row += 1;
        self.unknown_in_a_row >= self.max_unknown
    }

    /// It closed a connection after this many messages, and at once accepted the next one on another.
    pub(super) fn note_connection_limit(&mut self, messages: usize) {
        if self.last_connection_limit.replace(messages) == Some(messages) {
            self.max_messages = Some(messages);
        }
    }

    /// Number of messages it accepts on one connection, if this run has learned it.
    pub(super) fn max_messages(&self) -> Option<usize> {
        self.max_messages
    }

    /// Whether it failed since it last accepted a message.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Lowers its concurrency limit.
    pub(super) fn slow_down(&mut self) {
        self.limit.lower();
    }

    /// Notes a problem on a connection that is closed now. While other connections work, it costs at most some of the
    /// connections; otherwise the server is suspended, and the result is true.
    pub(super) fn report_problem(&mut self, problem: ServerProblem, finding: Finding) -> bool {
        match problem {
            ServerProblem::Busy if self.connected > 0 && self.limit.can_lower() => {
                self.limit.lower();
                return false;
            }
            ServerProblem::TooManyConnections if self.connected > 0 => {
                self.limit.cut();
                return false;
            }
            ServerProblem::ConnectionLost if self.connected > 0 => return false,
            // All its connections run into the same problem.
            ServerProblem::Busy
            | ServerProblem::TooManyConnections
            | ServerProblem::DefersEveryone
            | ServerProblem::ConnectionLost
                if self.is_suspended() =>
            {
                return true;
            }
            ServerProblem::RejectsUs if self.is_suspended() && self.refuses => return true,
            ServerProblem::Busy
            | ServerProblem::TooManyConnections
            | ServerProblem::DefersEveryone
            | ServerProblem::ConnectionLost => self.failures += 1,
            ServerProblem::Unreachable => self.failures = MAX_FAILURES.max(self.failures + 1),
            ServerProblem::RejectsUs => {
                self.failures += 1;
                self.refuses = true;
            }
        }
        self.suspended_for = retry_schedule::server_suspension(self.failures, self.refuses);
        self.limit.reset();
        self.suspension_reason = Some(finding);
        true
    }

    /// Why it was suspended, if it was.
    pub(super) fn suspension_reason(&self) -> Option<&Finding> {
        self.suspension_reason.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding::error("smtp-unreachable", "gone")
    }

    fn admitted(server: &ServerState) -> usize {
        (0..100).filter(|number| server.admits(*number)).count()
    }

    /// Lets the suspension pass; returns how long it was.
    fn suspension_seconds(server: &mut ServerState) -> u64 {
        server.pass_suspension(Duration::MAX).as_secs()
    }

    #[test]
    fn one_connection_is_made_before_the_others() {
        let mut server = ServerState::new(8);
        assert_eq!(admitted(&server), 1);
        server.note_connected();
        assert_eq!(admitted(&server), 8);
    }

    #[test]
    fn a_problem_on_one_connection_of_several_only_makes_them_fewer() {
        let mut server = ServerState::new(8);
        (0..8).for_each(|_| server.note_connected());
        server.note_closed();
        assert!(!server.report_problem(ServerProblem::Busy, finding()));
        assert_eq!(admitted(&server), 4);
        assert!(
            !server.report_problem(ServerProblem::ConnectionLost, finding()),
            "a lost connection does not change the limit"
        );
        assert_eq!((admitted(&server), server.suspension_reason()), (4, None));
    }

    #[test]
    fn a_failing_server_is_suspended_for_longer_each_time_and_retried_over_one_connection() {
        let mut server = ServerState::new(8);
        let mut suspensions = Vec::new();
        for _ in 0..3 {
            server.note_connected();
            server.note_closed();
            assert!(server.report_problem(ServerProblem::ConnectionLost, finding()));
            assert_eq!((admitted(&server), server.is_sharing(), server.is_usable()), (0, false, true));
            suspensions.push(suspension_seconds(&mut server));
            assert_eq!((admitted(&server), server.is_sharing()), (1, true));
        }
        assert_eq!(suspensions, [2, 4, 8]);
        server.report_problem(ServerProblem::ConnectionLost, finding());
        assert!(!server.is_usable(), "that was the fourth failure");
        server.note_sent();
        assert!(server.is_usable() && server.is_sharing());
        server.report_problem(ServerProblem::RejectsUs, finding());
        assert!(!server.is_usable() && suspension_seconds(&mut server) >= 300);
        assert_eq!(server.suspension_reason().map(|finding| finding.rule), Some("smtp-unreachable"));
    }

    #[test]
    fn a_server_that_was_never_reached_is_unusable_and_still_retried() {
        let mut server = ServerState::new(2);
        assert!(server.report_problem(ServerProblem::Unreachable, finding()));
        assert!(!server.is_usable() && suspension_seconds(&mut server) == 16 && admitted(&server) == 1);
    }

    #[test]
    fn a_rejection_on_all_connections_counts_once() {
        let mut server = ServerState::new(8);
        (0..8).for_each(|_| server.note_connected());
        for _ in 0..8 {
            server.note_closed();
            assert!(server.report_problem(ServerProblem::RejectsUs, finding()));
        }
        assert_eq!(suspension_seconds(&mut server), 300);
    }

    #[test]
    fn missing_replies_count_in_a_row() {
        let mut server = ServerState::new(1);
        assert_eq!(
            [server.note_missing_reply(), server.note_missing_reply(), server.note_missing_reply()],
            [false, false, true]
        );
        server.note_sent();
        assert!(!server.note_missing_reply());
    }

    #[test]
    fn a_server_that_accepts_no_further_connection_is_given_fewer_each_time() {
        let mut server = ServerState::new(4);
        server.note_connected();
        let admitted_connections: Vec<usize> = (0..3)
            .map(|_| {
                assert!(
                    !server.report_problem(ServerProblem::TooManyConnections, finding()),
                    "the open connection continues"
                );
                (0..200).for_each(|_| server.note_sent());
                admitted(&server)
            })
            .collect();
        assert_eq!((admitted_connections, server.suspension_reason()), (vec![3, 2, 1], None));
        server.note_closed();
        assert!(server.report_problem(ServerProblem::TooManyConnections, finding()), "no connection is left");
    }

    #[test]
    fn a_message_limit_is_learned_when_it_is_met_twice() {
        let mut server = ServerState::new(1);
        let learned: Vec<Option<usize>> = [7, 20, 20, 3, 20, 20]
            .map(|messages| {
                server.note_connection_limit(messages);
                server.max_messages()
            })
            .into();
        assert_eq!(learned, [None, None, Some(20), Some(20), Some(20), Some(20)]);
    }
}

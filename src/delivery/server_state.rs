//! What a run knows of one mail server: how many connections it is given, how much each of them, whether it is left alone
//! for a while, and why.
//!
//! A server that gives trouble while no other connection to it works is out: nobody uses it for a time that grows, then
//! one connection tries it again. Its letters go to the others meanwhile. One that refuses us, or fails again and again,
//! is not counted on any more, and tried at long intervals while others have work. Plain bookkeeping; `queue` guards it.

use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::concurrency_limit::ConcurrencyLimit;
use crate::delivery::refusals::Refusals;
use crate::delivery::retry_schedule;
use crate::finding::Finding;
use crate::rate::Quota;

/// After so many failures in a row a server is not counted on any more.
const MOST_FAILURES: u32 = 4;

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It wants less from us.
    Busy,
    /// It takes no further connection, or offers less on it than on those before.
    Crowded,
    /// It puts everybody off, over whatever connection.
    TakesNobody,
    /// A connection broke, or could not be made.
    Broken,
    /// No connection could be made, and there was none before.
    Unreached,
    /// It refuses us, or the message: that does not pass by itself.
    Refuses,
}

pub(super) struct Server {
    limit: ConcurrencyLimit,
    /// Connections that are open.
    connected: usize,
    /// Whether there was ever one.
    was_connected: bool,
    /// Times it was taken out since it last took a message.
    failures: u32,
    /// It refuses us: what it says will not pass by itself.
    refuses: bool,
    /// So long it is still left alone.
    rest: Duration,
    /// What it says of recipients, and whom that is about.
    pub(super) refusals: Refusals,
    /// After so many messages it ended a connection the last time, and after so many the time before too.
    last_end: Option<usize>,
    most_messages: Option<usize>,
    unknown_in_a_row: u32,
    /// So many unknown in a row are too many. A server that restarts leaves one for each connection, which is no reason.
    most_unknown: u32,
    /// Why it was out, the last time.
    why_out: Option<Finding>,
    /// It has rates or a warm-up of its own: it may be given no more than it has permits for.
    pub(super) is_rated: bool,
    /// Messages it may be given now, if so.
    pub(super) permits: u64,
    /// Somebody asks for more of them, or waits for them.
    pub(super) asking: bool,
    /// Where it is new: what was taken from last.
    pub(super) quota: Option<Quota>,
    /// When it may be given more, once what it may be given today is used up.
    pub(super) spent_until: Option<DateTime<Tz>>,
}

impl Server {
    /// A server with so many connections at most.
    pub(super) fn new(connections: usize) -> Self {
        Self {
            limit: ConcurrencyLimit::new(connections),
            connected: 0,
            was_connected: false,
            failures: 0,
            refuses: false,
            rest: Duration::ZERO,
            refusals: Refusals::default(),
            last_end: None,
            most_messages: None,
            unknown_in_a_row: 0,
            most_unknown: u32::try_from(connections).unwrap_or(u32::MAX).saturating_add(2),
            why_out: None,
            is_rated: false,
            permits: 0,
            asking: false,
            quota: None,
            spent_until: None,
        }
    }

    /// Whether the connection of that number, from 0, may be used: the first one alone until it is made, so that a wrong
    /// password is tried once.
    pub(super) fn admits(&self, number: usize) -> bool {
        !self.is_out() && !self.is_spent() && self.limit.admits(number) && (self.was_connected || number == 0)
    }

    /// How many connections may be used while it is not left alone.
    pub(super) fn connections(&self) -> u32 {
        self.limit.connections()
    }

    /// Whether it is left alone at present.
    pub(super) fn is_out(&self) -> bool {
        !self.rest.is_zero()
    }

    /// Whether it can be counted on to take letters, now or soon.
    pub(super) fn is_usable(&self) -> bool {
        !self.refuses && self.failures < MOST_FAILURES && !self.is_spent()
    }

    /// Whether it was given all that it may be given today.
    pub(super) fn is_spent(&self) -> bool {
        self.spent_until.is_some() && self.permits == 0
    }

    /// Whether it may be given nothing before the store was asked.
    pub(super) fn lacks_permits(&self) -> bool {
        self.is_rated && self.permits == 0
    }

    /// A letter was taken for it.
    pub(super) fn use_permit(&mut self) {
        if self.is_rated {
            self.permits -= 1;
        }
    }

    /// It did not get a letter that was taken for it.
    pub(super) fn return_permit(&mut self) {
        if self.is_rated {
            self.permits += 1;
        }
    }

    /// Whether others have to leave it its share.
    pub(super) fn takes_part(&self) -> bool {
        !self.is_out() && self.is_usable() && !(self.asking && self.permits == 0)
    }

    /// Goes on resting for `most` at the longest; gives how long that is.
    pub(super) fn go_on_resting(&mut self, most: Duration) -> Duration {
        let step = self.rest.min(most);
        self.rest -= step;
        step
    }

    pub(super) fn note_connected(&mut self) {
        self.connected += 1;
        self.was_connected = true;
    }

    pub(super) fn note_closed(&mut self) {
        self.connected -= 1;
    }

    /// Whether there was ever a connection.
    pub(super) fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// A message was taken.
    pub(super) fn note_sent(&mut self) {
        self.limit.raise();
        (self.failures, self.unknown_in_a_row) = (0, 0);
        (self.refuses, self.rest) = (false, Duration::ZERO);
    }

    /// It answers, whatever it says of a recipient.
    pub(super) fn note_answered(&mut self) {
        self.failures = 0;
    }

    /// The reply to a message did not come; gives whether that happens too often.
    pub(super) fn note_unknown(&mut self) -> bool {
        self.unknown_in_a_row += 1;
        self.unknown_in_a_row >= self.most_unknown
    }

    /// It ended a connection after so many messages, and took the next one on another at once.
    pub(super) fn note_end(&mut self, messages: usize) {
        if self.last_end.replace(messages) == Some(messages) {
            self.most_messages = Some(messages);
        }
    }

    /// How many messages it takes on one connection, as far as this run has learned.
    pub(super) fn most_messages(&self) -> Option<usize> {
        self.most_messages
    }

    /// Whether it failed since it last took a message.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// It is given fewer connections, if there can be fewer.
    pub(super) fn slow_down(&mut self) {
        self.limit.lower();
    }

    /// Something is wrong, on a connection that is closed now. What troubles one connection while others work costs no
    /// more than that one, or some of them; else the server is out for a while, which is given back.
    pub(super) fn trouble(&mut self, trouble: Trouble, why: Finding) -> bool {
        match trouble {
            Trouble::Busy if self.connected > 0 && self.limit.can_lower() => {
                self.limit.lower();
                return false;
            }
            Trouble::Crowded if self.connected > 0 => {
                self.limit.cut();
                return false;
            }
            Trouble::Broken if self.connected > 0 => return false,
            // All its connections meet with the same.
            Trouble::Busy | Trouble::Crowded | Trouble::TakesNobody | Trouble::Broken if self.is_out() => return true,
            Trouble::Refuses if self.is_out() && self.refuses => return true,
            Trouble::Busy | Trouble::Crowded | Trouble::TakesNobody | Trouble::Broken => self.failures += 1,
            Trouble::Unreached => self.failures = MOST_FAILURES.max(self.failures + 1),
            Trouble::Refuses => {
                self.failures += 1;
                self.refuses = true;
            }
        }
        self.rest = retry_schedule::server_suspension(self.failures, self.refuses);
        self.limit.reset();
        self.why_out = Some(why);
        true
    }

    /// Why it was out, if it was.
    pub(super) fn why_out(&self) -> Option<&Finding> {
        self.why_out.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> Finding {
        Finding::error("smtp-unreachable", "gone")
    }

    fn admitted(server: &Server) -> usize {
        (0..100).filter(|number| server.admits(*number)).count()
    }

    /// Lets the rest pass; gives how long it was.
    fn rest(server: &mut Server) -> u64 {
        server.go_on_resting(Duration::MAX).as_secs()
    }

    #[test]
    fn one_connection_is_made_before_the_others() {
        let mut server = Server::new(8);
        assert_eq!(admitted(&server), 1);
        server.note_connected();
        assert_eq!(admitted(&server), 8);
    }

    #[test]
    fn what_troubles_one_connection_of_several_only_makes_them_fewer() {
        let mut server = Server::new(8);
        (0..8).for_each(|_| server.note_connected());
        server.note_closed();
        assert!(!server.trouble(Trouble::Busy, why()));
        assert_eq!(admitted(&server), 4);
        assert!(!server.trouble(Trouble::Broken, why()), "a break says nothing of how many there may be");
        assert_eq!((admitted(&server), server.why_out()), (4, None));
    }

    #[test]
    fn a_server_that_fails_rests_for_longer_each_time_and_is_tried_over_one_connection() {
        let mut server = Server::new(8);
        let mut rests = Vec::new();
        for _ in 0..3 {
            server.note_connected();
            server.note_closed();
            assert!(server.trouble(Trouble::Broken, why()));
            assert_eq!((admitted(&server), server.takes_part(), server.is_usable()), (0, false, true));
            rests.push(rest(&mut server));
            assert_eq!((admitted(&server), server.takes_part()), (1, true));
        }
        assert_eq!(rests, [2, 4, 8]);
        server.trouble(Trouble::Broken, why());
        assert!(!server.is_usable(), "that was the fourth time");
        server.note_sent();
        assert!(server.is_usable() && server.takes_part());
        server.trouble(Trouble::Refuses, why());
        assert!(!server.is_usable() && rest(&mut server) >= 300);
        assert_eq!(server.why_out().map(|finding| finding.rule), Some("smtp-unreachable"));
    }

    #[test]
    fn a_server_that_was_never_reached_is_not_counted_on_and_tried_again_all_the_same() {
        let mut server = Server::new(2);
        assert!(server.trouble(Trouble::Unreached, why()));
        assert!(!server.is_usable() && rest(&mut server) == 16 && admitted(&server) == 1);
    }

    #[test]
    fn what_all_connections_are_refused_for_counts_once() {
        let mut server = Server::new(8);
        (0..8).for_each(|_| server.note_connected());
        for _ in 0..8 {
            server.note_closed();
            assert!(server.trouble(Trouble::Refuses, why()));
        }
        assert_eq!(rest(&mut server), 300);
    }

    #[test]
    fn missing_replies_count_in_a_row() {
        let mut server = Server::new(1);
        assert_eq!([server.note_unknown(), server.note_unknown(), server.note_unknown()], [false, false, true]);
        server.note_sent();
        assert!(!server.note_unknown());
    }

    #[test]
    fn a_server_that_takes_no_further_connection_is_asked_for_fewer_each_time() {
        let mut server = Server::new(4);
        server.note_connected();
        let seen: Vec<usize> = (0..3)
            .map(|_| {
                assert!(!server.trouble(Trouble::Crowded, why()), "the one there is goes on");
                (0..200).for_each(|_| server.note_sent());
                admitted(&server)
            })
            .collect();
        assert_eq!((seen, server.why_out()), (vec![3, 2, 1], None));
        server.note_closed();
        assert!(server.trouble(Trouble::Crowded, why()), "there is none");
    }

    #[test]
    fn a_limit_of_messages_is_learned_when_it_was_met_twice() {
        let mut server = Server::new(1);
        let learned: Vec<Option<usize>> = [7, 20, 20, 3, 20, 20]
            .map(|messages| {
                server.note_end(messages);
                server.most_messages()
            })
            .into();
        assert_eq!(learned, [None, None, Some(20), Some(20), Some(20), Some(20)]);
    }
}

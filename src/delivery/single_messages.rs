//! Sends single messages one after another, each over the first of the project's servers that takes it, or into the outbox.
//!
//! Takes finished letters and returns the outcomes; the caller records them. A mailing tells refusals of a recipient from
//! refusals of us by what the server says to others. Here there are no others, so that a refusal which may be about us is tried
//! again later, on the schedule of deferred recipients.

use std::sync::atomic::AtomicBool;

use crate::delivery::Route;
use crate::delivery::connection::{Connection, may_be_the_end};
use crate::delivery::diagnostics;
use crate::delivery::outbox::Outbox;
use crate::delivery::reply_action::{ReplyAction, reply_action};
use crate::finding::Finding;
use crate::issue::Slug;
use crate::ledger::{AttemptOutcome, LedgerEntry};
use crate::letter::Letter;
use crate::rate::Rate;
use crate::reply::{Reply, ReplyClass};
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::relay::Relay;
use crate::smtp::session::Behind;

pub use crate::delivery::retry_schedule::defer_message;

/// Connections to a server that break in a row under messages before it is left alone.
const MAX_BREAKS: u32 = 3;

/// What the sender calls while it sends a letter. If one of them fails, nothing more of the letter is sent.
pub struct Attempt<'a, E> {
    /// The letter.
    pub letter: &'a Letter,
    /// Identifies it: the letters of one recipient have different numbers.
    pub number: i64,
    /// Records that the content is about to leave, or was not accepted. Durable once it returns.
    pub record: &'a dyn Fn(LedgerEntry) -> Result<(), E>,
    /// Takes one message from each of these rates; returns whether it may be sent now.
    pub permit: &'a mut dyn FnMut(&[Rate]) -> Result<bool, E>,
    /// The outcome if the letter is tried again later because of this reply.
    pub defer: &'a dyn Fn(String) -> AttemptOutcome,
}

/// Sends letters; keeps a connection to each server it uses.
pub struct SingleMessages<'a> {
    route: &'a Route,
    folder: &'a Slug,
    stop: &'a AtomicBool,
    servers: Vec<ServerUse<'a>>,
}

/// What is known of a server.
#[derive(Default)]
struct ServerUse<'a> {
    connection: Connection<'a>,
    /// Whether the connection has carried a message.
    is_used: bool,
    /// Whether it has accepted a recipient.
    has_accepted: bool,
    breaks: u32,
    /// Why it is left alone.
    problem: Option<Finding>,
}

/// What one server did with a letter.
enum Tried {
    /// The outcome.
    Settled(AttemptOutcome),
    /// It did not take the letter; another one may. The reply, if that speaks of the letter.
    Refused(Option<String>),
}

impl<'a> SingleMessages<'a> {
    /// Sends by this route; an outbox gets the letters in `folder`. Once `stop` is true, replies are awaited for a few seconds
    /// only.
    pub fn new(route: &'a Route, folder: &'a Slug, stop: &'a AtomicBool) -> Self {
        let servers = if let Route::Relays(relays) = route { relays.len() } else { 1 };
        Self { route, folder, stop, servers: (0..servers).map(|_| ServerUse::default()).collect() }
    }

    /// Sends a letter. `None` if it was not tried: no server is usable, or none may be given a message now.
    ///
    /// # Errors
    /// Those of the functions in `attempt`.
    pub fn send<E>(&mut self, attempt: &mut Attempt<'_, E>) -> Result<Option<AttemptOutcome>, E> {
        let relays = match self.route {
            Route::Relays(relays) => relays,
            Route::Outbox { project, root, .. } => {
                let outbox = Outbox::new(project, root, self.folder);
                return Ok(match outbox.write_numbered(attempt.number, attempt.letter) {
                    Ok(path) => Some(AttemptOutcome::Sent(format!("written to {}", path.display()))),
                    Err(error) => {
                        self.servers[0].problem = Some(diagnostics::outbox(&error));
                        None
                    }
                });
            }
        };
        let mut refusal = None;
        for at in by_weight(relays, attempt.number) {
            if self.servers[at].problem.is_some() || !(attempt.permit)(&relays[at].rates)? {
                continue;
            }
            match self.over(at, &relays[at], attempt)? {
                Tried::Settled(outcome) => return Ok(Some(outcome)),
                Tried::Refused(reply) => refusal = reply.or(refusal),
            }
        }
        Ok(refusal.map(|reply| (attempt.defer)(reply)))
    }

    /// Why no server is usable, if none is.
    pub fn problem(&self) -> Option<Finding> {
        let problems: Vec<&Finding> = self.servers.iter().filter_map(|server| server.problem.as_ref()).collect();
        (problems.len() == self.servers.len()).then(|| diagnostics::no_server(&problems))
    }

    /// Closes the connections.
    pub fn close(self) {
        for mut server in self.servers {
            server.connection.close();
        }
    }

    /// Tries one server. A connection that carried messages before may have ended since: then a new one is tried.
    fn over<E>(&mut self, at: usize, relay: &Relay, attempt: &Attempt<'_, E>) -> Result<Tried, E> {
        loop {
            let server = &mut self.servers[at];
            let is_used = std::mem::take(&mut server.is_used);
            if let Err(error) = server.connect(relay, attempt.letter, self.stop) {
                server.problem = Some(diagnostics::finding(relay, &error, None));
                return Ok(Tried::Refused(None));
            }
            match server.transmit(attempt)? {
                Ok(reply) => return Ok(Tried::Settled(self.sent(at, relay, &reply))),
                Err(error) if is_used && may_be_the_end(&error) => server.connection = Connection::default(),
                Err(error) => return Ok(self.failed(at, relay, attempt, &error)),
            }
        }
    }

    fn sent(&mut self, at: usize, relay: &Relay, reply: &Reply) -> AttemptOutcome {
        let has_several = self.servers.len() > 1;
        let server = &mut self.servers[at];
        (server.is_used, server.has_accepted, server.breaks) = (true, true, 0);
        AttemptOutcome::Sent(if has_several { format!("{reply} [{relay}]") } else { reply.to_string() })
    }

    /// What a failed attempt means for the letter and the server.
    fn failed<E>(&mut self, at: usize, relay: &Relay, attempt: &Attempt<'_, E>, error: &SessionError) -> Tried {
        let server = &mut self.servers[at];
        let finding = || diagnostics::finding(relay, error, Some(attempt.letter));
        if matches!(&error.cause, Cause::Lost(_)) {
            (server.connection, server.breaks) = (Connection::default(), server.breaks + 1);
            server.problem = (server.breaks >= MAX_BREAKS).then(finding);
        } else {
            (server.is_used, server.breaks) = (true, 0);
        }
        match reply_action(error, attempt.defer) {
            ReplyAction::Settle(outcome) => Tried::Settled(outcome),
            ReplyAction::Retry => Tried::Refused(Some(error.to_string())),
            ReplyAction::SlowDown | ReplyAction::Stop => {
                server.problem = Some(finding());
                Tried::Refused(None)
            }
            ReplyAction::Refused(reply) => match reply.class(error.phase) {
                ReplyClass::BackOff | ReplyClass::OurFault => Tried::Refused(Some(reply.to_string())),
                class => {
                    // A server that sends nothing for us may say this of everyone.
                    let suppress = class == ReplyClass::AddressBad && server.has_accepted;
                    Tried::Settled(AttemptOutcome::Failed { reply: reply.to_string(), suppress })
                }
            },
        }
    }
}

impl<'a> ServerUse<'a> {
    /// Ensures a connection that can take the letter.
    fn connect(&mut self, relay: &Relay, letter: &Letter, stop: &'a AtomicBool) -> Result<(), SessionError> {
        if self.connection.can_take(letter) {
            return Ok(());
        }
        self.connection.close();
        self.connection.open(relay, stop)
    }

    /// Envelope, `sending` in the ledger, content, reply.
    fn transmit<E>(&mut self, attempt: &Attempt<'_, E>) -> Result<Result<Reply, SessionError>, E> {
        if let Err(error) = self.connection.offer(attempt.letter) {
            return Ok(Err(error));
        }
        if let Err(error) = (attempt.record)(LedgerEntry::Sending) {
            // The server expects content that does not come.
            self.connection = Connection::default();
            return Err(error);
        }
        let transmitted = self.connection.transmit(attempt.letter, Behind::Nothing);
        if let Err(error) = &transmitted
            && !error.leaves_unknown()
        {
            (attempt.record)(LedgerEntry::Unsent)?;
        }
        Ok(transmitted)
    }
}

/// The servers in the order in which they are tried: each comes first for its share of the numbers.
fn by_weight(relays: &[Relay], number: i64) -> impl Iterator<Item = usize> + use<> {
    let total: u64 = relays.iter().map(|relay| u64::from(relay.weight)).sum();
    let mut left = number.unsigned_abs() % total.max(1);
    let first = relays.iter().position(|relay| {
        let is_first = left < u64::from(relay.weight);
        left = left.saturating_sub(u64::from(relay.weight));
        is_first
    });
    let (first, count) = (first.unwrap_or(0), relays.len());
    (0..count).map(move |at| (first + at) % count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::{Server, TlsMode};

    #[test]
    fn each_server_comes_first_for_its_share_of_the_numbers() {
        let relay = |weight| {
            let server = Server { host: "127.0.0.1".to_owned(), port: 25, tls: TlsMode::None };
            let mut relay = Relay::new(server, "example.org", None, None).unwrap();
            relay.weight = weight;
            relay
        };
        let relays = [relay(1), relay(2)];
        let orders: Vec<Vec<usize>> = (0..4).map(|number| by_weight(&relays, number).collect()).collect();
        assert_eq!(orders, [[0, 1], [1, 0], [1, 0], [0, 1]]);
    }
}

//! One connection to a mail server, and the dialogue on it: RFC 5321.
//!
//! Takes letters one at a time, gives the server's reply or an error that knows its phase. lettre does TCP, TLS and
//! AUTH; the mail transaction is written here, because lettre takes any 2xx or 3xx for an answer, cannot tell a message
//! that was surely not accepted from one that may have been, and sends the final dot in a packet of its own. Trying
//! again, and on which connection, is `delivery`'s.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret as _;

use crate::config::TlsMode;
use crate::letter::Letter;
use crate::smtp::keywords::Keywords;
use crate::smtp::phase::{Phase, Timeouts};
use crate::smtp::relay::{Login, Relay};
use crate::smtp::reply::Reply;
use crate::smtp::session::failure::{can_go_on, connect_error, out_of_turn, session_error};
use crate::smtp::wire::with_final_dot;

pub use failure::{Cause, SessionError};

/// A connection that is logged in and between two messages.
pub struct Session {
    connection: SmtpConnection,
    keywords: Keywords,
    timeouts: Timeouts,
    /// The timeout the socket has now, to spare system calls.
    timeout: Duration,
    messages_left: usize,
    /// No reply is outstanding and the server expects MAIL.
    at_rest: bool,
}

/// A message whose envelope the server has accepted, and which it waits for.
///
/// Dropped without `transmit`, it spoils the session: the server still waits for content.
pub struct Offered<'session> {
    session: &'session mut Session,
    wire: String,
}

impl Session {
    /// Connects, starts TLS as the relay's settings say, and logs in.
    ///
    /// # Errors
    /// In the phases `Connect`, `Tls` and `Auth`.
    pub fn connect(relay: &Relay) -> Result<Self, SessionError> {
        let server = &relay.server;
        let implicit_tls = if server.tls == TlsMode::Implicit { relay.tls.as_ref() } else { None };
        let mut connection = SmtpConnection::connect(
            (server.host.as_str(), server.port),
            Some(relay.timeouts.connect),
            &relay.hello,
            implicit_tls,
            None,
        )
        .map_err(|error| connect_error(server.tls, &error))?;
        if let (TlsMode::StartTls, Some(tls)) = (server.tls, &relay.tls) {
            if !connection.can_starttls() {
                return Err(SessionError { phase: Phase::Tls, cause: Cause::Lacks("STARTTLS") });
            }
            connection.starttls(tls, &relay.hello).map_err(|error| session_error(Phase::Tls, &error))?;
        }
        let keywords = ask_keywords(&mut connection, relay)?;
        if let Some(login) = &relay.login {
            log_in(&mut connection, login, relay)?;
        }
        Ok(Self {
            connection,
            keywords,
            timeouts: relay.timeouts,
            timeout: relay.timeouts.connect,
            messages_left: relay.messages_per_connection.max(1),
            at_rest: true,
        })
    }

    /// Whether another message may be offered on this connection; else end it and connect anew.
    pub fn is_usable(&self) -> bool {
        self.at_rest && self.messages_left > 0
    }

    /// Sends the envelope, up to the server's 354: nothing of the message has left yet, and an error means that it was
    /// not accepted. After a refusal the session is reset and can go on.
    ///
    /// # Errors
    /// In the phases `Mail`, `Rcpt` and `Data`, and when the message cannot travel on this connection.
    pub fn offer(&mut self, letter: &Letter) -> Result<Offered<'_>, SessionError> {
        let Some(wire) = with_final_dot(&letter.content) else {
            return Err(SessionError { phase: Phase::Content, cause: Cause::NotText });
        };
        let parameters = self.mail_parameters(letter, wire.is_ascii());
        let parameters = parameters.map_err(|cause| SessionError { phase: Phase::Mail, cause })?;
        let mail = format!("MAIL FROM:<{}>{parameters}\r\n", letter.from.as_str());
        let rcpt = format!("RCPT TO:<{}>\r\n", letter.to.as_str());
        if self.keywords.pipelining {
            self.group(&format!("{mail}{rcpt}DATA\r\n"))?;
        } else {
            self.step(Phase::Mail, &mail)?;
            self.step(Phase::Rcpt, &rcpt)?;
            self.step(Phase::Data, "DATA\r\n")?;
        }
        self.at_rest = false;
        Ok(Offered { session: self, wire })
    }

    /// What follows the sender in MAIL, each with a blank before it.
    fn mail_parameters(&self, letter: &Letter, ascii: bool) -> Result<String, Cause> {
        let mut parameters = String::new();
        let bytes = letter.content.len();
        if let Some(most) = self.keywords.most_bytes.filter(|most| bytes > *most) {
            return Err(Cause::TooLarge { bytes, most });
        }
        if self.keywords.size {
            parameters.push_str(&format!(" SIZE={bytes}"));
        }
        if letter.to.needs_smtputf8() || letter.from.needs_smtputf8() {
            if !self.offers(Extension::SmtpUtfEight) {
                return Err(Cause::Lacks("SMTPUTF8"));
            }
            parameters.push_str(" SMTPUTF8");
        }
        if !ascii {
            if !self.offers(Extension::EightBitMime) {
                return Err(Cause::Lacks("8BITMIME"));
            }
            parameters.push_str(" BODY=8BITMIME");
        }
        Ok(parameters)
    }

    /// Says goodbye; whether the server answers does not matter.
    pub fn quit(mut self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        if self.at_rest && self.connection.set_timeout(Some(PATIENCE)).is_ok() {
            let _ = self.connection.command("QUIT\r\n");
        }
    }

    fn offers(&self, extension: Extension) -> bool {
        self.connection.server_info().supports_feature(extension)
    }

    /// MAIL, RCPT and DATA in one write, then their three replies, whatever the first ones say: RFC 2920 3.1.
    ///
    /// The first refusal is the error. Where DATA is granted all the same the server waits for a message to nobody, and
    /// the session ends without a dot, so that there is none.
    fn group(&mut self, commands: &str) -> Result<(), SessionError> {
        self.at_rest = false;
        let mut refusal = None;
        let mut granted = false;
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data] {
            let answer = if phase == Phase::Mail { self.command(phase, commands) } else { self.hear(phase) };
            let error = match answer {
                Ok(reply) if wanted(phase).contains(&reply.code) => {
                    granted = phase == Phase::Data;
                    continue;
                }
                Ok(reply) => out_of_turn(phase, &reply),
                Err(error) => error,
            };
            if !can_go_on(&error) {
                return Err(refusal.unwrap_or(error));
            }
            refusal = refusal.or(Some(error));
        }
        let Some(refusal) = refusal else { return Ok(()) };
        self.at_rest = !granted && self.reset();
        Err(refusal)
    }

    /// One command of the envelope. A refusal leaves the session at rest; anything else but what is wanted ends it.
    fn step(&mut self, phase: Phase, command: &str) -> Result<(), SessionError> {
        let error = match self.command(phase, command) {
            Ok(reply) if wanted(phase).contains(&reply.code) => return Ok(()),
            Ok(reply) => out_of_turn(phase, &reply),
            Err(error) => error,
        };
        self.at_rest = can_go_on(&error) && self.reset();
        Err(error)
    }

    fn reset(&mut self) -> bool {
        self.command(Phase::Reset, "RSET\r\n").is_ok_and(|reply| reply.code == 250)
    }

    fn command(&mut self, phase: Phase, command: &str) -> Result<Reply, SessionError> {
        self.wait_at_most(phase)?;
        let response = self.connection.command(command).map_err(|error| session_error(phase, &error))?;
        Ok(reply_of(&response))
    }

    /// The next reply of a group.
    fn hear(&mut self, phase: Phase) -> Result<Reply, SessionError> {
        self.wait_at_most(phase)?;
        let response = self.connection.read_response().map_err(|error| session_error(phase, &error))?;
        Ok(reply_of(&response))
    }

    fn wait_at_most(&mut self, phase: Phase) -> Result<(), SessionError> {
        let timeout = match phase {
            Phase::Connect | Phase::Tls | Phase::Auth => self.timeouts.connect,
            Phase::Mail | Phase::Rcpt | Phase::Reset => self.timeouts.envelope,
            Phase::Data => self.timeouts.data,
            Phase::Content | Phase::FinalDot => self.timeouts.final_dot,
        };
        if timeout != self.timeout {
            let set = self.connection.set_timeout(Some(timeout));
            set.map_err(|error| SessionError { phase, cause: Cause::Lost(error.to_string()) })?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

impl Offered<'_> {
    /// Sends content and final dot in one write and waits for the verdict. The ledger must say `sending` before.
    ///
    /// # Errors
    /// In the phase `Content` nothing was accepted; in `FinalDot` only a refusal says so.
    pub fn transmit(self) -> Result<Reply, SessionError> {
        let Self { session, wire } = self;
        let reply = session.command(Phase::FinalDot, &wire)?;
        if reply.code != 250 {
            return Err(out_of_turn(Phase::FinalDot, &reply));
        }
        session.at_rest = true;
        session.messages_left -= 1;
        Ok(reply)
    }
}

/// Says EHLO once more, as RFC 5321 4.1.4 allows: lettre keeps neither PIPELINING nor SIZE of the first reply.
fn ask_keywords(connection: &mut SmtpConnection, relay: &Relay) -> Result<Keywords, SessionError> {
    let response = connection.command(Ehlo::new(relay.hello.clone()));
    let response = response.map_err(|error| session_error(Phase::Connect, &error))?;
    Ok(Keywords::read(response.message()))
}

/// The replies that grant a command of the envelope.
fn wanted(phase: Phase) -> &'static [u16] {
    match phase {
        Phase::Rcpt => &[250, 251, 252],
        Phase::Data => &[354],
        _ => &[250],
    }
}

fn log_in(connection: &mut SmtpConnection, login: &Login, relay: &Relay) -> Result<(), SessionError> {
    const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];
    let phase = Phase::Auth;
    if !connection.is_encrypted() && !relay.is_loopback() {
        return Err(SessionError { phase, cause: Cause::Unencrypted });
    }
    if connection.server_info().get_auth_mechanism(MECHANISMS).is_none() {
        return Err(SessionError { phase, cause: Cause::Lacks("AUTH PLAIN or AUTH LOGIN") });
    }
    let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
    let response = connection.auth(MECHANISMS, &credentials).map_err(|error| session_error(phase, &error))?;
    let reply = reply_of(&response);
    if reply.code != 235 {
        return Err(out_of_turn(phase, &reply));
    }
    Ok(())
}

fn reply_of(response: &Response) -> Reply {
    Reply::new(response.code().into(), &response.message().collect::<Vec<_>>().join(" "))
}

mod failure;

#[cfg(test)]
mod tests;

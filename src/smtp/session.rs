//! One connection to a mail server, and the dialogue on it: RFC 5321.
//!
//! Takes letters one at a time, gives the server's reply or an error that knows its phase. lettre does TCP, TLS and
//! AUTH; the mail transaction is written here, because lettre takes any 2xx or 3xx for an answer, cannot tell a message
//! that was surely not accepted from one that may have been, and sends the final dot in a packet of its own. Trying
//! again, and on which connection, is `delivery`'s.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret as _;

use crate::config::TlsMode;
use crate::letter::Letter;
use crate::smtp::phase::{Phase, Timeouts};
use crate::smtp::relay::{Login, Relay};
use crate::smtp::reply::Reply;
use crate::smtp::wire::with_final_dot;

/// A connection that is logged in and between two messages.
pub struct Session {
    connection: SmtpConnection,
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

/// What went wrong, and when.
#[derive(Debug, thiserror::Error)]
#[error("{cause}, while {phase}")]
pub struct SessionError {
    /// When.
    pub phase: Phase,
    /// What.
    pub cause: Cause,
}

/// What went wrong on a connection.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server said no.
    #[error("the server said `{0}`")]
    Refused(Reply),
    /// The connection broke, nothing came in time, or what came was no SMTP: why.
    #[error("the connection failed ({0})")]
    Lost(String),
    /// The server does not offer what is needed: which extension.
    #[error("the server does not offer {0}")]
    Lacks(&'static str),
    /// The password would have travelled where others can read it.
    #[error("the connection is not encrypted, so the password was not sent")]
    Unencrypted,
    /// The message holds bytes that are not UTF-8.
    #[error("the message is not UTF-8 text")]
    NotText,
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
        if let Some(login) = &relay.login {
            log_in(&mut connection, login, relay)?;
        }
        Ok(Self {
            connection,
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
        let lacks = |extension| SessionError { phase: Phase::Mail, cause: Cause::Lacks(extension) };
        let Some(wire) = with_final_dot(&letter.content) else {
            return Err(SessionError { phase: Phase::Content, cause: Cause::NotText });
        };
        let mut parameters = String::new();
        if letter.to.needs_smtputf8() || letter.from.needs_smtputf8() {
            if !self.offers(Extension::SmtpUtfEight) {
                return Err(lacks("SMTPUTF8"));
            }
            parameters.push_str(" SMTPUTF8");
        }
        if !wire.is_ascii() {
            if !self.offers(Extension::EightBitMime) {
                return Err(lacks("8BITMIME"));
            }
            parameters.push_str(" BODY=8BITMIME");
        }
        // One command at a time; with PIPELINING (RFC 2920) these three become one write and three replies.
        self.step(Phase::Mail, &format!("MAIL FROM:<{}>{parameters}\r\n", letter.from.as_str()), &[250])?;
        self.step(Phase::Rcpt, &format!("RCPT TO:<{}>\r\n", letter.to.as_str()), &[250, 251, 252])?;
        self.step(Phase::Data, "DATA\r\n", &[354])?;
        self.at_rest = false;
        Ok(Offered { session: self, wire })
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

    /// One command of the envelope. A refusal leaves the session at rest; anything else but `wanted` ends it.
    fn step(&mut self, phase: Phase, command: &str, wanted: &[u16]) -> Result<(), SessionError> {
        let error = match self.command(phase, command) {
            Ok(reply) if wanted.contains(&reply.code) => return Ok(()),
            Ok(reply) => out_of_turn(phase, &reply),
            Err(error) => error,
        };
        self.at_rest = match &error.cause {
            // 421 announces that the server closes the connection (RFC 5321 3.8).
            Cause::Refused(reply) if reply.code != 421 => self.reset(),
            _ => false,
        };
        Err(error)
    }

    fn reset(&mut self) -> bool {
        self.command(Phase::Reset, "RSET\r\n").is_ok_and(|reply| reply.code == 250)
    }

    fn command(&mut self, phase: Phase, command: &str) -> Result<Reply, SessionError> {
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
        let response = self.connection.command(command).map_err(|error| session_error(phase, &error))?;
        Ok(reply_of(&response))
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

/// A positive reply, but to another question: the dialogue is out of step, and no later reply can be believed.
fn out_of_turn(phase: Phase, reply: &Reply) -> SessionError {
    SessionError { phase, cause: Cause::Lost(format!("the server answered `{reply}` out of turn")) }
}

fn reply_of(response: &Response) -> Reply {
    Reply::new(response.code().into(), &response.message().collect::<Vec<_>>().join(" "))
}

/// With implicit TLS the handshake happens when the greeting is read, and shows itself as bad data.
fn connect_error(tls: TlsMode, error: &LettreError) -> SessionError {
    let handshake = tls == TlsMode::Implicit && io_error_kind(error) == Some(io::ErrorKind::InvalidData);
    session_error(if handshake { Phase::Tls } else { Phase::Connect }, error)
}

fn session_error(phase: Phase, error: &LettreError) -> SessionError {
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return SessionError { phase, cause: Cause::Refused(Reply::new(code.into(), &text)) };
    }
    let kind = io_error_kind(error);
    // Only a write reports these two: the last bytes, which end with the final dot, have not left.
    let unwritten = matches!(kind, Some(io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero));
    let phase = if phase == Phase::FinalDot && unwritten { Phase::Content } else { phase };
    let why = match kind {
        Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => "no answer in time".to_owned(),
        _ => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    };
    SessionError { phase, cause: Cause::Lost(why) }
}

fn io_error_kind(error: &LettreError) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

#[cfg(test)]
mod tests;

//! One connection to a mail server, and the mail transactions on it: RFC 5321.
//!
//! Takes letters one at a time, gives the server's reply or an error that knows its phase. Written here and not by a
//! library, because the ledger must know whether a message that failed may have been accepted, no reply may be taken for
//! another's, and a message may cost no more than one round trip. Trying again, and on which connection, is `delivery`'s.

use std::sync::atomic::AtomicBool;

use crate::email::EmailAddress;
use crate::letter::Letter;
use crate::smtp::TlsMode;
use crate::smtp::dialogue::{Dialogue, lost};
use crate::smtp::failure::{Cause, SessionError, can_go_on, out_of_turn};
use crate::smtp::keywords::Keywords;
use crate::smtp::login::log_in;
use crate::smtp::phase::Phase;
use crate::smtp::relay::Relay;
use crate::smtp::reply::Reply;
use crate::smtp::wire::on_the_wire;

/// A connection that is logged in.
pub struct Session<'run> {
    dialogue: Dialogue<'run>,
    keywords: Keywords,
    messages_left: usize,
    state: State,
}

/// Where the dialogue stands.
#[derive(Debug, PartialEq)]
enum State {
    /// No reply is outstanding, and the server expects MAIL.
    AtRest,
    /// The envelope to this recipient has left with the message before; its replies are outstanding.
    Chained(EmailAddress),
    /// The server waits for the content of a message to this recipient.
    Granted(EmailAddress),
    /// Nothing can be said any more.
    Over,
}

impl<'run> Session<'run> {
    /// Connects, starts TLS as the relay's settings say, and logs in. Once `stop` is true, no reply is waited for longer
    /// than a few seconds.
    ///
    /// # Errors
    /// In the phases `Connect`, `Tls` and `Auth`.
    pub fn connect(relay: &Relay, stop: &'run AtomicBool) -> Result<Self, SessionError> {
        let server = &relay.server;
        let dialogue = Dialogue::connect(&server.host, server.port, relay.timeouts, stop);
        let mut dialogue = dialogue.map_err(|error| lost(Phase::Connect, &error))?;
        if let (TlsMode::Implicit, Some(tls)) = (server.tls, &relay.tls) {
            dialogue.start_tls(tls)?;
        }
        let greeting = dialogue.hear(Phase::Connect)?;
        if greeting.code != 220 {
            return Err(out_of_turn(Phase::Connect, &greeting));
        }
        let mut keywords = say_hello(&mut dialogue, relay)?;
        if let (TlsMode::StartTls, Some(tls)) = (server.tls, &relay.tls) {
            if !keywords.starttls {
                return Err(SessionError { phase: Phase::Tls, cause: Cause::Lacks("STARTTLS") });
            }
            dialogue.command(Phase::Tls, "STARTTLS\r\n")?;
            dialogue.start_tls(tls)?;
            // What was said in the clear counts no more: RFC 3207 4.2.
            keywords = say_hello(&mut dialogue, relay)?;
        }
        if let Some(login) = &relay.login {
            log_in(&mut dialogue, login, &keywords, relay.is_loopback())?;
        }
        let messages_left = relay.messages_per_connection.max(1);
        Ok(Self { dialogue, keywords, messages_left, state: State::AtRest })
    }

    /// Whether `letter` may be offered on this connection; else end it and connect anew.
    pub fn can_take(&self, letter: &Letter) -> bool {
        match &self.state {
            State::AtRest => self.messages_left > 0,
            State::Chained(to) => *to == letter.to,
            State::Granted(_) | State::Over => false,
        }
    }

    /// Sends the envelope, unless it has left with the message before, and waits for the server's 354: nothing of the
    /// message has left yet, and an error means that it was not accepted. After a refusal the session is reset and can
    /// go on.
    ///
    /// # Errors
    /// In the phases `Mail`, `Rcpt` and `Data`, and when the message cannot travel on this connection.
    pub fn offer(&mut self, letter: &Letter) -> Result<(), SessionError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Chained(to) if to == letter.to => self.hear_group()?,
            State::AtRest => self.send_envelope(letter)?,
            _ => return Err(SessionError { phase: Phase::Mail, cause: Cause::Lost(BUSY.to_owned()) }),
        }
        self.state = State::Granted(letter.to.clone());
        Ok(())
    }

    /// Sends content and final dot of the message whose envelope was offered, and waits for the verdict. The ledger must
    /// say `sending` before.
    ///
    /// Where the server takes groups, the envelope of the `next` message leaves in the same write (RFC 2920 3.1: content
    /// may begin a group and DATA end it), so that each message costs one round trip. It has to be offered next.
    ///
    /// # Errors
    /// In the phase `Content` nothing was accepted; in `FinalDot` only a refusal says so.
    pub fn transmit(&mut self, letter: &Letter, next: Option<&Letter>) -> Result<Reply, SessionError> {
        let granted = std::mem::replace(&mut self.state, State::Over) == State::Granted(letter.to.clone());
        // A verdict before the message, or anything else nobody asked for.
        if !granted || self.dialogue.has_unread() {
            return Err(SessionError { phase: Phase::Content, cause: Cause::Lost(BUSY.to_owned()) });
        }
        self.messages_left -= 1;
        let next = next.filter(|_| self.keywords.pipelining && self.messages_left > 0);
        let chained = next.and_then(|next| Some((next, self.envelope(next).ok()?)));
        let group = chained.as_ref().map_or_else(String::new, |(_, envelope)| group(envelope));
        let (content, dot) = on_the_wire(&letter.content);
        self.dialogue.say_message(&content, dot, &group)?;
        let verdict = match self.dialogue.hear(Phase::FinalDot) {
            Ok(reply) if reply.code != 250 => Err(out_of_turn(Phase::FinalDot, &reply)),
            verdict => verdict,
        };
        // A refusal of this message is none of the next, nor of the connection.
        if verdict.as_ref().map_or_else(can_go_on, |_| true) {
            self.state = chained.map_or(State::AtRest, |(next, _)| State::Chained(next.to.clone()));
        }
        verdict
    }

    /// Sends the envelope, in one group where the server takes groups, and hears what the server says to it.
    fn send_envelope(&mut self, letter: &Letter) -> Result<(), SessionError> {
        let [mail, rcpt] = self.envelope(letter).map_err(|cause| {
            self.state = State::AtRest;
            SessionError { phase: Phase::Mail, cause }
        })?;
        if self.keywords.pipelining {
            self.dialogue.say(Phase::Mail, &group(&[mail, rcpt]))?;
            return self.hear_group();
        }
        self.step(Phase::Mail, &mail)?;
        self.step(Phase::Rcpt, &rcpt)?;
        self.step(Phase::Data, "DATA\r\n")
    }

    /// MAIL and RCPT.
    fn envelope(&self, letter: &Letter) -> Result<[String; 2], Cause> {
        let mut mail = String::with_capacity(128);
        mail.extend(["MAIL FROM:<", letter.from.as_str(), ">"]);
        self.write_mail_parameters(letter, &mut mail)?;
        mail.push_str("\r\n");
        Ok([mail, ["RCPT TO:<", letter.to.as_str(), ">\r\n"].concat()])
    }

    /// What follows the sender in MAIL, each with a blank before it.
    fn write_mail_parameters(&self, letter: &Letter, mail: &mut String) -> Result<(), Cause> {
        let bytes = letter.content.len();
        if let Some(most) = self.keywords.most_bytes.filter(|most| bytes > *most) {
            return Err(Cause::TooLarge { bytes, most });
        }
        if self.keywords.size {
            mail.extend([" SIZE=", &bytes.to_string()]);
        }
        if letter.to.needs_smtputf8() || letter.from.needs_smtputf8() {
            if !self.keywords.smtputf8 {
                return Err(Cause::Lacks("SMTPUTF8"));
            }
            mail.push_str(" SMTPUTF8");
        }
        if !letter.content.is_ascii() {
            if !self.keywords.eight_bit_mime {
                return Err(Cause::Lacks("8BITMIME"));
            }
            mail.push_str(" BODY=8BITMIME");
        }
        Ok(())
    }

    /// Says goodbye; whether the server answers does not matter.
    pub fn quit(mut self) {
        if self.state == State::AtRest {
            let _ = self.dialogue.command(Phase::Quit, "QUIT\r\n");
        }
    }

    /// The three replies to MAIL, RCPT and DATA that left together, whatever the first ones say: RFC 2920 3.1.
    ///
    /// The first refusal is the error. Where DATA is granted all the same the server waits for a message to nobody, and
    /// the session ends without a dot, so that there is none.
    fn hear_group(&mut self) -> Result<(), SessionError> {
        let mut refusal = None;
        let mut granted = false;
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data] {
            let error = match self.dialogue.hear(phase) {
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
        if !granted && self.reset() {
            self.state = State::AtRest;
        }
        Err(refusal)
    }

    /// One command of the envelope. A refusal leaves the session at rest; anything else but what is wanted ends it.
    fn step(&mut self, phase: Phase, command: &str) -> Result<(), SessionError> {
        let error = match self.dialogue.command(phase, command) {
            Ok(reply) if wanted(phase).contains(&reply.code) => return Ok(()),
            Ok(reply) => out_of_turn(phase, &reply),
            Err(error) => error,
        };
        if can_go_on(&error) && self.reset() {
            self.state = State::AtRest;
        }
        Err(error)
    }

    fn reset(&mut self) -> bool {
        self.dialogue.command(Phase::Reset, "RSET\r\n").is_ok_and(|reply| reply.code == 250)
    }
}

/// The envelope as one group of commands.
fn group([mail, rcpt]: &[String; 2]) -> String {
    [mail.as_str(), rcpt.as_str(), "DATA\r\n"].concat()
}

/// Why nothing could be sent on a connection that waits for, or has said, something else.
const BUSY: &str = "the dialogue is out of step";

/// EHLO, and what the server offers. Without EHLO there is nothing to be had from a mail server of today: 4.1.1.1.
fn say_hello(dialogue: &mut Dialogue<'_>, relay: &Relay) -> Result<Keywords, SessionError> {
    hello(dialogue, relay).map(|lines| Keywords::read(lines.iter().map(String::as_str)))
}

/// EHLO, and the lines of the reply.
pub(super) fn hello(dialogue: &mut Dialogue<'_>, relay: &Relay) -> Result<Vec<String>, SessionError> {
    let phase = Phase::Connect;
    dialogue.say(phase, &format!("EHLO {}\r\n", relay.hello))?;
    let (code, lines) = dialogue.hear_lines(phase)?;
    let reply = Reply::new(code, &lines.join(" "));
    match code {
        250 => Ok(lines),
        400.. => Err(SessionError { phase, cause: Cause::Refused(reply) }),
        _ => Err(out_of_turn(phase, &reply)),
    }
}

/// The replies that grant a command of the envelope.
fn wanted(phase: Phase) -> &'static [u16] {
    match phase {
        Phase::Rcpt => &[250, 251, 252],
        Phase::Data => &[354],
        _ => &[250],
    }
}

#[cfg(test)]
mod tests;

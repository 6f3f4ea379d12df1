//! One connection to a mail server, and the mail transactions on it: RFC 5321.
//!
//! Takes letters one at a time and returns the server's reply, or an error with its phase. This is not left to a
//! library, because the ledger must know whether a failed message may have been accepted, no reply may be taken for
//! another's, and a message may cost only one round trip. Retries, the choice of connection, and what may be sent ahead
//! of a reply are left to `delivery`.

use std::sync::atomic::AtomicBool;

use crate::email::EmailAddress;
use crate::letter::Letter;
use crate::reply::{Phase, Reply};
use crate::smtp::TlsMode;
use crate::smtp::dialogue::{Dialogue, lost};
use crate::smtp::dot_stuffing::dot_stuff;
use crate::smtp::extensions::Extensions;
use crate::smtp::failure::{Cause, SessionError, is_in_step, unexpected_reply};
use crate::smtp::login::log_in;
use crate::smtp::relay::{Pipelining, Relay};

/// A connection, logged in if necessary.
pub struct Session<'run> {
    dialogue: Dialogue<'run>,
    greeting: String,
    extensions: Extensions,
    pipelining: Pipelining,
    messages_left: usize,
    state: State,
    /// What was learned since the last call of `reads_on`.
    reads_on: Option<bool>,
}

/// What is sent in the same write as a message, behind its final dot.
#[derive(Debug, Clone, Copy)]
pub enum Behind<'letter> {
    /// Nothing: the group ends with the content.
    Nothing,
    /// Only MAIL of the next message.
    Sender(&'letter Letter),
    /// MAIL, RCPT and DATA of the next message: by RFC 2920 3.1 content may begin a group and DATA ends it.
    Envelope(&'letter Letter),
}

/// The state of the dialogue.
#[derive(Debug, PartialEq)]
enum State {
    /// No reply is outstanding, and the server expects MAIL.
    AtRest,
    /// MAIL, or the whole envelope, of a message to this recipient was sent with the previous message; there is no
    /// reply yet.
    Chained { to: EmailAddress, is_whole: bool },
    /// The server expects the content of a message to this recipient.
    Granted(EmailAddress),
    /// Nothing can be sent any more.
    Over,
}

impl<'run> Session<'run> {
    /// Connects, starts TLS as configured, and logs in. Once `stop` is true, replies are awaited for a few seconds
    /// only.
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
        let greeting = dialogue.read_reply(Phase::Connect)?;
        if greeting.code != 220 {
            return Err(unexpected_reply(Phase::Connect, &greeting));
        }
        let mut extensions = read_extensions(&mut dialogue, relay)?;
        if let (TlsMode::StartTls, Some(tls)) = (server.tls, &relay.tls) {
            if !extensions.starttls {
                return Err(SessionError { phase: Phase::Tls, cause: Cause::MissingExtension("STARTTLS") });
            }
            dialogue.command(Phase::Tls, "STARTTLS\r\n")?;
            dialogue.start_tls(tls)?;
            // What was offered before TLS no longer counts: RFC 3207 4.2.
            extensions = read_extensions(&mut dialogue, relay)?;
        }
        if let Some(login) = &relay.login {
            log_in(&mut dialogue, login, &extensions, relay.is_loopback())?;
        }
        Ok(Self {
            dialogue,
            greeting: greeting.text,
            extensions,
            pipelining: relay.pipelining,
            messages_left: relay.messages_per_connection.max(1),
            state: State::AtRest,
            reads_on: None,
        })
    }

    /// The server's greeting, without the code.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Whether anything may be sent behind a message, by the server's offer and the settings.
    pub fn may_chain(&self) -> bool {
        self.sends_groups() && self.pipelining == Pipelining::Auto && self.messages_left > 1
    }

    /// What was newly learned about whether the server reads what comes behind a message: true once it has answered all
    /// of it; false if the connection was lost over it, or if it was refused there and accepted by itself.
    pub fn reads_on(&mut self) -> Option<bool> {
        self.reads_on.take()
    }

    /// Whether `letter` may be offered on this connection; if not, end it and connect again.
    pub fn can_take(&self, letter: &Letter) -> bool {
        match &self.state {
            State::AtRest => self.messages_left > 0,
            State::Chained { to, .. } => *to == letter.to,
            State::Granted(_) | State::Over => false,
        }
    }

    /// Sends the envelope, unless it was sent with the previous message, and waits for the server's 354. No content has
    /// left yet, and an error means that the message was not accepted. After a refusal the session is reset and usable.
    ///
    /// # Errors
    /// In the phases `Mail`, `Rcpt` and `Data`, and if the message cannot be sent on this connection.
    pub fn offer(&mut self, letter: &Letter) -> Result<(), SessionError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Chained { to, is_whole } if to == letter.to => self.read_chained_replies(letter, is_whole)?,
            State::AtRest => self.send_envelope(letter)?,
            _ => return Err(SessionError { phase: Phase::Mail, cause: Cause::Lost(OUT_OF_STEP.to_owned()) }),
        }
        self.state = State::Granted(letter.to.clone());
        Ok(())
    }

    /// Sends content and final dot of the message whose envelope was offered, and waits for the reply. The ledger must
    /// say `sending` before.
    ///
    /// What is sent `behind` it saves a round trip. Real servers lose it, or hang up over it, although they offer
    /// PIPELINING (see `reads_on`). Its message must be offered next.
    ///
    /// # Errors
    /// In the phase `Content` nothing was accepted; in `FinalDot` only a refusal means that.
    pub fn transmit(&mut self, letter: &Letter, behind: Behind<'_>) -> Result<Reply, SessionError> {
        let granted = std::mem::replace(&mut self.state, State::Over) == State::Granted(letter.to.clone());
        // A reply before the message, or anything else unasked.
        if !granted || self.dialogue.has_unread() {
            return Err(SessionError { phase: Phase::Content, cause: Cause::Lost(OUT_OF_STEP.to_owned()) });
        }
        self.messages_left -= 1;
        let may_follow = self.sends_groups() && self.messages_left > 0;
        let (group, chained) = if may_follow { self.behind(behind) } else { (String::new(), State::AtRest) };
        let (content, dot) = dot_stuff(&letter.content);
        self.dialogue.send_message(&content, dot, &group)?;
        let result = match self.dialogue.read_reply(Phase::FinalDot) {
            Ok(reply) if reply.code != 250 => Err(unexpected_reply(Phase::FinalDot, &reply)),
            result => result,
        };
        match &result {
            // A stopping run does not wait long enough to conclude anything.
            Err(error) if error.leaves_unknown() && chained != State::AtRest && !self.dialogue.is_hurried() => {
                self.reads_on = Some(false);
            }
            Err(error) if !is_in_step(error) => {}
            // A refusal of this message affects neither the next one nor the connection.
            _ => self.state = chained,
        }
        result
    }

    /// The commands to send behind a message, and the state they lead to; none if the next message cannot be sent on
    /// this connection.
    fn behind(&self, behind: Behind<'_>) -> (String, State) {
        let (next, is_whole) = match behind {
            Behind::Nothing => return (String::new(), State::AtRest),
            Behind::Sender(next) => (next, false),
            Behind::Envelope(next) => (next, true),
        };
        let Ok([mail, rcpt]) = self.envelope(next) else { return (String::new(), State::AtRest) };
        let commands = if is_whole { group(&[mail, rcpt]) } else { mail };
        (commands, State::Chained { to: next.to.clone(), is_whole })
    }

    fn sends_groups(&self) -> bool {
        self.extensions.pipelining && self.pipelining != Pipelining::Off
    }

    /// Sends the envelope, in one group if the server accepts groups, and reads the replies.
    fn send_envelope(&mut self, letter: &Letter) -> Result<(), SessionError> {
        let [mail, rcpt] = self.envelope(letter).map_err(|cause| {
            self.state = State::AtRest;
            SessionError { phase: Phase::Mail, cause }
        })?;
        if self.sends_groups() {
            self.dialogue.send(Phase::Mail, &group(&[mail, rcpt]))?;
            return self.read_group_replies(&[Phase::Mail, Phase::Rcpt, Phase::Data]);
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

    /// Appends the parameters of MAIL, each preceded by a space.
    fn write_mail_parameters(&self, letter: &Letter, mail: &mut String) -> Result<(), Cause> {
        let bytes = letter.content.len();
        if let Some(max) = self.extensions.max_bytes.filter(|max| bytes > *max) {
            return Err(Cause::TooLarge { bytes, max });
        }
        if self.extensions.size {
            mail.extend([" SIZE=", &bytes.to_string()]);
        }
        if letter.to.needs_smtputf8() || letter.from.needs_smtputf8() {
            if !self.extensions.smtputf8 {
                return Err(Cause::MissingExtension("SMTPUTF8"));
            }
            mail.push_str(" SMTPUTF8");
        }
        if !letter.content.is_ascii() {
            if !self.extensions.eight_bit_mime {
                return Err(Cause::MissingExtension("8BITMIME"));
            }
            mail.push_str(" BODY=8BITMIME");
        }
        if self.extensions.dsn {
            // The header is enough to tell which message a report is about: RFC 3461 4.3.
            mail.push_str(" RET=HDRS");
            if let Some(id) = &letter.envelope_id {
                mail.extend([" ENVID=", id]);
            }
        }
        Ok(())
    }

    /// Sends QUIT; the reply does not matter.
    pub fn quit(mut self) {
        if self.state == State::AtRest {
            let _ = self.dialogue.command(Phase::Quit, "QUIT\r\n");
        }
    }

    /// Reads the replies to what was sent behind the previous message, and sends the rest of the envelope if that was
    /// only MAIL.
    ///
    /// That message's reply is there, so a server that reads on answers at once. What it refuses here, it may accept by
    /// itself.
    fn read_chained_replies(&mut self, letter: &Letter, is_whole: bool) -> Result<(), SessionError> {
        let sender = match self.dialogue.read_prompt_reply(Phase::Mail) {
            Ok(reply) if reply.code != 250 => Err(unexpected_reply(Phase::Mail, &reply)),
            sender => sender,
        };
        let refusal = match sender {
            Ok(_) => return self.read_recipient_replies(letter, is_whole),
            Err(error) if is_in_step(&error) => error,
            Err(error) => {
                self.reads_on = matches!(error.cause, Cause::Lost(_)).then_some(false);
                return Err(error);
            }
        };
        let is_at_rest = match is_whole {
            // RCPT and DATA are refused along with it.
            true => self.read_group_replies(&[Phase::Rcpt, Phase::Data]).is_err() && self.state == State::AtRest,
            false => self.reset_to_rest(),
        };
        if !is_at_rest {
            return Err(refusal);
        }
        self.state = State::Over;
        self.send_envelope(letter)?;
        self.reads_on = Some(false);
        Ok(())
    }

    /// RCPT and DATA, once MAIL was accepted behind a message.
    fn read_recipient_replies(&mut self, letter: &Letter, is_whole: bool) -> Result<(), SessionError> {
        if !is_whole {
            self.reads_on = Some(true);
            let [_, rcpt] = self.envelope(letter).map_err(|cause| SessionError { phase: Phase::Mail, cause })?;
            self.dialogue.send(Phase::Rcpt, &[rcpt.as_str(), "DATA\r\n"].concat())?;
            return self.read_group_replies(&[Phase::Rcpt, Phase::Data]);
        }
        let heard = self.read_group_replies(&[Phase::Rcpt, Phase::Data]);
        self.reads_on = Some(!matches!(&heard, Err(SessionError { cause: Cause::Lost(_), .. })));
        heard
    }

    /// Reads the replies to commands sent together, the last of them DATA, whatever the first ones say: RFC 2920 3.1.
    ///
    /// The first refusal is the error. If DATA is granted all the same, the server expects a message to no one, and the
    /// session ends without a dot, so that there is none.
    fn read_group_replies(&mut self, phases: &[Phase]) -> Result<(), SessionError> {
        let mut refusal = None;
        let mut granted = false;
        for &phase in phases {
            let error = match self.dialogue.read_reply(phase) {
                Ok(reply) if granting_codes(phase).contains(&reply.code) => {
                    granted = phase == Phase::Data;
                    continue;
                }
                Ok(reply) => unexpected_reply(phase, &reply),
                Err(error) => error,
            };
            if !is_in_step(&error) {
                return Err(refusal.unwrap_or(error));
            }
            refusal = refusal.or(Some(error));
        }
        let Some(refusal) = refusal else { return Ok(()) };
        if !granted {
            self.reset_to_rest();
        }
        Err(refusal)
    }

    /// Sends one command of the envelope. A refusal leaves the session at rest; any other unexpected reply ends it.
    fn step(&mut self, phase: Phase, command: &str) -> Result<(), SessionError> {
        let error = match self.dialogue.command(phase, command) {
            Ok(reply) if granting_codes(phase).contains(&reply.code) => return Ok(()),
            Ok(reply) => unexpected_reply(phase, &reply),
            Err(error) => error,
        };
        if is_in_step(&error) {
            self.reset_to_rest();
        }
        Err(error)
    }

    /// Resets; returns whether the session is at rest now.
    fn reset_to_rest(&mut self) -> bool {
        let is_reset = self.dialogue.command(Phase::Reset, "RSET\r\n").is_ok_and(|reply| reply.code == 250);
        if is_reset {
            self.state = State::AtRest;
        }
        is_reset
    }
}

/// The envelope as one group of commands.
fn group([mail, rcpt]: &[String; 2]) -> String {
    [mail.as_str(), rcpt.as_str(), "DATA\r\n"].concat()
}

/// The error of sending on a connection that waits for, or has received, something else.
const OUT_OF_STEP: &str = "the dialogue is out of step";

/// Sends EHLO and parses the extensions offered.
fn read_extensions(dialogue: &mut Dialogue<'_>, relay: &Relay) -> Result<Extensions, SessionError> {
    hello(dialogue, relay).map(|lines| Extensions::read(lines.iter().map(String::as_str)))
}

/// Sends EHLO and returns the lines of the reply. If the server does not know it, sends HELO, which offers nothing: RFC
/// 5321 3.2.
pub(super) fn hello(dialogue: &mut Dialogue<'_>, relay: &Relay) -> Result<Vec<String>, SessionError> {
    let phase = Phase::Connect;
    dialogue.send(phase, &format!("EHLO {}\r\n", relay.hello))?;
    let (mut code, mut lines) = dialogue.read_lines(phase)?;
    if matches!(code, 500 | 501 | 502 | 504) {
        dialogue.send(phase, &format!("HELO {}\r\n", relay.hello))?;
        (code, lines) = dialogue.read_lines(phase)?;
        lines.truncate(1);
    }
    let reply = Reply::new(code, &lines.join(" "));
    match code {
        250 => Ok(lines),
        400.. => Err(SessionError { phase, cause: Cause::Refused(reply) }),
        _ => Err(unexpected_reply(phase, &reply)),
    }
}

/// The codes that grant a command of the envelope.
fn granting_codes(phase: Phase) -> &'static [u16] {
    match phase {
        Phase::Rcpt => &[250, 251, 252],
        Phase::Data => &[354],
        _ => &[250],
    }
}

#[cfg(test)]
mod tests;

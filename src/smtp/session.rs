//! One connection to a mail server, and the mail transactions on it: RFC 5321.
//!
//! Takes letters one at a time, gives the server's reply or an error that knows its phase. Written here and not by a
//! library, because the ledger must know whether a message that failed may have been accepted, no reply may be taken for
//! another's, and a message may cost no more than one round trip. Trying again, on which connection, and what may be sent
//! ahead of a reply, is `delivery`'s.

use std::sync::atomic::AtomicBool;

use crate::email::EmailAddress;
use crate::letter::Letter;
use crate::smtp::TlsMode;
use crate::smtp::dialogue::{Dialogue, lost};
use crate::smtp::dot_stuffing::dot_stuff;
use crate::smtp::extensions::Extensions;
use crate::smtp::failure::{Cause, SessionError, is_in_step, unexpected_reply};
use crate::smtp::login::log_in;
use crate::smtp::phase::Phase;
use crate::smtp::relay::{Pipelining, Relay};
use crate::smtp::reply::Reply;

/// A connection that is logged in.
pub struct Session<'run> {
    dialogue: Dialogue<'run>,
    greeting: String,
    extensions: Extensions,
    pipelining: Pipelining,
    messages_left: usize,
    state: State,
    /// What is newly known of whether the server reads what comes behind a message.
    reads_on: Option<bool>,
}

/// What leaves in the same write as a message, behind its final dot.
#[derive(Debug, Clone, Copy)]
pub enum Behind<'letter> {
    /// Nothing: the group ends with the content.
    Nothing,
    /// MAIL of the next message alone.
    Sender(&'letter Letter),
    /// MAIL, RCPT and DATA of the next message: RFC 2920 3.1 lets content begin a group and DATA end it.
    Envelope(&'letter Letter),
}

/// Where the dialogue stands.
#[derive(Debug, PartialEq)]
enum State {
    /// No reply is outstanding, and the server expects MAIL.
    AtRest,
    /// MAIL of a message to this recipient has left with the message before, or all of its envelope; no reply has come.
    Chained { to: EmailAddress, is_whole: bool },
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
            // What was said in the clear counts no more: RFC 3207 4.2.
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

    /// What the server said first, without the code.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Whether anything may leave behind a message at all, as the server offers and the settings want it.
    pub fn may_chain(&self) -> bool {
        self.sends_groups() && self.pipelining == Pipelining::Auto && self.messages_left > 1
    }

    /// Takes what is newly known of whether the server reads what comes behind a message: true once it has answered all of
    /// it; false if the connection was lost over it, or what came behind was refused and is taken by itself.
    pub fn reads_on(&mut self) -> Option<bool> {
        self.reads_on.take()
    }

    /// Whether `letter` may be offered on this connection; else end it and connect anew.
    pub fn can_take(&self, letter: &Letter) -> bool {
        match &self.state {
            State::AtRest => self.messages_left > 0,
            State::Chained { to, .. } => *to == letter.to,
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
            State::Chained { to, is_whole } if to == letter.to => self.read_chained_replies(letter, is_whole)?,
            State::AtRest => self.send_envelope(letter)?,
            _ => return Err(SessionError { phase: Phase::Mail, cause: Cause::Lost(OUT_OF_STEP.to_owned()) }),
        }
        self.state = State::Granted(letter.to.clone());
        Ok(())
    }

    /// Sends content and final dot of the message whose envelope was offered, and waits for the result. The ledger must
    /// say `sending` before.
    ///
    /// What leaves `behind` it saves a round trip. Real servers lose it, or hang up over it, although they offer PIPELINING
    /// (see `reads_on`). Its message has to be offered next.
    ///
    /// # Errors
    /// In the phase `Content` nothing was accepted; in `FinalDot` only a refusal says so.
    pub fn transmit(&mut self, letter: &Letter, behind: Behind<'_>) -> Result<Reply, SessionError> {
        let granted = std::mem::replace(&mut self.state, State::Over) == State::Granted(letter.to.clone());
        // A result before the message, or anything else nobody asked for.
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
            // Whoever is told to stop waits for no reply as long as it may take.
            Err(error) if error.leaves_unknown() && chained != State::AtRest && !self.dialogue.is_hurried() => {
                self.reads_on = Some(false);
            }
            Err(error) if !is_in_step(error) => {}
            // A refusal of this message is none of the next, nor of the connection.
            _ => self.state = chained,
        }
        result
    }

    /// The commands that leave behind a message, and where the dialogue stands then: nowhere new if the next message cannot
    /// travel on this connection.
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

    /// Sends the envelope, in one group where the server takes groups, and hears what the server says to it.
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

    /// What follows the sender in MAIL, each with a blank before it.
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
        Ok(())
    }

    /// Says goodbye; whether the server answers does not matter.
    pub fn quit(mut self) {
        if self.state == State::AtRest {
            let _ = self.dialogue.command(Phase::Quit, "QUIT\r\n");
        }
    }

    /// The replies to what left behind the message before, and the rest of the envelope where it was MAIL alone.
    ///
    /// Its result is there, so that a server which reads on answers at once. What it refuses, it may take by itself.
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

    /// RCPT and DATA once MAIL was taken behind a message.
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

    /// The replies to these commands, DATA the last of them, that left together, whatever the first ones say: RFC 2920 3.1.
    ///
    /// The first refusal is the error. Where DATA is granted all the same the server waits for a message to nobody, and
    /// the session ends without a dot, so that there is none.
    fn read_group_replies(&mut self, phases: &[Phase]) -> Result<(), SessionError> {
        let mut refusal = None;
        let mut granted = false;
        for &phase in phases {
            let error = match self.dialogue.read_reply(phase) {
                Ok(reply) if wanted(phase).contains(&reply.code) => {
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

    /// One command of the envelope. A refusal leaves the session at rest; anything else but what is wanted ends it.
    fn step(&mut self, phase: Phase, command: &str) -> Result<(), SessionError> {
        let error = match self.dialogue.command(phase, command) {
            Ok(reply) if wanted(phase).contains(&reply.code) => return Ok(()),
            Ok(reply) => unexpected_reply(phase, &reply),
            Err(error) => error,
        };
        if is_in_step(&error) {
            self.reset_to_rest();
        }
        Err(error)
    }

    /// Returns whether the session is at rest now.
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

/// Why nothing could be sent on a connection that waits for, or has said, something else.
const OUT_OF_STEP: &str = "the dialogue is out of step";

/// EHLO, and what the server offers.
fn read_extensions(dialogue: &mut Dialogue<'_>, relay: &Relay) -> Result<Extensions, SessionError> {
    hello(dialogue, relay).map(|lines| Extensions::read(lines.iter().map(String::as_str)))
}

/// EHLO, and the lines of the reply. Where the server does not know it, HELO, whose reply offers nothing: RFC 5321 3.2.
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

//! Commands and replies on one connection (RFC 5321 4.2), with a timeout for each phase.
//!
//! Takes commands and returns replies, or errors with their phase. The order of commands is left to `session`.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::fault;
use crate::reply::{Phase, Reply};
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::stream::{Encryption, Stream, WriteError};
use crate::smtp::timeouts::Timeouts;
use crate::smtp::tls::Tls;

/// How often a wait checks whether the run should stop.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// How long to wait for a reply once the run should stop: a late reply is worth more than an `unknown`.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// The most lines of one reply; a mail server never sends more.
const MAX_REPLY_LINES: usize = 100;

pub(super) struct Dialogue<'run> {
    stream: Stream,
    timeouts: Timeouts,
    stop: &'run AtomicBool,
}

impl<'run> Dialogue<'run> {
    /// Connects; reads nothing yet.
    pub(super) fn connect(host: &str, port: u16, timeouts: Timeouts, stop: &'run AtomicBool) -> io::Result<Self> {
        Self::over(Stream::connect(host, port, timeouts.connect)?, timeouts, stop)
    }

    /// Uses an open connection; reads nothing yet.
    pub(super) fn over(stream: Stream, timeouts: Timeouts, stop: &'run AtomicBool) -> io::Result<Self> {
        stream.set_write_timeout(timeouts.block)?;
        stream.set_read_timeout(POLL_INTERVAL)?;
        Ok(Self { stream, timeouts, stop })
    }

    /// Performs the TLS handshake. Each read may take as long as connecting.
    pub(super) fn start_tls(&mut self, tls: &Tls) -> Result<(), SessionError> {
        let done = self.stream.set_read_timeout(self.timeouts.connect);
        let done = done.and_then(|()| self.stream.start_tls(tls));
        let done = done.and_then(|()| self.stream.set_read_timeout(POLL_INTERVAL));
        done.map_err(|error| lost(Phase::Tls, &error))
    }

    /// Changes the timeouts from now on.
    pub(super) fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// What the handshake has negotiated, or `None` without TLS.
    pub(super) fn encryption(&self) -> Option<Encryption> {
        self.stream.encryption()
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Whether the server has sent something unasked: then no reply can be trusted.
    pub(super) fn has_unread(&self) -> bool {
        self.stream.has_unread()
    }

    /// Sends a command and returns its reply; a refusal is an error.
    pub(super) fn command(&mut self, phase: Phase, command: &str) -> Result<Reply, SessionError> {
        self.send(phase, command)?;
        self.read_reply(phase)
    }

    /// Sends commands.
    pub(super) fn send(&mut self, phase: Phase, commands: &str) -> Result<(), SessionError> {
        self.stream.write([commands.as_bytes()]).map_err(|failed| lost(phase, &failed.error))?;
        fault::step(phase, "said");
        Ok(())
    }

    /// Sends a message up to the final dot, and the commands that follow it, in one write; under TLS in two.
    ///
    /// # Errors
    /// In the phase `Content` until the entire dot was handed over, then in `FinalDot`.
    pub(super) fn send_message(&mut self, content: &[u8], dot: &[u8], following: &str) -> Result<(), SessionError> {
        fault::step("message", "not written");
        let end = content.len() + dot.len();
        let following = following.as_bytes();
        let written = match self.is_encrypted() {
            false => self.stream.write([content, dot, following]),
            // Only a complete encrypted write is known to have left, so the dot starts another one.
            true => self.stream.write([content]).and_then(|()| {
                let written = |failed: WriteError| WriteError { written: content.len() + failed.written, ..failed };
                self.stream.write([dot, following]).map_err(written)
            }),
        };
        fault::step("message", "written");
        written
            .map_err(|failed| lost(if failed.written < end { Phase::Content } else { Phase::FinalDot }, &failed.error))
    }

    /// The next reply; a refusal is an error.
    pub(super) fn read_reply(&mut self, phase: Phase) -> Result<Reply, SessionError> {
        self.read_reply_within(phase, self.timeouts.of(phase))
    }

    /// The next reply, awaited only as long as a server needs that has read the command; a refusal is an error.
    pub(super) fn read_prompt_reply(&mut self, phase: Phase) -> Result<Reply, SessionError> {
        self.read_reply_within(phase, self.timeouts.behind.min(self.timeouts.of(phase)))
    }

    /// Whether the run should stop, so that replies are awaited for a few seconds only.
    pub(super) fn is_hurried(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn read_reply_within(&mut self, phase: Phase, timeout: Duration) -> Result<Reply, SessionError> {
        let reply = self.parse_reply(timeout).map_err(|error| lost(phase, &error))?;
        fault::step(phase, "answered");
        match reply.code {
            400.. => Err(SessionError { phase, cause: Cause::Refused(reply) }),
            _ => Ok(reply),
        }
    }

    /// The lines of the next reply without the codes, even of a refusal.
    pub(super) fn read_lines(&mut self, phase: Phase) -> Result<(u16, Vec<String>), SessionError> {
        let mut lines = Vec::new();
        let code = self.parse_lines(self.timeouts.of(phase), |line| lines.push(line.to_owned()));
        code.map(|code| (code, lines)).map_err(|error| lost(phase, &error))
    }

    fn parse_reply(&mut self, timeout: Duration) -> io::Result<Reply> {
        let mut text = String::new();
        let code = self.parse_lines(timeout, |line| {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(line);
        })?;
        Ok(Reply::new(code, &text))
    }

    /// Passes the next reply to `take`, line by line, and returns its code.
    fn parse_lines(&mut self, timeout: Duration, mut take: impl FnMut(&str)) -> io::Result<u16> {
        let mut deadline = Deadline::new(timeout);
        let mut first = None;
        for _ in 0..MAX_REPLY_LINES {
            let length = self.await_line(&mut deadline)?;
            let line = parse(self.stream.take_line(length));
            let (code, last, text) = line.ok_or_else(|| no_smtp("the server's reply is not SMTP"))?;
            if *first.get_or_insert(code) != code {
                break;
            }
            take(&text);
            if last {
                return Ok(code);
            }
        }
        Err(no_smtp("the lines of a reply have different codes"))
    }

    /// Waits for the next line until the deadline; returns its length.
    fn await_line(&mut self, deadline: &mut Deadline) -> io::Result<usize> {
        loop {
            match self.stream.await_line() {
                Err(error) if is_timeout(&error) && !deadline.is_over(self.stop.load(Ordering::Relaxed)) => {}
                done => return done,
            }
        }
    }
}

/// When to stop waiting.
struct Deadline {
    at: Instant,
    hurried: bool,
}

impl Deadline {
    fn new(timeout: Duration) -> Self {
        Self { at: Instant::now() + timeout, hurried: false }
    }

    fn is_over(&mut self, hurry: bool) -> bool {
        let now = Instant::now();
        if hurry && !self.hurried {
            (self.at, self.hurried) = (self.at.min(now + STOP_GRACE), true);
        }
        now >= self.at
    }
}

/// Code, whether it is the last line, and text of a reply line: RFC 5321 4.2.1.
fn parse(line: &[u8]) -> Option<(u16, bool, Cow<'_, str>)> {
    let text = line.strip_suffix(b"\n")?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let (code, rest) = text.split_at_checked(3)?;
    let is_code = matches!(code[0], b'2'..=b'5') && code.iter().all(u8::is_ascii_digit);
    let last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'.min(*digit)));
    is_code.then(|| (code, last, String::from_utf8_lossy(rest.get(1..).unwrap_or_default())))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn no_smtp(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

pub(super) fn lost(phase: Phase, error: &io::Error) -> SessionError {
    let why = if is_timeout(error) { "no reply in time".to_owned() } else { error.to_string() };
    SessionError { phase, cause: Cause::Lost(why) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reply_lines_are_parsed() {
        let read = |line: &'static str| parse(line.as_bytes());
        assert_eq!(read("250 2.0.0 Ok\r\n"), Some((250, true, "2.0.0 Ok".into())));
        assert_eq!(read("250-first\r\n"), Some((250, false, "first".into())));
        assert_eq!(read("354\n"), Some((354, true, "".into())));
        for wrong in
            ["", "\r\n", "25\r\n", "2500\r\n", "150 Wait\r\n", "600 No\r\n", "abc\r\n", "250 no end", "250_x\r\n"]
        {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_line_or_none(line in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some((code, _, _)) = parse(&line) {
                prop_assert!((200..600).contains(&code));
            }
        }

        #[test]
        fn a_stopping_run_waits_no_longer_than_the_grace(timeout in 0u64..1000) {
            let mut deadline = Deadline::new(Duration::from_secs(timeout));
            deadline.is_over(true);
            prop_assert!(deadline.at <= Instant::now() + STOP_GRACE);
        }
    }
}

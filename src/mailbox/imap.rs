//! A folder on an IMAP server (RFC 9051, RFC 3501), over TLS from the first byte: its unread messages, read without marking them.
//!
//! Takes an account; returns messages, and sets `\Seen` where asked to. Of IMAP only AUTHENTICATE PLAIN or LOGIN, SELECT, UID
//! SEARCH, FETCH and STORE are used: nothing is deleted or expunged. Times and sizes are bounded, whatever the server sends.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

use crate::fault;
use crate::finding::Finding;
use crate::mailbox::imap::response::{Response, uids_of_search};
use crate::mailbox::imap::stream::{MAX_LINE_BYTES, Stream};
use crate::mailbox::{MAX_MESSAGE_BYTES, Message, Position};

mod response;
mod stream;

/// Messages fetched by one command: each may have `MAX_MESSAGE_BYTES`.
const FETCHED_AT_ONCE: usize = 16;

/// Other responses that a server may send before it completes a command, and their bytes: those of the messages, and of one line more,
/// such as the answer to a search.
const MAX_UNTAGGED: usize = 100_000;
const MAX_UNTAGGED_BYTES: usize = FETCHED_AT_ONCE * MAX_MESSAGE_BYTES + MAX_LINE_BYTES;

/// An account on a server.
#[derive(Debug)]
pub struct Account {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// The folder, such as `INBOX`.
    pub folder: String,
    /// PEM text of certificates to trust besides the public authorities.
    pub extra_roots: Option<Vec<u8>>,
}

/// A folder that is open.
pub struct Session {
    stream: Stream,
    /// `host:port`, for messages.
    place: String,
    commands: u32,
    unread: VecDeque<u32>,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The connection broke, or what came over it is not IMAP.
    #[error(transparent)]
    Connection(#[from] io::Error),
    /// The server answers NO or BAD; what it says.
    #[error("the server answers: {0}")]
    Refused(String),
}

impl Session {
    /// Connects, logs in and opens the folder.
    ///
    /// # Errors
    /// A finding if the server cannot be reached or refuses the login or the folder.
    pub fn open(account: &Account) -> anyhow::Result<Self> {
        let place = format!("{}:{}", account.host, account.port);
        let unreachable = |error: &dyn std::fmt::Display| {
            Finding::error("imap-unreachable", format!("the IMAP server `{place}` cannot be used: {error}"))
                .help("check `inbox.imap`; a server with a certificate of its own needs `inbox.tls_ca_file`")
        };
        let stream = Stream::connect(account).map_err(|error| unreachable(&format!("{error:#}")))?;
        let mut session = Self { stream, place: place.clone(), commands: 0, unread: VecDeque::new() };
        let greeting = session.stream.response().map_err(|error| unreachable(&error))?;
        if !greeting.is_untagged("OK") && !greeting.is_untagged("PREAUTH") {
            return Err(unreachable(&greeting.text()).into());
        }
        if greeting.is_untagged("OK") {
            session.log_in(account).map_err(|error| {
                let message = format!("the IMAP server `{place}` refuses the login of `inbox.user`: {error}");
                Finding::error("imap-login", message)
                    .help("check `inbox.user`, and the password in SLUGLINE_IMAP_PASSWORD or `inbox.password_file`")
            })?;
        }
        session.select(&account.folder).map_err(|error| {
            let message = format!("the IMAP server `{place}` does not open the folder `{}`: {error}", account.folder);
            Finding::error("imap-folder", message).help("check `inbox.folder`")
        })?;
        Ok(session)
    }

    fn log_in(&mut self, account: &Account) -> Result<(), Failure> {
        let lines = self.command("CAPABILITY")?;
        let capabilities: Vec<String> = lines
            .iter()
            .filter(|line| line.is_untagged("CAPABILITY"))
            .flat_map(|line| line.text().split(' ').map(str::to_ascii_uppercase).collect::<Vec<_>>())
            .collect();
        let has = |name: &str| capabilities.iter().any(|other| other == name);
        let (user, password) = (account.user.as_str(), account.password.expose_secret());
        if has("AUTH=PLAIN") {
            let words = STANDARD.encode(format!("\0{user}\0{password}"));
            return self.command_with("AUTHENTICATE PLAIN", &[words.as_bytes()]).map(drop);
        }
        if has("LOGINDISABLED") {
            return Err(Failure::Refused("it offers neither AUTH=PLAIN nor LOGIN".to_owned()));
        }
        let line = format!("LOGIN {{{}}}", user.len());
        let second = format!("{user} {{{}}}", password.len());
        self.command_with(&line, &[second.as_bytes(), password.as_bytes()]).map(drop)
    }

    fn select(&mut self, folder: &str) -> Result<(), Failure> {
        self.command(&format!("SELECT {}", quoted(&modified_utf7(folder))))?;
        let lines = self.command("UID SEARCH UNSEEN")?;
        let mut unread: Vec<u32> = lines.iter().flat_map(uids_of_search).collect();
        unread.sort_unstable();
        unread.dedup();
        self.unread = unread.into();
        Ok(())
    }

    /// The next unread messages, up to `FETCHED_AT_ONCE`.
    pub(super) fn next_batch(&mut self) -> anyhow::Result<Vec<Message>> {
        while !self.unread.is_empty() {
            let count = self.unread.len().min(FETCHED_AT_ONCE);
            let uids: Vec<u32> = self.unread.drain(..count).collect();
            let messages = self.fetch(&uids).map_err(|error| self.broken(&error))?;
            // Another program may have deleted all of them.
            if !messages.is_empty() {
                return Ok(messages);
            }
        }
        Ok(Vec::new())
    }

    fn fetch(&mut self, uids: &[u32]) -> Result<Vec<Message>, Failure> {
        let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let lines = self.command(&format!("UID FETCH {set} (UID BODY.PEEK[]<0.{MAX_MESSAGE_BYTES}>)"))?;
        let mut messages = Vec::new();
        for line in lines {
            let Some((uid, content)) = line.into_fetched() else { continue };
            if uids.contains(&uid) {
                let name = format!("{}#{uid}", self.place);
                messages.push(Message { name, content: Ok(content), position: Position::Uid(uid) });
            }
        }
        Ok(messages)
    }

    pub(super) fn mark_read(&mut self, uid: u32) -> anyhow::Result<()> {
        fault::step("mark a message", "not on the server");
        let stored = self.command(&format!("UID STORE {uid} +FLAGS.SILENT (\\Seen)"));
        stored.map(drop).map_err(|error| self.broken(&error))
    }

    pub(super) fn log_out(mut self) {
        // Everything is done: a server that does not answer changes nothing.
        let _ = self.command("LOGOUT");
    }

    fn broken(&self, error: &Failure) -> anyhow::Error {
        let message = format!("the IMAP server `{}` did not go on: {error}", self.place);
        Finding::error("imap-broken", message).help("run it again: what was handled is not handled twice").into()
    }

    fn command(&mut self, command: &str) -> Result<Vec<Response>, Failure> {
        self.command_with(command, &[])
    }

    /// Sends a command, each further line once the server asks for it, and returns the untagged responses.
    fn command_with(&mut self, command: &str, further: &[&[u8]]) -> Result<Vec<Response>, Failure> {
        self.commands += 1;
        let tag = format!("S{}", self.commands);
        self.stream.write(format!("{tag} {command}\r\n").as_bytes())?;
        let mut further = further.iter();
        let (mut untagged, mut bytes) = (Vec::new(), 0);
        loop {
            let response = self.stream.response()?;
            if response.is_continuation() {
                let line = further.next().ok_or_else(|| Failure::Refused(response.text()))?;
                self.stream.write(&[line, b"\r\n".as_slice()].concat())?;
            } else if let Some(completion) = response.completion(&tag) {
                return if completion.starts_with("OK") { Ok(untagged) } else { Err(Failure::Refused(completion)) };
            } else if response.is_untagged("BYE") && !command.starts_with("LOGOUT") {
                return Err(Failure::Refused(response.text()));
            } else {
                bytes += response.bytes();
                untagged.push(response);
            }
            if untagged.len() > MAX_UNTAGGED || bytes > MAX_UNTAGGED_BYTES {
                return Err(
                    io::Error::new(io::ErrorKind::InvalidData, "the server sends more than was asked for").into()
                );
            }
        }
    }
}

/// A quoted string (RFC 9051 section 4.3).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// The name of a folder in modified UTF-7 (RFC 3501 section 5.1.3), which every server understands.
fn modified_utf7(name: &str) -> String {
    let base64 = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let mut encoded = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let plain = rest.find(|letter: char| !matches!(letter, ' '..='~')).unwrap_or(rest.len());
        encoded.push_str(&rest[..plain].replace('&', "&-"));
        rest = &rest[plain..];
        let other = rest.find(|letter: char| matches!(letter, ' '..='~')).unwrap_or(rest.len());
        if other > 0 {
            let units: Vec<u8> = rest[..other].encode_utf16().flat_map(u16::to_be_bytes).collect();
            let _ = write!(encoded, "&{}-", base64.encode(units));
        }
        rest = &rest[other..];
    }
    encoded
}

#[cfg(test)]
mod tests;

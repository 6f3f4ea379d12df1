//! A mail server to hand messages to: its address, its TLS, our login. Everything a connection needs to begin.
//!
//! Takes settings, file contents and the password already read; opens nothing itself, `session` does.

use std::fmt;

use secrecy::SecretString;

use crate::rate::{Rate, WarmUp};
use crate::smtp::phase::Timeouts;
use crate::smtp::tls::Tls;
use crate::smtp::{Server, TlsMode};

/// A mail server and how to talk to it.
pub struct Relay {
    /// Host, port and when TLS begins.
    pub server: Server,
    /// Name and password, where the server wants them.
    pub login: Option<Login>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// After so many messages a connection is closed and another opened: many servers cut longer ones off.
    pub messages_per_connection: usize,
    /// How far commands leave before the replies to those before them have come.
    pub pipelining: Pipelining,
    /// Connections side by side, at most.
    pub connections: usize,
    /// Its share of the mail beside other servers, at least 1: one of weight 3 gets three times as much as one of weight 1.
    pub weight: u32,
    /// How fast it may be consumed mail, counted in the store for all who send from it. All of them are kept.
    pub rates: Vec<Rate>,
    /// How much it may be consumed on each day, while it is new.
    pub warm_up: Option<WarmUp>,
    pub(super) hello: String,
    /// There too where it is not used, if a certificate can be made out to the host: the port may want it.
    pub(super) tls: Option<Tls>,
}

/// How far commands leave before the replies to those before them have come, where the server offers PIPELINING (RFC 2920).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// MAIL, RCPT and DATA together, and behind the content of the message before once the server has shown that it reads on
    /// there.
    #[default]
    Auto,
    /// MAIL, RCPT and DATA together; a group ends with the content.
    Envelope,
    /// One command at a time.
    Off,
}

/// Name and password.
pub struct Login {
    /// The name.
    pub user: String,
    /// The password, shown nowhere.
    pub password: SecretString,
}

impl Relay {
    /// A relay with the usual limits.
    ///
    /// `hello` is the domain named in EHLO, the sender's, so that no host name leaks. `extra_roots` is PEM text of
    /// certificates to trust beside the public authorities.
    ///
    /// # Errors
    /// When that text holds no certificate.
    pub fn new(server: Server, hello: &str, login: Option<Login>, extra_roots: Option<&[u8]>) -> anyhow::Result<Self> {
        let tls = match server.tls {
            TlsMode::None => Tls::new(&server.host, extra_roots).ok(),
            TlsMode::Implicit | TlsMode::StartTls => Some(Tls::new(&server.host, extra_roots)?),
        };
        Ok(Self {
            server,
            login,
            timeouts: Timeouts::default(),
            messages_per_connection: 100,
            pipelining: Pipelining::Auto,
            connections: 4,
            weight: 1,
            rates: Vec::new(),
            warm_up: None,
            hello: hello.to_owned(),
            tls,
        })
    }

    /// Whether it has rates or a warm-up of its own.
    pub fn is_rated(&self) -> bool {
        !self.rates.is_empty() || self.warm_up.is_some()
    }

    /// Whether the server is on this machine, so that nobody can listen on the way to it.
    pub fn is_loopback(&self) -> bool {
        self.server.is_loopback()
    }
}

impl fmt::Display for Relay {
    /// `host:port`, as in messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

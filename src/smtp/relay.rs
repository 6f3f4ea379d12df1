//! A mail server that takes our mail: address, TLS, login and limits; everything a connection needs.
//!
//! Takes settings, file contents and the password already read; connections are opened by `session`.

use std::fmt;

use secrecy::SecretString;

use crate::rate::{Rate, WarmUp};
use crate::smtp::timeouts::Timeouts;
use crate::smtp::tls::Tls;
use crate::smtp::{Server, TlsMode};

/// A mail server and how to use it.
pub struct Relay {
    /// Host, port and when TLS begins.
    pub server: Server,
    /// Name and password, if the server requires a login.
    pub login: Option<Login>,
    /// How long to wait for replies.
    pub timeouts: Timeouts,
    /// After how many messages a connection is replaced: many servers end long ones.
    pub messages_per_connection: usize,
    /// Which commands are sent before the replies to earlier ones.
    pub pipelining: Pipelining,
    /// The maximum number of concurrent connections.
    pub connections: usize,
    /// Its weight against other servers, at least 1: a server of weight 3 gets three times as much mail as one of
    /// weight 1.
    pub weight: u32,
    /// Its rate limits, counted in the store for all runs. All of them apply.
    pub rates: Vec<Rate>,
    /// Its warm-up: how much it may be given each day while it is new.
    pub warm_up: Option<WarmUp>,
    pub(super) hello: String,
    /// Also present if unused, provided a certificate can be valid for the host: the port may require it.
    pub(super) tls: Option<Tls>,
}

/// Which commands are sent before the replies to earlier ones, if the server offers PIPELINING (RFC 2920).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// MAIL, RCPT and DATA together, also behind the previous message's content once the server has proved that it
    /// reads on.
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
    /// The password, which is never shown.
    pub password: SecretString,
}

impl Relay {
    /// A relay with default limits.
    ///
    /// `hello` is the domain in EHLO; it is the sender's, so that no host name leaks. `extra_roots` is PEM text of
    /// certificates to trust besides the public authorities.
    ///
    /// # Errors
    /// If that text contains no certificate.
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

    /// Whether it has rate limits or a warm-up.
    pub fn is_rated(&self) -> bool {
        !self.rates.is_empty() || self.warm_up.is_some()
    }

    /// Whether the server is on this machine, so that no one can eavesdrop.
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

//! A mail server to hand messages to: its address, its TLS, our login. Everything a connection needs to begin.
//!
//! Takes settings, file contents and the password already read; opens nothing itself, `session` does.

use std::fmt;
use std::net::IpAddr;

use anyhow::{Context as _, ensure};
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;

use crate::config::{Server, TlsMode};
use crate::smtp::phase::Timeouts;

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
    pub(super) hello: ClientId,
    pub(super) tls: Option<TlsParameters>,
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
            TlsMode::None => None,
            TlsMode::Implicit | TlsMode::StartTls => Some(tls_parameters(&server.host, extra_roots)?),
        };
        Ok(Self {
            server,
            login,
            timeouts: Timeouts::default(),
            messages_per_connection: 100,
            hello: ClientId::Domain(hello.to_owned()),
            tls,
        })
    }

    /// Whether the server is on this machine, so that nobody can listen on the way to it.
    pub(super) fn is_loopback(&self) -> bool {
        match self.server.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.server.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for Relay {
    /// `host:port`, as in messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server.host.contains(':') {
            true => write!(f, "[{}]:{}", self.server.host, self.server.port),
            false => write!(f, "{}:{}", self.server.host, self.server.port),
        }
    }
}

fn tls_parameters(host: &str, extra_roots: Option<&[u8]>) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = extra_roots {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        ensure!(pem.windows(BEGIN.len()).any(|text| text == BEGIN), "`mail.tls_ca_file` holds no PEM certificate");
        let certificate =
            Certificate::from_pem(pem).context("failed to read the certificates of `mail.tls_ca_file`")?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().with_context(|| format!("failed to prepare TLS for `{host}`"))
}

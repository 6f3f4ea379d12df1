//! The URL of a database: libpq's parameters and TLS. It never contains the password.
//!
//! Turns the project file's URL into connection settings; `tls` handles certificates.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use postgres::Config;
use postgres::config::{Host, SslMode};

use super::Result;

/// How the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    /// Not at all: TLS protects against eavesdropping, not impersonation.
    Nothing,
    /// The issuer.
    Authority,
    /// The issuer and the host name.
    Host,
}

/// Where a database is and how to connect to it.
#[derive(Debug)]
pub(super) struct Address {
    pub config: Config,
    pub verify: Verify,
    /// File of certificates to trust, as written.
    pub root_certificate: Option<String>,
    /// Its name in messages.
    pub place: String,
}

impl Address {
    /// Parses a URL. Without `sslmode`, TLS is optional for a server on this machine; any other must prove its
    /// identity.
    pub fn parse(url: &str) -> Result<Self> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root_certificate, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => root_certificate = Some(decoded(value)?),
                _ => rest.push(pair),
            }
        }
        let mut config: Config = format!("{base}?{}", rest.join("&")).parse().context("its URL cannot be read")?;
        ensure!(config.get_password().is_none(), "a password does not belong in the URL");
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        let (ssl, verify) = tls_of(mode.as_deref(), root_certificate.is_some(), is_local(&config))?;
        config.ssl_mode(ssl);
        set_timeouts(&mut config);
        Ok(Self { config, verify, root_certificate, place: base.to_owned() })
    }
}

/// libpq's modes, except `allow`, which starts without TLS.
fn tls_of(mode: Option<&str>, has_root: bool, local: bool) -> Result<(SslMode, Verify)> {
    Ok(match mode {
        None if local && !has_root => (SslMode::Prefer, Verify::Nothing),
        None | Some("verify-full") => (SslMode::Require, Verify::Host),
        Some("disable") => (SslMode::Disable, Verify::Nothing),
        Some("prefer") => (SslMode::Prefer, Verify::Nothing),
        // As in libpq: with a root certificate, `require` means `verify-ca`.
        Some("require") if !has_root => (SslMode::Require, Verify::Nothing),
        Some("require" | "verify-ca") => (SslMode::Require, Verify::Authority),
        Some(other) => {
            bail!("`sslmode={other}` is not one of disable, prefer, require, verify-ca and verify-full")
        }
    })
}

/// Whether connections to the server stay on this machine.
fn is_local(config: &Config) -> bool {
    let on_this_machine = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hostaddrs().iter().all(IpAddr::is_loopback) && config.get_hosts().iter().all(on_this_machine)
}

/// A dead server is noticed within a minute or two.
fn set_timeouts(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(60));
    }
    config.keepalives_idle(Duration::from_secs(30));
    config.keepalives_interval(Duration::from_secs(10));
    config.keepalives_retries(6);
    if config.get_application_name().is_none() {
        config.application_name("slugline");
    }
}

fn decoded(value: &str) -> Result<String> {
    let text = percent_encoding::percent_decode_str(value).decode_utf8();
    Ok(text.context("`sslrootcert` is not UTF-8")?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> (SslMode, Verify) {
        let address = Address::parse(url).unwrap();
        (address.config.get_ssl_mode(), address.verify)
    }

    #[test]
    fn a_remote_server_is_verified_unless_the_url_says_otherwise() {
        for (query, expected) in [
            ("", (SslMode::Require, Verify::Host)),
            ("?sslmode=verify-full", (SslMode::Require, Verify::Host)),
            ("?sslmode=verify-ca", (SslMode::Require, Verify::Authority)),
            ("?sslmode=require", (SslMode::Require, Verify::Nothing)),
            ("?sslmode=require&sslrootcert=ca.pem", (SslMode::Require, Verify::Authority)),
            ("?sslrootcert=ca.pem", (SslMode::Require, Verify::Host)),
            ("?sslmode=prefer", (SslMode::Prefer, Verify::Nothing)),
            ("?sslmode=disable", (SslMode::Disable, Verify::Nothing)),
        ] {
            assert_eq!(tls(&format!("postgres://me@db.example.org/weekly{query}")), expected, "{query}");
        }
        let mixed = "postgres://me@localhost/weekly?hostaddr=192.0.2.7";
        assert_eq!(tls(mixed), (SslMode::Require, Verify::Host));
    }

    #[test]
    fn tls_is_optional_on_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.0.0.1:5433", "%2Frun%2Fpostgresql", ""] {
            assert_eq!(tls(&format!("postgres://me@{host}/weekly")), (SslMode::Prefer, Verify::Nothing), "{host}");
        }
        assert_eq!(tls("postgres://me@localhost/weekly?sslmode=verify-full"), (SslMode::Require, Verify::Host));
    }

    #[test]
    fn errors_do_not_show_a_password() {
        for (url, expected) in [
            ("postgres://me@localhost/weekly?sslmode=allow", "`sslmode=allow` is not one of"),
            ("postgres://me@localhost/weekly?colour=red", "unknown option `colour`"),
            ("postgres://me:hunter2@localhost/weekly", "a password does not belong in the URL"),
            ("postgres://me@localhost/weekly?pass%77ord=hunter2", "a password does not belong in the URL"),
        ] {
            let error = format!("{:#}", Address::parse(url).unwrap_err());
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn root_certificates_are_read_from_a_file() {
        let address = Address::parse("postgres://me@db.example.org/weekly?sslrootcert=my%20ca.pem").unwrap();
        assert_eq!(
            (address.root_certificate.as_deref(), address.place.as_str()),
            (Some("my ca.pem"), "postgres://me@db.example.org/weekly")
        );
    }
}

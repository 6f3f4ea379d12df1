//! An SMTP server as the project file names it: host, port, and when TLS begins.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// An SMTP server.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS begins.
    pub tls: TlsMode,
}

/// When TLS begins on an SMTP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// From the first byte (`smtps://`, usually port 465).
    Implicit,
    /// After STARTTLS, and nothing is sent without it (`smtp://`, the default).
    StartTls,
    /// Never (`smtp+plain://`, or `smtp://` to a loopback address): a password is sent to a loopback address only.
    None,
}

impl Server {
    /// Parses `smtp://host[:port]`, `smtp+starttls://…`, `smtp+plain://…` or `smtps://…`.
    ///
    /// # Errors
    /// What is wrong with the URL; it must not contain a login.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|_| "it is neither `outbox` nor a URL".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a login does not belong in the URL".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let (tls, port) = match url.scheme() {
            "smtps" => (TlsMode::Implicit, 465),
            "smtp" if is_loopback(host) => (TlsMode::None, 25),
            "smtp" => (TlsMode::StartTls, 587),
            "smtp+starttls" => (TlsMode::StartTls, 587),
            "smtp+plain" => (TlsMode::None, 25),
            other => return Err(format!("`{other}` is not a way to send mail")),
        };
        Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(port), tls })
    }

    /// Whether the server is on this machine, so that no one can eavesdrop.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Server {
    /// `host:port`, as in messages and URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// `host` is a name or an address; IPv6 has no brackets.
fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.is_loopback();
    }
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Ok(Host::Ipv6(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_port_and_tls() {
        let server = |host: &str, port, tls| Ok(Server { host: host.to_owned(), port, tls });
        for (url, expected) in [
            ("smtp://mail.example.org", server("mail.example.org", 587, TlsMode::StartTls)),
            ("smtps://mail.example.org:4465", server("mail.example.org", 4465, TlsMode::Implicit)),
            ("smtp://127.0.0.1:2525", server("127.0.0.1", 2525, TlsMode::None)),
            ("smtp://127.1", server("127.1", 25, TlsMode::None)),
            ("smtp://[::1]", server("::1", 25, TlsMode::None)),
            ("smtp+starttls://localhost:25", server("localhost", 25, TlsMode::StartTls)),
        ] {
            assert_eq!(Server::parse(url), expected, "{url}");
        }
        assert!(Server::parse("http://example.org").unwrap_err().contains("`http`"));
        assert!(Server::parse("smtp://me:secret@example.org").unwrap_err().contains("login"));
    }
}

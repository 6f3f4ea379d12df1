//! The options of `serve`: the keys below `serve` and `consent`.

use core::net::SocketAddr;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::TimeDelta;
use url::Url;

use crate::serve::network::Network;
use crate::serve::unreadable::Unreadable;

/// How readers are served.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The address of the pages, as readers reach it; its path ends in a slash.
    pub url: Url,
    /// Where to listen.
    pub listen: Listen,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<Network>,
    /// Pages that a form may return to.
    pub thanks: Vec<Url>,
    /// Whether new subscriptions are taken.
    pub subscribe: bool,
    /// How long the network address of a request is kept; `None`: it is not.
    pub keep_ip: Option<TimeDelta>,
}

impl Options {
    /// The page to unsubscribe at, with `{token}` in it.
    pub fn leave_page(&self) -> String {
        format!("{}leave/{{token}}", self.url)
    }

    /// Where the form to subscribe is, and is sent.
    pub fn subscribe_link(&self) -> String {
        format!("{}subscribe", self.url)
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket, relative to the project folder.
    Unix(PathBuf),
}

impl Default for Listen {
    /// A port of this machine, where a proxy finds it.
    fn default() -> Self {
        Self::Tcp(SocketAddr::from(([127, 0, 0, 1], 8420)))
    }
}

impl FromStr for Listen {
    type Err = Unreadable;

    /// Reads `ADDRESS:PORT` or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            let missing = || Unreadable::new("the path of the socket is missing", "write `unix:run/slugline.sock`");
            return if path.is_empty() { Err(missing()) } else { Ok(Self::Unix(path.into())) };
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            let (why, port) = match text.rsplit_once(':') {
                Some(("localhost", port)) => ("has a name in it", port),
                Some(("", port)) => ("has no address in it", port),
                None if text.parse::<u16>().is_ok() => ("has no address in it", text),
                _ => ("is not an IP address with a port", "8420"),
            };
            Unreadable::new(format!("`{text}` {why}"), format!("write `127.0.0.1:{port}`, or `unix:PATH`"))
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_where_to_listen() {
        for text in ["127.0.0.1:8420", "[::1]:80", "unix:run/slugline.sock", "unix:/run/slugline/socket"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        for (text, write) in [
            ("8420", "`127.0.0.1:8420`, or `unix:PATH`"),
            (":80", "`127.0.0.1:80`, or `unix:PATH`"),
            ("localhost:9000", "`127.0.0.1:9000`, or `unix:PATH`"),
            ("127.0.0.1", "`127.0.0.1:8420`, or `unix:PATH`"),
            ("example.org:80", "`127.0.0.1:8420`, or `unix:PATH`"),
            ("unix:", "`unix:run/slugline.sock`"),
        ] {
            let error = text.parse::<Listen>().unwrap_err();
            assert_eq!(error.help, format!("write {write}"));
        }
    }
}

//! The options of `serve`: the keys below `serve` and `consent`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use chrono::TimeDelta;
use url::Url;

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

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket, relative to the project folder.
    Unix(PathBuf),
}

/// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// An address in it.
    pub address: IpAddr,
    /// The length of the prefix in bits.
    pub prefix: u8,
}

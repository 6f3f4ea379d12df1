//! The servers that take our mail, with their public addresses.

use core::net::IpAddr;

use crate::dns::Dns;

/// A server that takes our mail, and its public addresses.
pub(super) struct Gateway {
    pub host: String,
    pub addresses: Vec<IpAddr>,
}

impl Gateway {
    /// Looks up the addresses of a host, unless it is an address itself.
    pub(super) fn new(dns: &Dns, host: &str) -> Self {
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => dns.addresses(host).unwrap_or_default(),
        };
        let addresses = addresses.into_iter().filter(is_public).collect();
        Self { host: host.to_owned(), addresses }
    }
}

/// Whether mail can reach others from it: a server on this machine or in a private network sends from another address.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let is_shared = matches!(four.octets(), [100, 64..=127, ..]);
            let is_local = four.is_loopback() || four.is_private() || four.is_link_local() || four.is_unspecified();
            !is_local && !is_shared
        }
        IpAddr::V6(six) => {
            !(six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local() || six.is_unspecified())
        }
    }
}

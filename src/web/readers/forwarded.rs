//! The address of the reader: that of the connection, or the one that a trusted proxy names in X-Forwarded-For.
//!
//! Every proxy appends the address it was asked from, so only what stands to the right was written by our own: the rightmost
//! address outside the trusted networks is the reader's. What is left of it may be invented by the reader.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::serve::Network;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// A host.
    Address(IpAddr),
    /// A program on this machine that may use the Unix socket, which makes it a trusted proxy.
    Unix,
}

impl Peer {
    fn address(self) -> IpAddr {
        match self {
            Self::Address(address) => address.to_canonical(),
            Self::Unix => Ipv4Addr::LOCALHOST.into(),
        }
    }

    fn is_trusted(self, trusted: &[Network]) -> bool {
        match self {
            Self::Address(address) => is_in(address, trusted),
            Self::Unix => true,
        }
    }
}

/// The address of the reader; `lines` are the values of X-Forwarded-For in their order.
pub(super) fn reader<'a>(peer: Peer, lines: impl DoubleEndedIterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let own = peer.address();
    if !peer.is_trusted(trusted) {
        return own;
    }
    let mut nearest = own;
    for hop in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        match address(hop) {
            // What is left of something that is no address was not written by a proxy that can be believed.
            None => return own,
            Some(address) if is_in(address, trusted) => nearest = address,
            Some(address) => return address,
        }
    }
    nearest
}

fn is_in(address: IpAddr, networks: &[Network]) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Reads an address with or without a port; one of IPv6 may be in brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|text| text.contains(':'));
    let parsed = bare.unwrap_or(text).parse().ok();
    parsed.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "127.0.0.1";

    fn of(peer: &str, lines: &[&str], trusted: &[Network]) -> String {
        let peer = if peer == "unix" { Peer::Unix } else { Peer::Address(peer.parse().unwrap()) };
        reader(peer, lines.iter().map(|line| line.as_bytes()), trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let none = [].as_slice();
        assert_eq!(of("203.0.113.9", &["192.0.2.1"], &Network::LOOPBACK), "203.0.113.9");
        assert_eq!(of(PROXY, &["192.0.2.1"], none), PROXY);
        assert_eq!(of(PROXY, &["192.0.2.1"], &Network::LOOPBACK), "192.0.2.1");
        assert_eq!(of("::ffff:127.0.0.1", &["192.0.2.1"], &Network::LOOPBACK), "192.0.2.1");
        assert_eq!(of("unix", &["192.0.2.1"], none), "192.0.2.1");
        assert_eq!(of("unix", &[], none), PROXY);
        assert_eq!(of("::ffff:203.0.113.9", &[], none), "203.0.113.9");
    }

    #[test]
    fn the_rightmost_hop_outside_counts() {
        let trusted = [Network::LOOPBACK.as_slice(), &["10.0.0.0/8".parse().unwrap()]].concat();
        for (lines, reader) in [
            (["192.0.2.1, 198.51.100.2"].as_slice(), "198.51.100.2"),
            (&["192.0.2.1,198.51.100.2 , 10.0.0.3"], "198.51.100.2"),
            (&["192.0.2.1", "198.51.100.2", "10.0.0.3,10.0.0.4"], "198.51.100.2"),
            (&["garbage, 198.51.100.2"], "198.51.100.2"),
            (&["10.9.9.9, 10.0.0.3"], "10.9.9.9"),
            (&["10.9.9.9, 127.0.0.1"], "10.9.9.9"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(of(PROXY, lines, &trusted), reader, "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_leaves_the_peer() {
        for line in [
            "",
            ",",
            "unknown",
            "198.51.100.2, unknown",
            "192.0.2.1, ",
            "192.0.2",
            "192.0.2.1:x",
            "[192.0.2.1]",
            "fe80::1%eth0",
            "\"192.0.2.1\"",
            "192.0.2.1\u{a0}",
            "[::1",
            "1.2.3.4 5.6.7.8",
        ] {
            assert_eq!(of(PROXY, &[line], &Network::LOOPBACK), PROXY, "{line}");
        }
    }
}

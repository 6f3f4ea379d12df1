//! Networks in CIDR notation: whose X-Forwarded-For is believed, and how an address appears in the log.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use crate::serve::unreadable::Unreadable;

/// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// An address in it.
    pub address: IpAddr,
    /// The length of the prefix in bits.
    pub prefix: u8,
}

impl Network {
    /// The addresses of this machine: a proxy that connects from one of them runs here.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// Whether the address is in it. An IPv4 address in IPv6 notation (`::ffff:192.0.2.1`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (self.address.to_canonical(), address.to_canonical());
        own.is_ipv4() == other.is_ipv4() && prefix_of(own, self.prefix) == prefix_of(other, self.prefix)
    }

    /// The network of an address, as far as a log may name it: /24 of IPv4, /48 of IPv6.
    pub fn masking(address: IpAddr) -> Self {
        Self::around(address, 24, 48)
    }

    /// The network of an address that one person may have: /24 of IPv4, /56 of IPv6.
    pub fn of_one_person(address: IpAddr) -> Self {
        Self::around(address, 24, 56)
    }

    fn around(address: IpAddr, v4_prefix: u8, v6_prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { v4_prefix } else { v6_prefix };
        Self { address: prefix_of(address, prefix), prefix }
    }
}

/// The address with everything beyond the prefix set to zero.
fn prefix_of(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

impl FromStr for Network {
    type Err = Unreadable;

    /// Reads an address, or a network such as `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        const HELP: &str = "write an address or a network, such as `10.0.0.7` or `10.0.0.0/24`";
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr =
            address.parse().map_err(|_| Unreadable::new(format!("`{address}` is not an IP address"), HELP))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = match prefix {
            None => bits,
            Some(text) => match Some(text).filter(is_number).and_then(|text| text.parse().ok()) {
                Some(prefix) if prefix <= bits => prefix,
                _ => return Err(Unreadable::new(format!("`/{text}` is not a length from `/0` to `/{bits}`"), HELP)),
            },
        };
        let first = prefix_of(address, prefix);
        if first != address {
            let why = format!("the network of `{text}` begins at `{first}`");
            return Err(Unreadable::new(why, format!("write `{first}/{prefix}`")));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn reads_addresses_and_networks() {
        for (text, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 192.0.2.7 ", "192.0.2.7/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).to_string(), read);
        }
        for (text, why) in [
            ("proxy.example.org", "`proxy.example.org` is not an IP address"),
            ("10.0.0.0/33", "`/33` is not a length from `/0` to `/32`"),
            ("10.0.0.0/+8", "`/+8` is not a length from `/0` to `/32`"),
            ("10.0.0.0/", "`/` is not a length from `/0` to `/32`"),
            ("::/129", "`/129` is not a length from `/0` to `/128`"),
            ("10.1.2.3/8", "the network of `10.1.2.3/8` begins at `10.0.0.0`"),
            ("", "`` is not an IP address"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap_err().why, why);
        }
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (text, address, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.0.2.128/25", "192.0.2.128", true),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8:0:ff00::/56", "2001:db8:0:ffff::1", true),
            ("2001:db8:0:ff00::/56", "2001:db8:0:fe00::1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), is_in, "{text} {address}");
        }
    }

    #[test]
    fn a_log_names_the_network_of_an_address() {
        for (address, masked) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(Network::masking(address.parse().unwrap()).to_string(), masked);
        }
    }
}

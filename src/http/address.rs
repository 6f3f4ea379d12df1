//! Public IP addresses, and a resolver that returns only these.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Decides whether an address is public.
pub(super) type IsPublic = fn(IpAddr) -> bool;

/// None of the host's addresses is public.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` is not on the public internet")]
pub(super) struct NotPublic {
    pub host: String,
}

/// Resolves names to public addresses only. The connection uses the returned addresses: nothing is looked up twice, so that
/// a name cannot resolve to another address the second time.
#[derive(Debug)]
pub(super) struct PublicResolver {
    resolver: DefaultResolver,
    is_public: IsPublic,
}

impl PublicResolver {
    pub fn new(is_public: IsPublic) -> Self {
        Self { resolver: DefaultResolver::default(), is_public }
    }
}

impl Resolver for PublicResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut public = self.empty();
        found.iter().filter(|address| (self.is_public)(address.ip())).for_each(|address| public.push(*address));
        if public.is_empty() {
            let host = uri.host().unwrap_or_default().to_owned();
            return Err(ureq::Error::Other(Box::new(NotPublic { host })));
        }
        Ok(public)
    }
}

/// Whether an address is public, by the special-purpose registries of RFC 6890.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || matches!(
            octets,
            // This network; carrier-grade NAT (RFC 6598); protocol assignments; 6to4 relays; benchmarks; reserved.
            [0, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..]
        );
    !special
}

/// Only 2000::/3 is in use, with exceptions. An embedded IPv4 address is checked as such.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] => address.to_ipv4_mapped().is_some_and(is_public_v4),
        // NAT64, RFC 6052
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(v4(high, low)),
        // 6to4, RFC 3056
        [0x2002, high, low, ..] => is_public_v4(v4(high, low)),
        // Teredo and other protocols; documentation (RFC 3849, 9637)
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2002:808:808::1",
            "2606:4700::1",
        ] {
            assert!(public(text), "{text}");
        }
    }
}

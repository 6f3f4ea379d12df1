//! DNS lookups: TXT, MX, address and PTR records, from the system's servers or a given one.
//!
//! Takes names; returns their records, which may be none, or the error. Interpreting the records is left to `authentication`
//! and `diagnosis`. A private runtime waits for the replies, so that callers need not be async.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::runtime::{Builder, Runtime};

/// Timeout of one query; each server is queried twice.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

/// A DNS resolver.
pub struct Dns {
    runtime: Runtime,
    resolver: TokioResolver,
    /// Queried for what the given server refuses: an authoritative server answers only for its own domains.
    fallback: Option<TokioResolver>,
}

/// Why a lookup failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No server replied.
    #[error("no DNS server answers ({0})")]
    Unreachable(String),
    /// The server replied with an error.
    #[error("the DNS server reports an error ({0})")]
    Failed(String),
}

/// A host that receives mail for a domain (MX).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchanger {
    /// Lower values are tried first.
    pub preference: u16,
    /// The host name without the trailing dot; empty for the null MX (RFC 7505).
    pub host: String,
}

impl Dns {
    /// A resolver that queries `server`, and the system's servers for what it refuses; the system's servers if it is `None`.
    ///
    /// # Errors
    /// If the system's DNS settings cannot be read.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NoAnswer> {
        let unreachable = |error: &dyn ToString| NoAnswer::Unreachable(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unreachable(&error))?;
        let system = || TokioResolver::builder_tokio().and_then(resolver);
        let (resolver, fallback) = match server {
            None => (system(), None),
            Some(server) => {
                let named = TokioResolver::builder_with_config(single_server(server), TokioRuntimeProvider::default());
                (resolver(named), system().ok())
            }
        };
        Ok(Self { runtime, resolver: resolver.map_err(|error| unreachable(&error))?, fallback })
    }

    /// The TXT records of a name, sorted, with the strings of each joined.
    ///
    /// # Errors
    /// If the lookup fails; a name that does not exist has no records.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let mut texts = self.records(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        })?;
        // Servers rotate the order with every reply.
        texts.sort();
        Ok(texts)
    }

    /// The hosts that receive mail for a domain, in the order in which they are tried.
    ///
    /// # Errors
    /// If the lookup fails; a name that does not exist has no records.
    pub fn exchangers(&self, name: &str) -> Result<Vec<Exchanger>, NoAnswer> {
        let mut exchangers = self.records(name, RecordType::MX, |data| match data {
            RData::MX(mx) => {
                let host = mx.exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase();
                Some(Exchanger { preference: mx.preference, host })
            }
            _ => None,
        })?;
        exchangers.sort();
        Ok(exchangers)
    }

    /// The addresses of a host, IPv4 first.
    ///
    /// # Errors
    /// If the lookup fails; a name that does not exist has no records.
    pub fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let mut addresses = Vec::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            addresses.extend(self.records(name, kind, RData::ip_addr)?);
        }
        addresses.sort();
        Ok(addresses)
    }

    /// The host names of an address, without the trailing dot.
    ///
    /// # Errors
    /// If the lookup fails; an address may have no name.
    pub fn names(&self, address: IpAddr) -> Result<Vec<String>, NoAnswer> {
        let mut names = self.records(&Name::from(address).to_ascii(), RecordType::PTR, |data| match data {
            RData::PTR(name) => Some(name.0.to_ascii().trim_end_matches('.').to_ascii_lowercase()),
            _ => None,
        })?;
        names.sort();
        Ok(names)
    }

    fn records<T>(&self, name: &str, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Result<Vec<T>, NoAnswer> {
        // The trailing dot prevents the system's search domains from being appended.
        let name = format!("{}.", name.trim_end_matches('.'));
        let mut looked_up = self.runtime.block_on(self.resolver.lookup(name.as_str(), kind));
        if let (Err(NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused))), Some(other)) =
            (&looked_up, &self.fallback)
        {
            looked_up = self.runtime.block_on(other.lookup(name.as_str(), kind));
        }
        match looked_up {
            Ok(lookup) => Ok(data(&lookup).filter_map(read).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(NoAnswer::Failed(code.to_string())),
            Err(error @ (NetError::Proto(_) | NetError::Dns(_))) => Err(NoAnswer::Failed(error.to_string())),
            Err(error) => Err(NoAnswer::Unreachable(error.to_string())),
        }
    }
}

fn resolver(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<TokioResolver, NetError> {
    let options = builder.options_mut();
    // Receivers of mail do not see this machine's hosts file.
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = QUERY_TIMEOUT;
    options.attempts = 2;
    options.edns0 = true;
    builder.build()
}

fn data(lookup: &Lookup) -> impl Iterator<Item = &RData> {
    lookup.answers().iter().map(|record| &record.data)
}

/// This server only, over UDP and, for long replies, TCP.
fn single_server(server: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    ResolverConfig::from_name_servers(vec![NameServerConfig::new(server.ip(), true, connections.to_vec())])
}

#[cfg(test)]
#[path = "../tests/it/dns_peer.rs"]
pub(crate) mod peer;

#[cfg(test)]
mod tests {
    use super::peer::DnsPeer;
    use super::*;

    #[test]
    fn records_are_read_and_there_may_be_none() {
        let long = format!("v=DKIM1; p={}", "A".repeat(400));
        let peer = DnsPeer::start(&[
            ("example.org", "TXT", "v=spf1 -all"),
            ("example.org", "TXT", "a \"quoted\" text"),
            ("example.org", "MX", "20 b.example.org"),
            ("example.org", "MX", "10 A.example.org"),
            ("null.example.org", "MX", "0 ."),
            ("a.example.org", "AAAA", "2001:db8::1"),
            ("a.example.org", "A", "192.0.2.1"),
            ("k.example.org", "TXT", &long),
            ("1.2.0.192.in-addr.arpa", "PTR", "A.example.org"),
            ("broken.example.org", "SERVFAIL", ""),
        ]);
        let dns = Dns::new(Some(peer.address())).unwrap();
        let exchanger = |preference, host: &str| Exchanger { preference, host: host.to_owned() };
        assert_eq!(dns.texts("example.org").unwrap(), ["a \"quoted\" text", "v=spf1 -all"]);
        assert_eq!(dns.texts("k.example.org").unwrap(), [long]);
        let two = [exchanger(10, "a.example.org"), exchanger(20, "b.example.org")];
        assert_eq!(dns.exchangers("example.org.").unwrap(), two);
        assert_eq!(dns.exchangers("null.example.org").unwrap(), [exchanger(0, "")]);
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse::<IpAddr>().unwrap());
        assert_eq!(dns.addresses("a.example.org").unwrap(), addresses);
        assert_eq!(dns.names("192.0.2.1".parse().unwrap()).unwrap(), ["a.example.org"]);
        assert_eq!(dns.names("192.0.2.2".parse().unwrap()).unwrap(), Vec::<String>::new());
        assert_eq!(dns.texts("a.example.org").unwrap(), Vec::<String>::new());
        assert_eq!(dns.texts("nowhere.example.org").unwrap(), Vec::<String>::new());
        assert!(matches!(dns.texts("broken.example.org"), Err(NoAnswer::Failed(_))));
    }

    #[test]
    fn the_system_is_queried_for_what_the_given_server_refuses() {
        let own = DnsPeer::start(&[("example.org", "TXT", "new"), ("example.com", "REFUSED", "")]);
        let all = DnsPeer::start(&[("example.org", "TXT", "old"), ("example.com", "TXT", "theirs")]);
        let mut dns = Dns::new(Some(own.address())).unwrap();
        dns.fallback = None;
        assert!(matches!(dns.texts("example.com"), Err(NoAnswer::Failed(_))));
        dns.fallback = Some(Dns::new(Some(all.address())).unwrap().resolver);
        assert_eq!(dns.texts("example.org").unwrap(), ["new"]);
        assert_eq!(dns.texts("example.com").unwrap(), ["theirs"]);
    }

    #[test]
    fn an_unreachable_server_is_an_error() {
        let gone = DnsPeer::start(&[]).address();
        let dns = Dns::new(Some(gone)).unwrap();
        assert!(matches!(dns.texts("example.org"), Err(NoAnswer::Unreachable(_))));
    }
}

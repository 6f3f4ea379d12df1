//! The record of who may send for a domain: RFC 7208.
//!
//! Parses the text of a record into its directives. Which addresses they cover, and how many lookups they cost,
//! requires the DNS and is left to `diagnosis`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An SPF record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfRecord {
    /// Its directives; the first match decides.
    pub directives: Vec<Directive>,
    /// The domain whose record decides if none matches (`redirect=`).
    pub redirect: Option<String>,
}

/// A mechanism and the result for the senders it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The result.
    pub qualifier: Qualifier,
    /// The senders.
    pub mechanism: Mechanism,
}

/// The result for a sender: section 4.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// `+` or nothing: authorised.
    Pass,
    /// `-`: not authorised.
    Fail,
    /// `~`: probably not authorised.
    SoftFail,
    /// `?`: no statement.
    Neutral,
}

/// Which senders a directive matches: section 5. A missing domain is that of the record; a prefix counts bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Every sender.
    All,
    /// Those that another domain's record passes.
    Include(String),
    /// The addresses of a host.
    A(Host),
    /// The addresses of a domain's MX hosts.
    Mx(Host),
    /// Addresses with a name in a domain; deprecated.
    Ptr(Option<String>),
    /// An IPv4 network.
    Ip4(Ipv4Addr, u8),
    /// An IPv6 network.
    Ip6(Ipv6Addr, u8),
    /// Every sender, if the name has an address.
    Exists(String),
}

/// A host, with prefixes that widen its addresses to networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or `None` for the domain of the record.
    pub domain: Option<String>,
    /// The significant bits of an IPv4 address.
    pub prefix4: u8,
    /// The significant bits of an IPv6 address.
    pub prefix6: u8,
}

impl SpfRecord {
    /// Whether a TXT record is an SPF record at all; others are ignored (section 4.5).
    pub fn is_one(record: &str) -> bool {
        let (version, rest) = record.split_at_checked(VERSION.len()).unwrap_or((record, ""));
        version.eq_ignore_ascii_case(VERSION) && (rest.is_empty() || rest.starts_with(' '))
    }

    /// Parses a record.
    ///
    /// # Errors
    /// The invalid term, and why: receivers then treat the record as an error (section 4.6).
    pub fn parse(record: &str) -> Result<Self, String> {
        if !Self::is_one(record) {
            return Err(format!("it does not start with `{VERSION}`"));
        }
        let mut parsed = Self { directives: Vec::new(), redirect: None };
        let mut has_explanation = false;
        for term in record[VERSION.len()..].split(' ').filter(|term| !term.is_empty()) {
            let wrong = |why: &str| format!("`{term}`: {why}");
            match modifier(term) {
                None => parsed.directives.push(directive(term).map_err(|why| wrong(&why))?),
                Some((name, value)) if name.eq_ignore_ascii_case("redirect") => {
                    if parsed.redirect.is_some() {
                        return Err(wrong("`redirect=` is repeated"));
                    }
                    parsed.redirect = Some(domain(value).map_err(|why| wrong(&why))?);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("exp") => {
                    if std::mem::replace(&mut has_explanation, true) {
                        return Err(wrong("`exp=` is repeated"));
                    }
                    domain(value).map_err(|why| wrong(&why))?;
                }
                // Section 6: unknown modifiers are ignored.
                Some(_) => {}
            }
        }
        Ok(parsed)
    }

    /// The result for senders that nothing else matches, or `None` if the record leaves that open or to another record.
    pub fn default_qualifier(&self) -> Option<Qualifier> {
        self.directives.iter().find(|directive| directive.mechanism == Mechanism::All).map(|all| all.qualifier)
    }
}

impl Mechanism {
    /// Whether it costs one of the ten lookups that a receiver makes: section 4.6.4.
    pub fn costs_lookup(&self) -> bool {
        !matches!(self, Self::All | Self::Ip4(..) | Self::Ip6(..))
    }
}

impl Host {
    /// Whether `address` is in the network of `of`.
    pub fn is_near(&self, address: IpAddr, of: IpAddr) -> bool {
        match of {
            IpAddr::V4(_) => is_in_network(address, of, self.prefix4),
            IpAddr::V6(_) => is_in_network(address, of, self.prefix6),
        }
    }
}

/// Whether two addresses of the same family share the first `prefix` bits.
pub fn is_in_network(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (address.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = u32::from(address) ^ u32::from(network);
            differing.checked_shr(32 - u32::from(prefix.min(32))).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = u128::from(address) ^ u128::from(network);
            differing.checked_shr(128 - u32::from(prefix.min(128))).unwrap_or(0) == 0
        }
        _ => false,
    }
}

const VERSION: &str = "v=spf1";

/// Name and value of a modifier, which differs from a mechanism by its `=`: section 4.6.1.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) && name.bytes().all(is_inside);
    is_name.then_some((name, value))
}

fn directive(term: &str) -> Result<Directive, String> {
    let qualifier = match term.bytes().next() {
        Some(b'-') => Qualifier::Fail,
        Some(b'~') => Qualifier::SoftFail,
        Some(b'?') => Qualifier::Neutral,
        _ => Qualifier::Pass,
    };
    let body = term.strip_prefix(['+', '-', '~', '?']).unwrap_or(term);
    let end = body.find([':', '/']).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    let value = rest.strip_prefix(':');
    let needed = || value.ok_or_else(|| "it needs a value after a colon".to_owned());
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "all" => return Err("`all` takes no value".to_owned()),
        "include" => Mechanism::Include(domain(needed()?)?),
        "exists" => Mechanism::Exists(domain(needed()?)?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(domain(needed()?)?)),
        "a" => Mechanism::A(host(rest)?),
        "mx" => Mechanism::Mx(host(rest)?),
        "ip4" => {
            let (address, prefix) = network(needed()?, 32)?;
            Mechanism::Ip4(address.parse().map_err(|_| format!("`{address}` is not an IPv4 address"))?, prefix)
        }
        "ip6" => {
            let (address, prefix) = network(needed()?, 128)?;
            Mechanism::Ip6(address.parse().map_err(|_| format!("`{address}` is not an IPv6 address"))?, prefix)
        }
        _ => return Err("there is no such mechanism".to_owned()),
    };
    Ok(Directive { qualifier, mechanism })
}

/// Parses what follows `a` or `mx`: an optional domain after a colon, and optional prefixes after slashes.
fn host(rest: &str) -> Result<Host, String> {
    let end = rest.rfind('}').unwrap_or(0);
    let slash = rest[end..].find('/').map_or(rest.len(), |at| end + at);
    let (name, prefixes) = rest.split_at(slash);
    let domain = match name.strip_prefix(':') {
        Some(name) => Some(domain(name)?),
        None if name.is_empty() => None,
        None => return Err("a domain must follow a colon".to_owned()),
    };
    let (four, six) = match prefixes.split_once("//") {
        Some((four, six)) => (four, Some(six)),
        None => (prefixes, None),
    };
    let prefix4 = four.strip_prefix('/').map_or(Ok(32), |digits| prefix(digits, 32))?;
    let prefix6 = six.map_or(Ok(128), |digits| prefix(digits, 128))?;
    Ok(Host { domain, prefix4, prefix6 })
}

/// Parses an address and its prefix.
fn network(value: &str, max_bits: u8) -> Result<(&str, u8), String> {
    match value.split_once('/') {
        None => Ok((value, max_bits)),
        Some((address, digits)) => Ok((address, prefix(digits, max_bits)?)),
    }
}

fn prefix(digits: &str, max_bits: u8) -> Result<u8, String> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let bits = digits.parse().ok().filter(|bits| is_plain && *bits <= max_bits);
    bits.ok_or_else(|| format!("`/{digits}` is not a prefix of 0 to {max_bits} bits"))
}

/// Parses a `domain-spec`: section 7.1. Macros are kept unchanged.
fn domain(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a domain");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        if !before.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong());
        }
        rest = match after.bytes().next() {
            Some(b'%' | b'_' | b'-') => &after[1..],
            Some(b'{') => after[1..].split_once('}').filter(|(inner, _)| is_macro(inner)).ok_or_else(wrong)?.1,
            _ => return Err(wrong()),
        };
    }
    let ends_in_macro = rest.is_empty() && text.ends_with('}');
    let label = rest.trim_end_matches('.').rsplit_once('.').map(|(_, label)| label);
    let ends_in_label = label.is_some_and(|label| {
        let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inside) && !label.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_visible = rest.bytes().all(|byte| byte.is_ascii_graphic());
    if is_visible && (ends_in_macro || ends_in_label) { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// Whether this is the inside of a macro's braces.
fn is_macro(inner: &str) -> bool {
    let Some((letter, rest)) = inner.split_at_checked(1) else { return false };
    let rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let rest = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
    letter.contains(|letter: char| "slodiphcrtvSLODIPHCRTV".contains(letter))
        && rest.chars().all(|delimiter| ".-+,/_=".contains(delimiter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mechanisms(record: &str) -> Vec<Mechanism> {
        let record = SpfRecord::parse(record).unwrap();
        record.directives.into_iter().map(|directive| directive.mechanism).collect()
    }

    fn why(record: &str) -> String {
        SpfRecord::parse(record).unwrap_err()
    }

    fn host(domain: Option<&str>, prefix4: u8, prefix6: u8) -> Host {
        Host { domain: domain.map(str::to_owned), prefix4, prefix6 }
    }

    #[test]
    fn every_mechanism_is_read() {
        assert_eq!(
            mechanisms(
                "v=spf1 a A:mail.example.org/24 mx//64 mx:example.org/28//56 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip6:::1 \
                 include:_spf.example.com ptr exists:%{ir}.%{v}._spf.%{d2} -all"
            ),
            [
                Mechanism::A(host(None, 32, 128)),
                Mechanism::A(host(Some("mail.example.org"), 24, 128)),
                Mechanism::Mx(host(None, 32, 64)),
                Mechanism::Mx(host(Some("example.org"), 28, 56)),
                Mechanism::Ip4(Ipv4Addr::new(192, 0, 2, 0), 24),
                Mechanism::Ip6("2001:db8::".parse().unwrap(), 32),
                Mechanism::Ip6(Ipv6Addr::LOCALHOST, 128),
                Mechanism::Include("_spf.example.com".to_owned()),
                Mechanism::Ptr(None),
                Mechanism::Exists("%{ir}.%{v}._spf.%{d2}".to_owned()),
                Mechanism::All,
            ]
        );
    }

    #[test]
    fn qualifiers_and_modifiers_are_parsed() {
        let default_qualifier = |record: &str| SpfRecord::parse(record).unwrap().default_qualifier();
        assert_eq!(default_qualifier("v=spf1 -all"), Some(Qualifier::Fail));
        assert_eq!(default_qualifier("V=SPF1  mx ~ALL"), Some(Qualifier::SoftFail));
        assert_eq!(default_qualifier("v=spf1 ?all"), Some(Qualifier::Neutral));
        assert_eq!(default_qualifier("v=spf1 all"), Some(Qualifier::Pass));
        assert_eq!(default_qualifier("v=spf1 mx"), None);
        let record = SpfRecord::parse("v=spf1 redirect=_spf.example.org exp=why.example.org moo=1").unwrap();
        assert_eq!((record.directives.len(), record.redirect.as_deref()), (0, Some("_spf.example.org")));
    }

    #[test]
    fn other_records_are_none() {
        assert!(SpfRecord::is_one("v=spf1") && SpfRecord::is_one("v=spf1 -all"));
        assert!(
            !SpfRecord::is_one("v=spf10 -all") && !SpfRecord::is_one("spf2.0/mfrom -all") && !SpfRecord::is_one("")
        );
    }

    #[test]
    fn errors_name_the_invalid_term() {
        assert_eq!(why("v=spf1 ipv4:192.0.2.1 -all"), "`ipv4:192.0.2.1`: there is no such mechanism");
        assert_eq!(why("v=spf1 ip4:192.0.2 -all"), "`ip4:192.0.2`: `192.0.2` is not an IPv4 address");
        assert_eq!(why("v=spf1 ip4:192.0.2.0/33"), "`ip4:192.0.2.0/33`: `/33` is not a prefix of 0 to 32 bits");
        assert_eq!(why("v=spf1 include -all"), "`include`: it needs a value after a colon");
        assert_eq!(why("v=spf1 include:192.0.2.1 -all"), "`include:192.0.2.1`: `192.0.2.1` is not a domain");
        assert_eq!(why("v=spf1 a:mail -all"), "`a:mail`: `mail` is not a domain");
        assert_eq!(why("v=spf1 exists:%{x}.org"), "`exists:%{x}.org`: `%{x}.org` is not a domain");
        assert_eq!(why("v=spf1 redirect=a.org redirect=b.org"), "`redirect=b.org`: `redirect=` is repeated");
        assert_eq!(why("v=spf1 -all:x"), "`-all:x`: `all` takes no value");
    }

    #[test]
    fn prefixes_define_networks() {
        let within = |address: &str, network: &str, prefix: u8| {
            is_in_network(address.parse().unwrap(), network.parse().unwrap(), prefix)
        };
        assert!(within("192.0.2.200", "192.0.2.1", 24) && !within("192.0.3.1", "192.0.2.1", 24));
        assert!(within("203.0.113.9", "192.0.2.1", 0) && !within("192.0.2.2", "192.0.2.1", 32));
        assert!(within("2001:db8::1", "2001:db8:1::", 32) && !within("2001:db8::1", "2001:db9::", 32));
        assert!(within("::ffff:192.0.2.1", "192.0.2.1", 32) && !within("::1", "0.0.0.0", 0));
    }

    proptest! {
        #[test]
        fn any_text_is_a_record_or_none(text in "v=spf1 ([+~?-]?(all|a|mx|ip4|ip6|include|exists|ptr|exp=|redirect=)?[ -~é]{0,12} ){0,6}") {
            let _ = SpfRecord::parse(&text);
        }

        #[test]
        fn networks_are_parsed(bits in any::<u32>(), prefix in 0u8..=32) {
            let address = Ipv4Addr::from(bits);
            let read = mechanisms(&format!("v=spf1 ip4:{address}/{prefix}"));
            prop_assert_eq!(&read, &[Mechanism::Ip4(address, prefix)]);
            prop_assert!(is_in_network(address.into(), address.into(), prefix));
        }
    }
}

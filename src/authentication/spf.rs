//! The record of who may send for a domain: RFC 7208.
//!
//! Takes the text of a record; gives its directives in their order. Which addresses they cover, and what they cost to
//! find out, needs the DNS and is left to `diagnosis`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfRecord {
    /// Its directives; the first that matches decides.
    pub directives: Vec<Directive>,
    /// Whose record decides when none matches (`redirect=`).
    pub redirect: Option<String>,
}

/// What becomes of senders that a mechanism matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What becomes of them.
    pub qualifier: Qualifier,
    /// Who they are.
    pub mechanism: Mechanism,
}

/// What a record says of a sender: section 4.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing: it may send.
    Pass,
    /// `-`: it may not.
    Fail,
    /// `~`: it probably may not.
    SoftFail,
    /// `?`: nothing is said.
    Neutral,
}

/// Whom a directive is about: section 5. A domain that is left out is that of the record; a prefix counts bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Everybody.
    All,
    /// Whom the record of another domain passes.
    Include(String),
    /// The addresses of a host.
    A(Host),
    /// The addresses of the hosts that take a domain's mail.
    Mx(Host),
    /// Whose address has a name in a domain; not to be used any more.
    Ptr(Option<String>),
    /// An IPv4 network.
    Ip4(Ipv4Addr, u8),
    /// An IPv6 network.
    Ip6(Ipv6Addr, u8),
    /// Everybody, if the name there has an address.
    Exists(String),
}

/// A host, and how much of its addresses' neighbourhood is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name; `None`: the domain of the record.
    pub domain: Option<String>,
    /// Bits of an IPv4 address that count.
    pub prefix4: u8,
    /// Bits of an IPv6 address that count.
    pub prefix6: u8,
}

impl SpfRecord {
    /// Whether a TXT record is an SPF record at all; others are passed over (section 4.5).
    pub fn is_one(record: &str) -> bool {
        let (version, rest) = record.split_at_checked(VERSION.len()).unwrap_or((record, ""));
        version.eq_ignore_ascii_case(VERSION) && (rest.is_empty() || rest.starts_with(' '))
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The term that is none, and why: receivers then take the whole record for an error (section 4.6).
    pub fn parse(record: &str) -> Result<Self, String> {
        if !Self::is_one(record) {
            return Err(format!("it does not begin with `{VERSION}`"));
        }
        let mut parsed = Self { directives: Vec::new(), redirect: None };
        let mut has_explanation = false;
        for term in record[VERSION.len()..].split(' ').filter(|term| !term.is_empty()) {
            let wrong = |why: &str| format!("`{term}`: {why}");
            match modifier(term) {
                None => parsed.directives.push(directive(term).map_err(|why| wrong(&why))?),
                Some((name, value)) if name.eq_ignore_ascii_case("redirect") => {
                    if parsed.redirect.is_some() {
                        return Err(wrong("`redirect=` comes twice"));
                    }
                    parsed.redirect = Some(domain(value).map_err(|why| wrong(&why))?);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("exp") => {
                    if std::mem::replace(&mut has_explanation, true) {
                        return Err(wrong("`exp=` comes twice"));
                    }
                    domain(value).map_err(|why| wrong(&why))?;
                }
                // Section 6: others are passed over.
                Some(_) => {}
            }
        }
        Ok(parsed)
    }

    /// What the record says of everybody whom nothing before matches; `None` where it leaves that open, or to another
    /// record.
    pub fn default_qualifier(&self) -> Option<Qualifier> {
        self.directives.iter().find(|directive| directive.mechanism == Mechanism::All).map(|all| all.qualifier)
    }
}

impl Mechanism {
    /// Whether finding out costs one of the ten look-ups that a receiver makes: section 4.6.4.
    pub fn costs_lookup(&self) -> bool {
        !matches!(self, Self::All | Self::Ip4(..) | Self::Ip6(..))
    }
}

impl Host {
    /// Whether `address` lies in the neighbourhood of `of`.
    pub fn is_near(&self, address: IpAddr, of: IpAddr) -> bool {
        match of {
            IpAddr::V4(_) => is_in_network(address, of, self.prefix4),
            IpAddr::V6(_) => is_in_network(address, of, self.prefix6),
        }
    }
}

/// Whether the first `prefix` bits of two addresses of one kind are the same.
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

/// Name and value of a modifier, which is told from a mechanism by its `=`: section 4.6.1.
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
            Mechanism::Ip4(address.parse().map_err(|_| format!("`{address}` is no IPv4 address"))?, prefix)
        }
        "ip6" => {
            let (address, prefix) = network(needed()?, 128)?;
            Mechanism::Ip6(address.parse().map_err(|_| format!("`{address}` is no IPv6 address"))?, prefix)
        }
        _ => return Err("there is no such mechanism".to_owned()),
    };
    Ok(Directive { qualifier, mechanism })
}

/// What follows `a` or `mx`: a domain after a colon, and prefixes after slashes, each if wanted.
fn host(rest: &str) -> Result<Host, String> {
    let end = rest.rfind('}').unwrap_or(0);
    let slash = rest[end..].find('/').map_or(rest.len(), |at| end + at);
    let (name, prefixes) = rest.split_at(slash);
    let domain = match name.strip_prefix(':') {
        Some(name) => Some(domain(name)?),
        None if name.is_empty() => None,
        None => return Err("a domain follows a colon".to_owned()),
    };
    let (four, six) = match prefixes.split_once("//") {
        Some((four, six)) => (four, Some(six)),
        None => (prefixes, None),
    };
    let prefix4 = four.strip_prefix('/').map_or(Ok(32), |digits| prefix(digits, 32))?;
    let prefix6 = six.map_or(Ok(128), |digits| prefix(digits, 128))?;
    Ok(Host { domain, prefix4, prefix6 })
}

/// An address and its prefix.
fn network(value: &str, most: u8) -> Result<(&str, u8), String> {
    match value.split_once('/') {
        None => Ok((value, most)),
        Some((address, digits)) => Ok((address, prefix(digits, most)?)),
    }
}

fn prefix(digits: &str, most: u8) -> Result<u8, String> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let bits = digits.parse().ok().filter(|bits| is_plain && *bits <= most);
    bits.ok_or_else(|| format!("`/{digits}` is no prefix of 0 to {most} bits"))
}

/// A `domain-spec`: section 7.1. Macros stay as they are.
fn domain(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is no domain");
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

/// What stands in the braces of a macro.
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
    fn qualifiers_and_modifiers_are_read() {
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
    fn what_is_wrong_names_the_term() {
        assert_eq!(why("v=spf1 ipv4:192.0.2.1 -all"), "`ipv4:192.0.2.1`: there is no such mechanism");
        assert_eq!(why("v=spf1 ip4:192.0.2 -all"), "`ip4:192.0.2`: `192.0.2` is no IPv4 address");
        assert_eq!(why("v=spf1 ip4:192.0.2.0/33"), "`ip4:192.0.2.0/33`: `/33` is no prefix of 0 to 32 bits");
        assert_eq!(why("v=spf1 include -all"), "`include`: it needs a value after a colon");
        assert_eq!(why("v=spf1 include:192.0.2.1 -all"), "`include:192.0.2.1`: `192.0.2.1` is no domain");
        assert_eq!(why("v=spf1 a:mail -all"), "`a:mail`: `mail` is no domain");
        assert_eq!(why("v=spf1 exists:%{x}.org"), "`exists:%{x}.org`: `%{x}.org` is no domain");
        assert_eq!(why("v=spf1 redirect=a.org redirect=b.org"), "`redirect=b.org`: `redirect=` comes twice");
        assert_eq!(why("v=spf1 -all:x"), "`-all:x`: `all` takes no value");
    }

    #[test]
    fn networks_are_as_wide_as_their_prefix() {
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
        fn networks_that_are_written_are_read(bits in any::<u32>(), prefix in 0u8..=32) {
            let address = Ipv4Addr::from(bits);
            let read = mechanisms(&format!("v=spf1 ip4:{address}/{prefix}"));
            prop_assert_eq!(&read, &[Mechanism::Ip4(address, prefix)]);
            prop_assert!(is_in_network(address.into(), address.into(), prefix));
        }
    }
}

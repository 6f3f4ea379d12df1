use proptest::prelude::*;

use super::*;

fn mechanisms(record: &str) -> Vec<Mechanism> {
    let record = Record::parse(record).unwrap();
    record.directives.into_iter().map(|directive| directive.mechanism).collect()
}

fn why(record: &str) -> String {
    Record::parse(record).unwrap_err()
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
    let last_word = |record: &str| Record::parse(record).unwrap().last_word();
    assert_eq!(last_word("v=spf1 -all"), Some(Qualifier::Fail));
    assert_eq!(last_word("V=SPF1  mx ~ALL"), Some(Qualifier::SoftFail));
    assert_eq!(last_word("v=spf1 ?all"), Some(Qualifier::Neutral));
    assert_eq!(last_word("v=spf1 all"), Some(Qualifier::Pass));
    assert_eq!(last_word("v=spf1 mx"), None);
    let record = Record::parse("v=spf1 redirect=_spf.example.org exp=why.example.org moo=1").unwrap();
    assert_eq!((record.directives.len(), record.redirect.as_deref()), (0, Some("_spf.example.org")));
}

#[test]
fn other_records_are_none() {
    assert!(Record::is_one("v=spf1") && Record::is_one("v=spf1 -all"));
    assert!(!Record::is_one("v=spf10 -all") && !Record::is_one("spf2.0/mfrom -all") && !Record::is_one(""));
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
        let _ = Record::parse(&text);
    }

    #[test]
    fn networks_that_are_written_are_read(bits in any::<u32>(), prefix in 0u8..=32) {
        let address = Ipv4Addr::from(bits);
        let read = mechanisms(&format!("v=spf1 ip4:{address}/{prefix}"));
        prop_assert_eq!(&read, &[Mechanism::Ip4(address, prefix)]);
        prop_assert!(is_in_network(address.into(), address.into(), prefix));
    }
}

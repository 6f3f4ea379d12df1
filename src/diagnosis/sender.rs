//! The sender's DNS: who may send, which keys sign, the policy for other mail, and where replies go.

use core::net::IpAddr;

use url::Url;

use crate::config::MailConfig;
use crate::diagnosis::gateway::Gateway;
use crate::diagnosis::receiving::Receiving;
use crate::diagnosis::{Step, StepOutcome, dkim, dmarc, mx, reverse_dns, spf};
use crate::dkim::{KeyFile, PublicKey};
use crate::dns::{Dns, NoAnswer};

/// What is known about the sender.
pub struct Sender<'a> {
    /// The settings.
    pub mail: &'a MailConfig,
    /// The keys that `mail.dkim` names, each with its public key, or why it cannot be read.
    pub keys: Vec<(&'a KeyFile, Result<PublicKey, String>)>,
    /// The hosts that `mail.via` names.
    pub hosts: Vec<String>,
    /// How mail comes in, if the program reads it.
    pub receiving: Option<Receiving<'a>>,
}

/// Queries the DNS as receivers do, and interprets the records.
pub fn examine(dns: &Dns, sender: &Sender<'_>) -> Vec<Step> {
    let mail = sender.mail;
    let from = mail.edition.from.address.domain();
    let envelope = mail.envelope_sender().domain();
    if let Err(error @ NoAnswer::Unreachable(_)) = dns.texts(envelope) {
        let remedy = "check whether this machine is online, or name a DNS server that answers: `--dns 9.9.9.9`";
        return vec![Step::error("DNS", error.to_string(), remedy)];
    }
    let gateways: Vec<Gateway> = sender.hosts.iter().map(|host| Gateway::new(dns, host)).collect();
    let spf = Step::or_no_answer("SPF", spf::step(dns, envelope, &gateways));
    let signatures = dkim::steps(dns, mail, &sender.keys);
    let auth = dmarc::AuthResults {
        has_spf: spf.outcome != StepOutcome::Error,
        has_dkim: signatures.iter().all(|step| step.outcome != StepOutcome::Error),
    };
    let policy = Step::or_no_answer("DMARC", dmarc::step(dns, mail, from, envelope, auth));
    let mut steps = vec![spf];
    steps.extend(signatures);
    steps.push(policy);
    steps.extend(reverse_dns::steps(dns, &gateways));
    steps.extend(mx::steps(dns, mail));
    steps.extend(sender.receiving.iter().flat_map(|receiving| receiving.steps(dns, mail)));
    steps.extend(mail.edition.unsubscribe_url.as_ref().map(|url| Step::or_no_answer("unsubscribe", page(dns, url))));
    steps
}

/// The host of the unsubscribe page.
fn page(dns: &Dns, url: &str) -> Result<Step, NoAnswer> {
    let sample = url.replace("{token}", "t").replace("{address}", "a");
    let host = Url::parse(&sample).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    Ok(match is_address || !dns.addresses(&host)?.is_empty() {
        true => Step::ok("unsubscribe", format!("`{host}` has an address")),
        false => Step::error(
            "unsubscribe",
            format!("`{host}` has no address: no one can unsubscribe there"),
            "fix `mail.unsubscribe_url`, or add the host to the DNS",
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::diagnosis::Step;
    use crate::dkim::{Algorithm, Key};
    use crate::dns::peer::DnsPeer;

    use super::*;

    /// A DNS record: name, type, data.
    type Record = (&'static str, &'static str, &'static str);

    /// A correct zone, except for signatures.
    const GOOD: [Record; 8] = [
        ("tides.example.org", "TXT", "v=spf1 a:mail.example.org include:_spf.example.com -all"),
        ("tides.example.org", "TXT", "other=1"),
        ("_spf.example.com", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all"),
        ("mail.example.org", "A", "192.0.2.1"),
        ("mail.example.org", "AAAA", "2001:db8::1"),
        ("_dmarc.example.org", "TXT", "v=DMARC1; p=quarantine; sp=reject; rua=mailto:reports@example.org"),
        ("tides.example.org", "MX", "10 mail.example.org"),
        ("leave.example.org", "A", "192.0.2.7"),
    ];

    /// The correct zone with these records replacing those of the same name and type.
    fn zone(changes: &[Record]) -> Vec<Record> {
        let is_kept = |(name, kind, _): &&Record| !changes.iter().any(|(other, of, _)| (other, of) == (name, kind));
        // Empty data removes the record.
        GOOD.iter().filter(is_kept).chain(changes).filter(|(_, _, data)| !data.is_empty()).copied().collect()
    }

    /// The steps for a sender with these settings and `key`, whose mail leaves through `host`.
    fn steps(settings: &str, host: &str, records: &[(&str, &str, &str)], key: Option<&Key>) -> Vec<Step> {
        let text =
            format!("title: T\nbase_url: https://example.org\nmail:\n  from: notes@tides.example.org\n{settings}\n");
        let config = Config::parse("slugline.yaml", &text).unwrap();
        let mail = config.mail.as_ref().unwrap();
        let peer = DnsPeer::start(records);
        let dns = Dns::new(Some(peer.address())).unwrap();
        let public = || key.map(Key::public).ok_or("no key".to_owned());
        let keys = mail.dkim.iter().map(|named| (named, public())).collect();
        examine(&dns, &Sender { mail, keys, hosts: vec![host.to_owned()], receiving: None })
    }

    /// Outcome and finding of the only step of this name.
    fn step(name: &str, steps: Vec<Step>) -> (&'static str, String, Step) {
        let mut steps = steps.into_iter().filter(|step| step.name == name);
        let step = steps.next().unwrap();
        assert_eq!(steps.next(), None);
        (step.outcome.name(), step.seen.clone(), step)
    }

    fn value(step: &Step) -> &str {
        &step.record.as_ref().unwrap().value
    }

    fn spf(record: &'static str) -> (&'static str, String, Step) {
        step("SPF", steps("", "mail.example.org", &zone(&[("tides.example.org", "TXT", record)]), None))
    }

    #[test]
    fn a_record_that_covers_the_server_is_fine() {
        for record in [
            "v=spf1 a:mail.example.org -all",
            "v=spf1 mx -all",
            "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all",
            "v=spf1 -ip4:203.0.113.1 redirect=_covers.example.org",
        ] {
            let changes = [
                ("tides.example.org", "TXT", record),
                ("_covers.example.org", "TXT", "v=spf1 a:mail.example.org -all"),
            ];
            let (outcome, seen, _) = step("SPF", steps("", "mail.example.org", &zone(&changes), None));
            assert_eq!((outcome, seen), ("ok", format!("`{record}` covers `mail.example.org`")));
        }
    }

    #[test]
    fn a_server_that_is_not_covered_is_a_warning() {
        let (outcome, seen, step) = spf("v=spf1 ip4:192.0.2.1 include:_spf.example.com -all");
        assert_eq!(outcome, "warning");
        assert!(seen.ends_with("does your mail leave from others?"), "{seen}");
        assert_eq!(value(&step), "v=spf1 ip4:192.0.2.1 include:_spf.example.com a:mail.example.org -all");
        assert_eq!(step.details.len(), 2, "{:?}", step.details);
    }

    #[test]
    fn a_server_in_a_private_network_is_not_judged() {
        let (outcome, seen, _) = step("SPF", steps("", "127.0.0.1", &zone(&[]), None));
        assert_eq!(outcome, "ok");
        assert!(seen.ends_with("whether it covers the address that mail leaves from is unknown"), "{seen}");
    }

    #[test]
    fn the_include_of_a_provider_is_recognised() {
        let records = [
            ("tides.example.org", "TXT", "v=spf1 include:_spf.google.com ~all"),
            ("_spf.google.com", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all"),
            ("smtp-relay.gmail.com", "A", "203.0.113.9"),
        ];
        let (outcome, seen, _) = step("SPF", steps("", "smtp-relay.gmail.com", &zone(&records), None));
        assert_eq!(
            (outcome, seen.as_str()),
            ("ok", "`v=spf1 include:_spf.google.com ~all` covers `smtp-relay.gmail.com`")
        );
        let without = [("tides.example.org", "TXT", ""), ("smtp-relay.gmail.com", "A", "203.0.113.9")];
        let (outcome, _, missing) = step("SPF", steps("", "smtp-relay.gmail.com", &zone(&without), None));
        assert_eq!((outcome, value(&missing)), ("error", "v=spf1 include:_spf.google.com ~all"));
    }

    #[test]
    fn a_missing_duplicate_or_invalid_record_is_an_error() {
        let (outcome, _, missing) =
            step("SPF", steps("", "mail.example.org", &zone(&[("tides.example.org", "TXT", "")]), None));
        assert_eq!((outcome, value(&missing)), ("error", "v=spf1 a:mail.example.org ~all"));
        let two = [("tides.example.org", "TXT", "v=spf1 mx -all"), ("tides.example.org", "TXT", "v=spf1 a -all")];
        let (outcome, _, double) = step("SPF", steps("", "mail.example.org", &zone(&two), None));
        assert_eq!((outcome, value(&double)), ("error", "v=spf1 a mx ~all"));
        let (outcome, seen, _) = spf("v=spf1 ipv4:192.0.2.1 -all");
        assert_eq!(outcome, "error");
        assert!(seen.contains("`ipv4:192.0.2.1`: there is no such mechanism"), "{seen}");
    }

    #[test]
    fn the_default_of_a_record_counts() {
        let (outcome, _, anyone) = spf("v=spf1 mx +all");
        assert_eq!((outcome, value(&anyone)), ("error", "v=spf1 mx ~all"));
        for open in ["v=spf1 mx ?all", "v=spf1 mx"] {
            let (outcome, _, step) = spf(open);
            assert_eq!((outcome, value(&step)), ("warning", "v=spf1 mx ~all"), "{open}");
        }
    }

    #[test]
    fn lookups_are_counted_as_receivers_do() {
        let (_, seen, step) =
            spf("v=spf1 include:_spf.example.com a mx a:mail.example.org exists:%{i}.example.org -all");
        assert!(
            step.details.contains(&"5 of the 10 DNS lookups that receivers make".to_owned()),
            "{seen} {:?}",
            step.details
        );
        let (outcome, seen, _) = spf("v=spf1 mx mx mx mx mx mx mx mx mx mx mx -all");
        assert_eq!(outcome, "error");
        assert!(seen.contains("it takes 11 DNS lookups"), "{seen}");
        let (outcome, seen, _) = spf("v=spf1 a:x.example.org a:y.example.org a:z.example.org -all");
        assert_eq!(outcome, "error");
        assert!(seen.contains("3 of its names have no records"), "{seen}");
        for (record, why) in [
            ("v=spf1 include:tides.example.org -all", "it includes itself"),
            ("v=spf1 include:none.example.org -all", "`none.example.org`, which has no SPF record"),
        ] {
            let (outcome, seen, _) = spf(record);
            assert_eq!(outcome, "error");
            assert!(seen.contains(why), "{seen}");
        }
    }

    const SIGNED: &str = "  dkim: {selector: a, key_file: a.pem}";

    /// DKIM of a sender who signs, with this record in the DNS; `{}` is the public key.
    fn dkim(record: &str) -> (&'static str, String, Step, String) {
        let (key, _) = Key::generate(Algorithm::Ed25519).unwrap();
        let ours = key.public();
        let record = record.replace("{}", &ours.base64);
        let mut records = zone(&[]).to_vec();
        let name = "a._domainkey.tides.example.org";
        let all: Vec<(&str, &str, &str)> =
            records.drain(..).chain((!record.is_empty()).then_some((name, "TXT", record.as_str()))).collect();
        let (outcome, seen, step) = step("DKIM", steps(SIGNED, "mail.example.org", &all, Some(&key)));
        (outcome, seen, step, ours.record())
    }

    #[test]
    fn the_signing_key_has_to_be_in_the_dns() {
        let (outcome, seen, _, _) = dkim("v=DKIM1; k=ed25519; p={}");
        assert_eq!(
            (outcome, seen.as_str()),
            ("ok", "`a._domainkey.tides.example.org` is the key in `a.pem` (ed25519-sha256)")
        );
        for (record, expected, why) in [
            ("", "error", "has no record"),
            ("v=DKIM1; k=ed25519; p=AAAA", "error", "contains a different key from `a.pem`"),
            ("v=DKIM1; p={}", "error", "contains a different key from `a.pem`"),
            ("v=DKIM1; k=ed25519; p=", "error", "revoked"),
            ("v=DKIM1; k=ed25519", "error", "contains no valid key"),
            ("v=DKIM1; k=ed25519; h=sha1; p={}", "error", "SHA-256"),
            ("v=DKIM1; k=ed25519; t=y; p={}", "warning", "is in test mode"),
        ] {
            let (outcome, seen, step, ours) = dkim(record);
            assert_eq!(outcome, expected, "{record}");
            assert!(seen.contains(why), "{seen}");
            assert_eq!(value(&step), ours);
        }
    }

    #[test]
    fn without_a_key_the_mail_server_has_to_sign() {
        let of = |settings: &str| step("DKIM", steps(settings, "mail.example.org", &zone(&[]), None));
        assert_eq!(of("").0, "warning");
        assert_eq!(of("  dkim: provider").0, "ok");
        assert_eq!(of(SIGNED).0, "error", "a key that cannot be read");
    }

    fn dmarc(settings: &str, changes: &[Record]) -> (&'static str, String, Step) {
        step("DMARC", steps(settings, "mail.example.org", &zone(changes), None))
    }

    #[test]
    fn the_policy_may_be_that_of_the_organisation() {
        let (outcome, seen, _) = dmarc("  dkim: provider", &[]);
        assert_eq!(outcome, "ok");
        assert!(seen.ends_with("the policy for unauthenticated mail is `reject` (`_dmarc.example.org`)"), "{seen}");
        let own = [("_dmarc.tides.example.org", "TXT", "v=DMARC1; p=none")];
        assert!(dmarc("  dkim: provider", &own).1.contains("is `none`"));
    }

    #[test]
    fn a_missing_duplicate_or_invalid_policy_is_an_error() {
        let (outcome, _, missing) = dmarc("", &[("_dmarc.example.org", "TXT", "other")]);
        let record = missing.record.unwrap();
        assert_eq!(
            (outcome, record.name.as_str(), record.value.as_str()),
            ("error", "_dmarc.tides.example.org", "v=DMARC1; p=none")
        );
        let two =
            [("_dmarc.example.org", "TXT", "v=DMARC1; p=none"), ("_dmarc.example.org", "TXT", "v=DMARC1; p=reject")];
        assert_eq!(dmarc("", &two).0, "error");
        assert_eq!(dmarc("", &[("_dmarc.example.org", "TXT", "v=DMARC1; p=all")]).0, "error");
    }

    #[test]
    fn authentication_has_to_align_with_the_senders_domain() {
        let elsewhere = "  bounce_address: b@bounces.example.com\n";
        let bounces = ("bounces.example.com", "TXT", "v=spf1 a:mail.example.org -all");
        let (outcome, seen, _) = dmarc(&format!("{elsewhere}  dkim: provider"), &[bounces]);
        assert_eq!(outcome, "ok");
        assert!(
            seen.starts_with("DKIM authenticates our mail if your provider signs for the domain; SPF does not"),
            "{seen}"
        );
        assert_eq!(dmarc(elsewhere, &[bounces]).0, "warning", "the server may sign");
        let strict = ("_dmarc.example.org", "TXT", "v=DMARC1; p=none; aspf=s");
        let sibling = ("b.example.org", "TXT", "v=spf1 a:mail.example.org -all");
        let of = |policy: &[Record]| dmarc("  bounce_address: b@b.example.org\n  dkim: provider", policy).1;
        assert!(of(&[sibling]).contains("SPF authenticates our mail"), "{}", of(&[sibling]));
        assert!(of(&[sibling, strict]).contains("SPF does not"), "{}", of(&[sibling, strict]));
    }

    #[test]
    fn the_servers_addresses_have_names_that_lead_back() {
        const FOUR: &str = "1.2.0.192.in-addr.arpa";
        const SIX: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        let of = |changes: &[Record]| {
            let (outcome, seen, _) = step("reverse DNS", steps("", "mail.example.org", &zone(changes), None));
            (outcome, seen)
        };
        let (four, six) = ((FOUR, "PTR", "mail.example.org"), (SIX, "PTR", "mail.example.org"));
        let well = "192.0.2.1 is `mail.example.org`, 2001:db8::1 is `mail.example.org`, in both directions";
        assert_eq!(of(&[four, six]), ("ok", well.to_owned()));
        let (outcome, seen) = of(&[four]);
        assert_eq!(outcome, "warning");
        assert!(seen.starts_with("2001:db8::1 (`mail.example.org`) has no name"), "{seen}");
        let (outcome, seen) = of(&[(FOUR, "PTR", "leave.example.org"), six]);
        assert_eq!(outcome, "warning");
        assert!(seen.starts_with("192.0.2.1 is named `leave.example.org`, which does not resolve to it"), "{seen}");
        let local = steps("", "127.0.0.1", &zone(&[]), None);
        assert!(local.iter().all(|step| step.name != "reverse DNS"), "private addresses are not checked");
    }

    #[test]
    fn mail_to_us_has_to_arrive() {
        let mx = |changes: &[Record]| {
            let (outcome, seen, _) = step("MX", steps("", "mail.example.org", &zone(changes), None));
            (outcome, seen)
        };
        assert_eq!(
            mx(&[]),
            ("ok", "`tides.example.org` (the sender, replies, bounces) accepts mail at `mail.example.org`".into())
        );
        for (records, outcome, why) in [
            (&[("tides.example.org", "MX", "0 .")][..], "error", "a null MX"),
            (&[("tides.example.org", "MX", "")], "error", "neither an MX record nor an address"),
            (
                &[("tides.example.org", "MX", ""), ("tides.example.org", "A", "192.0.2.3")],
                "warning",
                "has no MX record",
            ),
            (&[("tides.example.org", "MX", "5 gone.example.org")], "error", "which has no address"),
        ] {
            let (found, seen) = mx(records);
            assert_eq!(found, outcome, "{seen}");
            assert!(seen.contains(why), "{seen}");
        }
        let settings = "  reply_to: r@example.net\n  unsubscribe_mailto: leave+{token}@leave.example.org";
        let all = steps(settings, "mail.example.org", &zone(&[]), None);
        let seen: Vec<&str> = all.iter().filter(|step| step.name == "MX").map(|step| step.seen.as_str()).collect();
        assert_eq!(
            seen,
            [
                "`tides.example.org` (the sender, bounces) accepts mail at `mail.example.org`",
                "`example.net` (replies) has neither an MX record nor an address: nothing can be delivered there",
                "`leave.example.org` (unsubscribe requests) has no MX record: mail goes to the host of that name, if it accepts any",
            ]
        );
    }

    #[test]
    fn the_unsubscribe_host_needs_an_address() {
        let of = |url: &str| {
            step("unsubscribe", steps(&format!("  unsubscribe_url: {url}"), "192.0.2.1", &zone(&[]), None)).0
        };
        assert_eq!(of("https://leave.example.org/{token}"), "ok");
        assert_eq!(of("https://gone.example.org/{token}"), "error");
    }

    #[test]
    fn without_a_dns_server_there_is_a_single_step() {
        let text = "title: T\nbase_url: https://example.org\nmail: {from: notes@tides.example.org}\n";
        let config = Config::parse("slugline.yaml", text).unwrap();
        let gone = DnsPeer::start(&[]).address();
        let dns = Dns::new(Some(gone)).unwrap();
        let sender =
            Sender { mail: config.mail.as_ref().unwrap(), keys: Vec::new(), hosts: Vec::new(), receiving: None };
        let names: Vec<&str> = examine(&dns, &sender).iter().map(|step| step.name).collect();
        assert_eq!(names, ["DNS"]);
    }
}

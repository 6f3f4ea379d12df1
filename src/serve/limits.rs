//! How often anyone may have an address asked: limits for each mailbox, network and domain, and for all together, kept in the
//! store and so shared by all processes, those that read mail too. Names of rates contain a keyed hash where they would contain an
//! address.

use core::net::IpAddr;
use std::time::Duration;

use crate::email::EmailAddress;
use crate::rate::Rate;
use crate::serve::network::Network;
use crate::token::Secrets;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Large providers: many people at one of them may subscribe within an hour.
const LARGE_DOMAINS: [&str; 22] = [
    "126.com", "163.com", "aol.com", "daum.net", "foxmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com",
    "hanmail.net", "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "naver.com", "outlook.com",
    "proton.me", "qq.com", "sina.com", "web.de", "yahoo.com",
];

/// What a request from a network about an address takes: beyond any of these, nothing is mailed.
pub(super) fn rates(secrets: &Secrets, address: &EmailAddress, from: IpAddr) -> Vec<Rate> {
    let network = secrets.seal(&Network::of_one_person(from).to_string());
    let mut rates = rates_of_address(secrets, address);
    rates.push(rate(format!("network:{network}"), 10, HOUR));
    rates
}

/// What a request by mail about an address takes.
pub fn rates_of_address(secrets: &Secrets, address: &EmailAddress) -> Vec<Rate> {
    let mailbox = secrets.seal(&mailbox(address));
    let domain = address.domain();
    let of_domain = if LARGE_DOMAINS.contains(&domain) { 300 } else { 60 };
    vec![
        rate(format!("mailbox-10min:{mailbox}"), 1, 10 * MINUTE),
        // Two at once and then one every twelve hours are at most three in any day.
        rate(format!("mailbox-day:{mailbox}"), 2, DAY),
        rate(format!("domain:{}", secrets.seal(domain)), of_domain, HOUR),
    ]
}

/// What all requests together take: beyond it, each is asked for an extra step, and none by mail is answered.
pub fn rate_of_all() -> Rate {
    rate("all".to_owned(), 300, HOUR)
}

fn rate(name: String, messages: u32, seconds: u64) -> Rate {
    Rate { name: format!("reader:{name}"), messages, per: Duration::from_secs(seconds) }
}

/// The mailbox behind an address: without what follows a plus, and at Gmail without dots.
fn mailbox(address: &EmailAddress) -> String {
    let key = address.key();
    let (local, domain) = key.rsplit_once('@').unwrap_or((&key, ""));
    let local = local.split('+').next().filter(|local| !local.is_empty()).unwrap_or(local);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
        domain => format!("{local}@{domain}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_an_address_are_one_mailbox() {
        let mailbox = |text: &str| mailbox(&text.parse().unwrap());
        assert_eq!(mailbox("Maren+news@Example.org"), "maren@example.org");
        assert_eq!(mailbox("maren.s+2@googlemail.com"), mailbox("MarenS@gmail.com"));
        assert_ne!(mailbox("maren.s@example.org"), mailbox("marens@example.org"));
        assert_eq!(mailbox("+news@example.org"), "+news@example.org");
    }

    #[test]
    fn neighbours_are_one_network() {
        let network = |text: &str| Network::of_one_person(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2fe::9"), "2001:db8:1:200::/56");
    }

    #[test]
    fn no_rate_contains_an_address() {
        let secrets = Secrets::parse(&"s".repeat(32)).unwrap();
        let rates = rates(&secrets, &"maren@example.org".parse().unwrap(), "192.0.2.77".parse().unwrap());
        assert!(rates.iter().all(|rate| rate.name.starts_with("reader:") && !rate.name.contains("example")));
        assert_eq!(rates.len(), 4);
    }
}

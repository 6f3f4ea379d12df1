//! What the DNS says of the sender: who may send for it, which keys sign, what becomes of the rest, where replies go.

use core::net::IpAddr;

use url::Url;

use crate::config::MailConfig;
use crate::diagnosis::{Outcome, Step, alignment, mailboxes, reverse, signatures, spf};
use crate::dkim::{KeyFile, PublicKey};
use crate::dns::{Dns, NoAnswer};

/// What is known of the sender beside the settings.
pub struct Sender<'a> {
    /// The settings.
    pub mail: &'a MailConfig,
    /// The keys that `mail.dkim` names, each with its public half, or why there is none.
    pub keys: Vec<(&'a KeyFile, Result<PublicKey, String>)>,
    /// The hosts that `mail.via` names.
    pub hosts: Vec<String>,
}

/// A server that takes our mail, and its addresses in the world.
pub(super) struct Gateway {
    pub host: String,
    pub addresses: Vec<IpAddr>,
}

/// Asks the DNS for all that receivers ask it for, and judges the answers.
pub fn examine(dns: &Dns, sender: &Sender<'_>) -> Vec<Step> {
    let mail = sender.mail;
    let from = mail.edition.from.address.domain();
    let envelope = mail.envelope_sender().domain();
    if let Err(error @ NoAnswer::Unreachable(_)) = dns.texts(envelope) {
        let remedy = "see whether this machine is on the network, or name a server that answers: `--dns 9.9.9.9`";
        return vec![Step::error("DNS", error.to_string(), remedy)];
    }
    let gateways: Vec<Gateway> = sender.hosts.iter().map(|host| gateway(dns, host)).collect();
    let spf = told("SPF", spf::step(dns, envelope, &gateways));
    let signatures = signatures::steps(dns, sender);
    let proofs = alignment::Proofs {
        has_spf: spf.outcome != Outcome::Error,
        signs_well: signatures.iter().all(|step| step.outcome != Outcome::Error),
    };
    let policy = told("DMARC", alignment::step(dns, mail, from, envelope, proofs));
    let mut steps = vec![spf];
    steps.extend(signatures);
    steps.push(policy);
    steps.extend(reverse::steps(dns, &gateways));
    steps.extend(mailboxes::steps(dns, mail));
    steps.extend(mail.edition.unsubscribe_url.as_ref().map(|url| told("unsubscribe", page(dns, url))));
    steps
}

/// The step, or one that says that the DNS could not tell.
pub(super) fn told(name: &'static str, step: Result<Step, NoAnswer>) -> Step {
    step.unwrap_or_else(|error| {
        Step::error(name, error.to_string(), "run it again; where it stays so, ask whoever runs the DNS of the domain")
    })
}

fn gateway(dns: &Dns, host: &str) -> Gateway {
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => dns.addresses(host).unwrap_or_default(),
    };
    let addresses = addresses.into_iter().filter(is_public).collect();
    Gateway { host: host.to_owned(), addresses }
}

/// Whether others can get mail from it: a server on this machine or in a private network leaves by another address.
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

/// The host of the page at which readers leave.
fn page(dns: &Dns, url: &str) -> Result<Step, NoAnswer> {
    let sample = url.replace("{token}", "t").replace("{address}", "a");
    let host = Url::parse(&sample).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    Ok(match is_address || !dns.addresses(&host)?.is_empty() {
        true => Step::ok("unsubscribe", format!("`{host}` has an address")),
        false => Step::error(
            "unsubscribe",
            format!("`{host}` has no address: nobody can leave there"),
            "mend `mail.unsubscribe_url`, or add the host to the DNS",
        ),
    })
}

#[cfg(test)]
mod tests;

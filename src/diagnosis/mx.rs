//! Whether mail to us can arrive: replies, bounces and unsubscribe requests.

use crate::config::MailConfig;
use crate::diagnosis::Step;
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "MX";

/// A step for each domain that receives mail.
pub(super) fn steps(dns: &Dns, mail: &MailConfig) -> Vec<Step> {
    let replies = mail.edition.reply_to.as_ref().unwrap_or(&mail.edition.from).address.domain();
    let bounces = mail.envelope_sender().domain();
    let mut uses = vec![(mail.edition.from.address.domain(), "the sender"), (replies, "replies"), (bounces, "bounces")];
    let leaving = mail.edition.unsubscribe_mailto.as_ref().and_then(|address| address.rsplit_once('@'));
    uses.extend(leaving.map(|(_, domain)| (domain, "unsubscribe requests")));
    let mut domains: Vec<(&str, Vec<&str>)> = Vec::new();
    for (domain, what) in uses {
        match domains.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(domain)) {
            Some((_, whats)) => whats.push(what),
            None => domains.push((domain, vec![what])),
        }
    }
    domains.into_iter().map(|(domain, whats)| Step::or_no_answer(NAME, domain_step(dns, domain, &whats))).collect()
}

fn domain_step(dns: &Dns, domain: &str, whats: &[&str]) -> Result<Step, NoAnswer> {
    let purpose = format!("`{domain}` ({})", whats.join(", "));
    let exchangers = dns.exchangers(domain)?;
    let remedy = "add an MX record that names the host for this mail, or use other addresses: many receivers refuse mail from a \
                  domain that accepts none";
    if exchangers.iter().any(|exchanger| exchanger.host.is_empty()) {
        return Ok(Step::error(
            NAME,
            format!("{purpose} declares that it accepts no mail (a null MX, RFC 7505)"),
            remedy,
        ));
    }
    if exchangers.is_empty() {
        return Ok(match dns.addresses(domain)?.is_empty() {
            true => Step::error(
                NAME,
                format!("{purpose} has neither an MX record nor an address: nothing can be delivered there"),
                remedy,
            ),
            false => {
                let seen = format!("{purpose} has no MX record: mail goes to the host of that name, if it accepts any");
                Step::warning(NAME, seen, "add an MX record to make clear which host accepts the mail")
            }
        });
    }
    let hosts: Vec<&str> = exchangers.iter().map(|exchanger| exchanger.host.as_str()).collect();
    for host in &hosts {
        if !dns.addresses(host)?.is_empty() {
            return Ok(Step::ok(NAME, format!("{purpose} accepts mail at `{}`", hosts.join("`, `"))));
        }
    }
    let seen = format!("{purpose} accepts mail at `{}`, which has no address", hosts.join("`, `"));
    Ok(Step::error(NAME, seen, "add an address for the host, or name another host in the MX record"))
}

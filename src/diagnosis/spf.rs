//! SPF: whether the domain of the envelope sender declares who may send for it, and whether our server is included.

use crate::authentication::spf::{Qualifier, SpfRecord};
use crate::diagnosis::Step;
use crate::diagnosis::gateway::Gateway;
use crate::diagnosis::spf::evaluation::{Evaluation, MAX_LOOKUPS, SpfError};
use crate::dns::{Dns, NoAnswer};

mod evaluation;

const NAME: &str = "SPF";

pub(super) fn step(dns: &Dns, domain: &str, gateways: &[Gateway]) -> Result<Step, NoAnswer> {
    let mut records = dns.texts(domain)?;
    records.retain(|text| SpfRecord::is_one(text));
    Ok(match records.as_slice() {
        [] => missing(domain, gateways),
        [record] => one(dns, domain, record, gateways)?,
        several => double(domain, several),
    })
}

fn missing(domain: &str, gateways: &[Gateway]) -> Step {
    let mechanisms: Vec<String> = gateways.iter().filter_map(mechanism).collect();
    let seen = format!("`{domain}` has no record: receivers cannot know who may send for it");
    if mechanisms.is_empty() {
        let remedy = "add a TXT record such as `v=spf1 ip4:ADDRESS ~all`, with the public address that your mail leaves from, or \
                      with the `include:` that your mail provider gives you";
        return Step::error(NAME, seen, remedy);
    }
    let remedy = "add this record, or one with the `include:` that your mail provider gives you";
    Step::error(NAME, seen, remedy).record(domain, format!("v=spf1 {} ~all", mechanisms.join(" ")))
}

fn double(domain: &str, records: &[String]) -> Step {
    let mut terms: Vec<String> = Vec::new();
    for term in records.iter().flat_map(|record| record.split(' ').skip(1)) {
        // What one record delegates to another becomes part of the merged record.
        let term = term.replacen("redirect=", "include:", 1);
        if !is_last(&term) && !terms.contains(&term) {
            terms.push(term);
        }
    }
    let seen = format!("`{domain}` has {} records, which receivers treat as an error", records.len());
    let step = Step::error(NAME, seen, "keep one that contains all of them").details(records.to_vec());
    step.record(domain, with_last(&format!("v=spf1 {}", terms.join(" ")), "~all"))
}

fn one(dns: &Dns, domain: &str, text: &str, gateways: &[Gateway]) -> Result<Step, NoAnswer> {
    let record = match SpfRecord::parse(text) {
        Ok(record) => record,
        Err(why) => {
            let seen = format!("`{text}` is invalid, and receivers ignore the entire record: {why}");
            return Ok(Step::error(NAME, seen, "fix it: RFC 7208 has the syntax, your mail provider the content"));
        }
    };
    let addresses: Vec<_> = gateways.iter().flat_map(|gateway| gateway.addresses.iter().copied()).collect();
    let mut evaluation = Evaluation::new(dns, &addresses);
    let verdicts = match evaluation.visit(domain, &record) {
        Ok(verdicts) => verdicts,
        Err(SpfError::NoAnswer(error)) => return Err(error),
        Err(error) => {
            let seen = format!("`{text}`: {error}, and receivers ignore the entire record");
            return Ok(Step::error(NAME, seen, error.remedy()).details(evaluation.trail));
        }
    };
    let step = match record.default_qualifier() {
        Some(Qualifier::Pass) => {
            let remedy = "end it with `~all`, or with `-all` once you are sure of all your servers";
            let seen = format!("`{text}` lets anyone send for `{domain}`");
            Step::error(NAME, seen, remedy).record(domain, with_last(text, "~all"))
        }
        Some(Qualifier::Neutral) => open_end(domain, text),
        None if record.redirect.is_none() => open_end(domain, text),
        _ => covered(domain, text, gateways, &evaluation, &verdicts),
    };
    Ok(step
        .details([format!("{} of the {MAX_LOOKUPS} DNS lookups that receivers make", evaluation.lookups)])
        .details(evaluation.trail))
}

fn open_end(domain: &str, text: &str) -> Step {
    let seen = format!("`{text}` says nothing about other servers");
    let remedy = "end it with `~all`, or with `-all` once you are sure of all your servers";
    Step::warning(NAME, seen, remedy).record(domain, with_last(text, "~all"))
}

/// Whether the record covers our servers, as far as that can be known.
fn covered(
    domain: &str,
    text: &str,
    gateways: &[Gateway],
    evaluation: &Evaluation<'_>,
    verdicts: &[Option<Qualifier>],
) -> Step {
    let mut verdicts = verdicts.iter();
    let mut inserted = text.to_owned();
    let mut uncovered = Vec::new();
    let mut known = Vec::new();
    for gateway in gateways {
        let passes: Vec<bool> =
            gateway.addresses.iter().filter_map(|_| verdicts.next()).map(|it| *it == Some(Qualifier::Pass)).collect();
        let by_provider = provider(&gateway.host).is_some_and(|include| evaluation.has_visited(include));
        if by_provider || !passes.is_empty() && passes.iter().all(|passes| *passes) {
            known.push(gateway.host.as_str());
        } else if let Some(mechanism) = mechanism(gateway) {
            inserted = with_mechanism(&inserted, &mechanism);
            uncovered.push(gateway.host.as_str());
        }
    }
    if !uncovered.is_empty() {
        let hosts = uncovered.join("` and `");
        let seen = format!("`{text}` does not cover the addresses of `{hosts}`: does your mail leave from others?");
        let remedy = "if so, check that the record contains the `include:` or the addresses that your provider gives you; if not, \
                      write this record instead";
        return Step::warning(NAME, seen, remedy).record(domain, inserted);
    }
    match known.as_slice() {
        [] => Step::ok(NAME, format!("`{text}`; whether it covers the address that mail leaves from is unknown")),
        known => Step::ok(NAME, format!("`{text}` covers `{}`", known.join("` and `"))),
    }
}

/// The mechanism that authorises a server, or `None` if its public address is unknown.
fn mechanism(gateway: &Gateway) -> Option<String> {
    if let Some(include) = provider(&gateway.host) {
        return Some(format!("include:{include}"));
    }
    let first = gateway.addresses.first()?;
    Some(match gateway.host.parse::<core::net::IpAddr>() {
        Ok(core::net::IpAddr::V4(_)) => format!("ip4:{first}"),
        Ok(core::net::IpAddr::V6(_)) => format!("ip6:{first}"),
        Err(_) => format!("a:{}", gateway.host),
    })
}

/// The includes of large providers, by the suffix of their servers' names.
const PROVIDERS: [(&str, &str); 10] = [
    ("smtp.gmail.com", "_spf.google.com"),
    ("smtp-relay.gmail.com", "_spf.google.com"),
    ("smtp.office365.com", "spf.protection.outlook.com"),
    (".amazonaws.com", "amazonses.com"),
    ("smtp.sendgrid.net", "sendgrid.net"),
    (".mailgun.org", "mailgun.org"),
    ("smtp.postmarkapp.com", "spf.mtasv.net"),
    ("smtp.fastmail.com", "spf.messagingengine.com"),
    (".mailjet.com", "spf.mailjet.com"),
    ("smtp-relay.brevo.com", "spf.brevo.com"),
];

fn provider(host: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(end, _)| host.ends_with(end)).map(|(_, include)| *include)
}

/// Whether terms after this one are ignored.
fn is_last(term: &str) -> bool {
    let bare = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
    bare == "all" || bare.starts_with("redirect=")
}

/// The record with one more mechanism before its end.
fn with_mechanism(text: &str, mechanism: &str) -> String {
    let mut terms: Vec<&str> = text.split(' ').filter(|term| !term.is_empty()).collect();
    let at = terms.iter().position(|term| is_last(term)).unwrap_or(terms.len());
    terms.insert(at, mechanism);
    terms.join(" ")
}

/// The record with another end.
fn with_last(text: &str, last: &str) -> String {
    let terms = text.split(' ').filter(|term| !term.is_empty() && !is_last(term));
    terms.chain([last]).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_go_before_the_end() {
        assert_eq!(with_mechanism("v=spf1 mx  -all", "a:m.example.org"), "v=spf1 mx a:m.example.org -all");
        assert_eq!(with_mechanism("v=spf1 redirect=x.org", "ip4:192.0.2.1"), "v=spf1 ip4:192.0.2.1 redirect=x.org");
        assert_eq!(with_mechanism("v=spf1", "mx"), "v=spf1 mx");
        assert_eq!(with_last("v=spf1 mx ?ALL", "~all"), "v=spf1 mx ~all");
    }

    #[test]
    fn two_records_become_one() {
        let records = ["v=spf1 mx -all".to_owned(), "v=spf1 mx redirect=x.org".to_owned()];
        let record = double("example.org", &records).record.unwrap();
        assert_eq!(record.value, "v=spf1 mx include:x.org ~all");
        assert_eq!(
            double("example.org", &["v=spf1 -all".to_owned(), "v=spf1".to_owned()]).record.unwrap().value,
            "v=spf1 ~all"
        );
    }
}

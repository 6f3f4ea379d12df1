//! DMARC: whether the sender's domain has a policy, and whether SPF or DKIM align with it.

use crate::authentication::dmarc::{DmarcPolicy, is_aligned, policy_domains};
use crate::config::MailConfig;
use crate::diagnosis::{Step, StepOutcome};
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "DMARC";

/// What authenticates our mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthResults {
    /// Whether the envelope's domain has a valid SPF record.
    pub has_spf: bool,
    /// Whether all signing keys are in the DNS.
    pub has_dkim: bool,
}

pub(super) fn step(
    dns: &Dns,
    mail: &MailConfig,
    from: &str,
    envelope: &str,
    auth: AuthResults,
) -> Result<Step, NoAnswer> {
    for domain in policy_domains(from) {
        let mut records = dns.texts(&format!("_dmarc.{domain}"))?;
        records.retain(|text| DmarcPolicy::is_one(text));
        match records.as_slice() {
            [] => {}
            [text] => return Ok(evaluate(mail, from, envelope, domain, text, auth)),
            several => {
                let seen = format!("`_dmarc.{domain}` has {} records, which count as none", several.len());
                return Ok(Step::error(NAME, seen, "keep only one").details(several.to_vec()));
            }
        }
    }
    let seen = format!(
        "neither `{from}` nor a domain above it has a policy: Gmail, Yahoo and Outlook require one from bulk senders"
    );
    let remedy = "add this record, or one with `rua=mailto:ADDRESS` to get reports";
    Ok(Step::error(NAME, seen, remedy).record(format!("_dmarc.{from}"), "v=DMARC1; p=none"))
}

fn evaluate(mail: &MailConfig, from: &str, envelope: &str, holder: &str, text: &str, auth: AuthResults) -> Step {
    let name = format!("_dmarc.{holder}");
    let policy = match DmarcPolicy::parse(text) {
        Ok(policy) => policy,
        Err(why) => {
            let seen = format!("`{name}` contains no valid policy: {why}");
            return Step::error(NAME, seen, "replace the record by this one").record(name, "v=DMARC1; p=none");
        }
    };
    let spf = auth.has_spf && is_aligned(envelope, from, holder, policy.is_spf_strict);
    let is_ours = |domain: &str| is_aligned(domain, from, holder, policy.is_dkim_strict);
    let signature = match mail.dkim.as_slice() {
        [] if mail.dkim_by_provider => Signature::ByProvider,
        [] => Signature::Unknown,
        _ if !auth.has_dkim => Signature::Broken,
        keys if keys.iter().any(|key| is_ours(&key.domain)) => Signature::Ours,
        _ => Signature::Foreign,
    };
    let (outcome, proof) = proof(spf, signature, from, envelope);
    let action = if holder == from { policy.action } else { policy.subdomains }.name();
    let seen = format!("{proof}; the policy for unauthenticated mail is `{action}` (`{name}`)");
    let remedy = "sign with a key of the domain of `mail.from`, or set a `mail.bounce_address` in that domain, which needs \
                  an SPF record";
    let reports = if policy.reports.is_empty() { "no one".to_owned() } else { policy.reports.join(", ") };
    let remedy = (outcome != StepOutcome::Ok).then(|| remedy.to_owned());
    Step { outcome, remedy, ..Step::ok(NAME, seen) }.details([text.to_owned(), format!("reports go to {reports}")])
}

/// Who signs our mail.
#[derive(Debug, Clone, Copy)]
enum Signature {
    /// A key of the sender's domain.
    Ours,
    /// A key of another domain.
    Foreign,
    /// A key that receivers do not find.
    Broken,
    /// The provider, for whatever domain.
    ByProvider,
    /// The mail server, or no one.
    Unknown,
}

/// Which of SPF and DKIM authenticate our mail for the sender's domain: one is enough for DMARC.
fn proof(spf: bool, signature: Signature, from: &str, envelope: &str) -> (StepOutcome, String) {
    let other = format!("SPF does not, because it covers `{envelope}` or is invalid");
    match (spf, signature) {
        (true, Signature::Ours) => (StepOutcome::Ok, "SPF and DKIM authenticate our mail".to_owned()),
        (true, Signature::ByProvider) => (
            StepOutcome::Ok,
            "SPF authenticates our mail, and so does DKIM if your provider signs for the domain".to_owned(),
        ),
        (true, Signature::Unknown) => {
            (StepOutcome::Ok, "SPF authenticates our mail, and so does DKIM if it is signed on the way".to_owned())
        }
        (true, Signature::Broken) => {
            (StepOutcome::Ok, "SPF authenticates our mail, and so does DKIM once its record is right".to_owned())
        }
        (true, Signature::Foreign) => {
            let seen = format!("only SPF authenticates our mail, because no key is of `{from}`: forwarding breaks it");
            (StepOutcome::Warning, seen)
        }
        (false, Signature::Ours) => (StepOutcome::Ok, format!("DKIM authenticates our mail; {other}")),
        (false, Signature::ByProvider) => {
            (StepOutcome::Ok, format!("DKIM authenticates our mail if your provider signs for the domain; {other}"))
        }
        (false, Signature::Unknown) => {
            (StepOutcome::Warning, format!("DKIM authenticates our mail if it is signed on the way; {other}"))
        }
        (false, Signature::Broken) => {
            (StepOutcome::Warning, "nothing authenticates our mail until the problems above are fixed".to_owned())
        }
        (false, Signature::Foreign) => {
            (StepOutcome::Error, format!("no key is of `{from}`, and {other}: nothing authenticates our mail"))
        }
    }
}

//! DMARC: whether the sender's domain has a policy, and whether what proves our mail is of the same domain.

use crate::authentication::dmarc::{DmarcPolicy, is_aligned, policy_domains};
use crate::config::MailConfig;
use crate::diagnosis::{Step, StepOutcome};
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "DMARC";

/// What proves where our mail comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthResults {
    /// Whether the envelope's domain has an SPF record that counts.
    pub has_spf: bool,
    /// Whether no key is missing.
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
            [text] => return Ok(judged(mail, from, envelope, domain, text, auth)),
            several => {
                let seen = format!("`_dmarc.{domain}` has {} records, which count as none", several.len());
                return Ok(Step::error(NAME, seen, "leave one").details(several.to_vec()));
            }
        }
    }
    let seen = format!(
        "neither `{from}` nor a domain above it has a policy: Gmail, Yahoo and Outlook want one of all who write to many"
    );
    let remedy = "add this record, or one with `rua=mailto:ADDRESS` to get reports";
    Ok(Step::error(NAME, seen, remedy).record(format!("_dmarc.{from}"), "v=DMARC1; p=none"))
}

fn judged(mail: &MailConfig, from: &str, envelope: &str, holder: &str, text: &str, auth: AuthResults) -> Step {
    let name = format!("_dmarc.{holder}");
    let policy = match DmarcPolicy::parse(text) {
        Ok(policy) => policy,
        Err(why) => {
            let seen = format!("`{name}` holds no policy: {why}");
            return Step::error(NAME, seen, "write this record instead").record(name, "v=DMARC1; p=none");
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
    let seen = format!("{proof}; the policy for other mail is `{action}` (`{name}`)");
    let remedy = "sign with a key whose domain is that of `mail.from`, or write a `mail.bounce_address` of that domain, which has \
                  an SPF record";
    let reports = if policy.reports.is_empty() { "nobody".to_owned() } else { policy.reports.join(", ") };
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
    /// The provider, for whichever domain.
    ByProvider,
    /// Nobody, or the mail server.
    Unknown,
}

/// What proves that our mail is from the sender's domain: one of both is enough for DMARC.
fn proof(spf: bool, signature: Signature, from: &str, envelope: &str) -> (StepOutcome, String) {
    let other = format!("SPF does not, for it is about `{envelope}` or not right");
    match (spf, signature) {
        (true, Signature::Ours) => (StepOutcome::Ok, "SPF and DKIM prove our mail".to_owned()),
        (true, Signature::ByProvider) => {
            (StepOutcome::Ok, "SPF proves our mail, and DKIM if your provider signs for the domain".to_owned())
        }
        (true, Signature::Unknown) => {
            (StepOutcome::Ok, "SPF proves our mail, and DKIM if somebody signs it".to_owned())
        }
        (true, Signature::Broken) => {
            (StepOutcome::Ok, "SPF proves our mail, and DKIM once its record is right".to_owned())
        }
        (true, Signature::Foreign) => {
            let seen = format!("SPF alone proves our mail, for no key is of `{from}`: forwarded mail loses it");
            (StepOutcome::Warning, seen)
        }
        (false, Signature::Ours) => (StepOutcome::Ok, format!("DKIM proves our mail; {other}")),
        (false, Signature::ByProvider) => {
            (StepOutcome::Ok, format!("DKIM proves our mail if your provider signs for the domain; {other}"))
        }
        (false, Signature::Unknown) => {
            (StepOutcome::Warning, format!("DKIM proves our mail if somebody signs it; {other}"))
        }
        (false, Signature::Broken) => {
            (StepOutcome::Warning, "nothing proves our mail until the steps above are right".to_owned())
        }
        (false, Signature::Foreign) => {
            (StepOutcome::Error, format!("no key is of `{from}`, and {other}: nothing proves our mail"))
        }
    }
}

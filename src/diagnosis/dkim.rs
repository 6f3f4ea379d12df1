//! DKIM: whether receivers find the signing keys in the DNS, and whether they match ours.

use crate::authentication::dkim::KeyRecord;
use crate::config::{MailConfig, Via};
use crate::diagnosis::Step;
use crate::dkim::{KeyFile, PublicKey};
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "DKIM";

/// A step for each key, or one if there is none.
pub(super) fn steps(dns: &Dns, mail: &MailConfig, keys: &[(&KeyFile, Result<PublicKey, String>)]) -> Vec<Step> {
    if keys.is_empty() {
        return vec![unsigned(mail)];
    }
    let step = |(named, public): &(&KeyFile, Result<PublicKey, String>)| match public {
        Ok(public) => Step::or_no_answer(NAME, key(dns, named, public)),
        Err(why) => Step::error(NAME, why, "name a key file that can be read, or make one: `slugline key dkim FILE`"),
    };
    keys.iter().map(step).collect()
}

fn unsigned(mail: &MailConfig) -> Step {
    let domain = mail.edition.from.address.domain();
    if mail.dkim_by_provider {
        return Step::ok(
            NAME,
            format!(
                "your provider signs, according to `mail.dkim`; check a received email for `d={domain}` in its signature"
            ),
        );
    }
    let remedy = "if so, set `dkim: provider` below `mail`; if not, make a key: `slugline key dkim dkim.pem`";
    let seen = match mail.via {
        Via::Outbox(_) => "`mail.dkim` names no key: does the system that sends your mail sign it?",
        Via::Smtp(_) => "`mail.dkim` names no key: does your mail server sign?",
    };
    Step::warning(NAME, seen, remedy)
}

fn key(dns: &Dns, named: &KeyFile, ours: &PublicKey) -> Result<Step, NoAnswer> {
    let name = format!("{}._domainkey.{}", named.selector, named.domain);
    let texts = dns.texts(&name)?;
    let wrong = |seen: String, remedy: &str| Step::error(NAME, seen, remedy).record(&name, ours.record());
    let text = match texts.as_slice() {
        [] => return Ok(wrong(format!("`{name}` has no record: no signature can be verified"), "add this record")),
        [text] => text,
        several => {
            let seen = format!("`{name}` has {} records, and receivers may use any of them", several.len());
            return Ok(wrong(seen, "keep only this one").details(several.to_vec()));
        }
    };
    let record = match KeyRecord::parse(text) {
        Ok(record) => record,
        Err(why) => {
            return Ok(wrong(format!("`{name}` contains no valid key: {why}"), "replace the record by this one")
                .details([text.clone()]));
        }
    };
    let step = match &record.key {
        None => wrong(
            format!("`{name}` says that the key is revoked"),
            "make a new key with another selector, or replace the record by this one",
        ),
        Some(theirs) if theirs != ours => {
            let remedy = "sign with the key that belongs to it, or replace the record by this one";
            wrong(format!("`{name}` contains a different key from `{}`", named.key_file.display()), remedy)
        }
        Some(_) if !record.takes_sha256 || !record.is_for_mail => wrong(
            format!("`{name}` is not for signatures of mail with SHA-256 (`h=`, `s=`)"),
            "replace the record by this one",
        ),
        Some(_) if record.is_test => {
            let seen = format!("`{name}` is in test mode (`t=y`): some receivers treat the mail as unsigned");
            Step::warning(NAME, seen, "replace the record by this one once signatures are valid")
                .record(&name, ours.record())
        }
        Some(_) => {
            let seen = format!("`{name}` is the key in `{}` ({})", named.key_file.display(), ours.algorithm.name());
            Step::ok(NAME, seen)
        }
    };
    Ok(step.details([text.clone()]))
}

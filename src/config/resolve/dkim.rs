//! `mail.dkim`: the keys that sign messages.

use std::path::PathBuf;

use crate::config::raw::{RawDkim, RawDkimKey};
use crate::config::resolve::Problems;
use crate::dkim::KeyFile;

/// The keys; the default domain is the sender's.
pub(super) fn keys(raw: Option<&RawDkim>, sender: &str, problems: &mut Problems<'_>) -> Vec<KeyFile> {
    let written = match raw {
        None => return Vec::new(),
        Some(RawDkim::Word(word)) if word == "provider" => return Vec::new(),
        Some(RawDkim::Word(word)) => {
            let help = "write `provider` if your mail provider signs, or else `{selector: …, key_file: …}`";
            problems.value(&["mail", "dkim"], format!("there is no `{word}`"), help);
            return Vec::new();
        }
        Some(RawDkim::One(key)) => std::slice::from_ref(key),
        Some(RawDkim::Many(keys)) => keys.as_slice(),
    };
    written.iter().filter_map(|raw| key(raw, sender, problems)).collect()
}

fn key(raw: &RawDkimKey, sender: &str, problems: &mut Problems<'_>) -> Option<KeyFile> {
    let selector = raw.selector.trim();
    if !is_name(selector) {
        let help = "write the name below `_domainkey` in your DNS, such as `autumn2026`";
        problems.value(&["mail", "dkim", "selector"], format!("`{selector}` is not a valid selector"), help);
        return None;
    }
    let written = raw.domain.as_deref().unwrap_or(sender).trim();
    let domain = idna::domain_to_ascii(written).ok().filter(|domain| is_name(domain));
    if domain.is_none() {
        let help = "write your domain, such as `example.org`";
        problems.value(&["mail", "dkim", "domain"], format!("`{written}` is not a valid domain"), help);
    }
    Some(KeyFile { selector: selector.to_owned(), domain: domain?, key_file: PathBuf::from(&raw.key_file) })
}

/// Labels of letters, digits and hyphens with dots between them (RFC 6376 section 3.1).
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

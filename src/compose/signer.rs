//! Reads the DKIM keys of `mail.dkim`, which sign messages.

use anyhow::Context as _;

use crate::config::MailConfig;
use crate::disk::Project;
use crate::dkim::{Key, KeyFile, Signature, Signer};
use crate::finding::Finding;

/// The signer of the project; without keys if none are configured.
///
/// # Errors
/// When a file cannot be read or does not contain a key. Its content is never shown.
pub fn signer(project: &Project, mail: &MailConfig) -> anyhow::Result<Signer> {
    let signatures = mail.dkim.iter().map(|named| signature(project, named)).collect::<anyhow::Result<_>>()?;
    Ok(Signer::new(signatures))
}

fn signature(project: &Project, named: &KeyFile) -> anyhow::Result<Signature> {
    let pem = project.bytes(&named.key_file).context("failed to read the key of `mail.dkim`")?;
    let key = Key::from_pem(&pem).map_err(|error| {
        let message = format!("the key file `{}` of `mail.dkim` cannot be used: {error}", named.key_file.display());
        Finding::error("dkim-key", message).help("make a key with `slugline key dkim FILE`")
    })?;
    Ok(Signature { domain: named.domain.clone(), selector: named.selector.clone(), key })
}

//! What signs messages: the keys that `mail.dkim` names, read from their files.

use anyhow::Context as _;

use crate::config::MailConfig;
use crate::disk::Project;
use crate::dkim::{Key, KeyFile, Signature, Signer};
use crate::finding::Finding;

/// The signer of the project; one without keys where it names none.
///
/// # Errors
/// When a file cannot be read, or holds no key; nothing of what it holds is shown.
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

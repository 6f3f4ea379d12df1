//! The keys that mail needs: one that signs it, with its DNS record, and a secret that signs links in it.

use std::path::Path;

use serde_json::json;

use crate::authentication::zone_line;
use crate::cli::doctor::{Args, Kind};
use crate::cli::{Context, Exit};
use crate::compose;
use crate::dkim::{Algorithm, Key};
use crate::finding::Finding;
use crate::token;

/// Makes a secret.
pub(super) fn secret(context: &Context, file: &Path) -> anyhow::Result<Exit> {
    context.project.write_new_secret(file, format!("{}\n", token::new_secret()?).as_bytes())?;
    context.report.result(&file.to_string_lossy(), &json!({ "secret_file": file }))?;
    context.report.message(&format!("Write `secret_file: {}` into the project file.", file.display()));
    Ok(Exit::Done)
}

/// Makes a key, or takes the one that is there, and prints its record.
pub(super) fn dkim_key(context: &Context, args: &Args, path: &Path) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let domain = compose::mail_config(&config)?.edition.from.address.domain();
    let file = path.display();
    let key = match context.project.text_if_there(path)? {
        Some(pem) => Key::from_pem(pem.as_bytes())
            .map_err(|error| Finding::error("dkim-key", format!("`{file}` is there, and cannot be used: {error}")))?,
        None => {
            let algorithm = match args.algorithm {
                Kind::Rsa => Algorithm::Rsa,
                Kind::Ed25519 => Algorithm::Ed25519,
            };
            let (key, pem) = Key::generate(algorithm)?;
            context.project.write_new_secret(path, pem.as_bytes())?;
            key
        }
    };
    let public = key.public();
    let name = format!("{}._domainkey.{domain}", args.selector);
    let line = zone_line(&name, &public.record());
    let record = json!({
        "key_file": path,
        "algorithm": key.algorithm().name(),
        "name": name,
        "type": "TXT",
        "value": public.record(),
    });
    context.report.result(&line, &record)?;
    context.report.message(&format!(
        "This is the record for the DNS of {domain}. Then write below `mail` in the project file:\n  \
         dkim: {{selector: {}, key_file: {file}}}",
        args.selector
    ));
    Ok(Exit::Done)
}

//! `slugline doctor`: what mail needs beside this program.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use crate::cli::{Context, Exit, send};
use crate::edition::dkim::{Algorithm, Key};
use crate::finding::Finding;
use crate::token;

/// Make the keys that mail needs: one that signs it, with its DNS record, and one that signs links in it
///
/// A key that is there already is kept, and its record printed again. Put the record into the DNS of your domain, and the
/// lines for the project file into `mail`: from then on every message is signed (DKIM, RFC 6376).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline doctor --dkim-key dkim.pem\n  \
                        slugline doctor --dkim-key dkim-ed25519.pem --algorithm ed25519 --selector autumn2026e")]
pub(super) struct Args {
    /// File for the private key: keep it out of git
    #[arg(long, value_name = "FILE", required_unless_present = "secret")]
    dkim_key: Option<PathBuf>,
    /// Name of the key below your domain: a new one for each new key
    #[arg(long, value_name = "NAME", default_value = "slugline")]
    selector: String,
    /// File for a new secret that signs the links in mails: keep it out of git
    #[arg(long, value_name = "FILE", conflicts_with = "dkim_key")]
    secret: Option<PathBuf>,
    /// How it signs; Ed25519 only beside an RSA key, for not every receiver knows it
    #[arg(long, value_name = "ALGORITHM", default_value = "rsa")]
    algorithm: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// RSA, 2048 bits
    Rsa,
    /// Ed25519
    Ed25519,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    match (&args.secret, &args.dkim_key) {
        (Some(file), _) => secret(context, file),
        (None, Some(file)) => dkim_key(context, args, file),
        (None, None) => Ok(Exit::Done),
    }
}

/// Makes a secret.
fn secret(context: &Context, file: &Path) -> anyhow::Result<Exit> {
    context.project.write_new_secret(file, format!("{}\n", token::new_secret()?).as_bytes())?;
    context.report.result(&file.to_string_lossy(), &json!({ "secret_file": file }))?;
    context.report.message(&format!("Write `secret_file: {}` into the project file.", file.display()));
    Ok(Exit::Done)
}

fn dkim_key(context: &Context, args: &Args, path: &Path) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let domain = send::mail_of(&config)?.from.address.domain();
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
    let public = key.public()?;
    let line = public.zone_line(&args.selector, domain);
    let record = json!({
        "key_file": path,
        "algorithm": key.algorithm().name(),
        "name": format!("{}._domainkey.{domain}", args.selector),
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

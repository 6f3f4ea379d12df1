//! `slugline doctor`: what mail needs beside this program.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use crate::cli::{Context, Exit, send};
use crate::edition::dkim::{Algorithm, Key};
use crate::finding::Finding;

/// Make a key that signs your mail, and print its DNS record
///
/// A key that is there already is kept, and its record printed again. Put the record into the DNS of your domain, and the
/// lines for the project file into `mail`: from then on every message is signed (DKIM, RFC 6376).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline doctor --dkim-key dkim.pem\n  \
                        slugline doctor --dkim-key dkim-ed25519.pem --algorithm ed25519 --selector autumn2026e")]
pub(super) struct Args {
    /// File for the private key: keep it out of git
    #[arg(long, value_name = "FILE", required = true)]
    dkim_key: PathBuf,
    /// Name of the key below your domain: a new one for each new key
    #[arg(long, value_name = "NAME", default_value = "slugline")]
    selector: String,
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
    let config = context.config()?;
    let domain = send::mail_of(&config)?.from.address.domain();
    let file = args.dkim_key.display();
    let key = match context.project.text_if_there(&args.dkim_key)? {
        Some(pem) => Key::from_pem(pem.as_bytes())
            .map_err(|error| Finding::error("dkim-key", format!("`{file}` is there, and cannot be used: {error}")))?,
        None => {
            let algorithm = match args.algorithm {
                Kind::Rsa => Algorithm::Rsa,
                Kind::Ed25519 => Algorithm::Ed25519,
            };
            let (key, pem) = Key::generate(algorithm)?;
            context.project.write_new_secret(&args.dkim_key, pem.as_bytes())?;
            key
        }
    };
    let public = key.public()?;
    let line = public.zone_line(&args.selector, domain);
    let record = json!({
        "key_file": args.dkim_key,
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

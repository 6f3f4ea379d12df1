//! `slugline key`: make the keys that mail needs. One signs it, with its DNS record; a secret signs links in it.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::authentication::zone_line;
use crate::cli::{Context, Exit};
use crate::compose;
use crate::dkim::{Algorithm, Key};
use crate::finding::Finding;
use crate::token;

/// Make the keys that sign mail and the links in it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline key dkim dkim.pem --selector autumn2026\n  slugline key secret secret.txt"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key that signs mail (DKIM, RFC 6376), and print its DNS record
    ///
    /// If the file exists, its key is kept and the record is printed again. Add the record to the DNS of your domain and
    /// the printed lines to `mail` in the project file: from then on every message is signed. Keep the file out of git.
    #[command(after_help = "Examples:\n  slugline key dkim dkim.pem --selector autumn2026\n  \
                            slugline key dkim dkim-ed25519.pem --selector autumn2026e --algorithm ed25519")]
    Dkim(Dkim),
    /// Make a secret that signs the unsubscribe links in mail
    ///
    /// Set `secret_file` in the project file to it. Keep the file out of git.
    #[command(after_help = "Examples:\n  slugline key secret secret.txt")]
    Secret {
        /// File to write, which must not exist
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Dkim {
    /// File of the key, below the project folder
    file: PathBuf,
    /// Name of the key below your domain: use a new one for each new key
    #[arg(long, value_name = "NAME", default_value = "slugline")]
    selector: String,
    /// Signature algorithm; use Ed25519 only beside an RSA key, because not every receiver supports it
    #[arg(long, value_name = "ALGORITHM", default_value = "rsa")]
    algorithm: AlgorithmName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AlgorithmName {
    /// RSA, 2048 bits
    Rsa,
    /// Ed25519
    Ed25519,
}

/// The document of `key secret`.
#[derive(Serialize)]
struct SecretDocument<'a> {
    /// The file, as named.
    secret_file: &'a Path,
}

/// The document of `key dkim`: a key file and its DNS record.
#[derive(Serialize)]
struct DkimDocument<'a> {
    /// The file, as named.
    key_file: &'a Path,
    /// `rsa` or `ed25519`.
    algorithm: &'a str,
    /// Name of the DNS record.
    name: &'a str,
    /// Type of the DNS record.
    #[serde(rename = "type")]
    record_type: &'static str,
    /// Value of the DNS record.
    value: String,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Dkim(args) => dkim(context, args),
        Action::Secret { file } => secret(context, file),
    }
}

fn secret(context: &Context, file: &Path) -> anyhow::Result<Exit> {
    context.project.write_new_secret(file, format!("{}\n", token::new_secret()?).as_bytes())?;
    context.report.result(&file.to_string_lossy(), &SecretDocument { secret_file: file })?;
    context.report.message(&format!("Write `secret_file: {}` into the project file.", file.display()));
    Ok(Exit::Done)
}

/// Makes a key, or reads the existing one, and prints its record.
fn dkim(context: &Context, args: &Dkim) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let domain = compose::mail_config(&config)?.edition.from.address.domain();
    let file = args.file.display();
    let key = match context.project.text_if_exists(&args.file)? {
        Some(pem) => Key::from_pem(pem.as_bytes())
            .map_err(|error| Finding::error("dkim-key", format!("`{file}` exists but cannot be used: {error}")))?,
        None => {
            let algorithm = match args.algorithm {
                AlgorithmName::Rsa => Algorithm::Rsa,
                AlgorithmName::Ed25519 => Algorithm::Ed25519,
            };
            let (key, pem) = Key::generate(algorithm)?;
            context.project.write_new_secret(&args.file, pem.as_bytes())?;
            key
        }
    };
    let record = key.public().record();
    let name = format!("{}._domainkey.{domain}", args.selector);
    let line = zone_line(&name, &record);
    let document = DkimDocument {
        key_file: &args.file,
        algorithm: key.algorithm().name(),
        name: &name,
        record_type: "TXT",
        value: record,
    };
    context.report.result(&line, &document)?;
    context.report.message(&format!(
        "This is the record for the DNS of {domain}. Then write below `mail` in the project file:\n  \
         dkim: {{selector: {}, key_file: {file}}}",
        args.selector
    ));
    Ok(Exit::Done)
}

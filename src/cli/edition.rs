//! `slugline edition`: the email edition of one issue or digest, as a reader gets it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::compose::{self, signer};
use crate::config::Config;
use crate::digest::MailingContent;
use crate::edition::{Edition, Recipient};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::load;

mod recipient;

/// The address of a recipient who is no one.
const EXAMPLE: &str = "reader@example.org";

/// Print the email edition of an issue or digest
///
/// A template `templates/edition.html`, `edition.txt`, `digest.html` or `digest.txt` in the project replaces the default
/// one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline edition latest\n  slugline edition my-issue --html > issue.html\n  \
                        slugline edition latest --eml --for me@example.org > issue.eml")]
pub(super) struct Args {
    /// Slug or path of an issue, `latest` (the newest one for email), or a digest: `digest:2026-W47`, or `digest:next` for
    /// the current period
    issue: String,
    /// Print the HTML part
    #[arg(long, group = "form")]
    html: bool,
    /// Print the plain text (the default)
    #[arg(long, group = "form")]
    text: bool,
    /// Print the complete message, signed
    #[arg(long, group = "form")]
    eml: bool,
    /// Address of the recipient: of a subscriber, with their name, attributes and links; without it, reader@example.org
    #[arg(long = "for", value_name = "ADDRESS")]
    recipient: Option<String>,
}

/// The document of `edition`.
#[derive(Serialize)]
struct Document<'a> {
    /// Slug of the issue, or name of the digest.
    issue: &'a str,
    /// The recipient.
    address: &'a str,
    /// The subject.
    subject: &'a str,
    /// The plain text.
    text: String,
    /// The HTML.
    html: String,
    /// The complete message, with `--eml`; otherwise `null`.
    message: Option<Cow<'a, str>>,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let now = context.build_clock.now();
    let content = context.find(&config, &loaded.issues, &args.issue, now)?;
    let of_content: Vec<Finding> =
        loaded.findings.iter().filter(|finding| is_about(finding, &content)).cloned().collect();
    context.report.findings(&of_content);
    let address = address(args.recipient.as_deref().unwrap_or(EXAMPLE))?;
    let composer = context.composer(&config, &loaded.issues)?;
    let composed = composer.compose(&content);
    context.report.findings(&composed.findings);
    let (edition, recipient) = match &args.recipient {
        None => (composed.edition?, Recipient::of_address(address)),
        Some(_) => {
            let recipient = recipient::find(context, &config, &content, address)?;
            (recipient::with_links(context, &composer, composed.edition?), recipient)
        }
    };
    if context.report.json {
        let message = if args.eml { Some(message(context, &config, &edition, &recipient, now)?) } else { None };
        context.report.document(&Document {
            issue: content.slug().as_str(),
            address: recipient.address.as_str(),
            subject: &edition.subject(&recipient)?,
            text: edition.text(&recipient)?,
            html: edition.html(&recipient)?,
            message: message.as_deref().map(String::from_utf8_lossy),
        })?;
        return Ok(Exit::Done);
    }
    match args {
        Args { html: true, .. } => context.report.content(&edition.html(&recipient)?)?,
        Args { eml: true, .. } => context.report.bytes(&message(context, &config, &edition, &recipient, now)?)?,
        _ => context.report.content(&edition.text(&recipient)?)?,
    }
    Ok(Exit::Done)
}

/// The complete message, signed.
fn message(
    context: &Context,
    config: &Config,
    edition: &Edition,
    recipient: &Recipient,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<u8>> {
    let signer = signer::signer(&context.project, compose::mail_config(config)?)?;
    signer.sign(edition.message(recipient, now)?, now)
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    text.parse().map_err(|error| {
        let wrong = Finding::error("usage", format!("`--for {text}` is not a valid address: {error}"));
        wrong.help("write one such as `reader@example.org`").into()
    })
}

fn is_about(finding: &Finding, content: &MailingContent<'_>) -> bool {
    let place = finding.place.as_ref();
    place.is_some_and(|place| content.issues().iter().any(|issue| issue.path == place.path))
}

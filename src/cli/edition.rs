//! `slugline edition`: the e-mail edition of one issue or digest, as a reader gets it.

use crate::cli::{Context, Exit};
use crate::compose::{self, signer};
use crate::digest::MailingContent;
use crate::edition::Recipient;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::load;

/// Print the e-mail edition of an issue or digest
///
/// A file `templates/edition.html`, `edition.txt`, `digest.html` or `digest.txt` in the project is used instead of the
/// default one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline edition latest\n  slugline edition my-issue --html > issue.html\n  \
                        slugline edition latest --eml --for me@example.org > issue.eml")]
pub(super) struct Args {
    /// Slug or path of an issue, `latest`, or a digest: `digest:2026-W47`, or `digest:next` for the one that gathers now
    issue: String,
    /// Print the HTML part
    #[arg(long, group = "form")]
    html: bool,
    /// Print the plain text: the default
    #[arg(long, group = "form")]
    text: bool,
    /// Print the whole message
    #[arg(long, group = "form")]
    eml: bool,
    /// Recipient
    #[arg(long = "for", value_name = "ADDRESS", default_value = "reader@example.org")]
    recipient: String,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config)?;
    let now = context.build_clock.now();
    let content = context.find(&config, &loaded.issues, &args.issue, now)?;
    let of_content: Vec<Finding> =
        loaded.findings.iter().filter(|finding| is_about(finding, &content)).cloned().collect();
    context.report.findings(&of_content);
    let recipient = Recipient::of_address(address(&args.recipient)?);
    let composed = context.composer(&config, &loaded.issues)?.compose(&content);
    context.report.findings(&composed.findings);
    let edition = composed.edition?;
    match args {
        Args { html: true, .. } => context.report.text(&edition.html(&recipient)?)?,
        Args { eml: true, .. } => {
            let message = edition.message(&recipient, now)?;
            let signer = signer::signer(&context.project, compose::mail_config(&config)?)?;
            context.report.bytes(&signer.sign(message, now)?)?;
        }
        _ => context.report.text(&edition.text(&recipient)?)?,
    }
    Ok(Exit::Done)
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    text.parse().map_err(|error| {
        let wrong = Finding::error("usage", format!("`--for {text}` is no address: {error}"));
        wrong.help("write one such as `reader@example.org`").into()
    })
}

fn is_about(finding: &Finding, content: &MailingContent<'_>) -> bool {
    let place = finding.place.as_ref();
    place.is_some_and(|place| content.issues().iter().any(|issue| issue.path == place.path))
}

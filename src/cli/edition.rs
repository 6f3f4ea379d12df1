//! `slugline edition`: the e-mail edition of one issue, as a reader gets it.

use crate::cli::{Context, Exit, send, signer};
use crate::edition::Recipient;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load;

/// Print the e-mail edition of an issue
///
/// A file `templates/edition.html` or `templates/edition.txt` in the project is used instead of the default one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline edition latest\n  slugline edition my-issue --html > issue.html\n  \
                        slugline edition latest --eml --for me@example.org > issue.eml")]
pub(super) struct Args {
    /// Slug or path of an issue, or `latest`
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
    let now = context.clock.now();
    let issue = load::find(&loaded.issues, &args.issue, now)?;
    let of_issue: Vec<Finding> = loaded.findings.iter().filter(|finding| is_about(finding, issue)).cloned().collect();
    context.report.findings(&of_issue);
    let recipient = Recipient::of_address(address(&args.recipient)?);
    let edition = context.edition(&config, &loaded.issues, issue)?;
    match args {
        Args { html: true, .. } => context.report.text(&edition.html(&recipient)?)?,
        Args { eml: true, .. } => {
            let message = edition.message(&recipient, now)?;
            let signer = signer::signer(&context.project, send::mail_of(&config)?)?;
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

fn is_about(finding: &Finding, issue: &Issue) -> bool {
    finding.place.as_ref().is_some_and(|place| place.path == issue.path)
}

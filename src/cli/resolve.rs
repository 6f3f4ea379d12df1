//! `slugline resolve`: decides what happens to recipients whose delivery is unknown.

use serde::Serialize;

use crate::cli::{Context, Exit, different};
use crate::digest::MailingContent;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::IssueId;
use crate::ledger::State;
use crate::load;
use crate::send::lookup;
use crate::send::mailing_record::MailingRecord;

/// Decide what happens to recipients whose delivery is unknown
///
/// A delivery is unknown if the program died, or the connection broke, after a message was sent and before the server's
/// reply. Such a recipient gets nothing more until you decide: check the mail server's log, or the number of recipients.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline status latest --state unknown\n  slugline resolve latest --resend\n  slugline resolve spring --sent reader@example.org\n  slugline resolve spring --edition 1 --sent"
)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
pub(super) struct Args {
    /// Slug or path of an issue, `latest` (the newest one for email), or a digest such as `digest:2026-W47`
    issue: String,
    /// They have the mail: count it as sent
    #[arg(long, group = "decision")]
    sent: bool,
    /// They may not have it: queue them for the next `slugline send`
    #[arg(long, group = "decision")]
    resend: bool,
    /// Number of the edition [default: the one in the issue's front matter]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    edition: Option<u32>,
    /// Only these recipients [default: all unknown ones of the issue]
    address: Vec<EmailAddress>,
}

/// The document of `resolve`.
#[derive(Serialize)]
struct Document<'a> {
    /// Slug of the issue, or name of the digest.
    issue: &'a str,
    /// `sent` or `queued`.
    state: &'a str,
    /// How many recipients have that state now.
    resolved: u64,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let issues = load::issues(&context.project, &config, context.clock.now())?.issues;
    let content = context.find(&config, &issues, &args.issue, context.clock.now())?;
    let mut store = context.store(&config)?;
    let mailed = match args.edition {
        Some(edition) => lookup::edition(&*store, &content, edition)?,
        None => lookup::ledger_key(&*store, &content)?,
    };
    if args.resend && args.edition.is_some() && mailed != content.id() {
        return Err(outdated(&content, &mailed).into());
    }
    let state = if args.sent { State::Sent } else { State::Queued };
    let file = context.project_file();
    let record = MailingRecord::new(&context.project, &file);
    if args.resend {
        record.reopen(&*store, &mailed)?;
    }
    let count = store.resolve(&mailed, &args.address, state, context.clock.now())?;
    if args.resend {
        record.reopen(&*store, &mailed)?;
    }
    let line = format!("{count} unknown recipients of `{}` are {state} now", content.slug());
    let document = Document { issue: content.slug().as_str(), state: state.as_str(), resolved: count };
    context.report.result(&line, &document)?;
    let missed = different(&args.address) > count;
    if missed {
        context.report.message("Some of these addresses are not among the unknown recipients; see `slugline status`.");
    }
    let others = lookup::other_editions_with_unknown(&*store, &content, &mailed)?;
    for (edition, unknown) in &others {
        context.report.message(&format!(
            "Edition {edition} has {unknown} unknown recipients; `slugline resolve {} --edition {edition} --sent` counts \
             them as sent.",
            content.slug()
        ));
    }
    let is_elsewhere = count == 0 && !others.is_empty();
    Ok(if missed || is_elsewhere { Exit::Attention } else { Exit::Done })
}

/// The text of an earlier edition no longer exists.
fn outdated(content: &MailingContent<'_>, mailed: &IssueId) -> Finding {
    let (slug, (_, edition)) = (content.slug(), mailed.edition());
    let message = format!("edition {edition} of `{slug}` cannot be sent again: the issue has a newer edition now");
    Finding::error("edition-outdated", message).help(format!(
        "active subscribers get the newer edition; `slugline resolve {slug} --edition {edition} --sent` settles \
         the earlier one"
    ))
}

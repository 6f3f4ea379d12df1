//! `slugline retry`: queues deferred or failed recipients again.

use serde::Serialize;

use crate::cli::{Context, Exit, different};
use crate::email::EmailAddress;
use crate::load;
use crate::send::lookup;
use crate::send::mailing_record::MailingRecord;
use crate::store::Requeued;

/// Queue deferred or failed recipients again
///
/// Recipients that a server defers (greylisting, a full mailbox) are retried by later runs, after minutes at first and a day
/// in the end. This makes them due at once; with `--failed` also those that a server refused for good, whose attempts begin
/// anew. The next `slugline send` mails them; name the issue there if nothing happened in its mailing for 14 days.
/// Subscribers who unsubscribed or are suppressed stay out, and no subscriber who has the issue, or may have it, gets it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline retry latest\n  slugline retry latest --failed\n  \
                        slugline retry spring --failed reader@example.org")]
pub(super) struct Args {
    /// Slug or path of an issue, `latest` (the newest one for email), or a digest such as `digest:2026-W47`
    issue: String,
    /// Failed recipients too
    #[arg(long)]
    failed: bool,
    /// Only these recipients [default: all deferred ones of the issue, with `--failed` also the failed ones]
    address: Vec<EmailAddress>,
}

/// The document of `retry`.
#[derive(Serialize)]
struct Document<'a> {
    /// Slug of the issue, or id of the digest it was sent in.
    issue: &'a str,
    /// How many deferred recipients are queued again.
    deferred: u64,
    /// How many failed recipients are queued again.
    failed: u64,
    /// How many stay out because they unsubscribed or are suppressed.
    away: u64,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let issues = load::issues(&context.project, &config, context.clock.now())?.issues;
    let content = context.find(&config, &issues, &args.issue, context.clock.now())?;
    let mut store = context.store(&config)?;
    let mailed = lookup::ledger_key(&*store, &content)?;
    let file = context.project_file();
    let record = MailingRecord::new(&context.project, &file);
    record.reopen(&*store, &mailed)?;
    let Requeued { deferred, failed, away } =
        store.requeue(&mailed, args.failed, &args.address, context.clock.now())?;
    record.reopen(&*store, &mailed)?;
    // An issue that was sent in a digest is sent again by the digest's name.
    let name = if mailed == content.id() { content.slug().as_str() } else { mailed.as_str() };
    let who =
        if args.failed { format!("{deferred} deferred and {failed} failed") } else { format!("{deferred} deferred") };
    let document = Document { issue: name, deferred, failed, away };
    context.report.result(&format!("{who} recipients of `{name}` are queued again"), &document)?;
    if away > 0 {
        context.report.message(&format!(
            "{away} stay out: they unsubscribed or are suppressed. If one of them wants the mail after all, run \
             `slugline subscribers add --again ADDRESS` first."
        ));
    }
    let missed = different(&args.address) > deferred + failed + away;
    if missed {
        let others = if args.failed { "deferred or failed" } else { "deferred" };
        context
            .report
            .message(&format!("Some of these addresses are not among the {others} recipients; see `slugline status`."));
    }
    if deferred + failed > 0 {
        context.report.message(&format!("`slugline send {name}` mails them."));
    }
    Ok(if missed || !args.address.is_empty() && away > 0 { Exit::Attention } else { Exit::Done })
}

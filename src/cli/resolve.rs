//! `slugline resolve`: a person decides on recipients of whom nobody can know whether they got the mail.

use crate::cli::{Context, Exit, different};
use crate::email::EmailAddress;
use crate::ledger::State;
use crate::load;
use crate::send::named;
use crate::send::record::Record;

/// Decide on recipients whose delivery is unknown
///
/// A delivery is unknown when the program died, or the connection broke, after a message was sent and before the
/// server's answer. Such a recipient is left alone until you say what to do: look into the mail server's log, or at the
/// count, and choose.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline status latest --state unknown\n  slugline resolve latest --resend\n  slugline resolve spring --sent reader@example.org"
)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
pub(super) struct Args {
    /// Slug or path of an issue, `latest`, or a digest such as `digest:2026-W47`
    issue: String,
    /// They have it: count them as sent
    #[arg(long, group = "decision")]
    sent: bool,
    /// They may not have it: queue them for the next `slugline send`
    #[arg(long, group = "decision")]
    resend: bool,
    /// Only these recipients [default: every unknown one of the issue]
    address: Vec<EmailAddress>,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let issues = load::issues(&context.project, &config)?.issues;
    let piece = context.find(&config, &issues, &args.issue, context.clock.now())?;
    let mut store = context.store(&config)?;
    let mailed = named::mailed_as(&*store, &piece)?;
    let state = if args.sent { State::Sent } else { State::Queued };
    let file = context.project_file();
    let record = Record::new(&context.project, &file);
    if args.resend {
        record.reopen(&*store, &mailed)?;
    }
    let count = store.resolve(&mailed, &args.address, state, context.clock.now())?;
    if args.resend {
        record.reopen(&*store, &mailed)?;
    }
    let line = format!("{count} unknown recipients of `{}` are {state} now", piece.slug());
    let document = serde_json::json!({ "issue": piece.slug().as_str(), "state": state.as_str(), "resolved": count });
    context.report.result(&line, &document)?;
    let missed = different(&args.address) > count;
    if missed {
        context.report.message("Some of these addresses are not among the unknown recipients; see `slugline status`.");
    }
    Ok(if missed { Exit::Attention } else { Exit::Done })
}

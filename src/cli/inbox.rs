//! `slugline inbox`: what came by mail reaches the ledger: bounces, complaints, and what readers ask for.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::inbox::summary::Summary;
use crate::cli::send::transactional_messages::{Sent, TransactionalMessages};
use crate::cli::{Context, Exit};
use crate::compose::secrets;
use crate::config::Config;
use crate::delivery::suppression;
use crate::finding::Finding;
use crate::inbox::{self, Addresses, Inbox, Source, Templates};
use crate::mailbox::Mailbox;
use crate::send::mailing_record::MailingRecord;
use crate::store::Store;
use crate::store::moving::Movable;
use crate::token::bounce_address::BounceAddress;

mod dry_run;
mod summary;

/// Record bounces, complaints, and what readers ask for by mail
///
/// Readers leave, subscribe and confirm by mail. Reads what is unread in a mailbox: a Maildir, an mbox, a folder of messages, a single message, or `-`, one message on stdin,
/// which a mail server passes on. Nothing is deleted. What was handled is marked as read, and is not handled twice; everything
/// else stays as it is. With `-` the exit code is 75 if the message could not be recorded now, so that the mail server tries again,
/// and else 0.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline inbox\n  slugline inbox /var/mail/tides/Maildir\n  slugline inbox - < message.eml\n  \
                  slugline inbox --dry-run --json bounces.mbox"
)]
pub(super) struct Args {
    /// Maildir, mbox, folder of messages or message, or `-` for stdin [default: `inbox.imap` or `inbox.path`]
    path: Option<PathBuf>,
    /// Show what each message says, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Args {
    /// Whether a mail server waits for the exit code.
    pub fn is_called_by_mail_server(&self) -> bool {
        self.is_stdin() && !self.dry_run
    }

    fn is_stdin(&self) -> bool {
        self.path.as_deref() == Some(Path::new("-"))
    }
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut mailbox = mailbox(context, &config, args)?;
    if args.dry_run {
        return dry_run::run(context, &addresses(&config), mailbox);
    }
    let mut store = context.movable_store(&config.store, None)?;
    let mut inbox = handler(context, &config)?;
    inbox.prepare(&mut *store)?;
    let mut summary = Summary::default();
    let unmarked = inbox::read(&mut mailbox, &mut |name, parsed| {
        let (bytes, says) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                summary.unreadable(name, error);
                return Ok(false);
            }
        };
        let outcome = inbox.handle(bytes, &says, &mut *store, context.clock.now())?;
        summary.count(name, inbox.addresses.kind(&says), outcome);
        Ok(outcome.is_handled())
    })?;
    mailbox.close();
    let suppressed = inbox.suppress_unavailable(&mut *store, context.clock.now())?;
    context.report.findings((suppressed > 0).then(|| suppression::finding(suppressed)).as_slice());
    if !args.is_stdin() {
        purge(context, &config, &mut *store)?;
    }
    let sent = send(context, &config, &mut *store)?;
    summary.show(context, sent.as_ref())?;
    let exit = problems(context, &summary, unmarked, sent.as_ref());
    // A mail server would return the message to its sender.
    Ok(if args.is_called_by_mail_server() { Exit::Done } else { exit })
}

fn mailbox(context: &Context, config: &Config, args: &Args) -> anyhow::Result<Mailbox> {
    if args.is_stdin() {
        return Ok(Mailbox::of_stream("-", &mut io::stdin().lock())?);
    }
    if let Some(path) = &args.path {
        // A path that is typed is one from here, not from the project folder.
        return Mailbox::open(path);
    }
    let source: Option<&Source> = config.inbox.as_ref().and_then(|options| options.source.as_ref());
    let missing = || {
        Finding::error("inbox-missing", "there is no mailbox to read")
            .help("name one, such as `slugline inbox Maildir`, or set `inbox.path` or `inbox.imap` in the project file")
    };
    inbox::open(&context.project, source.ok_or_else(missing)?)
}

fn addresses(config: &Config) -> Addresses {
    let mail = config.mail.as_ref();
    let edition = mail.map(|mail| &mail.edition);
    let replies = edition.and_then(|edition| edition.reply_to.as_ref()).map(|mailbox| mailbox.address.clone());
    let own = edition.map(|edition| edition.from.address.clone()).into_iter().chain(replies).collect();
    let bounces = mail.and_then(|mail| mail.bounce_address.as_ref()).map(BounceAddress::template);
    Addresses::new(
        &Templates {
            bounces: bounces.as_deref(),
            leave: edition.and_then(|edition| edition.unsubscribe_mailto.as_deref()),
            confirm: config.confirm_address(),
            subscribe: config.subscribe_address().map(|address| address.as_str()),
        },
        own,
    )
}

fn handler<'a>(context: &Context, config: &'a Config) -> anyhow::Result<Inbox<'a>> {
    let secrets = secrets::are_needed(config).then(|| secrets::secrets(&context.project, config)).transpose()?;
    Ok(Inbox {
        addresses: addresses(config),
        secrets: secrets.map(Arc::new),
        has_pages: config.serve.is_some(),
        publications: config.publications(),
        unavailable: BTreeSet::new(),
    })
}

/// Deletes what has expired, which nothing else does without `serve`.
fn purge(context: &Context, config: &Config, store: &mut dyn Store) -> anyhow::Result<()> {
    let now = context.clock.now();
    let keep_ip = config.serve.as_ref().and_then(|serve| serve.keep_ip).unwrap_or_default();
    store.purge(now - keep_ip, now)?;
    Ok(())
}

/// Sends what readers wait for, unless another store has to.
fn send(context: &Context, config: &Config, store: &mut dyn Movable) -> anyhow::Result<Option<Sent>> {
    let project_file = context.project_file();
    let record = MailingRecord::new(&context.project, &project_file);
    if store.moved()?.is_some() || record.refusal(store)?.is_some() {
        return Ok(None);
    }
    Ok(Some(TransactionalMessages::new(context, config).send_rest(store)))
}

/// Reports what needs attention, and returns the exit code for it.
fn problems(context: &Context, summary: &Summary, unmarked: Option<anyhow::Error>, sent: Option<&Sent>) -> Exit {
    let mut findings = summary.findings();
    findings.extend(unmarked.map(|error| {
        Finding::error("inbox-unmarked", format!("{error:#}"))
            .help("let the user that runs this write to the mailbox; what was handled is not handled twice")
    }));
    context.report.findings(&findings);
    let exit = if findings.is_empty() { Exit::Done } else { Exit::Attention };
    exit.max(sent.map_or(Exit::Done, |sent| sent.problems(context)))
}

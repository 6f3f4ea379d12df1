//! `slugline send`: sends what is due, or the named issues.

use std::sync::atomic::Ordering;

use crate::check::mail::unsubscribe_missing;
use crate::cli::build;
use crate::cli::confirm::can_ask;
use crate::cli::send::interrupt::Interrupt;
use crate::cli::send::progress_display::ProgressDisplay;
use crate::cli::send::transactional_messages::TransactionalMessages;
use crate::cli::subscribers::import;
use crate::cli::{Context, Exit};
use crate::compose::{self, Composed};
use crate::config::{Config, MailConfig};
use crate::delivery::Route;
use crate::delivery::job::RunHooks;
use crate::delivery::plan::{DueTerms, Scope};
use crate::delivery::test_send;
use crate::disk::machine;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::identity;
use crate::issue::Issue;
use crate::ledger::Run;
use crate::load;
use crate::send::admission::Admission;
use crate::send::dry_run::ExpectedMailing;
use crate::send::mailing_record::MailingRecord;
use crate::send::{self, FindNew, SendOutcome, SendRequest};
use crate::store::{Location, Store};
use crate::subscriber::NewSubscriber;
use crate::transport;

pub(super) mod document;
mod dry_run;
mod interrupt;
mod mailing_progress;
mod progress_display;
mod question;
pub(super) mod summary;
mod throughput;
pub(super) mod transactional_messages;

/// Send the issues that are due to every subscriber
///
/// An issue is due while it is younger than `mail.due_for`; with `mail.edition: digest` the issues of a week or month are due
/// in one email once it is over. Every subscriber gets it once: run this as often as you like, also after a crash. Deferred
/// recipients are retried by later runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline send --dry-run\n  slugline send latest --test me@example.org\n  slugline send\n  slugline send spring-notes --limit 100"
)]
pub(super) struct Args {
    /// Slug or path of an issue, `latest` (the newest one for email), or a digest such as `digest:2026-W47`; sent however
    /// old it is [default: all that is due]
    issue: Vec<String>,
    /// Send the issue only to this address, marked as a test, and record nothing; repeatable
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["dry_run", "limit", "after_canary"])]
    test: Vec<EmailAddress>,
    /// Show what would be sent to how many recipients (with `-v`, to which) and how fast, and do nothing; needs no password
    #[arg(long)]
    dry_run: bool,
    /// Send to at most N recipients, and leave the rest to the next run
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Send to the others although too many canary recipients (`mail.canary`) failed, or without waiting for them
    #[arg(long, requires = "issue")]
    after_canary: bool,
    /// Send it although it has errors, which hold an issue or digest otherwise
    #[arg(long, requires = "issue", conflicts_with = "test")]
    despite_errors: bool,
    /// Confirm that nothing was ever sent: without it nothing is sent over SMTP from a new store
    #[arg(long, conflicts_with = "test")]
    first: bool,
    /// Confirm that the issue is new, although it looks like one that was sent and is gone; recorded in `feeds.lock`
    #[arg(long, requires = "issue", conflicts_with = "test")]
    new: bool,
    /// Do not ask before a mailing begins; without a terminal nothing is asked
    #[arg(long)]
    yes: bool,
}

impl Args {
    fn asked(&self, scope: Scope) -> Asked {
        Asked {
            scope,
            limit: self.limit,
            after_canary: self.after_canary,
            despite_errors: self.despite_errors,
            is_dry: self.dry_run,
            yes: self.yes,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut loaded = load::issues(&context.project, &config, context.clock.now())?;
    // If the issue is due, the plan reports it as an error.
    loaded.findings.retain(|finding| finding.rule != load::POSSIBLE_RENAME);
    context.report.findings(&loaded.findings);
    let left_out = build::exit(&loaded.findings);
    if args.new {
        take_as_new(context, &mut loaded.issues, args)?;
    }
    if !args.test.is_empty() {
        return test(context, &config, &loaded.issues, args);
    }
    let mut named = Vec::new();
    for name in &args.issue {
        named.push(context.find(&config, &loaded.issues, name, context.clock.now())?.id());
    }
    let scope = if named.is_empty() { Scope::Due } else { Scope::Only(named) };
    let asked = args.asked(scope);
    let mut store = context.store(&config)?;
    let admission = admission(&config, args.first);
    if args.dry_run {
        return dry_run(context, &config, &loaded.issues, asked, &admission, &*store).map(|exit| exit.max(left_out));
    }
    let messages = TransactionalMessages::new(context, &config);
    let mailed = admit_and_mail(&messages, &mut *store, &loaded.issues, &admission, asked);
    let messages = messages.send_rest(&mut *store);
    let exit = match mailed {
        Ok((SendOutcome::Done(report), imported)) => summary::sent(context, &report, &messages)?.max(imported),
        Ok((SendOutcome::Declined, imported)) => messages.show(context)?.max(imported),
        Ok((SendOutcome::Busy(other), _)) => return Err(messages.show_before(context, busy(other.as_ref()).into())?),
        Err(error) => return Err(messages.show_before(context, error)?),
    };
    Ok(exit.max(left_out).max(messages.problems(context)))
}

/// Sends the issues that `asked` names if this run may send from the store, and returns the exit code of the import too.
pub(super) fn admit_and_mail(
    messages: &TransactionalMessages<'_>,
    store: &mut dyn Store,
    issues: &[Issue],
    admission: &Admission,
    asked: Asked,
) -> anyhow::Result<(SendOutcome, Exit)> {
    let (context, config) = (messages.context, messages.config);
    admit(context, store, admission)?;
    let imported = import::import_list(context, config, store)?;
    let outcome = with_sending(messages, issues, asked, |sending| send::send_due(store, sending))?;
    Ok((outcome, imported))
}

/// Takes the named issues for new ones, although they look like others. Recorded, unless this is a dry run.
fn take_as_new(context: &Context, issues: &mut [Issue], args: &Args) -> anyhow::Result<()> {
    for name in &args.issue {
        let path = load::find(issues, name, context.clock.now())?.path.clone();
        let Some(at) = issues.iter().position(|issue| issue.path == path) else { continue };
        issues[at].set_new();
        if !args.dry_run {
            let body = load::body(&context.project, &issues[at]).map_err(|finding| *finding)?;
            identity::record_new(&context.project, issues, &issues[at], &body)?;
        }
    }
    Ok(())
}

/// Shows what would be sent to which recipients. The list of new subscribers is read again each time it is needed, since it
/// may be longer than memory.
fn dry_run(
    context: &Context,
    config: &Config,
    issues: &[Issue],
    asked: Asked,
    admission: &Admission,
    store: &dyn Store,
) -> anyhow::Result<Exit> {
    let wrong = import::each_new_subscriber(context, config, store, &mut |_| Ok(()))?;
    import::show(context, &wrong);
    let new_subscribers = |each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>| {
        import::each_new_subscriber(context, config, store, each).map(drop)
    };
    let read = if wrong.is_empty() { Exit::Done } else { Exit::Attention };
    with_sending(&TransactionalMessages::new(context, config), issues, asked, |sending| {
        let dry_run = send::dry_run::run(store, sending, admission, &new_subscribers)?;
        let recipients = |expected: &ExpectedMailing<'_>, each: &mut dyn FnMut(&EmailAddress) -> anyhow::Result<()>| {
            expected.each_recipient(store, &new_subscribers, each)
        };
        dry_run::show(context, &dry_run, &recipients).map(|exit| exit.max(read))
    })
}

/// What decides whether this run may send from the store.
pub(super) fn admission(config: &Config, first: bool) -> Admission {
    let ci = machine::variable("CI").unwrap_or_default();
    Admission {
        first,
        over_smtp: config.mails_over_smtp(),
        in_ci: !["", "0", "false"].contains(&ci.to_ascii_lowercase().as_str()),
        in_a_file: matches!(config.store, Location::Sqlite(_)),
    }
}

/// Fails if this run may not send from this store. Called before anything is changed.
pub(super) fn admit(context: &Context, store: &dyn Store, admission: &Admission) -> anyhow::Result<()> {
    let file = context.project_file();
    let refusal = admission.refusal(store, &MailingRecord::new(&context.project, &file))?;
    refusal.map_or(Ok(()), |finding| Err(finding.into()))
}

/// What a run is asked to do.
pub(super) struct Asked {
    scope: Scope,
    limit: Option<u64>,
    after_canary: bool,
    despite_errors: bool,
    /// It only shows what it would do.
    is_dry: bool,
    /// It begins mailings without asking.
    yes: bool,
}

impl Asked {
    /// To send all that is due.
    pub(super) fn due(yes: bool) -> Self {
        Self { scope: Scope::Due, limit: None, after_canary: false, despite_errors: false, is_dry: false, yes }
    }
}

/// Calls `act` with all that a run needs beside the store. Meanwhile it sends transactional messages.
fn with_sending<T>(
    messages: &TransactionalMessages<'_>,
    issues: &[Issue],
    asked: Asked,
    act: impl FnOnce(&SendRequest<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let TransactionalMessages { context, config, clock, interrupt, .. } = messages;
    let mail = mail_to_a_list(config)?;
    let Asked { scope, limit, after_canary, despite_errors, is_dry, yes } = asked;
    let composer = context.composer(config, issues)?;
    let display = ProgressDisplay::new(&context.report, limit);
    let terms = DueTerms { now: clock.now(), policy: &mail.policy };
    let route = if is_dry { transport::route_without_logins } else { transport::route }(&context.project, mail)?;
    context.report.detail(&format!("Mail leaves through {route}."));
    let done = act(&SendRequest {
        composer: &composer,
        project_file: &context.project_file(),
        scope,
        terms,
        route: &route,
        limit,
        after_canary,
        despite_errors,
        confirm: &|find_new| begin(context, &route, !yes && config.mails_over_smtp(), find_new, interrupt),
        run: machine::this_run(clock.now()),
        hooks: RunHooks {
            clock: &|| clock.now(),
            sleep: &|pause| clock.during(|| interrupt.wait(pause)),
            stop: interrupt.stop(),
            progress: &|progress| display.update(progress),
            meanwhile: Some(&|occasion| messages.send_meanwhile(occasion)),
        },
    });
    display.end();
    if interrupt.stop().load(Ordering::Relaxed) {
        context.report.message("Stopped by a signal: the remaining recipients are still queued.");
    }
    done
}

/// Asks, if wanted, whether new mailings are to begin, and from then on ends the run at a signal. Not before: while the
/// question waits, Ctrl-C ends the program at once.
fn begin(
    context: &Context,
    route: &Route,
    asks: bool,
    find_new: &FindNew<'_>,
    interrupt: &Interrupt,
) -> anyhow::Result<bool> {
    if asks
        && can_ask(context)
        && let Some(new) = find_new()?
        && !question::begins(context, &new, route)?
    {
        return Ok(false);
    }
    interrupt.listen().map(|()| true)
}

/// The settings of mail, if they allow sending to a list.
fn mail_to_a_list(config: &Config) -> anyhow::Result<&MailConfig> {
    let mail = compose::mail_config(config)?;
    if mail.lacks_unsubscribe() {
        return Err(unsubscribe_missing().into());
    }
    Ok(mail)
}

pub(super) fn busy(other: Option<&Run>) -> Finding {
    let who = other.map_or_else(String::new, |run| format!(": process {} on `{}`", run.pid, run.host));
    Finding::error("busy", format!("another run is sending{who}"))
        .help("wait until it is done; the next run sends what it leaves")
}

/// Sends one issue or digest to the given addresses, and records nothing.
fn test(context: &Context, config: &Config, issues: &[Issue], args: &Args) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let name = match args.issue.as_slice() {
        [] => "latest",
        [name] => name,
        _ => return Err(Finding::error("usage", "`--test` sends one issue at a time").help("name one").into()),
    };
    let route = transport::route(&context.project, compose::mail_config(config)?)?;
    let content = context.find(config, issues, name, now)?;
    let composer = context.composer(config, issues)?;
    let Composed { edition, findings, .. } = composer.compose(&content);
    context.report.findings(&findings);
    let letters = composer.letters(edition?, now)?;
    let store = context.store(config)?;
    let mut tests = Vec::new();
    for address in &args.test {
        tests.push(letters.write_test(&test_send::test_recipient(&*store, address, now)?)?);
    }
    let tried = test_send::send_tests(&route, &content.folder(), &tests)?;
    summary::test(context, &content, &tried)
}

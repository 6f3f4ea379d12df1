//! `slugline send`: mail what is due, or the issues named.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::check::mail::unsubscribe_missing;
use crate::cli::clock::WaitingClock;
use crate::cli::send::watch::Watch;
use crate::cli::subscribers::import;
use crate::cli::{Context, Exit};
use crate::compose::{self, Composed};
use crate::config::{Config, MailConfig};
use crate::delivery::job::RunHooks;
use crate::delivery::plan::{DueTerms, Scope};
use crate::delivery::test_send;
use crate::disk::machine;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::issue::Issue;
use crate::ledger::Run;
use crate::load;
use crate::send::admission::Admission;
use crate::send::dry_run::{self, ExpectedMailing};
use crate::send::mailing_record::MailingRecord;
use crate::send::{self, SendOutcome, SendRequest};
use crate::store::{Location, Store};
use crate::subscriber::NewSubscriber;
use crate::transport;

mod meter;
mod pace;
mod watch;
pub(super) mod words;

/// Mail the issues that are due to every subscriber
///
/// An issue is due while it is younger than `mail.due_for`; with `mail.edition: digest`, the issues of a week or month are,
/// in one mail, once it is over. Everybody gets it once: run this as often as you like, and
/// again after a crash. Recipients a server puts off are tried again by later runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline send --dry-run\n  slugline send latest --test me@example.org\n  slugline send\n  slugline send spring-notes --limit 100"
)]
pub(super) struct Args {
    /// Slug or path of an issue, `latest`, or a digest such as `digest:2026-W47`; mailed however old it is [default: all
    /// that is due]
    issue: Vec<String>,
    /// Mail the issue to this address only, marked as a test, and note nothing; can be given more than once
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["dry_run", "limit", "after_canary"])]
    test: Vec<EmailAddress>,
    /// Say what would be mailed to how many (with `-v`, to whom) and how fast, and do nothing; needs no password
    #[arg(long)]
    dry_run: bool,
    /// Mail so many recipients at most, and leave the rest to the next run
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Mail the others too, though too many of the first recipients (`mail.canary`) failed, or without waiting for them
    #[arg(long, requires = "issue")]
    after_canary: bool,
    /// Mail from a store that is new, because nobody was ever mailed: without it a new store mails nobody over SMTP
    #[arg(long, conflicts_with = "test")]
    first: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config)?;
    context.report.findings(&loaded.findings);
    if !args.test.is_empty() {
        return test(context, &config, &loaded.issues, args);
    }
    let mut named = Vec::new();
    for name in &args.issue {
        named.push(context.find(&config, &loaded.issues, name, context.clock.now())?.id());
    }
    let scope = if named.is_empty() { Scope::Due } else { Scope::Only(named) };
    let asked = Asked { scope, limit: args.limit, after_canary: args.after_canary, is_dry: args.dry_run };
    let mut store = context.store(&config)?;
    let admission = admission(&config, args.first);
    if args.dry_run {
        return dry_run(context, &config, &loaded.issues, asked, &admission, &*store);
    }
    admit(context, &*store, &admission)?;
    let imported = import::import_list(context, &config, &mut *store)?;
    let send = |sending: &SendRequest<'_>| send::send_due(&mut *store, sending);
    match with_sending(context, &config, &loaded.issues, asked, send)? {
        SendOutcome::Done(report) => words::sent(context, &report).map(|exit| exit.max(imported)),
        SendOutcome::Busy(other) => Err(busy(other.as_ref()).into()),
    }
}

/// Tells what would be mailed to whom. The list of new_subscribers is read again whenever it is needed: it may be as long as it
/// likes.
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
    with_sending(context, config, issues, asked, |sending| {
        let dry_run = dry_run::run(store, sending, admission, &new_subscribers)?;
        let recipients = |expected: &ExpectedMailing<'_>, each: &mut dyn FnMut(&EmailAddress) -> anyhow::Result<()>| {
            expected.each_recipient(store, &new_subscribers, each)
        };
        words::dry_run(context, &dry_run, &recipients).map(|exit| exit.max(read))
    })
}

/// What this run is, for the store to be mailed from.
pub(super) fn admission(config: &Config, first: bool) -> Admission {
    let ci = machine::variable("CI").unwrap_or_default();
    Admission {
        first,
        over_smtp: config.mails_over_smtp(),
        in_ci: !["", "0", "false"].contains(&ci.to_ascii_lowercase().as_str()),
        in_a_file: matches!(config.store, Location::Sqlite(_)),
    }
}

/// An error if this run mails nobody from this store. To be asked before anything is changed.
pub(super) fn admit(context: &Context, store: &dyn Store, admission: &Admission) -> anyhow::Result<()> {
    let file = context.project_file();
    let refusal = admission.refusal(store, &MailingRecord::new(&context.project, &file))?;
    refusal.map_or(Ok(()), |finding| Err(finding.into()))
}

/// Mails the issues scope, with a progress bar.
pub(super) fn mail(
    context: &Context,
    config: &Config,
    issues: &[Issue],
    store: &mut dyn Store,
    scope: Scope,
    limit: Option<u64>,
) -> anyhow::Result<SendOutcome> {
    let asked = Asked { scope, limit, after_canary: false, is_dry: false };
    with_sending(context, config, issues, asked, |sending| send::send_due(store, sending))
}

/// What a sending is asked for.
struct Asked {
    scope: Scope,
    limit: Option<u64>,
    after_canary: bool,
    /// It only says what it would do.
    is_dry: bool,
}

/// Calls `act` with all that a sending needs beside the store.
fn with_sending<T>(
    context: &Context,
    config: &Config,
    issues: &[Issue],
    asked: Asked,
    act: impl FnOnce(&SendRequest<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mail = mail_to_a_list(config)?;
    let Asked { scope, limit, after_canary, is_dry } = asked;
    let composer = context.composer(config, issues)?;
    let stop = stop_at_signals()?;
    let watch = Watch::new(&context.report, limit);
    let clock = WaitingClock::new(context.clock);
    let terms = DueTerms { now: clock.now(), policy: &mail.policy };
    let route = if is_dry { transport::route_without_logins } else { transport::route }(&context.project, mail)?;
    let project_file = context.project_file();
    context.report.detail(&format!("Mail leaves through {route}."));
    let done = act(&SendRequest {
        composer: &composer,
        project_file: &project_file,
        scope,
        terms,
        route: &route,
        limit,
        after_canary,
        run: machine::this_run(clock.now()),
        hooks: RunHooks {
            clock: &|| clock.now(),
            sleep: &|pause| clock.during(|| wait(pause, &stop)),
            stop: &stop,
            progress: &|progress| watch.tell(progress),
        },
    });
    watch.end();
    if stop.load(Ordering::Relaxed) {
        context.report.message("Stopped by a signal: whoever was not mailed is still queued.");
    }
    done
}

/// What the project file says of mail, if it may go to a list.
fn mail_to_a_list(config: &Config) -> anyhow::Result<&MailConfig> {
    let mail = compose::mail_config(config)?;
    if mail.lacks_unsubscribe() {
        return Err(unsubscribe_missing().into());
    }
    Ok(mail)
}

/// What becomes true at SIGINT or SIGTERM: messages at hand are finished, none is begun. A second signal ends the process
/// at once, which the ledger survives.
fn stop_at_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let registered = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)));
        registered.context("failed to listen for signals")?;
    }
    Ok(stop)
}

pub(super) fn busy(other: Option<&Run>) -> Finding {
    let who = other.map_or_else(String::new, |run| format!(": process {} on `{}`", run.pid, run.host));
    Finding::error("busy", format!("another run is sending{who}"))
        .help("wait until it is done; what it leaves is mailed by the next run")
}

/// Waits, unless the run is to stop.
fn wait(pause: Duration, stop: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(100);
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let step = left.min(STEP);
        thread::sleep(step);
        left -= step;
    }
}

/// Mails one issue or digest to the addresses given, and notes nothing.
fn test(context: &Context, config: &Config, issues: &[Issue], args: &Args) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let name = match args.issue.as_slice() {
        [] => "latest",
        [name] => name,
        _ => return Err(Finding::error("usage", "`--test` mails one issue at a time").help("name one").into()),
    };
    let route = transport::route(&context.project, compose::mail_config(config)?)?;
    let piece = context.find(config, issues, name, now)?;
    let composer = context.composer(config, issues)?;
    let Composed { edition, findings, .. } = composer.compose(&piece);
    context.report.findings(&findings);
    let letters = composer.letters(edition?, now)?;
    let store = context.store(config)?;
    let mut tests = Vec::new();
    for address in &args.test {
        tests.push(letters.write_test(&test_send::test_recipient(&*store, address, now)?)?);
    }
    let tried = test_send::send_tests(&route, &piece.folder(), &tests)?;
    words::trial(context, &piece, &tried)
}

//! `slugline subscribers forget`: erases people who ask for it.

use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::cli::confirm::confirm;
use crate::cli::send::{busy, summary};
use crate::cli::{Context, Exit, different};
use crate::config::{Config, Via};
use crate::disk::machine;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Erasure, ForgetOutcome, Location, Store};
use crate::subscription::forget::{self, AddressFiles};

/// Erase people who ask for it
///
/// Address, name and attributes are deleted. The ledger keeps the time and result of each delivery, without the address;
/// pending ones are not sent. A hash remains, so that no import adds them again; only `subscribers add ADDRESS --again` does.
/// Files that contain the address are listed for you to change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline subscribers forget reader@example.org\n  \
                        slugline subscribers forget reader@example.org --yes")]
pub(in crate::cli) struct Args {
    /// Email address
    #[arg(required = true)]
    address: Vec<EmailAddress>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// The document of `subscribers forget`.
#[derive(Serialize)]
struct Document<'a> {
    /// What became of each address.
    forgotten: Vec<Row<'a>>,
    /// Files of the project that still contain one of the addresses.
    files: &'a [String],
}

/// What became of one address.
#[derive(Serialize)]
struct Row<'a> {
    /// The email address.
    address: &'a str,
    /// What became of it, in words.
    result: &'a str,
    /// How many deliveries lost the address.
    deliveries: u64,
    /// How many of them were still waiting and are not mailed.
    suppressed: u64,
}

pub(super) fn run(context: &Context, config: &Config, store: &mut dyn Store, args: &Args) -> anyhow::Result<Exit> {
    let who = match args.address.as_slice() {
        [one] => one.to_string(),
        several => format!("{} people", different(several)),
    };
    if !confirm(context, &format!("{who} will be erased for good."), args.yes)? {
        return Ok(Exit::Attention);
    }
    let (now, mut exit, mut rows) = (context.clock.now(), Exit::Done, Vec::new());
    for address in &args.address {
        let run = machine::this_run(now);
        let mut pause = || thread::sleep(Duration::from_millis(200));
        let forgot = forget::forget(store, address, &run, now, &mut pause)?;
        let (word, finding) = match &forgot {
            ForgetOutcome::Done(erasure) => {
                summary::settled(context, &erasure.recovered, &|_| false);
                (word(erasure), remains(config, address, erasure))
            }
            ForgetOutcome::Busy(run) => {
                let message = format!("{address} is being mailed and was not forgotten: {}", busy(run.as_ref()));
                ("is being mailed", Some(Finding::error("busy", message).help("run this again when it is done")))
            }
        };
        if !matches!(&forgot, ForgetOutcome::Done(erasure) if erasure.was_known || erasure.was_forgotten) {
            exit = Exit::Attention;
        }
        if let Some(finding) = finding {
            context.report.findings(&[finding]);
            exit = Exit::Attention;
        }
        rows.push((address, word, forgot));
    }
    let files = files(context, config, &args.address);
    show(context, &rows, &files)?;
    Ok(if files.is_empty() { exit } else { Exit::Attention })
}

fn word(erasure: &Erasure) -> &'static str {
    match erasure {
        Erasure { was_known: true, .. } => "forgotten",
        Erasure { was_forgotten: true, .. } => "forgotten already",
        _ => "not known; no import will add it",
    }
}

/// The finding about remains of the address in the store, if there may be any.
fn remains(config: &Config, address: &EmailAddress, erasure: &Erasure) -> Option<Finding> {
    let what = match config.store {
        Location::Sqlite(_) => "the file of the store may still contain the address in unused pages",
        Location::Postgres(_) => "the database may still contain the address in unused space of its tables",
    };
    let message = format!("{address} is forgotten, but another run is using the store: {what}");
    let help = "run `slugline subscribers forget` again when no run is sending: it cleans them";
    (!erasure.is_erased).then(|| Finding::warning("not-erased", message).help(help))
}

/// The files of the project that contain one of the addresses.
fn files(context: &Context, config: &Config, addresses: &[EmailAddress]) -> Vec<String> {
    let mail = config.mail.as_ref();
    let outbox = mail.and_then(|mail| match &mail.via {
        Via::Outbox(folder) => Some(folder.as_path()),
        Via::Smtp(_) => None,
    });
    let store = match &config.store {
        Location::Sqlite(file) => Some(file.as_path()),
        Location::Postgres(_) => None,
    };
    let list = mail.and_then(|mail| mail.subscribers.as_ref()).map(|list| list.file.as_path());
    forget::files_containing(&context.project, &AddressFiles { outbox, list, store }, addresses)
}

fn show<'a>(
    context: &Context,
    rows: &'a [(&'a EmailAddress, &'a str, ForgetOutcome)],
    files: &[String],
) -> anyhow::Result<()> {
    if context.report.json {
        let row = |(address, result, forgot): &'a (&'a EmailAddress, &'a str, ForgetOutcome)| {
            let (deliveries, suppressed) = match forgot {
                ForgetOutcome::Done(erasure) => (erasure.deliveries, erasure.suppressed),
                ForgetOutcome::Busy(_) => (0, 0),
            };
            Row { address: address.as_str(), result, deliveries, suppressed }
        };
        context.report.document(&Document { forgotten: rows.iter().map(row).collect(), files })?;
    } else {
        let row =
            |(address, word, _): &(&EmailAddress, &str, ForgetOutcome)| vec![address.to_string(), (*word).to_owned()];
        context.report.table(&rows.iter().map(row).collect::<Vec<_>>())?;
    }
    if files.is_empty() {
        return Ok(());
    }
    let message = "these files contain an address, and so may copies elsewhere and git's history";
    let finding = Finding::warning("files-name-them", format!("{message}: {}", files.join(", ")));
    context.report.findings(&[finding.help("remove it, or delete files that you no longer need")]);
    Ok(())
}

//! `slugline subscribers forget`: erase persons who ask for it.

use std::thread;
use std::time::Duration;

use crate::cli::confirm::confirm;
use crate::cli::send::{busy, words};
use crate::cli::{Context, Exit, different};
use crate::config::{Config, Via};
use crate::disk::machine;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Erasure, ForgetOutcome, Location, Store};
use crate::subscription::forget::{self, AddressFiles};

/// Erase somebody who asks for it
///
/// The row, the name and the attributes are gone. Of each mailing stays that somebody was mailed, when, and with which
/// result, without the address; what they still wait for is not mailed. A hash stays, so that no list brings them back;
/// `subscribers add ADDRESS --again` does. Files that name them are listed, and are yours to change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline subscribers forget reader@example.org\n  \
                        slugline subscribers forget reader@example.org --yes")]
pub(in crate::cli) struct Args {
    /// E-mail address
    #[arg(required = true)]
    address: Vec<EmailAddress>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(context: &Context, config: &Config, store: &mut dyn Store, args: &Args) -> anyhow::Result<Exit> {
    let who = match args.address.as_slice() {
        [one] => one.to_string(),
        several => format!("{} persons", different(several)),
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
                words::settled(context, &erasure.recovered, &|_| false);
                (word(erasure), remains(config, address, erasure))
            }
            ForgetOutcome::Busy(run) => {
                let message = format!("{address} is being mailed, and was not forgotten: {}", busy(run.as_ref()));
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
        _ => "not known; no list will add them",
    }
}

/// What is left of the address in the store, if anything may be.
fn remains(config: &Config, address: &EmailAddress, erasure: &Erasure) -> Option<Finding> {
    let what = match config.store {
        Location::Sqlite(_) => "the file of the store may still hold the address in unused places",
        Location::Postgres(_) => "the database may still hold the address in the unused room of its tables",
    };
    let message = format!("{address} is forgotten, but another run is using the store: {what}");
    let help = "run `slugline subscribers forget` for them again when nobody is sending: it cleans these";
    (!erasure.is_erased).then(|| Finding::warning("not-erased", message).help(help))
}

/// The files of the project that name them.
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

fn show(context: &Context, rows: &[(&EmailAddress, &str, ForgetOutcome)], files: &[String]) -> anyhow::Result<()> {
    if context.report.json {
        let row = |(address, result, forgot): &(&EmailAddress, &str, ForgetOutcome)| {
            let (deliveries, suppressed) = match forgot {
                ForgetOutcome::Done(erasure) => (erasure.deliveries, erasure.suppressed),
                ForgetOutcome::Busy(_) => (0, 0),
            };
            serde_json::json!({ "address": address.as_str(), "result": result, "deliveries": deliveries, "suppressed": suppressed })
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        return context.report.document(&serde_json::json!({ "forgotten": rows, "files": files }));
    }
    let row = |(address, word, _): &(&EmailAddress, &str, ForgetOutcome)| vec![address.to_string(), (*word).to_owned()];
    context.report.table(&rows.iter().map(row).collect::<Vec<_>>())?;
    if files.is_empty() {
        return Ok(());
    }
    let message = "these files name them; copies elsewhere, and what git keeps, may too";
    let finding = Finding::warning("files-name-them", format!("{message}: {}", files.join(", ")));
    context.report.findings(&[finding.help("take them out, or delete the files that you need no more")]);
    Ok(())
}

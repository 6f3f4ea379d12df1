//! `slugline subscribers`: who gets the mail.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use clap::{Subcommand, ValueEnum};

use crate::cli::report::{Columns, FindingRow};
use crate::cli::{Context, Exit};
use crate::compose::secrets;
use crate::config::Config;
use crate::disk::Project;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Added, Store};
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::{self, Imported, Joined, export, newcomers};
use crate::token::Purpose;

/// Add, import, list, export and remove subscribers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add one subscriber
    Add {
        /// E-mail address
        address: EmailAddress,
        /// Display name
        #[arg(long, default_value = "")]
        name: String,
        /// Subscribe them again if they had left
        #[arg(long)]
        again: bool,
    },
    /// Add the subscribers of a CSV file
    ///
    /// Its first line names the columns: `email` and, if you like, `name` and `status` (active, unsubscribed or
    /// suppressed); every other column can be used in templates. Bad rows are named and the good ones kept. Importing a
    /// file again changes nothing, and whoever left stays away.
    #[command(after_help = "Examples:\n  slugline subscribers import readers.csv\n  \
                            slugline subscribers import - --column Contact < crm.csv")]
    Import {
        /// The CSV file, `-` for stdin
        file: String,
        /// Name of the column of the address [default: email]
        #[arg(long, value_name = "NAME")]
        column: Option<String>,
    },
    /// List subscribers
    List {
        /// Only those with this status: active, unsubscribed or suppressed
        #[arg(long, value_parser = status)]
        status: Option<Status>,
    },
    /// Write all subscribers to stdout
    ///
    /// The CSV can be imported again, here or elsewhere: whoever left stays away there too.
    #[command(after_help = "Examples:\n  slugline subscribers export > readers.csv\n  \
                            slugline subscribers export --format json > readers.json")]
    Export {
        /// How to write them
        #[arg(long, default_value = "csv")]
        format: Format,
    },
    /// Unsubscribe somebody
    ///
    /// Their row is kept, so that no import brings them back.
    Remove {
        /// E-mail address
        #[arg(required_unless_present = "token")]
        address: Vec<EmailAddress>,
        /// Token of a link to leave, as a mail program or a web form sends it; can be given more than once
        #[arg(long, value_name = "TOKEN")]
        token: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Json,
}

fn status(word: &str) -> Result<Status, String> {
    Status::from_word(word).ok_or_else(|| "it is one of active, unsubscribed, suppressed".to_owned())
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut store = context.store(&config)?;
    let store = &mut *store;
    match &args.action {
        Action::Add { address, name, again } => add(context, store, address, name, *again),
        Action::Import { file, column } => import(context, store, file, column.as_deref()),
        Action::List { status } => list(context, store, *status),
        Action::Export { format } => export(context, store, *format),
        Action::Remove { address, token } => {
            let named = named(context, &config, store, token)?;
            remove(context, store, &[address.as_slice(), &named.0].concat()).map(|exit| exit.max(named.1))
        }
    }
}

fn add(
    context: &Context,
    store: &mut dyn Store,
    address: &EmailAddress,
    name: &str,
    again: bool,
) -> anyhow::Result<Exit> {
    let joined = subscription::add(store, NewSubscriber::new(address.clone(), name), again, context.clock.now())?;
    let (word, exit) = match joined {
        Joined::New => ("added", Exit::Done),
        Joined::Known => ("known already", Exit::Done),
        Joined::Again(_) => ("subscribed again", Exit::Done),
        Joined::Away(status) => {
            let away = Finding::warning("away", format!("{address} is {status} and stays so"));
            context.report.findings(&[away.help("if they asked to come back, add them with `--again`")]);
            ("away", Exit::Attention)
        }
    };
    context
        .report
        .result(&format!("{address}  {word}"), &serde_json::json!({ "address": address.as_str(), "result": word }))?;
    Ok(exit)
}

fn import(context: &Context, store: &mut dyn Store, file: &str, column: Option<&str>) -> anyhow::Result<Exit> {
    let imported = import_file(context, store, file, column)?;
    show(context, &imported.findings);
    let Added { new, known, repeated, away } = imported.added;
    let bad = imported.findings.len();
    if context.report.json {
        let findings: Vec<FindingRow<'_>> = imported.findings.iter().map(FindingRow::of).collect();
        let document = serde_json::json!({ "new": new, "known": known, "repeated": repeated, "away": away, "bad": bad, "findings": findings });
        context.report.document(&document)?;
    } else {
        let row = |word: &str, count: u64, meaning: &str| vec![word.to_owned(), count.to_string(), meaning.to_owned()];
        context.report.table(&[
            row("new", new, "added"),
            row("known", known, "there already, unchanged"),
            row("repeated", repeated, "more than once in the file, added once"),
            row("away", away, "left or suppressed, and not written to"),
            row("bad", bad as u64, "rows that name nobody"),
        ])?;
    }
    Ok(if bad > 0 { Exit::Attention } else { Exit::Done })
}

/// Shows bad rows, as many as somebody reads: a wrong column makes every row a bad one.
pub(super) fn show(context: &Context, findings: &[Finding]) {
    const READ: usize = 100;
    context.report.findings(&findings[..findings.len().min(READ)]);
    if findings.len() > READ {
        context.report.message(&format!("And {} more bad rows; `--json` lists them all.", findings.len() - READ));
    }
}

/// Imports the list that the project file names as `mail.subscribers`, if it names one.
pub(super) fn import_list(context: &Context, config: &Config, store: &mut dyn Store) -> anyhow::Result<Exit> {
    let Some(list) = config.mail.as_ref().and_then(|mail| mail.subscribers.as_ref()) else { return Ok(Exit::Done) };
    let mut file = open(context, list)?;
    let imported = import_from(context, store, &list.to_string_lossy(), &mut file, None)?;
    show(context, &imported.findings);
    Ok(if imported.findings.is_empty() { Exit::Done } else { Exit::Attention })
}

/// Opens the list that the project file names.
fn open(context: &Context, list: &Path) -> anyhow::Result<File> {
    const HELP: &str =
        "put a CSV file with a column `email` there, or mend or remove `mail.subscribers` in the project file";
    let file = context.project.open_if_there(list)?;
    let missing = || {
        let path = context.project.path(list);
        Finding::error("subscribers-missing", format!("the list of subscribers `{}` does not exist", path.display()))
    };
    file.ok_or_else(|| missing().help(HELP).into())
}

/// Calls `each` with those whom `import_list` would add, and gives what is wrong with the list.
pub(super) fn each_newcomer(
    context: &Context,
    config: &Config,
    store: &dyn Store,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let Some(list) = config.mail.as_ref().and_then(|mail| mail.subscribers.as_ref()) else { return Ok(Vec::new()) };
    newcomers::each(store, &list.to_string_lossy(), &mut open(context, list)?, each)
}

/// Imports a CSV file below the current folder, or stdin.
fn import_file(context: &Context, store: &mut dyn Store, file: &str, column: Option<&str>) -> anyhow::Result<Imported> {
    match file {
        "-" => import_from(context, store, "stdin", &mut io::stdin().lock(), column),
        file => import_from(context, store, file, &mut Project::new("").open(file)?, column),
    }
}

fn import_from(
    context: &Context,
    store: &mut dyn Store,
    shown: &str,
    csv: &mut dyn Read,
    column: Option<&str>,
) -> anyhow::Result<Imported> {
    let bar = context.report.progress(0, "importing");
    let imported = subscription::import(store, shown, csv, column, context.clock.now(), &mut || bar.inc(1));
    bar.finish_and_clear();
    imported
}

fn list(context: &Context, store: &dyn Store, status: Option<Status>) -> anyhow::Result<Exit> {
    if context.report.json {
        export::json(store, status, &mut context.report.stdout())?;
        return Ok(Exit::Done);
    }
    // Twice through the store, so that a million of them need no more memory than one.
    let mut columns = Columns::default();
    store.each_subscriber(status, &mut |subscriber| {
        columns.measure(&[subscriber.address.as_str(), subscriber.status.as_str()]);
        Ok(())
    })?;
    columns.measure(&[""; 3]);
    let mut out = BufWriter::with_capacity(64 * 1024, context.report.stdout());
    store.each_subscriber(status, &mut |subscriber| {
        let line = columns.line(&[subscriber.address.as_str(), subscriber.status.as_str(), &subscriber.name]);
        Ok(out.write_all(line.as_bytes())?)
    })?;
    out.flush()?;
    Ok(Exit::Done)
}

fn export(context: &Context, store: &dyn Store, format: Format) -> anyhow::Result<Exit> {
    let mut out = context.report.stdout();
    match format {
        Format::Csv if !context.report.json => export::csv(store, None, &mut out)?,
        Format::Csv | Format::Json => export::json(store, None, &mut out)?,
    }
    Ok(Exit::Done)
}

/// The subscribers whose tokens these are; a token that is nobody's is told.
fn named(
    context: &Context,
    config: &Config,
    store: &dyn Store,
    tokens: &[String],
) -> anyhow::Result<(Vec<EmailAddress>, Exit)> {
    if tokens.is_empty() {
        return Ok((Vec::new(), Exit::Done));
    }
    let secrets = secrets::secrets(&context.project, config)?;
    let (mut addresses, mut findings) = (Vec::new(), Vec::new());
    for text in tokens {
        match subscription::of_token(store, &secrets, Purpose::Leave, text)? {
            Some(subscriber) => addresses.push(subscriber.address),
            None => findings.push(
                Finding::warning("token-unknown", format!("`{text}` is nobody's token"))
                    .help("was the link copied whole? a store that was filled anew knows none of its old links"),
            ),
        }
    }
    context.report.findings(&findings);
    Ok((addresses, if findings.is_empty() { Exit::Done } else { Exit::Attention }))
}

fn remove(context: &Context, store: &mut dyn Store, addresses: &[EmailAddress]) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let mut results = Vec::new();
    for address in addresses {
        let word = match subscription::remove(store, address, context.clock.now())? {
            Some(Status::Active) => "unsubscribed".to_owned(),
            Some(status) => format!("{status} already"),
            None => {
                exit = Exit::Attention;
                "not known".to_owned()
            }
        };
        results.push((address.as_str(), word));
    }
    if context.report.json {
        let row = |(address, result): &(&str, String)| serde_json::json!({ "address": address, "result": result });
        context.report.document(&serde_json::json!({ "removed": results.iter().map(row).collect::<Vec<_>>() }))?;
    } else {
        let row = |(address, result): &(&str, String)| vec![(*address).to_owned(), result.clone()];
        context.report.table(&results.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(exit)
}

//! `slugline subscribers`: manages the list of subscribers.

use std::io::{BufWriter, Write};

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::check::Smtputf8Addresses;
use crate::cli::report::Columns;
use crate::cli::{Context, Exit};
use crate::compose::secrets;
use crate::config::Config;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::{self, AddOutcome, export};
use crate::token::Purpose;

mod forget;
pub(super) mod import;
mod show;

/// Add, import, list, show, export, remove and forget subscribers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline subscribers import readers.csv --dry-run\n  slugline subscribers list")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add one subscriber
    #[command(after_help = "Examples:\n  slugline subscribers add reader@example.org --name \"Maren Solvik\"\n  \
                            slugline subscribers add reader@example.org --again")]
    Add {
        /// Email address
        address: EmailAddress,
        /// Display name
        #[arg(long, default_value = "")]
        name: String,
        /// Subscribe them again after they unsubscribed or were forgotten
        #[arg(long)]
        again: bool,
    },
    /// Add the subscribers of a CSV file
    ///
    /// Exports of Mailchimp, Substack, Ghost, Buttondown, listmonk, Kit, MailerLite and beehiiv are recognised; subscribers who
    /// unsubscribed, bounced, complained or never confirmed there are recorded as such and get no mail. Any other list names
    /// its columns in its first line: `email` and optionally `name` and `status`; every other column can be used in templates.
    /// A column that looks like a status but is not understood stops the import. Bad rows are reported, good ones kept.
    /// Importing a file again changes nothing, and no one who unsubscribed is added again.
    #[command(after_help = "Examples:\n  slugline subscribers import readers.csv --dry-run\n  \
                            slugline subscribers import crm.csv --map email=Contact --map status=Mails --states active=1,left=0\n  \
                            slugline subscribers import suppressed.csv --as suppressed\n  \
                            slugline subscribers import - < readers.csv")]
    Import(import::Args),
    /// List subscribers
    #[command(after_help = "Examples:\n  slugline subscribers list\n  slugline subscribers list --status bounced\n  \
                            slugline subscribers list --unlisted")]
    List {
        /// Only those with this status: active, unconfirmed, unsubscribed, bounced, complained or suppressed
        #[arg(long, value_parser = status)]
        status: Option<Status>,
        /// Only active ones that `mail.subscribers` listed once and lists no more
        #[arg(long, conflicts_with = "status")]
        unlisted: bool,
    },
    Show(show::Args),
    /// Write all subscribers to stdout
    ///
    /// The CSV can be imported again, here or elsewhere: those who unsubscribed stay unsubscribed.
    #[command(after_help = "Examples:\n  slugline subscribers export > readers.csv\n  \
                            slugline subscribers export --format json > readers.json")]
    Export {
        /// Output format
        #[arg(long, default_value = "csv")]
        format: Format,
    },
    /// Unsubscribe subscribers
    ///
    /// Their rows are kept, so that no import brings them back.
    #[command(after_help = "Examples:\n  slugline subscribers remove reader@example.org\n  \
                            slugline subscribers remove --token 2.yg8mB3hQ")]
    Remove {
        /// Email address
        #[arg(required_unless_present = "token")]
        address: Vec<EmailAddress>,
        /// Token of an unsubscribe link, as a mail program or a web form sends it; repeatable
        #[arg(long, value_name = "TOKEN")]
        token: Vec<String>,
    },
    Forget(forget::Args),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Json,
}

/// The document of `subscribers add`, and a row of that of `subscribers remove`: what became of an address.
#[derive(Serialize)]
struct ResultRow<'a> {
    /// The email address.
    address: &'a str,
    /// What became of it, in words, such as `added` or `unsubscribed`.
    result: &'a str,
}

/// The document of `subscribers remove`.
#[derive(Serialize)]
struct Removed<'a> {
    /// What became of each address.
    removed: Vec<ResultRow<'a>>,
}

/// The document of `subscribers list --unlisted`.
#[derive(Serialize)]
struct Unlisted<'a> {
    /// Addresses.
    unlisted: Vec<&'a str>,
}

impl Args {
    /// Whether `export --format` asks for the document of `--json`.
    pub fn asks_for_json(&self) -> bool {
        matches!(self.action, Action::Export { format: Format::Json })
    }
}

fn status(word: &str) -> Result<Status, String> {
    Status::from_word(word).ok_or_else(|| format!("it is one of {}", Status::words()))
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let mut store = context.store(&config)?;
    let store = &mut *store;
    match &args.action {
        Action::Add { address, name, again } => add(context, &config, store, address, name, *again),
        Action::Import(args) => import::run(context, &config, store, args),
        Action::List { unlisted: true, .. } => unlisted(context, store),
        Action::List { status, .. } => list(context, store, *status),
        Action::Show(args) => show::run(context, store, args),
        Action::Export { format } => export(context, store, *format),
        Action::Remove { address, token } => {
            let named = named(context, &config, store, token)?;
            remove(context, store, &[address.as_slice(), &named.0].concat()).map(|exit| exit.max(named.1))
        }
        Action::Forget(args) => forget::run(context, &config, store, args),
    }
}

fn add(
    context: &Context,
    config: &Config,
    store: &mut dyn Store,
    address: &EmailAddress,
    name: &str,
    again: bool,
) -> anyhow::Result<Exit> {
    let joined = subscription::add(store, NewSubscriber::new(address.clone(), name), again, context.clock.now())?;
    if config.mails_over_smtp() {
        let mut smtputf8 = Smtputf8Addresses::default();
        smtputf8.add(address);
        context.report.findings(smtputf8.finding("subscriber").as_slice());
    }
    let (word, exit) = match joined {
        AddOutcome::New => ("added", Exit::Done),
        AddOutcome::Known => ("known already", Exit::Done),
        AddOutcome::Again(_) => ("subscribed again", Exit::Done),
        AddOutcome::Away(status) => {
            let away = Finding::warning("away", format!("{address} is {status} and remains so"));
            context.report.findings(&[away.help("if they asked to subscribe again, add them with `--again`")]);
            ("away", Exit::Attention)
        }
        AddOutcome::Forgotten => {
            let forgotten = Finding::warning("away", format!("{address} was forgotten and is not added"));
            context.report.findings(&[forgotten.help("if they asked to subscribe again, add them with `--again`")]);
            ("away", Exit::Attention)
        }
    };
    context.report.result(&format!("{address}  {word}"), &ResultRow { address: address.as_str(), result: word })?;
    Ok(exit)
}

fn list(context: &Context, store: &dyn Store, status: Option<Status>) -> anyhow::Result<Exit> {
    if context.report.json {
        context.report.long_document(|out| export::json(store, status, out))?;
        return Ok(Exit::Done);
    }
    // The store is read twice, so that a million subscribers need no more memory than one.
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

fn unlisted(context: &Context, store: &dyn Store) -> anyhow::Result<Exit> {
    let addresses = store.unlisted()?;
    if context.report.json {
        context.report.document(&Unlisted { unlisted: addresses.iter().map(EmailAddress::as_str).collect() })?;
    } else {
        context.report.table(&addresses.iter().map(|address| vec![address.to_string()]).collect::<Vec<_>>())?;
    }
    Ok(Exit::Done)
}

fn export(context: &Context, store: &dyn Store, format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Csv if !context.report.json => export::csv(store, None, &mut context.report.stdout())?,
        Format::Csv | Format::Json => context.report.long_document(|out| export::json(store, None, out))?,
    }
    Ok(Exit::Done)
}

/// The subscribers with these tokens. An unknown token is reported.
fn named(
    context: &Context,
    config: &Config,
    store: &mut dyn Store,
    tokens: &[String],
) -> anyhow::Result<(Vec<EmailAddress>, Exit)> {
    if tokens.is_empty() {
        return Ok((Vec::new(), Exit::Done));
    }
    let secrets = secrets::secrets(&context.project, config)?;
    secrets.all().try_for_each(|secret| store.index_tags(secret))?;
    let (mut addresses, mut findings) = (Vec::new(), Vec::new());
    for text in tokens {
        match subscription::subscriber_by_token(store, &secrets, Purpose::Unsubscribe, text)? {
            Some(subscriber) => addresses.push(subscriber.address),
            None => findings.push(
                Finding::warning("token-unknown", format!("`{text}` is no subscriber's token"))
                    .help("check that the link was copied completely, and that the secret has not changed"),
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
            Some(Status::Active | Status::Unconfirmed) => "unsubscribed".to_owned(),
            Some(status) => format!("{status} already"),
            None => {
                exit = Exit::Attention;
                "not known".to_owned()
            }
        };
        results.push((address.as_str(), word));
    }
    if context.report.json {
        let removed = results.iter().map(|(address, result)| ResultRow { address, result }).collect();
        context.report.document(&Removed { removed })?;
    } else {
        let row = |(address, result): &(&str, String)| vec![(*address).to_owned(), result.clone()];
        context.report.table(&results.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(exit)
}

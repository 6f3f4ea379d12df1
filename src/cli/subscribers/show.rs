//! `slugline subscribers show`: everything stored about one person.

use serde::Serialize;

use crate::cli::status::document::DeliveryProgress;
use crate::cli::{Context, Exit};
use crate::email::EmailAddress;
use crate::ledger::Delivery;
use crate::store::{PersonalData, Store};

/// Show everything stored about one person
///
/// The answer to a person's request for their data: address, name, status, attributes, and every email with its time, state
/// and the server's reply.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline subscribers show reader@example.org\n  \
                        slugline --json subscribers show reader@example.org > reader.json")]
pub(in crate::cli) struct Args {
    /// Email address
    address: EmailAddress,
}

pub(super) fn run(context: &Context, store: &dyn Store, args: &Args) -> anyhow::Result<Exit> {
    let address = &args.address;
    let Some(person) = store.personal_data(address)? else {
        let word = if store.are_forgotten(&[address])?.contains(&true) { "forgotten" } else { "not known" };
        let document = Unknown { address: address.as_str(), result: word };
        context.report.result(&format!("{address}  {word}"), &document)?;
        return Ok(Exit::Attention);
    };
    if context.report.json {
        context.report.document(&Document::of(&person))?;
        return Ok(Exit::Done);
    }
    context.report.table(&rows(&person))?;
    if !person.deliveries.is_empty() {
        context.report.text("\n")?;
        let mut mails = vec![["issue", "state", "tries", "when", "reply"].map(str::to_owned).to_vec()];
        mails.extend(person.deliveries.iter().map(mail));
        context.report.table(&mails)?;
    }
    Ok(Exit::Done)
}

fn rows(person: &PersonalData) -> Vec<Vec<String>> {
    let subscriber = &person.subscriber;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![row("address", subscriber.address.to_string())];
    if !subscriber.name.is_empty() {
        rows.push(row("name", subscriber.name.clone()));
    }
    rows.push(row("status", subscriber.status.to_string()));
    rows.push(row("since", subscriber.created.format(TIME).to_string()));
    if person.changed != subscriber.created {
        rows.push(row("changed", person.changed.format(TIME).to_string()));
    }
    rows.push(row("in `mail.subscribers`", if person.listed { "yes" } else { "no" }.to_owned()));
    for (name, value) in &subscriber.attributes {
        rows.push(row(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    rows
}

/// In UTC.
const TIME: &str = "%Y-%m-%d %H:%M";

fn mail(delivery: &Delivery) -> Vec<String> {
    vec![
        delivery.issue.to_string(),
        delivery.state.to_string(),
        delivery.attempts.to_string(),
        delivery.changed.map(|time| time.format(TIME).to_string()).unwrap_or_default(),
        delivery.reply.clone().unwrap_or_default(),
    ]
}

/// What `subscribers show` writes for an address that no subscriber has.
#[derive(Serialize)]
struct Unknown<'a> {
    address: &'a str,
    /// `forgotten` or `not known`.
    result: &'a str,
}

/// The document of `subscribers show`.
#[derive(Serialize)]
struct Document<'a> {
    /// The email address.
    address: &'a str,
    /// Display name.
    name: &'a str,
    /// Status, such as `active`.
    status: &'a str,
    /// When they subscribed (RFC 3339).
    created: String,
    /// When their status changed last (RFC 3339).
    changed: String,
    /// Whether `mail.subscribers` lists them.
    listed: bool,
    /// Every other column of the list they were imported from.
    attributes: &'a serde_json::Map<String, serde_json::Value>,
    /// What was sent to them.
    deliveries: Vec<Row<'a>>,
}

/// A delivery to the subscriber.
#[derive(Serialize)]
struct Row<'a> {
    /// Id of the mailing.
    id: &'a str,
    #[serde(flatten)]
    progress: DeliveryProgress<'a>,
}

impl<'a> Document<'a> {
    fn of(person: &'a PersonalData) -> Self {
        let subscriber = &person.subscriber;
        let row =
            |delivery: &'a Delivery| Row { id: delivery.issue.as_str(), progress: DeliveryProgress::of(delivery) };
        Self {
            address: subscriber.address.as_str(),
            name: &subscriber.name,
            status: subscriber.status.as_str(),
            created: subscriber.created.to_rfc3339(),
            changed: person.changed.to_rfc3339(),
            listed: person.listed,
            attributes: &subscriber.attributes,
            deliveries: person.deliveries.iter().map(row).collect(),
        }
    }
}

//! The document of `status`, written piece by piece: it may list more recipients than fit in memory.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::bounce::Class;
use crate::cli::report;
use crate::cli::status::{Left, Rest, Row, counted};
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Delivery, State};
use crate::store::Store;
use crate::transactional_message::MessageRecord;
use crate::unsubscription::Channel;

/// Writes the mailings, with their recipients if these are `wanted`: all, or those in a state, and how many subscribers left.
pub(super) fn write(
    store: &dyn Store,
    rows: &[Row],
    wanted: Option<Option<State>>,
    rest: &Rest<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    out.write_all(b"{\n  \"mailings\": [")?;
    for (at, row) in rows.iter().enumerate() {
        let text = indented(&document(row), 2)?;
        // Its closing brace comes after the recipients.
        let open = text.strip_suffix("\n    }").unwrap_or(&text);
        write!(out, "{}\n    {open}", if at == 0 { "" } else { "," })?;
        if let Some(state) = wanted {
            deliveries(store, row, state, &mut out)?;
        }
        out.write_all(b"\n    }")?;
    }
    out.write_all(if rows.is_empty() { b"]" } else { b"\n  ]" })?;
    write!(out, ",\n  \"unsubscribed\": {}", indented(&Unsubscribed::of(&rest.left), 1)?)?;
    if rest.messages.total() > 0 {
        write!(out, ",\n  \"transactional\": {}", indented(&Transactional { counts: counted(&rest.messages) }, 1)?)?;
    }
    write!(out, ",\n  \"findings\": {}\n}}\n", indented(&report::rows(rest.findings), 1)?)?;
    Ok(out.flush()?)
}

fn deliveries(store: &dyn Store, row: &Row, state: Option<State>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut before = ",\n      \"deliveries\": [";
    let mut are_any = false;
    store.each_delivery(&row.mailing.issue, state, &mut |delivery| {
        write!(out, "{before}\n        {}", indented(&DeliveryRow::of(&delivery), 4)?)?;
        (before, are_any) = (",", true);
        Ok(())
    })?;
    if are_any {
        out.write_all(b"\n      ]")?;
    }
    Ok(())
}

/// As JSON, each line but the first indented by `times` two spaces.
fn indented(value: &impl Serialize, times: usize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)?.replace('\n', &format!("\n{}", "  ".repeat(times))))
}

/// A mailing.
#[derive(Serialize)]
struct MailingRow<'a> {
    /// Slug of the issue, with its edition; name of the digest; or the id, if the issue is gone.
    issue: &'a str,
    /// Id of the mailing.
    id: &'a str,
    /// When its audience was frozen (RFC 3339).
    begun: String,
    /// Number of recipients.
    recipients: u64,
    /// Whether another store sent it, so that only the number of its recipients is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
    /// How many recipients are in each state.
    counts: serde_json::Map<String, serde_json::Value>,
    /// How many bounced, by what the bounces mean: `bad-address`, `mailbox`, `message`, `ours`, `later`, `unknown`. Only what
    /// occurs.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    bounces: serde_json::Map<String, serde_json::Value>,
    /// The ids of the issues in a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Vec<&'a str>>,
}

fn document(row: &Row) -> MailingRow<'_> {
    MailingRow {
        issue: &row.name,
        id: row.mailing.issue.as_str(),
        begun: row.mailing.frozen_at.to_rfc3339(),
        recipients: row.mailing.expected,
        adopted: row.is_adopted(),
        counts: counted(&row.counts),
        bounces: row.bounces.iter().map(|(class, count)| (class.as_str().to_owned(), (*count).into())).collect(),
        holds: row.mailing.digest.as_ref().map(|digest| digest.issues.iter().map(IssueId::as_str).collect()),
    }
}

/// The transactional messages, if there are any.
#[derive(Serialize)]
struct Transactional {
    /// How many of them are in each state.
    counts: serde_json::Map<String, serde_json::Value>,
}

/// How many subscribers left in the last 30 days.
#[derive(Serialize)]
struct Unsubscribed {
    /// When this time began (RFC 3339).
    since: String,
    /// How many by each channel: `one-click`, `page`, `mail`, `complaint`, `operator`.
    channels: serde_json::Map<String, serde_json::Value>,
}

impl Unsubscribed {
    fn of(left: &Left) -> Self {
        let row = |channel: Channel| (channel.as_str().to_owned(), left.by(channel).into());
        Self { since: left.since.to_rfc3339(), channels: Channel::ALL.into_iter().map(row).collect() }
    }
}

/// A recipient of a mailing.
#[derive(Serialize)]
struct DeliveryRow<'a> {
    /// `null` if the subscriber was forgotten.
    address: Option<&'a str>,
    #[serde(flatten)]
    progress: DeliveryProgress<'a>,
}

/// What became of a delivery.
#[derive(Serialize)]
pub(in crate::cli) struct DeliveryProgress<'a> {
    /// State, such as `sent`.
    state: &'a str,
    /// Number of attempts.
    attempts: u32,
    /// The server's last reply; of a bounce, what the report quotes.
    reply: Option<&'a str>,
    /// What the bounce means, if it bounced: `bad-address`, `mailbox`, `message`, `ours`, `later` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    /// When the state changed last (RFC 3339).
    changed: Option<String>,
}

impl<'a> DeliveryRow<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        let address = delivery.address.as_ref().map(EmailAddress::as_str);
        Self { address, progress: DeliveryProgress::of(delivery) }
    }
}

impl<'a> DeliveryProgress<'a> {
    pub fn of(delivery: &'a Delivery) -> Self {
        Self {
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            reply: delivery.reply.as_deref(),
            class: delivery.bounce().map(Class::as_str),
            changed: delivery.changed.map(|time| time.to_rfc3339()),
        }
    }

    pub fn of_message(message: &'a MessageRecord) -> Self {
        Self {
            state: message.state.as_str(),
            attempts: message.attempts,
            reply: message.reply.as_deref(),
            class: None,
            changed: Some(message.changed.to_rfc3339()),
        }
    }
}

//! What `inbox --dry-run` shows: what each message says, by itself.

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::finding::Finding;
use crate::inbox::{self, Addresses, Parsed};
use crate::incoming::Report;
use crate::mailbox::Mailbox;

/// A message.
#[derive(Serialize)]
struct MessageRow {
    /// Where it is: its path, its path and number in an mbox, or its number on the server.
    file: String,
    /// What it is: `bounce`, `delay`, `complaint`, `not-spam`, `leave`, `confirm`, `subscribe`, `auto-reply` or `other`.
    kind: &'static str,
    /// The recipients it reports on.
    recipients: Vec<RecipientRow>,
}

/// A recipient in a report.
#[derive(Serialize)]
struct RecipientRow {
    /// Its address, if the report names it.
    address: Option<String>,
    /// What became of the message: `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464).
    action: &'static str,
    /// Status code (RFC 3463).
    status: Option<String>,
    /// What a failure means: `bad-address`, `mailbox`, `message`, `ours`, `later` or `unknown`.
    class: &'static str,
}

/// Shows every message of a mailbox, which stays as it is.
pub(super) fn run(context: &Context, addresses: &Addresses, mut mailbox: Mailbox) -> anyhow::Result<Exit> {
    let mut unreadable = Vec::new();
    let mut row_of = |name: &str, parsed: Parsed<'_>| match parsed {
        Ok((_, says)) => Some(MessageRow {
            file: name.to_owned(),
            kind: addresses.kind(&says).as_str(),
            recipients: says.recipients.iter().map(RecipientRow::of).collect(),
        }),
        Err(error) => {
            unreadable.push(unreadable_finding(name, error));
            None
        }
    };
    if context.report.json {
        context.report.long_document(|out| {
            let mut separator = "[";
            inbox::read(&mut mailbox, &mut |name, parsed| {
                if let Some(row) = row_of(name, parsed) {
                    write!(out, "{separator}\n{}", serde_json::to_string(&row)?)?;
                    separator = ",";
                }
                Ok(false)
            })?;
            let end = if separator == "[" { "[]\n" } else { "\n]\n" };
            Ok(out.write_all(end.as_bytes())?)
        })?;
    } else {
        inbox::read(&mut mailbox, &mut |name, parsed| {
            if let Some(row) = row_of(name, parsed) {
                context.report.text(&row.lines())?;
            }
            Ok(false)
        })?;
    }
    mailbox.close();
    context.report.findings(&unreadable);
    Ok(if unreadable.is_empty() { Exit::Done } else { Exit::Attention })
}

/// That a message cannot be read.
pub(super) fn unreadable_finding(name: &str, error: &dyn std::fmt::Display) -> Finding {
    Finding::error("inbox-unreadable", format!("`{name}` cannot be read: {error}"))
        .help("let the user that runs this read it; the other messages are handled")
}

impl MessageRow {
    /// One line for the message, and one for each recipient; addresses are masked.
    fn lines(&self) -> String {
        let recipient = |row: &RecipientRow| {
            let address = row.address.as_ref().and_then(|address| address.parse().ok());
            let address =
                address.map_or_else(|| "(no address)".to_owned(), |it: crate::email::EmailAddress| it.masked());
            let status = row.status.as_deref().unwrap_or("-");
            format!("  {address}  {}  {status}  {}\n", row.action, row.class)
        };
        let recipients: String = self.recipients.iter().map(recipient).collect();
        format!("{}: {}\n{recipients}", self.file, self.kind)
    }
}

impl RecipientRow {
    fn of(report: &Report) -> Self {
        Self {
            address: report.address.as_ref().map(ToString::to_string),
            action: report.action.as_str(),
            status: report.status.clone(),
            class: report.class.as_str(),
        }
    }
}

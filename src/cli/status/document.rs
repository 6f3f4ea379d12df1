//! The document of `status --json`, written piece by piece: its recipients may be more than memory holds.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::cli::status::{Row, counted};
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Delivery, State};
use crate::store::Store;

/// Writes the mailings, with their recipients where these are `wanted`: all, or those in a state.
pub(super) fn write(
    store: &dyn Store,
    rows: &[Row],
    wanted: Option<Option<State>>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    out.write_all(b"{\n  \"mailings\": [")?;
    for (at, row) in rows.iter().enumerate() {
        let text = indented(&document(row), 2)?;
        // What it ends with comes after the recipients.
        let open = text.strip_suffix("\n    }").unwrap_or(&text);
        write!(out, "{}\n    {open}", if at == 0 { "" } else { "," })?;
        if let Some(state) = wanted {
            deliveries(store, row, state, &mut out)?;
        }
        out.write_all(b"\n    }")?;
    }
    out.write_all(if rows.is_empty() { b"]\n}\n" } else { b"\n  ]\n}\n" })?;
    Ok(out.flush()?)
}

fn deliveries(store: &dyn Store, row: &Row, state: Option<State>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut before = ",\n      \"deliveries\": [";
    let mut are_any = false;
    store.each_delivery(&row.mailing.issue, state, &mut |delivery| {
        write!(out, "{before}\n        {}", indented(&delivery_document(&delivery), 4)?)?;
        (before, are_any) = (",", true);
        Ok(())
    })?;
    if are_any {
        out.write_all(b"\n      ]")?;
    }
    Ok(())
}

/// As JSON, each line but the first moved to the right by so many times two blanks.
fn indented(value: &impl Serialize, times: usize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)?.replace('\n', &format!("\n{}", "  ".repeat(times))))
}

#[derive(Serialize)]
struct Document<'a> {
    issue: &'a str,
    id: &'a str,
    begun: String,
    recipients: u64,
    /// Another store mailed it: of its recipients nothing is known but how many they were.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
    counts: serde_json::Map<String, serde_json::Value>,
    /// The ids of the issues in a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Vec<&'a str>>,
}

fn document(row: &Row) -> Document<'_> {
    Document {
        issue: &row.name,
        id: row.mailing.issue.as_str(),
        begun: row.mailing.frozen_at.to_rfc3339(),
        recipients: row.mailing.expected,
        adopted: row.is_adopted(),
        counts: counted(&row.counts),
        holds: row.mailing.digest.as_ref().map(|digest| digest.issues.iter().map(IssueId::as_str).collect()),
    }
}

fn delivery_document(delivery: &Delivery) -> serde_json::Value {
    serde_json::json!({
        "address": delivery.address.as_ref().map(EmailAddress::as_str),
        "state": delivery.state.as_str(),
        "attempts": delivery.attempts,
        "reply": delivery.reply,
        "changed": delivery.changed.map(|time| time.to_rfc3339()),
    })
}

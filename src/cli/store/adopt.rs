//! `slugline store adopt`: mailings recorded in `feeds.lock` count as sent, because the store that knows more is gone.

use serde::Serialize;

use crate::cli::confirm::{can_ask, confirm};
use crate::cli::{Context, Exit, send};
use crate::config::Config;
use crate::disk::machine;
use crate::finding::Finding;
use crate::ledger::Mailing;
use crate::send::mailing_record::MailingRecord;
use crate::store::{Adoption, RunStart, Store};

/// The document of `store adopt`.
#[derive(Serialize)]
struct Document<'a> {
    /// Mailings that count as sent now.
    adopted: Vec<Row<'a>>,
    /// How many recipients have the state `unknown` now.
    unknown: u64,
}

/// A mailing that counts as sent now.
#[derive(Serialize)]
struct Row<'a> {
    /// Its id.
    id: &'a str,
    /// What became of its recipients, in words.
    became: &'a str,
}

pub(super) fn run(context: &Context, config: &Config, yes: bool) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let project_file = context.project_file();
    let record = MailingRecord::new(&context.project, &project_file);
    let mut store = context.store(config)?;
    let Some(behind) = record.refusal(&*store)? else {
        let document = Document { adopted: Vec::new(), unknown: 0 };
        context
            .report
            .result("the store knows all mailings that `feeds.lock` records; nothing was changed", &document)?;
        return Ok(Exit::Done);
    };
    context.report.message(&format!("{behind}."));
    let count = record.read()?.len();
    let question =
        format!("{count} mailings recorded in `feeds.lock` will count as sent, and nobody gets one of them again.");
    // Without a terminal it goes ahead: it holds mail back and sends none.
    if !confirm(context, &question, yes || !can_ask(context))? {
        return Ok(Exit::Attention);
    }
    if let RunStart::Busy(other) = store.begin_run(&machine::this_run(now), now)? {
        return Err(send::busy(other.as_ref()).into());
    }
    let adopted = record.adopt(&mut *store, now)?;
    show(context, &*store, &adopted)
}

fn show(context: &Context, store: &dyn Store, adopted: &[(Mailing, Adoption)]) -> anyhow::Result<Exit> {
    let settled = |adopted: &Adoption| match adopted {
        Adoption::Entered => 0,
        Adoption::Settled(count) => *count,
    };
    let unknown: u64 = adopted.iter().map(|(_, adopted)| settled(adopted)).sum();
    let row = |(mailing, adopted): &(Mailing, Adoption)| {
        let word = match adopted {
            Adoption::Entered => "recorded, its recipients are not known".to_owned(),
            Adoption::Settled(0) => "known before".to_owned(),
            Adoption::Settled(count) => format!("{count} waiting recipients are unknown now"),
        };
        vec![mailing.issue.to_string(), mailing.frozen_at.format("%Y-%m-%d %H:%M").to_string(), word]
    };
    let rows: Vec<Vec<String>> = adopted.iter().map(row).collect();
    if context.report.json {
        let adopted = rows.iter().map(|row| Row { id: &row[0], became: &row[2] }).collect();
        context.report.document(&Document { adopted, unknown })?;
    } else {
        context.report.table(&rows)?;
    }
    context.report.message("Commit `feeds.lock`. The next issue goes to all active subscribers.");
    let mut findings = Vec::new();
    if unknown > 0 {
        let message = format!("it is unknown whether another store sent to {unknown} recipients");
        let help = "`slugline status --state unknown` lists them, `slugline resolve` decides";
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    if store.count_subscribers(None)? == 0 {
        let help = "import them, including those who unsubscribed: `slugline subscribers import FILE`";
        findings.push(Finding::warning("no-subscribers", "the store has no subscribers").help(help));
    }
    context.report.findings(&findings);
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Attention })
}

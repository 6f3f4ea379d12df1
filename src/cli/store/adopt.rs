//! `slugline store adopt`: what `feeds.lock` records counts as mailed, where the store that knows more is gone.

use std::io::{self, IsTerminal as _};

use crate::cli::confirm::confirm;
use crate::cli::{Context, Exit, send};
use crate::config::Config;
use crate::disk::machine;
use crate::finding::Finding;
use crate::ledger::Mailing;
use crate::send::mailing_record::MailingRecord;
use crate::store::{Adoption, RunStart, Store};

pub(super) fn run(context: &Context, config: &Config, yes: bool) -> anyhow::Result<Exit> {
    let now = context.clock.now();
    let project_file = context.project_file();
    let record = MailingRecord::new(&context.project, &project_file);
    let mut store = context.store(config)?;
    let Some(behind) = record.refusal(&*store)? else {
        let document = serde_json::json!({ "adopted": [], "unknown": 0 });
        context.report.result("the store knows all that `feeds.lock` records; nothing was changed", &document)?;
        return Ok(Exit::Done);
    };
    context.report.message(&format!("{behind}."));
    let count = record.read()?.len();
    let question =
        format!("{count} mailings that `feeds.lock` records will count as mailed, and nobody gets one of them again.");
    // Where nobody can be asked it is done: it keeps mail back, and sends none.
    if !confirm(context, &question, yes || !io::stdin().is_terminal())? {
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
            Adoption::Entered => "entered, its recipients are not known".to_owned(),
            Adoption::Settled(0) => "known already".to_owned(),
            Adoption::Settled(count) => format!("{count} who waited are unknown now"),
        };
        vec![mailing.issue.to_string(), mailing.frozen_at.format("%Y-%m-%d %H:%M").to_string(), word]
    };
    let rows: Vec<Vec<String>> = adopted.iter().map(row).collect();
    if context.report.json {
        let mailings: Vec<_> = rows.iter().map(|row| serde_json::json!({ "id": row[0], "became": row[2] })).collect();
        context.report.document(&serde_json::json!({ "adopted": mailings, "unknown": unknown }))?;
    } else {
        context.report.table(&rows)?;
    }
    context.report.message("Commit `feeds.lock`. The next issue goes to all who are active.");
    let mut findings = Vec::new();
    if unknown > 0 {
        let message = format!("nobody can know whether {unknown} recipients were mailed from another store");
        let help = "`slugline status --state unknown` names them, `slugline resolve` decides";
        findings.push(Finding::warning("unknown-recipients", message).help(help));
    }
    if store.count_subscribers(None)? == 0 {
        let help = "import them: `slugline subscribers import FILE`, those who left among them";
        findings.push(Finding::warning("no-subscribers", "the store holds no subscribers").help(help));
    }
    context.report.findings(&findings);
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Attention })
}

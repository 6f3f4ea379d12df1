//! What an import would do, without doing it: for those who ask before they import, and before they send.
//!
//! Reads a list as `import` does, asks the store about its people, and changes nothing. Of each address it keeps a hash and
//! what it would become, so that a million of them need tens of megabytes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use anyhow::Context as _;

use crate::check::Smtputf8Addresses;
use crate::finding::Finding;
use crate::store::{Added, Occurrence, Store};
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_rows::Rows;
use crate::subscription::encoding::{DecodedText, Rewindable};
use crate::subscription::plan::{self, Plan};
use crate::subscription::{ImportReport, Options};

/// About so many the store is asked at a time: on a server, each question costs a journey.
const LOOKUP_BATCH: usize = 1000;

/// What `import` would return, and change nothing.
///
/// # Errors
/// As `import`.
pub fn import(
    store: &dyn Store,
    path: &str,
    list: &mut dyn Rewindable,
    options: &Options,
) -> anyhow::Result<ImportReport> {
    let plan = plan::plan(path, list, options)?;
    // Hashes instead of addresses, of which there may be millions: that two of them are the same will not happen.
    let (hasher, mut people, mut added) = (RandomState::new(), HashMap::new(), Added::default());
    let mut smtputf8 = Smtputf8Addresses::default();
    let findings = each_batch(store, path, list, &plan, &mut |rows| {
        for (row, there, is_forgotten) in rows {
            if is_forgotten {
                added.forgotten += 1;
                continue;
            }
            if row.status == Status::Active {
                smtputf8.add(&row.address);
            }
            let place = people.entry(hasher.hash_one(row.address.key()));
            let is_first = matches!(place, std::collections::hash_map::Entry::Vacant(_));
            let before = there.unwrap_or(row.status);
            let (was_known, status) = place.or_insert((there.is_some(), before));
            let after = status.after(row.status, !*was_known);
            let met = match (is_first, *was_known) {
                (true, false) => Occurrence::New,
                (true, true) => Occurrence::Known,
                (false, true) => Occurrence::KnownAgain,
                (false, false) => Occurrence::Repeated,
            };
            added.count(met, std::mem::replace(status, after), after);
        }
        Ok(())
    })?;
    Ok(ImportReport { service: plan.service(), added, smtputf8, findings })
}

/// Calls `each` with those whom an import would add and who would get mail, in the order of the list; returns a finding for
/// each row that names nobody.
///
/// # Errors
/// As `import`, and when `each` does.
pub fn each_new_subscriber(
    store: &dyn Store,
    path: &str,
    list: &mut dyn Rewindable,
    options: &Options,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let plan = plan::plan(path, list, options)?;
    let hasher = RandomState::new();
    // Of two rows of one address the one that does not mail counts, wherever it stands.
    let mut seen = HashSet::new();
    if plan.layout.has_status() {
        each_row(path, list, &plan, &mut |row| {
            if row.status != Status::Active {
                seen.insert(hasher.hash_one(row.address.key()));
            }
            Ok(())
        })?;
    }
    each_batch(store, path, list, &plan, &mut |rows| {
        for (row, there, is_forgotten) in rows {
            if seen.insert(hasher.hash_one(row.address.key())) && there.is_none() && !is_forgotten {
                each(row)?;
            }
        }
        Ok(())
    })
}

/// Rows, each with the status that the store has for its address, and whether it was forgotten.
type Batch = Vec<(NewSubscriber, Option<Status>, bool)>;

/// Calls `each` with the good rows, some at a time; returns what is wrong with the others.
fn each_batch(
    store: &dyn Store,
    path: &str,
    list: &mut dyn Rewindable,
    plan: &Plan,
    each: &mut dyn FnMut(Batch) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let mut batch: Vec<NewSubscriber> = Vec::with_capacity(LOOKUP_BATCH);
    let mut ask = |batch: &mut Vec<NewSubscriber>| {
        let addresses: Vec<_> = batch.iter().map(|row| &row.address).collect();
        let there = store.statuses_of(&addresses)?.into_iter().zip(store.are_forgotten(&addresses)?);
        each(batch.drain(..).zip(there).map(|(row, (status, is_forgotten))| (row, status, is_forgotten)).collect())
    };
    let findings = each_row(path, list, plan, &mut |row| {
        batch.push(row);
        if batch.len() == LOOKUP_BATCH { ask(&mut batch) } else { Ok(()) }
    })?;
    ask(&mut batch)?;
    Ok(findings)
}

fn each_row(
    path: &str,
    list: &mut dyn Rewindable,
    plan: &Plan,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let failed = || format!("failed to read `{path}` to its end");
    let mut text = DecodedText::new(list, plan.encoding).with_context(failed)?;
    let mut rows = Rows::new(path, &mut text, plan)?;
    while let Some(row) = rows.next_valid() {
        each(row)?;
    }
    rows.into_findings().with_context(failed)
}

//! The effect of an import, without importing: for dry runs of imports and sendings.
//!
//! Reads a list as `import` does, looks up its subscribers, and changes nothing. It keeps a hash and a status for each
//! address, so that a million of them take tens of megabytes.

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

/// How many addresses are looked up at once: on a server, each query costs a round trip.
const LOOKUP_BATCH: usize = 1000;

/// Returns what `import` would return, and changes nothing.
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
    // Hashes instead of addresses, of which there may be millions; collisions are negligible.
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

/// Calls `each` with the subscribers that an import would add as active, in the order of the list; returns a finding
/// for each invalid row.
///
/// # Errors
/// As `import`, and if `each` fails.
pub fn each_new_subscriber(
    store: &dyn Store,
    path: &str,
    list: &mut dyn Rewindable,
    options: &Options,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let plan = plan::plan(path, list, options)?;
    let hasher = RandomState::new();
    // Of two rows with one address, the inactive one counts, wherever it is.
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

/// Rows, each with the status its address has in the store, and whether it was forgotten.
type Batch = Vec<(NewSubscriber, Option<Status>, bool)>;

/// Calls `each` with batches of valid rows; returns findings about the others.
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

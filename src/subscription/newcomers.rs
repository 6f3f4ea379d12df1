//! Whom an import would add, without adding them: for those who ask what would happen.

use std::collections::BTreeSet;
use std::io::Read;

use anyhow::Context;

use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_rows::Rows;

/// Those whom an import would add.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Newcomers {
    /// Those who would be written to, in the order of the file.
    pub active: Vec<NewSubscriber>,
    /// Rows that name nobody, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Reads a CSV file as `import` does, and changes nothing; `path` is its name in findings.
///
/// # Errors
/// When the header names no column for the address, the file cannot be read to its end, or the store fails.
pub fn newcomers(store: &dyn Store, path: &str, csv: &mut dyn Read) -> anyhow::Result<Newcomers> {
    let mut rows = Rows::new(path, csv, None)?;
    let mut seen = BTreeSet::new();
    let mut active = Vec::new();
    while let Some(row) = rows.next_good() {
        let is_new = seen.insert(row.address.key()) && store.subscriber(&row.address)?.is_none();
        if is_new && row.status == Status::Active {
            active.push(row);
        }
    }
    let findings = rows.into_findings().with_context(|| format!("failed to read `{path}` to its end"))?;
    Ok(Newcomers { active, findings })
}

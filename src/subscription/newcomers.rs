//! Whom an import would add, without adding them: for those who ask what would happen.

use std::collections::HashSet;
use std::io::Read;

use anyhow::Context;

use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_rows::Rows;

/// About so many the store is asked at a time: on a server, each question costs a journey.
const TOGETHER: usize = 1000;

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
    let (mut seen, mut active) = (HashSet::new(), Vec::new());
    loop {
        let mut asked = Vec::with_capacity(TOGETHER);
        while asked.len() < TOGETHER
            && let Some(row) = rows.next_good()
        {
            // Of the rows of one address the first counts.
            if seen.insert(row.address.key()) {
                asked.push(row);
            }
        }
        if asked.is_empty() {
            break;
        }
        let known = store.are_known(&asked.iter().map(|row| &row.address).collect::<Vec<_>>())?;
        let new = asked.into_iter().zip(known).filter(|(row, known)| !known && row.status == Status::Active);
        active.extend(new.map(|(row, _)| row));
    }
    let findings = rows.into_findings().with_context(|| format!("failed to read `{path}` to its end"))?;
    Ok(Newcomers { active, findings })
}

//! Whom an import would add, without adding them: for those who ask what would happen.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read;

use anyhow::Context;

use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status};
use crate::subscription::csv_rows::Rows;

/// About so many the store is asked at a time: on a server, each question costs a journey.
const TOGETHER: usize = 1000;

/// Reads a CSV file as `import` does, and changes nothing; `path` is its name in findings. Calls `each` with those who would
/// be added and written to, in the order of the file, and gives a finding for each row that names nobody.
///
/// # Errors
/// When the header names no column for the address, the file cannot be read to its end, the store fails, or `each` does.
pub fn each(
    store: &dyn Store,
    path: &str,
    csv: &mut dyn Read,
    each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Finding>> {
    let mut rows = Rows::new(path, csv, None)?;
    // Hashes instead of addresses, of which there may be millions: that two of them are the same will not happen.
    let (hasher, mut seen) = (RandomState::new(), HashSet::new());
    loop {
        let mut asked = Vec::with_capacity(TOGETHER);
        while asked.len() < TOGETHER
            && let Some(row) = rows.next_good()
        {
            // Of the rows of one address the first counts.
            if seen.insert(hasher.hash_one(row.address.key())) {
                asked.push(row);
            }
        }
        if asked.is_empty() {
            break;
        }
        let known = store.are_known(&asked.iter().map(|row| &row.address).collect::<Vec<_>>())?;
        let new = asked.into_iter().zip(known).filter(|(row, known)| !known && row.status == Status::Active);
        new.map(|(row, _)| row).try_for_each(&mut *each)?;
    }
    rows.into_findings().with_context(|| format!("failed to read `{path}` to its end"))
}

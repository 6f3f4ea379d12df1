//! Restoring: a backup is copied into an empty store, except for what has become uncertain since.
//!
//! Pending recipients and messages may have been mailed after the backup was made, and there is no way to know: they
//! become `unknown` in the transaction that fills the store, so that at no moment could a run mail them again. Files are
//! left to `store::backup`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};

use super::{BACKUP, EachRow, Movable, Moved, RUNS, RowCounts, Table};
use crate::ledger::{STORE_LOST, State};
use crate::store::StoreError;

/// The states of pending recipients.
const OPEN: [State; 4] = [State::Queued, State::Claimed, State::Sending, State::Deferred];

/// What changes during the copy.
pub(in crate::store) struct Restoring {
    /// When the backup was made.
    pub made: DateTime<Utc>,
    /// The run counter is at least this afterwards.
    pub runs: u64,
    /// The current time.
    pub now: DateTime<Utc>,
}

impl Restoring {
    /// Fills the store; returns its row counts. Calls `each` for every row.
    pub fn fill(
        &self,
        from: &dyn Movable,
        to: &mut dyn Movable,
        moved: &Moved,
        each: &mut dyn FnMut(u64),
    ) -> Result<RowCounts, StoreError> {
        let properties = self.properties(from)?;
        let expected = expected(&from.row_counts()?, properties.len());
        let total = expected.total();
        let (reply, now) = (self.reply(), self.now.to_rfc3339_opts(SecondsFormat::Millis, true));
        let mut rows = |table: Table, row: &mut EachRow<'_>| {
            if table == Table::Property {
                return properties.iter().try_for_each(|(name, value)| row(&[Some(name), Some(value)]));
            }
            from.for_each_row(table, &mut |fields| {
                each(total);
                match is_open(table, fields) {
                    true => row(&unknown(table, fields, &reply, &now)),
                    false => row(fields),
                }
            })
        };
        to.fill(moved, &expected, &mut rows)?;
        Ok(expected)
    }

    /// The properties of a store that is not a backup, with its run counter raised.
    fn properties(&self, from: &dyn Movable) -> Result<BTreeMap<String, String>, StoreError> {
        let mut properties = BTreeMap::new();
        let read = from.for_each_row(Table::Property, &mut |fields| {
            let [Some(name), Some(value)] = fields else { anyhow::bail!("a property has no value") };
            properties.insert((*name).to_owned(), (*value).to_owned());
            Ok(())
        });
        let counted = read.and_then(|()| {
            let runs = properties.get(RUNS).map_or(Ok(0), |text| text.parse::<u64>());
            runs.context("its run counter cannot be read")
        });
        let runs = counted.map_err(|source| StoreError::Failed { doing: "read the backup", source })?;
        properties.remove(BACKUP);
        properties.insert(RUNS.to_owned(), runs.max(self.runs).to_string());
        Ok(properties)
    }

    fn reply(&self) -> String {
        let made = self.made.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("{STORE_LOST}: it was restored from a backup of {made}; whether it was sent since is unknown")
    }
}

/// The row counts afterwards.
fn expected(backup: &RowCounts, properties: usize) -> RowCounts {
    let mut expected = backup.clone();
    expected.rows[Table::Property as usize] = properties as u64;
    let mut states: BTreeMap<(i64, String), u64> = BTreeMap::new();
    for (mailing, word, count) in &backup.states {
        let word = if waits(word) { State::Unknown.as_str().to_owned() } else { word.clone() };
        *states.entry((*mailing, word)).or_default() += count;
    }
    expected.states = states.into_iter().map(|((mailing, word), count)| (mailing, word, count)).collect();
    expected
}

/// How many recipients of a backup become `unknown`.
pub(in crate::store) fn uncertain(backup: &RowCounts) -> u64 {
    OPEN.iter().map(|state| backup.in_state(*state)).sum()
}

/// Whether recipients in this state are pending.
fn waits(word: &str) -> bool {
    OPEN.iter().any(|state| state.as_str() == word)
}

/// Whether it is the row of a recipient or message that is pending.
fn is_open(table: Table, fields: &[Option<&str>]) -> bool {
    let has_states = matches!(table, Table::Delivery | Table::Message);
    let state = table.column("state").and_then(|at| *fields.get(at)?);
    has_states && state.is_some_and(waits)
}

/// The row of a recipient or message that was pending, as restored.
fn unknown<'f>(table: Table, fields: &[Option<&'f str>], reply: &'f str, now: &'f str) -> Vec<Option<&'f str>> {
    let mut fields = fields.to_vec();
    for (name, value) in [
        ("state", Some(State::Unknown.as_str())),
        ("retry_at", None),
        ("class", None),
        ("reply", Some(reply)),
        ("changed", Some(now)),
    ] {
        if let Some(field) = table.column(name).and_then(|at| fields.get_mut(at)) {
            *field = value;
        }
    }
    fields
}

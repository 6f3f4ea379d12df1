//! Who gets the mail: adding, importing, exporting and removing subscribers.
//!
//! Takes a store and what the user gives; knows neither terminal nor HTTP. One bad row of an import stops no other, and
//! nobody who left comes back by an import.

use std::io::Read;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Added, Store, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber};
use crate::token::{Purpose, Secrets, Token};

mod csv_lines;
mod csv_rows;
pub mod export;
pub mod newcomers;

/// What became of a wish to subscribe one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// They are subscribed now.
    New,
    /// They were subscribed already; nothing changed.
    Known,
    /// They had left or were suppressed, and are subscribed again.
    Again(Status),
    /// They have left or are suppressed, and stay so.
    Away(Status),
}

/// Subscribes one person. Somebody who left is only subscribed `again` when that is asked for.
///
/// # Errors
/// When the store fails.
pub fn add(store: &mut dyn Store, new: NewSubscriber, again: bool, now: DateTime<Utc>) -> Result<Joined, StoreError> {
    let address = new.address.clone();
    match store.subscriber(&address)?.map(|subscriber| subscriber.status) {
        None => store.add_subscribers(&mut std::iter::once(new), now).map(|_| Joined::New),
        Some(Status::Active) => Ok(Joined::Known),
        Some(status) if again => store.set_status(&address, Status::Active, now).map(|_| Joined::Again(status)),
        Some(status) => Ok(Joined::Away(status)),
    }
}

/// The outcome of an import.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// Those whose rows were good.
    pub added: Added,
    /// Rows that were not, one finding each, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Imports a CSV file with a header, in one transaction; `path` is its name in findings. The address is in the column
/// `column`, else in the one named `email`, `e-mail`, `address` or `email address`; a column `name` is the name, `status`
/// the status, without which they are active; every other one becomes an attribute. `each` is told of every row.
///
/// # Errors
/// When the header names no column for the address, or the store fails; then nobody was added. When the file cannot be
/// read to its end; then those up to there were.
pub fn import(
    store: &mut dyn Store,
    path: &str,
    csv: &mut dyn Read,
    column: Option<&str>,
    now: DateTime<Utc>,
    each: &mut dyn FnMut(),
) -> anyhow::Result<Imported> {
    let mut rows = csv_rows::Rows::new(path, csv, column)?;
    let mut good = std::iter::from_fn(|| {
        let row = rows.next_good();
        each();
        row
    });
    let added = store.add_subscribers(&mut good, now).with_context(|| format!("failed to import `{path}`"))?;
    let read = rows.into_findings();
    let added_so_far = || format!("failed to read `{path}` to its end; the {} before were added", added.new);
    Ok(Imported { added, findings: read.with_context(added_so_far)? })
}

/// Unsubscribes somebody; gives the status before, `None` when the address is not known.
///
/// # Errors
/// When the store fails.
pub fn remove(store: &mut dyn Store, address: &EmailAddress, now: DateTime<Utc>) -> Result<Option<Status>, StoreError> {
    match store.subscriber(address)?.map(|subscriber| subscriber.status) {
        Some(Status::Active) => store.set_status(address, Status::Unsubscribed, now),
        other => Ok(other),
    }
}

/// The subscriber who was given this token for this purpose; nobody where it is no such token.
///
/// # Errors
/// When the store fails.
pub fn of_token(
    store: &dyn Store,
    secrets: &Secrets,
    purpose: Purpose,
    text: &str,
) -> Result<Option<Subscriber>, StoreError> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    let subscriber = store.subscriber_numbered(token.subscriber())?;
    Ok(subscriber.filter(|subscriber| secrets.prove(&token, purpose, subscriber.id, &subscriber.address)))
}

#[cfg(test)]
mod tests;

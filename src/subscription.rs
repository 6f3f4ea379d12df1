//! Who gets the mail: adding, importing, exporting and removing subscribers.
//!
//! Takes a store and what the user gives; knows neither terminal nor HTTP. One bad row of an import stops no other, and
//! nobody who left comes back by an import. A list of which it cannot be told who gets mail adds nobody.

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::check::Smtputf8Addresses;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Added, Store, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber};
use crate::token::{Purpose, Secrets, Token, TokenClaim};

mod csv_lines;
mod csv_rows;
pub mod dry_run;
mod encoding;
pub mod export;
pub mod forget;
mod layout;
pub mod listed;
mod masked;
pub mod options;
mod plan;
mod services;
mod status_column;
mod status_words;

pub use encoding::Rewindable;
pub use options::Options;

use encoding::DecodedText;

/// What became of a wish to subscribe one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddOutcome {
    /// They are subscribed now.
    New,
    /// They were subscribed already; nothing changed.
    Known,
    /// They were not active, and are subscribed again.
    Again(Status),
    /// They are not active, and stay so.
    Away(Status),
    /// They asked to be forgotten, and are not added.
    Forgotten,
}

/// Subscribes one person. Somebody who left, or was forgotten, is only subscribed `again` when that is asked for.
///
/// # Errors
/// When the store fails.
pub fn add(
    store: &mut dyn Store,
    new: NewSubscriber,
    again: bool,
    now: DateTime<Utc>,
) -> Result<AddOutcome, StoreError> {
    let address = new.address.clone();
    if again {
        store.allow(&address)?;
    }
    match store.subscriber(&address)?.map(|subscriber| subscriber.status) {
        None => match store.add_subscribers(&mut std::iter::once(new), now)? {
            Added { forgotten: 1.., .. } => Ok(AddOutcome::Forgotten),
            _ => Ok(AddOutcome::New),
        },
        Some(Status::Active) => Ok(AddOutcome::Known),
        Some(status) if again => store.set_status(&address, Status::Active, now).map(|_| AddOutcome::Again(status)),
        Some(status) => Ok(AddOutcome::Away(status)),
    }
}

/// The outcome of an import.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImportReport {
    /// The service whose export the list is.
    pub service: Option<&'static str>,
    /// Those whose rows were good.
    pub added: Added,
    /// Those of the list who are active and whom not every mail server can reach.
    pub smtputf8: Smtputf8Addresses,
    /// Rows that were not, one finding each, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Imports a CSV file with a header; `path` is its name in findings. What its columns are `options` say, else the export of
/// a service is known by its header, else they are named as in an ordinary list: `email`, `name`, `status`, and every other
/// one becomes an attribute. The whole list is looked at before anybody is added, then they are in one transaction. `each`
/// is told of every good row.
///
/// # Errors
/// When it cannot be told who of the list gets mail (`judge`), the list cannot be read, or the store fails; then nobody was
/// added. When it cannot be read for a second time to its end; then those up to there were.
pub fn import(
    store: &mut dyn Store,
    path: &str,
    list: &mut dyn Rewindable,
    options: &Options,
    now: DateTime<Utc>,
    each: &mut dyn FnMut(Option<&NewSubscriber>),
) -> anyhow::Result<ImportReport> {
    let plan = plan::plan(path, list, options)?;
    let mut text = DecodedText::new(list, plan.encoding).with_context(|| format!("failed to read `{path}`"))?;
    let mut rows = csv_rows::Rows::new(path, &mut text, &plan)?;
    let mut smtputf8 = Smtputf8Addresses::default();
    let mut good = std::iter::from_fn(|| {
        let row = rows.next_valid();
        if let Some(active) = row.as_ref().filter(|row| row.status == Status::Active) {
            smtputf8.add(&active.address);
        }
        each(row.as_ref());
        row
    });
    let added = store.add_subscribers(&mut good, now).with_context(|| format!("failed to import `{path}`"))?;
    let read = rows.into_findings();
    let added_so_far = || format!("failed to read `{path}` to its end; the {} before were added", added.new);
    Ok(ImportReport { service: plan.service(), added, smtputf8, findings: read.with_context(added_so_far)? })
}

/// Unsubscribes somebody; gives the status before, `None` when the address is not known.
///
/// # Errors
/// When the store fails.
pub fn remove(store: &mut dyn Store, address: &EmailAddress, now: DateTime<Utc>) -> Result<Option<Status>, StoreError> {
    match store.subscriber(address)?.map(|subscriber| subscriber.status) {
        // Who never confirmed may still be asked to; who leaves may not.
        Some(Status::Active | Status::Unconfirmed) => store.set_status(address, Status::Unsubscribed, now),
        other => Ok(other),
    }
}

/// The subscriber who was given this token for this purpose; nobody where it is no such token.
///
/// # Errors
/// When the store fails.
pub fn subscriber_by_token(
    store: &mut dyn Store,
    secrets: &Secrets,
    purpose: Purpose,
    text: &str,
) -> Result<Option<Subscriber>, StoreError> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    // A forged token is refused before the store is asked.
    let subscriber = match secrets.claim(&token, purpose) {
        None => None,
        Some(TokenClaim::Tagged(secret, tag)) => store.subscriber_by_tag(secret, tag)?,
        Some(TokenClaim::Numbered(id)) => store.subscriber_by_id(id)?,
    };
    Ok(subscriber.filter(|subscriber| secrets.is_of(&token, purpose, subscriber.id, &subscriber.address)))
}

#[cfg(test)]
mod tests;

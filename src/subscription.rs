//! Adding, importing, exporting and removing subscribers.
//!
//! One bad row does not stop an import, and no import brings back someone who unsubscribed. A list whose statuses are
//! not understood adds no one.

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::check::Smtputf8Addresses;
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Added, Store, StoreError};
use crate::subscriber::{NewSubscriber, Status, Subscriber};
use crate::token::{Purpose, Secrets, Token, TokenClaim};
use crate::unsubscription::Channel;

pub mod confirmation;
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

/// The outcome of subscribing one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddOutcome {
    /// Subscribed now.
    New,
    /// Already subscribed; nothing changed.
    Known,
    /// Was inactive, and is subscribed again.
    Again(Status),
    /// Is inactive, and stays so.
    Away(Status),
    /// Was forgotten, and is not added.
    Forgotten,
}

/// Subscribes one person. Someone who unsubscribed or was forgotten is only subscribed if `again` is set.
///
/// # Errors
/// If the store fails.
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
    /// The subscribers of the valid rows.
    pub added: Added,
    /// Active subscribers of the list that only mail servers with SMTPUTF8 can reach.
    pub smtputf8: Smtputf8Addresses,
    /// One finding for each invalid row, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Imports a CSV file with a header; `path` is its name in findings. The columns are those that `options` name, or
/// those of a service whose export the header matches, or the usual ones: `email`, `name`, `status`; every other column
/// becomes an attribute. The entire list is checked before anything is added, in one transaction. Calls `each` for
/// every row.
///
/// # Errors
/// If it is not clear who of the list gets mail (`plan`), the list cannot be read, or the store fails; nothing is added
/// then. If the second reading fails; the rows before are added then.
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

/// Unsubscribes a subscriber; returns the previous status, or `None` if the address is unknown.
///
/// # Errors
/// If the store fails.
pub fn remove(store: &mut dyn Store, address: &EmailAddress, now: DateTime<Utc>) -> Result<Option<Status>, StoreError> {
    match store.subscriber(address)? {
        // Unconfirmed subscribers leave too: they could still be asked to confirm.
        Some(subscriber) => store.leave(subscriber.id, Channel::Operator, None, now),
        None => Ok(None),
    }
}

/// The subscriber for whom this token was made for this purpose, or `None` if the token is invalid. Only reads.
///
/// # Errors
/// If the store fails.
pub fn subscriber_by_token(
    store: &dyn Store,
    secrets: &Secrets,
    purpose: Purpose,
    text: &str,
) -> Result<Option<Subscriber>, StoreError> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    // A forged token is refused without asking the store.
    let subscriber = match secrets.claim(&token, purpose) {
        None => None,
        Some(TokenClaim::Tagged(secret, tag)) => store.subscriber_by_tag(secret, tag)?,
        Some(TokenClaim::Numbered(id)) => store.subscriber_by_id(id)?,
    };
    Ok(subscriber.filter(|subscriber| secrets.belongs_to(&token, purpose, subscriber.id, &subscriber.address)))
}

#[cfg(test)]
mod tests;

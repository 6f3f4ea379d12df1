//! The recipient of `edition --for`: the subscriber with this address, and what they would get.
//!
//! A store that does not exist is not created. What cannot be found out is reported, and the edition shown all the same.

use crate::cli::Context;
use crate::compose::Composer;
use crate::config::Config;
use crate::digest::MailingContent;
use crate::edition::{Edition, Recipient};
use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::send::lookup;
use crate::store::{Location, Store};
use crate::subscriber::{Status, Subscriber};

/// The recipient with this address. Shows why they would not get the edition as it is shown, if so.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn find(
    context: &Context,
    config: &Config,
    content: &MailingContent<'_>,
    address: EmailAddress,
) -> anyhow::Result<Recipient> {
    let Some(store) = open(context, config) else { return Ok(Recipient::of_address(address)) };
    let Some(subscriber) = store.subscriber(&address)? else {
        context.report.message(&format!("`{address}` is not a subscriber: this is what a new one would get."));
        return Ok(Recipient::of_address(address));
    };
    context.report.findings(obstacle(&*store, content, &subscriber)?.as_slice());
    Ok(Recipient::of(&subscriber))
}

/// The edition with the subscriber's own links, if the secret for them is available.
pub(super) fn with_links(context: &Context, composer: &Composer<'_>, edition: Edition) -> Edition {
    let (edition, missing) = composer.with_secrets_if_available(edition);
    if let Some(missing) = missing {
        let message = format!("the links to unsubscribe are placeholders: {missing}");
        let help = "set the secret as `send` needs it";
        context.report.findings(&[Finding::warning("edition-recipient", message).help(help)]);
    }
    edition
}

/// The store, if it exists and can be opened.
fn open(context: &Context, config: &Config) -> Option<Box<dyn Store>> {
    if let Location::Sqlite(file) = &config.store
        && !context.project.path(file).is_file()
    {
        context.report.message("There are no subscribers yet: this is what a new one would get.");
        return None;
    }
    let opened = context.store(config);
    opened
        .inspect_err(|error| {
            let message = format!("subscribers cannot be looked up: {error:#}");
            let help = "this is what a new subscriber would get";
            context.report.findings(&[Finding::warning("edition-recipient", message).help(help)]);
        })
        .ok()
}

/// Why a subscriber would not be mailed this.
fn obstacle(
    store: &dyn Store,
    content: &MailingContent<'_>,
    subscriber: &Subscriber,
) -> anyhow::Result<Option<Finding>> {
    let address = &subscriber.address;
    let id = lookup::ledger_key(store, content)?;
    let message = if subscriber.status != Status::Active {
        format!("`{address}` is {} and would not get it", subscriber.status.as_str())
    } else if !store.mailings()?.iter().any(|mailing| mailing.issue == id) {
        return Ok(None);
    } else {
        match store.deliveries_to(&id, &[subscriber.id])?.first() {
            None => format!("`{address}` does not get it: it was mailed to those who were subscribers before"),
            Some(delivery) => format!("`{address}` is in the mailing already: {}", delivery.state),
        }
    };
    let help = format!("`slugline subscribers show {address}` shows everything about this subscriber");
    Ok(Some(Finding::warning("edition-recipient", message).help(help)))
}

//! Whether an edition can be written for every recipient, checked before the first one is mailed.
//!
//! Takes the letters of an issue and the store; returns the problem with the number of subscribers concerned. Writes
//! nothing.

use std::ops::ControlFlow;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::compose::Letters;
use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

/// Calls its argument with each subscriber to be imported before the run; may be called repeatedly.
pub type NewSubscribers<'a> = dyn Fn(&mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>) -> anyhow::Result<()> + 'a;

/// Number of concerned subscribers named.
const MAX_NAMED: usize = 3;

/// Writes a letter to the first subscriber for whom that is possible; returns the problem if it is possible for none.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn for_any_subscriber(store: &dyn Store, letters: &Letters) -> anyhow::Result<Option<Finding>> {
    let (mut all, mut named, mut first) = (0_u64, Vec::new(), None);
    let visited = store.visit_subscribers(Some(Status::Active), &mut |subscriber| {
        all += 1;
        let Err(error) = letters.write(&subscriber) else {
            first = None;
            return Ok(ControlFlow::Break(()));
        };
        first.get_or_insert(error);
        if named.len() < MAX_NAMED {
            named.push(subscriber.address.masked());
        }
        Ok(ControlFlow::Continue(()))
    });
    visited.context("failed to read the subscribers")?;
    Ok(first.map(|error| with_subscribers(error, all, all, &named.join(", "))))
}

/// Checks the letter of every subscriber an issue would be mailed to if the new ones were imported `now`; returns the first
/// problem and the number of subscribers with one.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn preflight(
    store: &dyn Store,
    new_subscribers: &NewSubscribers<'_>,
    letters: &Letters,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Finding>> {
    let (mut all, mut failed, mut named, mut first) = (0_u64, 0_u64, Vec::new(), None);
    let mut check = |subscriber: Subscriber| {
        all += 1;
        if let Err(error) = letters.check(&subscriber) {
            failed += 1;
            first.get_or_insert(error);
            if named.len() < MAX_NAMED {
                named.push(subscriber.address.masked());
            }
        }
        Ok(())
    };
    store.each_subscriber(Some(Status::Active), &mut check).context("failed to read the subscribers")?;
    new_subscribers(&mut |new| check(new.into_subscriber(SubscriberId(0), now)))?;
    Ok(first.map(|error| with_subscribers(error, failed, all, &named.join(", "))))
}

/// The first subscriber's finding, with the subscribers concerned.
fn with_subscribers(error: anyhow::Error, failed: u64, all: u64, named: &str) -> Finding {
    let mut finding = match error.downcast::<Finding>() {
        Ok(finding) => finding,
        Err(error) => Finding::error("template", format!("{error:#}")),
    };
    let and_more = if failed > MAX_NAMED as u64 { ", …" } else { "" };
    finding.message = format!("{}: for {failed} of {all} subscribers ({named}{and_more})", finding.message);
    finding
}

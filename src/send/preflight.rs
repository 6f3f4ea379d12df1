//! Whether an edition can be made for everybody who would get it, found out before anybody does.
//!
//! Takes the letters of an issue and the store; returns what is wrong, with how many it concerns. Nothing is written.

use std::ops::ControlFlow;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::compose::Letters;
use crate::finding::Finding;
use crate::store::Store;
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

/// Calls what it is given with those who would join before a sending, as often as it is asked.
pub type NewSubscribers<'a> = dyn Fn(&mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>) -> anyhow::Result<()> + 'a;

/// How many of the subscribers concerned are named.
const NAMED: usize = 3;

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
        if named.len() < NAMED {
            named.push(subscriber.address.masked());
        }
        Ok(ControlFlow::Continue(()))
    });
    visited.context("failed to read the subscribers")?;
    Ok(first.map(|error| concerning(error, all, all, &named.join(", "))))
}

/// Goes through everybody an issue would be mailed to if the new_subscribers joined `now`; what is wrong is told of the first it
/// is wrong with.
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
    let mut each = |subscriber: Subscriber| {
        all += 1;
        if let Err(error) = letters.check(&subscriber) {
            failed += 1;
            first.get_or_insert(error);
            if named.len() < NAMED {
                named.push(subscriber.address.masked());
            }
        }
        Ok(())
    };
    store.each_subscriber(Some(Status::Active), &mut each).context("failed to read the subscribers")?;
    new_subscribers(&mut |new| each(new.into_subscriber(SubscriberId(0), now)))?;
    Ok(first.map(|error| concerning(error, failed, all, &named.join(", "))))
}

/// The finding of the first, with whom it concerns.
fn concerning(error: anyhow::Error, failed: u64, all: u64, named: &str) -> Finding {
    let mut finding = match error.downcast::<Finding>() {
        Ok(finding) => finding,
        Err(error) => Finding::error("template", format!("{error:#}")),
    };
    let and_more = if failed > NAMED as u64 { ", …" } else { "" };
    finding.message = format!("{}: for {failed} of {all} subscribers ({named}{and_more})", finding.message);
    finding
}

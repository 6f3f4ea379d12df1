//! What a queued message says, if anything, by the state of its address when it is sent.
//!
//! Requests are answered alike for every address; the differences are here, where the person who asked cannot see them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::compose::transactional::Notice;
use crate::email::EmailAddress;
use crate::store::{Store, StoreError};
use crate::subscriber::{Status, Subscriber};
use crate::transactional_message::{MessageKind, TransactionalMessage};

/// How often a subscriber is told that they are subscribed, at most.
const SUBSCRIBED_INTERVAL: TimeDelta = TimeDelta::days(1);

/// How often an address that did not work is tried, at most.
const BOUNCED_INTERVAL: TimeDelta = TimeDelta::days(30);

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It says this.
    Say(Notice),
    /// Nothing is sent; why.
    Nothing(&'static str),
}

/// What this message says.
pub(super) fn decide(
    store: &dyn Store,
    message: &TransactionalMessage,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    let address = &message.address;
    let subscriber = store.subscriber(address)?;
    let status = subscriber.as_ref().map(|subscriber| subscriber.status);
    Ok(match (message.kind, subscriber) {
        (MessageKind::Goodbye, _) if status == Some(Status::Unsubscribed) => Decision::Say(Notice::Goodbye),
        (MessageKind::Goodbye, _) => Decision::Nothing("the reader is back, or was forgotten"),
        (MessageKind::Links, _) if status == Some(Status::Active) => Decision::Say(Notice::Links),
        (MessageKind::Links, _) => Decision::Nothing("the address is not subscribed"),
        (MessageKind::Confirmation, Some(subscriber)) if subscriber.status == Status::Active => {
            subscribed(store, &subscriber, now)?
        }
        (MessageKind::Confirmation, _) => confirmation(store, address, status, now)?,
    })
}

/// The answer to a request for a subscriber.
fn subscribed(store: &dyn Store, subscriber: &Subscriber, now: DateTime<Utc>) -> Result<Decision, StoreError> {
    // A message from before the confirmation was the link to confirm.
    let confirmed = store.consents(subscriber.id)?.last().map(|consent| consent.confirmed);
    let last = store.last_message(MessageKind::Confirmation, &subscriber.address)?;
    let last = last.filter(|last| confirmed.is_none_or(|confirmed| *last >= confirmed));
    Ok(match last {
        Some(last) if now - last < SUBSCRIBED_INTERVAL => Decision::Nothing("it was told so within a day"),
        _ => Decision::Say(Notice::Subscribed),
    })
}

/// The answer to a request for an address that is not subscribed.
fn confirmation(
    store: &dyn Store,
    address: &EmailAddress,
    status: Option<Status>,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    if status == Some(Status::Complained) {
        return Ok(Decision::Nothing("the reader called our mail spam"));
    }
    if store.is_blocked(address)? {
        return Ok(Decision::Nothing("the reader is not to be asked again"));
    }
    let Some(request) = store.request_of(address, now)? else {
        return Ok(Decision::Nothing("there is no request any more"));
    };
    let does_not_work = matches!(status, Some(Status::Bounced | Status::Suppressed));
    Ok(match store.last_message(MessageKind::Confirmation, address)? {
        Some(last) if last >= request.requested => Decision::Nothing("the request has had its message"),
        Some(last) if does_not_work && now - last < BOUNCED_INTERVAL => {
            Decision::Nothing("the address did not work, and was tried within 30 days")
        }
        _ => Decision::Say(Notice::Confirm(request.requested)),
    })
}

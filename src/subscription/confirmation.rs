//! What a token that a reader was mailed to confirm is good for. Only reads; `serve` and `inbox` act on it.

use chrono::{DateTime, Utc};

use crate::consent::SubscriptionRequest;
use crate::store::{Store, StoreError};
use crate::subscriber::Status;
use crate::token::{Purpose, Secrets, Tag, Token};

/// What a token is good for.
pub enum Found {
    /// To confirm this request.
    Request(Box<SubscriptionRequest>),
    /// To block the address of this request.
    Block(Box<SubscriptionRequest>),
    /// It confirmed a request; the language of it.
    Confirmed(String),
    /// Nothing.
    Nothing,
}

/// What a token is good for at `now`.
///
/// # Errors
/// If the store fails.
pub fn find(store: &dyn Store, secrets: &Secrets, token: &str, now: DateTime<Utc>) -> Result<Found, StoreError> {
    let Some((token, tag)) = Token::parse(token).and_then(|token| Some((token, token.tag()?))) else {
        return Ok(Found::Nothing);
    };
    if let Some(request) = store.request_by_tag(tag, now)? {
        if secrets.belongs_to_time(&token, Purpose::Confirm, &request.address, request.requested) {
            return Ok(Found::Request(Box::new(request)));
        }
        if secrets.claim(&token, Purpose::Block).is_some() {
            return Ok(Found::Block(Box::new(request)));
        }
    }
    confirmed_by(store, secrets, &token, tag)
}

/// Confirming twice is not an error.
fn confirmed_by(store: &dyn Store, secrets: &Secrets, token: &Token, tag: Tag) -> Result<Found, StoreError> {
    for secret in secrets.all() {
        let Some(subscriber) = store.subscriber_by_tag(secret, tag)? else { continue };
        if subscriber.status != Status::Active {
            continue;
        }
        let consents = store.consents(subscriber.id)?;
        let is_of = |time| secrets.belongs_to_time(token, Purpose::Confirm, &subscriber.address, time);
        if let Some(consent) = consents.into_iter().find(|consent| is_of(consent.requested)) {
            return Ok(Found::Confirmed(consent.language));
        }
    }
    Ok(Found::Nothing)
}

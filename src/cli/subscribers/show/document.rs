//! The document of `subscribers show`.

use serde::Serialize;

use crate::cli::status::document::DeliveryProgress;
use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::Delivery;
use crate::store::PersonalData;
use crate::transactional_message::MessageRecord;
use crate::unsubscription::Unsubscription;

/// The document of `subscribers show`.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    /// The email address.
    address: &'a str,
    /// Display name.
    name: &'a str,
    /// Status, such as `active`; `null` if they only asked to subscribe.
    status: Option<&'a str>,
    /// When they subscribed (RFC 3339).
    created: Option<String>,
    /// When their status changed last (RFC 3339).
    changed: Option<String>,
    /// How and when they left, if that is known.
    left: Option<Left>,
    /// Whether `mail.subscribers` lists them.
    listed: bool,
    /// Whether they asked never to be asked again.
    blocked: bool,
    /// Every other column of the list they were imported from.
    attributes: serde_json::Map<String, serde_json::Value>,
    /// What they agreed to.
    consents: Vec<ConsentRow<'a>>,
    /// A request to subscribe that waits for its confirmation.
    request: Option<RequestRow<'a>>,
    /// What was sent to them.
    deliveries: Vec<DeliveryRow<'a>>,
    /// Messages about their subscription.
    messages: Vec<MessageRow<'a>>,
}

/// How and when they left.
#[derive(Serialize)]
struct Left {
    /// How: `one-click`, `page`, `mail`, `complaint` or `operator`.
    channel: &'static str,
    /// When (RFC 3339).
    at: String,
}

/// A consent.
#[derive(Serialize)]
struct ConsentRow<'a> {
    /// When the form was sent (RFC 3339).
    requested: String,
    /// When the address confirmed (RFC 3339).
    confirmed: String,
    /// Language of the form (BCP 47).
    language: &'a str,
    /// The page that contained the form, if known.
    page: Option<&'a str>,
    /// The text that was agreed to.
    wording: &'a str,
    /// The network address of the request, while it is kept.
    ip: Option<&'a str>,
}

/// An unconfirmed request.
#[derive(Serialize)]
struct RequestRow<'a> {
    /// When the form was sent (RFC 3339).
    requested: String,
    /// The name that was typed.
    name: &'a str,
    /// Language of the form (BCP 47).
    language: &'a str,
    /// The page that contained the form, if known.
    page: Option<&'a str>,
    /// The text that is agreed to by confirming.
    wording: &'a str,
    /// The network address of the request, while it is kept.
    ip: Option<&'a str>,
}

/// A delivery to the subscriber.
#[derive(Serialize)]
struct DeliveryRow<'a> {
    /// Id of the mailing.
    id: &'a str,
    #[serde(flatten)]
    progress: DeliveryProgress<'a>,
}

/// A message about the subscription.
#[derive(Serialize)]
struct MessageRow<'a> {
    /// What it is for: `confirmation`, `goodbye` or `links`.
    kind: &'static str,
    /// Its language (BCP 47).
    language: &'a str,
    /// When it was queued (RFC 3339).
    created: String,
    #[serde(flatten)]
    progress: DeliveryProgress<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn of(address: &'a EmailAddress, person: &'a PersonalData, is_blocked: bool) -> Self {
        let subscriber = person.subscriber.as_ref();
        Self {
            address: subscriber.map_or(address, |subscriber| &subscriber.address).as_str(),
            name: subscriber.map_or("", |subscriber| &subscriber.name),
            status: subscriber.map(|subscriber| subscriber.status.as_str()),
            created: subscriber.map(|subscriber| subscriber.created.to_rfc3339()),
            changed: person.changed.map(|changed| changed.to_rfc3339()),
            left: person.unsubscription.map(Left::of),
            listed: person.listed,
            blocked: is_blocked,
            attributes: subscriber.map(|subscriber| subscriber.attributes.clone()).unwrap_or_default(),
            consents: person.consents.iter().map(ConsentRow::of).collect(),
            request: person.request.as_ref().map(RequestRow::of),
            deliveries: person.deliveries.iter().map(DeliveryRow::of).collect(),
            messages: person.messages.iter().map(MessageRow::of).collect(),
        }
    }
}

impl Left {
    fn of(unsubscription: Unsubscription) -> Self {
        Self { channel: unsubscription.channel.as_str(), at: unsubscription.at.to_rfc3339() }
    }
}

impl<'a> ConsentRow<'a> {
    fn of(consent: &'a Consent) -> Self {
        Self {
            requested: consent.requested.to_rfc3339(),
            confirmed: consent.confirmed.to_rfc3339(),
            language: &consent.language,
            page: consent.page.as_deref(),
            wording: consent.wording.text(),
            ip: consent.ip.as_deref(),
        }
    }
}

impl<'a> RequestRow<'a> {
    fn of(request: &'a SubscriptionRequest) -> Self {
        Self {
            requested: request.requested.to_rfc3339(),
            name: &request.name,
            language: &request.language,
            page: request.page.as_deref(),
            wording: request.wording.text(),
            ip: request.ip.as_deref(),
        }
    }
}

impl<'a> DeliveryRow<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        Self { id: delivery.issue.as_str(), progress: DeliveryProgress::of(delivery) }
    }
}

impl<'a> MessageRow<'a> {
    fn of(message: &'a MessageRecord) -> Self {
        Self {
            kind: message.kind.as_str(),
            language: &message.language,
            created: message.created.to_rfc3339(),
            progress: DeliveryProgress::of_message(message),
        }
    }
}

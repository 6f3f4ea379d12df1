//! The recipient of a message: address, name, and the columns that templates may show.

use crate::email::EmailAddress;
use crate::subscriber::{Subscriber, SubscriberId};

/// The recipient of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// Id in the store; 0 for an address that is not in it.
    pub id: SubscriberId,
    /// The address.
    pub address: EmailAddress,
    /// Display name; empty if unknown.
    pub name: String,
    /// Further columns of the subscriber list, for templates.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl Recipient {
    /// A subscriber as a recipient.
    pub fn of(subscriber: &Subscriber) -> Self {
        Self {
            id: subscriber.id,
            address: subscriber.address.clone(),
            name: subscriber.name.clone(),
            attributes: subscriber.attributes.clone(),
        }
    }

    /// A recipient with nothing but an address.
    pub fn of_address(address: EmailAddress) -> Self {
        Self { id: SubscriberId(0), address, name: String::new(), attributes: serde_json::Map::new() }
    }
}

//! The recipient of a message: address, name, and the columns that templates may show.

use crate::email::EmailAddress;
use crate::subscriber::{Subscriber, SubscriberId};

/// Who gets a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// Number in the store; 0 for somebody who is not in it.
    pub id: SubscriberId,
    /// Where it goes.
    pub address: EmailAddress,
    /// Display name, blank when unknown.
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

    /// A recipient of whom only the address is known.
    pub fn of_address(address: EmailAddress) -> Self {
        Self { id: SubscriberId(0), address, name: String::new(), attributes: serde_json::Map::new() }
    }
}

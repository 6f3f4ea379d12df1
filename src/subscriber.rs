//! A subscriber and the statuses of a subscription.
//!
//! Plain data: `store` keeps it, `subscription` changes it, `delivery` mails the active ones.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::email::EmailAddress;

/// A person on the list, whatever the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscriber {
    /// Id in the store, never reused.
    pub id: SubscriberId,
    /// The email address.
    pub address: EmailAddress,
    /// Display name, empty if unknown.
    pub name: String,
    /// Whether they are mailed.
    pub status: Status,
    /// Further columns of the import by header, for templates.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// When the address was first added.
    pub created: DateTime<Utc>,
}

/// Id of a subscriber in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(pub i64);

/// A subscriber to add.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSubscriber {
    /// The email address.
    pub address: EmailAddress,
    /// Display name, empty if unknown.
    pub name: String,
    /// Active, unless the imported list states otherwise.
    pub status: Status,
    /// Further columns by header.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl NewSubscriber {
    /// An active subscriber. The name becomes one line without control characters.
    pub fn new(address: EmailAddress, name: &str) -> Self {
        let words = name.split(|char: char| char.is_whitespace() || char.is_control()).filter(|word| !word.is_empty());
        let mut name = String::with_capacity(name.len());
        for word in words {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
        }
        Self { address, name, status: Status::Active, attributes: serde_json::Map::new() }
    }

    /// The subscriber it becomes in the store.
    pub fn into_subscriber(self, id: SubscriberId, created: DateTime<Utc>) -> Subscriber {
        let Self { address, name, status, attributes } = self;
        Subscriber { id, address, name, status, attributes, created }
    }
}

/// Status of a subscriber. Only active ones are mailed, and no import reactivates a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Receives every issue.
    Active,
    /// Has not confirmed the subscription yet.
    Unconfirmed,
    /// Has unsubscribed.
    Unsubscribed,
    /// The address bounced, according to another service.
    Bounced,
    /// Called a message spam, according to a report that came in, or another service.
    Complained,
    /// The address does not work or is on a suppression list.
    Suppressed,
}

impl Status {
    /// All statuses, in the order they are shown.
    pub const ALL: [Status; 6] = [
        Status::Active,
        Status::Unconfirmed,
        Status::Unsubscribed,
        Status::Bounced,
        Status::Complained,
        Status::Suppressed,
    ];

    /// The word used in the store, in `--json` and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Unconfirmed => "unconfirmed",
            Status::Unsubscribed => "unsubscribed",
            Status::Bounced => "bounced",
            Status::Complained => "complained",
            Status::Suppressed => "suppressed",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// All words, for messages: `active, unconfirmed, …`.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The status of a subscriber with this one after an import lists them as `record`. Only active subscribers change: any
    /// other record deactivates them, except that a subscription never confirmed elsewhere does not count against one that
    /// is active here, unless it is active only by this list (`is_of_this_list`).
    pub fn after(self, record: Status, is_of_this_list: bool) -> Self {
        match (self, record) {
            (Status::Active, Status::Unconfirmed) if !is_of_this_list => Status::Active,
            (Status::Active, record) => record,
            (current, _) => current,
        }
    }
}

/// Number of subscribers with each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusCounts([u64; Status::ALL.len()]);

impl StatusCounts {
    /// Number with `status`.
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// Adds `count` to those with `status`.
    pub fn add(&mut self, status: Status, count: u64) {
        self.0[status as usize] += count;
    }

    /// Moves one already counted from one status to another.
    pub fn shift(&mut self, from: Status, to: Status) {
        self.0[from as usize] -= 1;
        self.0[to as usize] += 1;
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        let new = NewSubscriber::new("reader@example.org".parse().unwrap(), " 李\t雷\r\nBcc: all@example.org\0 ");
        assert_eq!(new.name, "李 雷 Bcc: all@example.org");
    }
}

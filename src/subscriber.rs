//! A subscriber and the moves a subscription can make.
//!
//! Plain data: `store` keeps it, `subscription` decides, `delivery` reads who is active.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::email::EmailAddress;

/// Somebody who is, was or may become a reader by mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscriber {
    /// Number in the store, never reused.
    pub id: SubscriberId,
    /// Where to write to.
    pub address: EmailAddress,
    /// Display name, blank when unknown.
    pub name: String,
    /// Whether to write.
    pub status: Status,
    /// Further columns of the import, by their header, for templates.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// When the address was first added.
    pub created: DateTime<Utc>,
}

/// Number of a subscriber in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(pub i64);

/// A subscriber to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSubscriber {
    /// Where to write to.
    pub address: EmailAddress,
    /// Display name, blank when unknown.
    pub name: String,
    /// Active, unless the list they come from says otherwise.
    pub status: Status,
    /// Further columns, by their header.
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl NewSubscriber {
    /// Somebody who wants to read. Of the name one line is kept, without control characters.
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

    /// The subscriber they become.
    pub fn into_subscriber(self, id: SubscriberId, created: DateTime<Utc>) -> Subscriber {
        let Self { address, name, status, attributes } = self;
        Subscriber { id, address, name, status, attributes, created }
    }
}

/// Whether to write to a subscriber. Only to those who are active; no import makes anybody active who is there and is
/// not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Gets every issue.
    Active,
    /// Was asked to confirm the subscription, and has not.
    Unconfirmed,
    /// Left.
    Unsubscribed,
    /// The address did not take mail, by the record of another service.
    Bounced,
    /// Called the mail spam, by the record of another service.
    Complained,
    /// The address does not work, or is on a list of those who must not be written to.
    Suppressed,
}

impl Status {
    /// All of them, in the order people read them.
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

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// All their words, for messages: `active, unconfirmed, …`.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The status of somebody who has this one, once a list calls them `record`. Who is not active stays as they are.
    /// Who is active leaves by any other record; but a subscription that was never confirmed elsewhere says nothing
    /// against one that is active here, unless this list alone says that it is (`is_of_this_list`).
    pub fn after(self, record: Status, is_of_this_list: bool) -> Self {
        match (self, record) {
            (Status::Active, Status::Unconfirmed) if !is_of_this_list => Status::Active,
            (Status::Active, record) => record,
            (there, _) => there,
        }
    }
}

/// How many subscribers have each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusCounts([u64; Status::ALL.len()]);

impl StatusCounts {
    /// How many have this one.
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// Counts so many more of this one.
    pub fn add(&mut self, status: Status, count: u64) {
        self.0[status as usize] += count;
    }

    /// Counts one of them, who was counted already, as one of others.
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

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
    /// Active, unless somebody brings the record of those who left along.
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
    pub fn joined(self, id: SubscriberId, created: DateTime<Utc>) -> Subscriber {
        let Self { address, name, status, attributes } = self;
        Subscriber { id, address, name, status, attributes, created }
    }
}

/// Whether to write to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Gets every issue.
    Active,
    /// Left; an import never brings them back.
    Unsubscribed,
    /// The address does not work or its owner complained; no mail goes there.
    Suppressed,
}

impl Status {
    /// All of them, in the order people read them.
    pub const ALL: [Status; 3] = [Status::Active, Status::Unsubscribed, Status::Suppressed];

    /// The word used in the store, in `--json` and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Unsubscribed => "unsubscribed",
            Status::Suppressed => "suppressed",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
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

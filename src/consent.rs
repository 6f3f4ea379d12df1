//! A person's request to subscribe, and their consent: who asked, when, on which page, in which words, and when they confirmed.
//!
//! Plain data: `serve` takes requests and confirmations, `store` keeps them, `subscribers show` shows them.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::email::EmailAddress;
use crate::hex::hex;

/// Someone asked that this address be subscribed; its owner has not confirmed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionRequest {
    /// The address.
    pub address: EmailAddress,
    /// The name that was typed, empty if none. It must stand in no mail before the address has confirmed.
    pub name: String,
    /// BCP 47 tag of the language of the form.
    pub language: String,
    /// The page that contained the form, if the browser sent it: origin and path.
    pub page: Option<String>,
    /// The page of the project file to return to afterwards.
    pub return_to: Option<String>,
    /// What the form said.
    pub wording: Wording,
    /// The network address of the request, if the project file asks for it.
    pub ip: Option<String>,
    /// When, in whole milliseconds.
    pub requested: DateTime<Utc>,
}

/// The evidence of a subscription (GDPR Art. 7(1)).
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// When the form was sent.
    pub requested: DateTime<Utc>,
    /// When the address confirmed.
    pub confirmed: DateTime<Utc>,
    /// BCP 47 tag.
    pub language: String,
    /// The page that contained the form.
    pub page: Option<String>,
    /// The text that was agreed to.
    pub wording: Wording,
    /// The network address of the request, until it is deleted.
    pub ip: Option<String>,
}

/// The text beside the button of a form. Stores keep each text once, under its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording(String);

impl Wording {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// SHA-256 in 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        hex(Sha256::digest(&self.0))
    }
}

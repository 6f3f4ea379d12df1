//! Subscribers removed from the list that the project file names.
//!
//! Removing a row unsubscribes no one, because a list may be truncated by mistake. But the user should know.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Store, StoreError};

/// The addresses in a list. They are kept as hashes, because there may be millions; collisions are negligible.
#[derive(Debug, Default)]
pub struct ListedAddresses {
    hasher: RandomState,
    seen: HashSet<u64>,
}

/// How many are shown, masked.
const MAX_SHOWN: usize = 3;

impl ListedAddresses {
    /// Adds an address of the list.
    pub fn add(&mut self, address: &EmailAddress) {
        self.seen.insert(self.hasher.hash_one(address.key().as_str()));
    }

    /// Records in the store which subscribers the list at `path` names, once it has been read completely; returns a
    /// finding about those it no longer names, the first time they are missing.
    ///
    /// # Errors
    /// If the store fails.
    pub fn note(&self, store: &mut dyn Store, path: &str) -> Result<Option<Finding>, StoreError> {
        let gone = store.note_listed(&|key| self.seen.contains(&self.hasher.hash_one(key)))?;
        if gone.is_empty() {
            return Ok(None);
        }
        let shown: Vec<String> = gone.iter().take(MAX_SHOWN).map(EmailAddress::masked).collect();
        let and_more = if gone.len() > MAX_SHOWN { ", …" } else { "" };
        let who = match gone.len() {
            1 => "1 subscriber is no longer in `{}` and is".to_owned(),
            count => format!("{count} subscribers are no longer in `{{}}` and are"),
        };
        let message = format!("{} still subscribed: {}{and_more}", who.replace("{}", path), shown.join(", "));
        Ok(Some(Finding::warning("list-shorter", message).help(
            "`slugline subscribers list --unlisted` lists them, `slugline subscribers remove ADDRESS` unsubscribes \
             them; this warning is not repeated",
        )))
    }
}

//! Those who were taken out of the list that the project file names.
//!
//! Taking a row out unsubscribes nobody: a list may be cut short by mistake. But whoever did it should know.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::email::EmailAddress;
use crate::finding::Finding;
use crate::store::{Store, StoreError};

/// Whom a list names. Hashes stand for the addresses, of which there may be millions: that two are the same will not
/// happen.
#[derive(Debug, Default)]
pub struct ListedAddresses {
    hasher: RandomState,
    seen: HashSet<u64>,
}

/// So many are shown, masked.
const MAX_SHOWN: usize = 3;

impl ListedAddresses {
    /// The list names them.
    pub fn add(&mut self, address: &EmailAddress) {
        self.seen.insert(self.hasher.hash_one(address.key().as_str()));
    }

    /// Notes whom the list at `path` names, once it was read whole; gives a finding about those whom it named before and does
    /// not any more, the first time that they are missing.
    ///
    /// # Errors
    /// When the store fails.
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
            "`slugline subscribers list --unlisted` names them, `slugline subscribers remove ADDRESS` unsubscribes \
             them; this is said once",
        )))
    }
}

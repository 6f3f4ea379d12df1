//! Finds a subscriber by a token's tag when the index of tags must not be written.

use std::ops::ControlFlow;

use crate::store::{Store, StoreError};
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

/// How many tags one transaction adds: other writers wait no longer than that.
pub(super) const TAGS_PER_TRANSACTION: i64 = 10_000;

/// Searches all subscribers for the one whose address has this tag.
pub(super) fn search(store: &impl Store, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>, StoreError> {
    let mut found = None;
    let searched = store.visit_subscribers(None, &mut |subscriber| {
        if secret.tag(&subscriber.address) != tag {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some(subscriber);
        Ok(ControlFlow::Break(()))
    });
    searched.map_err(|source| StoreError::Failed { doing: "find a subscriber", source })?;
    Ok(found)
}

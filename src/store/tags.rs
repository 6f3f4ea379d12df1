//! Finding a subscriber by the tag of a token, where no index of tags may be written.

use std::ops::ControlFlow;

use crate::store::{Store, StoreError};
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

/// So many tags are added in one transaction: others who write wait for no more.
pub(super) const TAGS_PER_TRANSACTION: i64 = 10_000;

/// Searches all subscribers for the one whose address has that tag.
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

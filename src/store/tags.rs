//! Finding a subscriber by the tag of a token, where no index of tags may be written.

use crate::store::{Store, StoreError};
use crate::subscriber::Subscriber;
use crate::token::{Secret, Tag};

/// So many tags are added in one transaction: others who write wait for no more.
pub(super) const TAGS_PER_TRANSACTION: i64 = 10_000;

/// Goes through all subscribers for the one whose address has that tag.
pub(super) fn search(store: &impl Store, secret: &Secret, tag: Tag) -> Result<Option<Subscriber>, StoreError> {
    let mut found = None;
    let searched = store.each_subscriber(None, &mut |subscriber| {
        if secret.tag(&subscriber.address) == tag {
            found = Some(subscriber);
        }
        Ok(())
    });
    searched.map_err(|source| StoreError::Failed { doing: "find a subscriber", source })?;
    Ok(found)
}

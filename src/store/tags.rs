//! The index of addresses by the tags in tokens. It can be rebuilt at any time from secret and subscribers.

/// How many tags one transaction adds: other writers wait no longer than that.
pub(super) const TAGS_PER_TRANSACTION: i64 = 10_000;

//! What stores promise about rate limits and daily quotas, shared by all senders.

use super::*;

pub(super) fn a_rate_is_shared(open: Open<'_>) {
    let rate = |name: &str| Rate { name: name.to_owned(), messages: 20, per: std::time::Duration::from_secs(1) };
    let take = |store: &mut dyn Store, name, milliseconds| {
        let permits = store.take_permits(&rate(name), 9, now() + TimeDelta::milliseconds(milliseconds)).unwrap();
        (permits.granted, permits.wait.as_millis())
    };
    assert_eq!(take(&mut *open(), "one", 0), (2, 0));
    assert_eq!(take(&mut *open(), "one", 10), (0, 40));
    assert_eq!(take(&mut *open(), "two", 10), (2, 0));
    assert_eq!(take(&mut *open(), "one", 50), (1, 0));
}

pub(super) fn a_quota_is_shared_for_a_day(open: Open<'_>) {
    let quota = |name: &str, day: &str| Quota { name: name.to_owned(), day: day.parse().unwrap(), messages: 50 };
    let take = |name, day, wanted| open().take_quota(&quota(name, day), wanted).unwrap();
    assert_eq!(
        (take("one", "2026-11-23", 30), take("one", "2026-11-23", 30), take("one", "2026-11-23", 30)),
        (30, 20, 0)
    );
    assert_eq!((take("two", "2026-11-23", 9), take("one", "2026-11-24", 60)), (9, 50));
    open().return_quota(&quota("one", "2026-11-23"), 7).unwrap();
    open().return_quota(&quota("new", "2026-11-23"), 7).unwrap();
    assert_eq!((take("one", "2026-11-23", 30), take("new", "2026-11-23", 99)), (7, 50));
    let used = ["one", "new", "unheard-of"].map(|name| open().quota_used(&quota(name, "2026-11-23")).unwrap());
    assert_eq!(used, [50, 50, 0]);
    let less = Quota { messages: 10, ..quota("one", "2026-11-23") };
    assert_eq!(open().take_quota(&less, 1).unwrap(), 0, "the schedule was lowered after more had been sent");
}

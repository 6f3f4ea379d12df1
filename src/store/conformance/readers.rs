//! What the contract promises about readers who come and go by themselves.

use super::*;
use crate::consent::{Consent, SubscriptionRequest, Wording};
use crate::rate::Rate;
use crate::token::{Purpose, Secrets, Tag, TokenClaim};
use crate::transactional_message::{MessageKind, MessageRecord};
use crate::unsubscription::{Channel, UNDO_PERIOD, Unsubscription};

pub(super) fn conforms(world: World<'_>) {
    world(&|open| a_request_waits_for_its_confirmation(open));
    world(&|open| a_later_request_replaces_an_earlier_one(open));
    world(&|open| hostile_text_is_kept_and_harmless(open));
    world(&|open| confirming_subscribes_whoever_may_be_subscribed(open));
    world(&|open| confirming_twice_is_no_second_consent(open));
    world(&|open| how_and_when_someone_left_is_kept(open));
    world(&|open| leaving_can_be_undone_for_a_while(open));
    world(&|open| a_subscriber_who_is_active_again_has_not_left(open));
    world(&|open| who_left_is_counted_by_channel(open));
    world(&|open| a_blocked_address_is_kept_as_such_until_its_owner_confirms(open));
    world(&|open| all_limits_are_used_or_none(open));
    world(&|open| limits_are_shared_by_all_processes(open));
    world(&|open| what_has_had_its_time_is_deleted(open));
    world(&|open| everything_about_a_reader_is_shown_and_forgotten(open));
}

pub(super) fn hours(hours: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(hours)
}

pub(super) fn days(days: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(days)
}

pub(super) fn tag(address: &EmailAddress) -> Tag {
    Secrets::parse(&"s".repeat(32)).unwrap().tag(address)
}

/// A request of a reader, with everything that it can have.
pub(super) fn request(number: usize) -> SubscriptionRequest {
    SubscriptionRequest {
        address: address(number),
        name: format!("李 {number}"),
        language: "zh-Hans".into(),
        page: Some("https://example.org/subscribe/".into()),
        return_to: Some("https://example.org/thanks/".into()),
        wording: Wording::new("One mail a week.\nLeave any time."),
        ip: Some("2001:db8::7".into()),
        requested: now() + TimeDelta::milliseconds(123),
    }
}

/// One with as little as possible.
fn bare(number: usize) -> SubscriptionRequest {
    SubscriptionRequest { name: String::new(), page: None, return_to: None, ip: None, ..request(number) }
}

fn note(store: &mut dyn Store, request: &SubscriptionRequest) {
    store.note_request(request, tag(&request.address)).unwrap();
}

fn status(store: &dyn Store, number: usize) -> Option<Status> {
    store.subscriber(&address(number)).unwrap().map(|subscriber| subscriber.status)
}

fn id_of(store: &dyn Store, number: usize) -> SubscriberId {
    store.subscriber(&address(number)).unwrap().unwrap().id
}

fn spelled(text: &EmailAddress) -> EmailAddress {
    text.as_str().to_uppercase().parse().unwrap()
}

fn a_request_waits_for_its_confirmation(open: Open<'_>) {
    let mut store = open();
    for asked in [request(0), bare(1)] {
        assert_eq!(store.request_of(&asked.address, now()).unwrap(), None);
        note(&mut *store, &asked);
        for store in [&*store, &*open()] {
            assert_eq!(store.request_of(&spelled(&asked.address), days(7)).unwrap().as_ref(), Some(&asked));
            assert_eq!(store.request_by_tag(tag(&asked.address), days(7)).unwrap(), Some(asked.clone()));
            let last = asked.requested + TimeDelta::days(7);
            assert_eq!(store.request_of(&asked.address, last).unwrap().as_ref(), Some(&asked));
            let late = last + TimeDelta::milliseconds(1);
            assert_eq!(store.request_of(&asked.address, late).unwrap(), None);
            assert_eq!(store.request_by_tag(tag(&asked.address), late).unwrap(), None);
        }
    }
    assert_eq!(store.request_by_tag(tag(&address(9)), now()).unwrap(), None);
    assert_eq!(
        (status(&*store, 0), store.count_subscribers(None).unwrap()),
        (None, 0),
        "nobody is subscribed by asking"
    );
    assert_eq!(store.message_counts().unwrap().of(State::Queued), 2);
    let person = store.personal_data(&address(0)).unwrap().unwrap();
    let expected = MessageRecord {
        kind: MessageKind::Confirmation,
        language: "zh-Hans".into(),
        created: request(0).requested,
        state: State::Queued,
        attempts: 0,
        reply: None,
        changed: request(0).requested,
    };
    assert_eq!(person.messages, [expected]);
}

fn a_later_request_replaces_an_earlier_one(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 1);
    let asked = request(0);
    note(&mut *store, &asked);
    let later = SubscriptionRequest {
        address: spelled(&asked.address),
        language: "ko".into(),
        wording: Wording::new("Other words"),
        requested: hours(1),
        ..bare(0)
    };
    // The same work whatever the state of the address; here it is subscribed.
    note(&mut *store, &later);
    assert_eq!(store.request_of(&asked.address, hours(1)).unwrap(), Some(later.clone()));
    assert_eq!(store.request_by_tag(tag(&asked.address), hours(1)).unwrap(), Some(later));
    assert_eq!(status(&*store, 0), Some(Status::Active));
    assert_eq!(store.message_counts().unwrap().of(State::Queued), 2);
    // A request under another secret has another tag.
    let other = Secrets::parse(&"t".repeat(32)).unwrap().tag(&asked.address);
    store.note_request(&asked, other).unwrap();
    assert_eq!(store.request_by_tag(tag(&asked.address), hours(1)).unwrap(), None);
    assert_eq!(store.request_by_tag(other, hours(1)).unwrap(), Some(asked));
}

fn hostile_text_is_kept_and_harmless(open: Open<'_>) {
    let mut store = open();
    let hostile = "'; DROP TABLE message; --\t\\N\r\n\u{202e}%s{{x}}";
    let long = "読".repeat(300);
    let asked = SubscriptionRequest {
        name: hostile.into(),
        language: long.clone(),
        page: Some(hostile.into()),
        return_to: Some(long.clone()),
        wording: Wording::new(format!("{hostile}{long}")),
        ip: Some(long),
        ..request(0)
    };
    note(&mut *store, &asked);
    assert_eq!(store.request_of(&asked.address, now()).unwrap().as_ref(), Some(&asked));
    assert_eq!(store.confirm(&asked, now()).unwrap(), None);
    let subscriber = store.subscriber(&asked.address).unwrap().unwrap();
    assert_eq!(subscriber.name, "'; DROP TABLE message; -- \\N \u{202e}%s{{x}}", "a name is one line");
    let consents = store.consents(subscriber.id).unwrap();
    assert_eq!((&consents[0].wording, &consents[0].page), (&asked.wording, &asked.page));
    // Not every store can keep NUL.
    let nul = SubscriptionRequest { name: "a\0b".into(), page: Some("\0".into()), ip: Some("\0".into()), ..request(1) };
    note(&mut *store, &nul);
    let kept = store.request_of(&nul.address, now()).unwrap().unwrap();
    assert!(["a\0b", "a\u{fffd}b"].contains(&kept.name.as_str()), "{kept:?}");
    assert_eq!(store.confirm(&kept, now()).unwrap(), None);
    store.queue_message(MessageKind::Links, &address(1), "\0", now()).unwrap();
    assert_eq!(store.personal_data(&address(1)).unwrap().unwrap().messages.len(), 2);
}

fn confirming_subscribes_whoever_may_be_subscribed(open: Open<'_>) {
    use Status::{Active, Bounced, Complained, Suppressed, Unconfirmed, Unsubscribed};
    let mut store = open();
    let before = [Active, Unconfirmed, Unsubscribed, Bounced, Complained, Suppressed];
    let new = |(number, status): (usize, Status)| {
        let name = if number == 2 { "" } else { "Kept" };
        NewSubscriber { status, ..NewSubscriber::new(address(number), name) }
    };
    store.add_subscribers(&mut before.into_iter().enumerate().map(new), now()).unwrap();
    let ForgetOutcome::Done(_) = store.forget(&address(7), &run("boot"), now()).unwrap() else { panic!("busy") };
    for number in 0..9 {
        let asked = if number == 8 { bare(8) } else { request(number) };
        note(&mut *store, &asked);
        let asked = store.request_by_tag(tag(&asked.address), hours(1)).unwrap().unwrap();
        assert_eq!(store.confirm(&asked, hours(1)).unwrap(), before.get(number).copied(), "{number}");
        assert_eq!(store.request_of(&asked.address, hours(1)).unwrap(), None, "{number}");
        let now = if number == 4 { Complained } else { Active };
        assert_eq!(status(&*store, number), Some(now), "{number}");
        let consent = Consent {
            requested: asked.requested,
            confirmed: hours(1),
            language: asked.language,
            page: asked.page,
            wording: asked.wording,
            ip: asked.ip,
        };
        let consents = store.consents(id_of(&*store, number)).unwrap();
        assert_eq!(consents, if number == 4 { vec![] } else { vec![consent] }, "{number}");
    }
    let name = |number| store.subscriber(&address(number)).unwrap().unwrap().name;
    assert_eq!([0, 2, 6, 8].map(name), ["Kept", "李 2", "李 6", ""]);
    let new = store.subscriber(&address(6)).unwrap().unwrap();
    assert_eq!((new.created, new.attributes.len(), new.address), (hours(1), 0, address(6)));
    assert_eq!(store.are_forgotten(&[&address(7)]).unwrap(), [false]);
    let mut store = open();
    assert_eq!(add(&mut *store, 9).away, 1, "only who complained");
    let secrets = Secrets::parse(&"s".repeat(32)).unwrap();
    let token = secrets.token(Purpose::Unsubscribe, &address(8));
    let Some(TokenClaim::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Unsubscribe) else {
        panic!("it is not a tag")
    };
    assert_eq!(store.subscriber_by_tag(secret, tag).unwrap().map(|one| one.address), Some(address(8)));
}

fn confirming_twice_is_no_second_consent(open: Open<'_>) {
    let mut store = open();
    let asked = request(0);
    note(&mut *store, &asked);
    assert_eq!(store.confirm(&asked, hours(1)).unwrap(), None);
    assert_eq!(open().confirm(&asked, hours(2)).unwrap(), Some(Status::Active));
    let id = id_of(&*store, 0);
    let confirmed = |store: &dyn Store| -> Vec<DateTime<Utc>> {
        store.consents(id).unwrap().iter().map(|consent| consent.confirmed).collect()
    };
    assert_eq!(confirmed(&*store), [hours(1)]);
    let again = SubscriptionRequest { requested: days(9), ..asked };
    note(&mut *store, &again);
    assert_eq!(store.confirm(&again, days(10)).unwrap(), Some(Status::Active));
    assert_eq!(confirmed(&*store), [hours(1), days(10)]);
    assert_eq!(store.consents(SubscriberId(99)).unwrap(), []);
    assert_eq!(
        store.personal_data(&address(0)).unwrap().unwrap().changed,
        Some(hours(1)),
        "the status has not changed"
    );
}

fn how_and_when_someone_left_is_kept(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 3);
    let before = [Status::Active, Status::Unconfirmed, Status::Bounced];
    for (number, status) in before.into_iter().enumerate() {
        store.set_status(&address(number), status, now()).unwrap();
        let id = id_of(&*store, number);
        assert_eq!(store.leave(id, Channel::OneClick, Some("ja"), hours(1)).unwrap(), Some(status));
        let left = Unsubscription { channel: Channel::OneClick, at: hours(1) };
        assert_eq!(open().unsubscription(id).unwrap(), Some(left).filter(|_| number < 2));
        // Whatever comes later changes nothing.
        let stays = if number < 2 { Status::Unsubscribed } else { status };
        assert_eq!(store.leave(id, Channel::Page, Some("ja"), hours(2)).unwrap(), Some(stays));
        assert_eq!(open().unsubscription(id).unwrap(), Some(left).filter(|_| number < 2));
    }
    assert_eq!(statuses(&*store, 3), [Status::Unsubscribed, Status::Unsubscribed, Status::Bounced]);
    assert_eq!(store.leave(SubscriberId(99), Channel::Page, Some("ja"), now()).unwrap(), None);
    let goodbye = |number| {
        let messages = store.personal_data(&address(number)).unwrap().unwrap().messages;
        messages.into_iter().map(|one| (one.kind, one.language, one.created)).collect::<Vec<_>>()
    };
    let expected = || vec![(MessageKind::Goodbye, "ja".to_owned(), hours(1))];
    assert_eq!([goodbye(0), goodbye(1), goodbye(2)], [expected(), expected(), vec![]]);
    add(&mut *open(), 4);
    let mut store = open();
    assert_eq!(store.leave(id_of(&*store, 3), Channel::Mail, None, now()).unwrap(), Some(Status::Active));
    assert_eq!(store.message_counts().unwrap().total(), 2, "only where a message is asked for");
    assert_eq!(add_records(&mut *store, &[(4, Status::Active), (4, Status::Unsubscribed)]).away, 1);
    assert_eq!(store.unsubscription(id_of(&*store, 4)).unwrap(), None, "a list does not say how");
}

fn leaving_can_be_undone_for_a_while(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 4);
    let ids: Vec<SubscriberId> = (0..4).map(|number| id_of(&*store, number)).collect();
    for id in &ids[..2] {
        store.leave(*id, Channel::Page, None, hours(1)).unwrap();
    }
    let last = hours(1) + UNDO_PERIOD;
    assert!(!store.come_back(ids[0], last + TimeDelta::milliseconds(1)).unwrap());
    assert_eq!(status(&*store, 0), Some(Status::Unsubscribed));
    assert!(store.come_back(ids[0], last).unwrap());
    assert_eq!((status(&*open(), 0), open().unsubscription(ids[0]).unwrap()), (Some(Status::Active), None));
    assert!(store.come_back(ids[0], days(99)).unwrap(), "who is active stays active");
    assert_eq!(status(&*store, 1), Some(Status::Unsubscribed));
    for (id, status) in [(2, Status::Unsubscribed), (3, Status::Suppressed)] {
        store.set_status(&address(id), status, now()).unwrap();
        assert!(!store.come_back(ids[id], now()).unwrap(), "{status}, and did not leave by themselves");
        assert_eq!(self::status(&*store, id), Some(status));
    }
    assert!(!store.come_back(SubscriberId(99), now()).unwrap());
}

fn a_subscriber_who_is_active_again_has_not_left(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 2);
    for number in 0..2 {
        store.leave(id_of(&*store, number), Channel::Operator, None, now()).unwrap();
    }
    store.set_status(&spelled(&address(0)), Status::Active, hours(1)).unwrap();
    note(&mut *store, &request(1));
    store.confirm(&request(1), hours(1)).unwrap();
    for number in 0..2 {
        assert_eq!(store.unsubscription(id_of(&*store, number)).unwrap(), None);
        let person = store.personal_data(&address(number)).unwrap().unwrap();
        assert_eq!((person.unsubscription, person.subscriber.unwrap().status), (None, Status::Active));
    }
    assert_eq!(store.unsubscriptions_since(now()).unwrap(), []);
}

fn who_left_is_counted_by_channel(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 6);
    let left = [
        (Channel::Operator, 0),
        (Channel::Page, 1),
        (Channel::Page, 2),
        (Channel::OneClick, 3),
        (Channel::Complaint, -1),
        (Channel::Mail, 4),
    ];
    for (number, (channel, hour)) in left.into_iter().enumerate() {
        store.leave(id_of(&*store, number), channel, None, hours(hour)).unwrap();
    }
    let expected = [(Channel::OneClick, 1), (Channel::Page, 2), (Channel::Mail, 1), (Channel::Operator, 1)];
    assert_eq!(open().unsubscriptions_since(now()).unwrap(), expected);
    assert_eq!(open().unsubscriptions_since(hours(4)).unwrap(), [(Channel::Mail, 1)]);
    assert_eq!(open().unsubscriptions_since(hours(5)).unwrap(), []);
}

fn a_blocked_address_is_kept_as_such_until_its_owner_confirms(open: Open<'_>) {
    let mut store = open();
    note(&mut *store, &request(0));
    store.block(&spelled(&address(0)), now()).unwrap();
    store.block(&address(0), hours(1)).unwrap();
    assert_eq!(store.request_of(&address(0), now()).unwrap(), Some(request(0)), "its link works twice");
    let is_blocked = |number| [address(number), spelled(&address(number))].map(|one| open().is_blocked(&one).unwrap());
    assert_eq!((is_blocked(0), is_blocked(1)), ([true; 2], [false; 2]));
    let ForgetOutcome::Done(_) = store.forget(&address(0), &run("boot"), now()).unwrap() else { panic!("busy") };
    assert_eq!(is_blocked(0), [true; 2], "whoever is forgotten is not asked again either");
    note(&mut *store, &request(0));
    assert_eq!(is_blocked(0), [true; 2], "asking changes nothing");
    store.confirm(&request(0), now()).unwrap();
    assert_eq!((is_blocked(0), status(&*store, 0)), ([false; 2], Some(Status::Active)));
}

fn limit(name: &str, messages: u32, seconds: u64) -> Rate {
    Rate { name: format!("reader:{name}"), messages, per: std::time::Duration::from_secs(seconds) }
}

fn all_limits_are_used_or_none(open: Open<'_>) {
    const DAY: u64 = 86_400;
    let limits = [limit("mailbox", 1, 600), limit("a day", 3, DAY), limit("network", 4, DAY), limit("all", 300, 3600)];
    let take = |minutes: i64| open().take_one_of_each(&limits, now() + TimeDelta::minutes(minutes)).unwrap();
    assert_eq!([0, 0, 9, 10, 20, 30].map(take), [true, false, false, true, true, false]);
    // What the refused ones would have taken is still there: of the network one of four.
    let network = |minutes| open().take_one_of_each(&limits[2..], now() + TimeDelta::minutes(minutes)).unwrap();
    assert_eq!([network(30), network(30)], [true, false]);
    let hours = |hours: i64| take(60 * hours);
    assert_eq!([7, 8, 15, 16, 17].map(hours), [false, true, false, true, false]);
    assert!(open().take_one_of_each(&[], now()).unwrap());
    // By their names, in whatever order.
    let mut reversed = [limit("one", 1, DAY), limit("two", 9, DAY), limit("three", 9, DAY)];
    assert!(open().take_one_of_each(&reversed, now()).unwrap());
    reversed.reverse();
    assert!(!open().take_one_of_each(&reversed, now()).unwrap());
    assert!(open().take_one_of_each(&[limit("fast", 3, 1), limit("two", 9, DAY)], now()).unwrap());
}

/// Of many who try at once, as many succeed as may.
fn limits_are_shared_by_all_processes(open: Open<'_>) {
    const HOUR: u64 = 3600;
    let mut stores: Vec<_> = (0..4).map(|_| open()).collect();
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .iter_mut()
            .enumerate()
            .map(|(number, store)| {
                let limits = [limit("all", 10, HOUR), limit(&number.to_string(), 20, HOUR)];
                let take = move || (0..10).filter(|_| store.take_one_of_each(&limits, now()).unwrap()).count();
                scope.spawn(take)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 10);
}

fn what_has_had_its_time_is_deleted(open: Open<'_>) {
    let mut store = open();
    let at = |number, requested| SubscriptionRequest { requested, ..request(number) };
    for (number, day) in [(0, 0), (1, 5), (2, 5), (3, 10)] {
        note(&mut *store, &at(number, days(day)));
    }
    store.confirm(&at(2, days(5)), days(6)).unwrap();
    let sending = Rate { name: "mail".into(), messages: 1, per: std::time::Duration::from_secs(1) };
    store.take_permits(&sending, 1, now()).unwrap();
    assert!(store.take_one_of_each(&[limit("one", 2, 3600)], days(10)).unwrap());
    assert_eq!(store.purge(now(), days(7)).unwrap(), 0);
    let ip = |number| store.request_of(&address(number), days(10)).unwrap().map(|request| request.ip.is_some());
    assert_eq!([ip(0), ip(1), ip(2), ip(3)], [None, Some(true), None, Some(true)]);
    // One request, the addresses of another and of a consent.
    assert_eq!(store.purge(days(6), days(7) + TimeDelta::milliseconds(1)).unwrap(), 3);
    let mut store = open();
    let ip = |number| store.request_of(&address(number), days(10)).unwrap().map(|request| request.ip.is_some());
    assert_eq!([ip(0), ip(1), ip(2), ip(3)], [None, Some(false), None, Some(true)]);
    let consent = &store.consents(id_of(&*store, 2)).unwrap()[0];
    assert_eq!((&consent.ip, &consent.page), (&None, &request(2).page));
    assert_eq!(store.purge(days(6), days(7) + TimeDelta::milliseconds(1)).unwrap(), 0);
    // The bucket is full after half an hour, and then for a day.
    assert_eq!(store.purge(now(), days(11) + TimeDelta::minutes(29)).unwrap(), 0);
    assert_eq!(store.purge(now(), days(11) + TimeDelta::minutes(31)).unwrap(), 1);
    assert_eq!(store.take_permits(&sending, 1, now()).unwrap().granted, 0, "the rates of sending stay");
}

fn everything_about_a_reader_is_shown_and_forgotten(open: Open<'_>) {
    let mut store = open();
    note(&mut *store, &request(0));
    store.confirm(&request(0), hours(1)).unwrap();
    let id = id_of(&*store, 0);
    store.leave(id, Channel::Page, Some("en"), hours(2)).unwrap();
    let again = SubscriptionRequest { requested: hours(3), ..bare(0) };
    note(&mut *store, &again);
    note(&mut *store, &request(1));
    assert_eq!(store.personal_data(&address(2)).unwrap(), None);
    let person = store.personal_data(&spelled(&address(0))).unwrap().unwrap();
    assert_eq!(person.subscriber.as_ref().map(|one| one.status), Some(Status::Unsubscribed));
    assert_eq!(person.consents, store.consents(id).unwrap());
    assert_eq!(person.unsubscription, Some(Unsubscription { channel: Channel::Page, at: hours(2) }));
    assert_eq!(person.request, Some(again));
    let kinds: Vec<MessageKind> = person.messages.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [MessageKind::Confirmation, MessageKind::Goodbye, MessageKind::Confirmation]);
    // Also of someone who is not subscribed.
    let asked = store.personal_data(&address(1)).unwrap().unwrap();
    assert_eq!((asked.subscriber, asked.changed, asked.request), (None, None, Some(request(1))));
    for number in [0, 1] {
        let ForgetOutcome::Done(erasure) = store.forget(&spelled(&address(number)), &run("boot"), now()).unwrap()
        else {
            panic!("busy")
        };
        assert_eq!((erasure.was_known, erasure.is_erased), (number == 0, true));
        let store = open();
        assert_eq!(store.personal_data(&address(number)).unwrap(), None);
        assert_eq!(store.request_by_tag(tag(&address(number)), now()).unwrap(), None);
        assert_eq!(store.are_forgotten(&[&address(number)]).unwrap(), [true]);
    }
    assert_eq!((store.consents(id).unwrap(), store.unsubscription(id).unwrap()), (vec![], None));
    assert_eq!(store.message_counts().unwrap().total(), 0);
    // The owner may come back.
    note(&mut *store, &request(0));
    assert_eq!(store.confirm(&request(0), hours(4)).unwrap(), None);
    assert_eq!((status(&*store, 0), id_of(&*store, 0) > id), (Some(Status::Active), true));
}

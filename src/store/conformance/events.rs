//! What the contract promises about mail that came in.

use super::readers::{days, hours, request, tag};
use super::*;
use crate::bounce::Class;
use crate::store::events::{DIGESTS_KEPT, EventOutcome, MailEvent};
use crate::transactional_message::MessageKind;
use crate::unsubscription::{Channel, Unsubscription};

pub(super) fn conforms(world: World<'_>) {
    world(&|open| what_was_sent_or_is_unknown_bounces(open));
    world(&|open| a_bounce_that_is_faster_than_the_record_waits_for_it(open));
    world(&|open| a_bounce_tells_what_a_dead_run_left(open));
    world(&|open| a_bounce_of_an_attempt_before_is_dropped_with_the_claim(open));
    world(&|open| bounced_recipients_are_queued_again_with_the_failed(open));
    world(&|open| a_message_is_handled_once(open));
    world(&|open| a_complaint_ends_everything(open));
    world(&|open| readers_come_and_go_by_mail(open));
    world(&|open| the_latest_deliveries_are_found(open));
    world(&|open| failures_are_accepted_by_a_person(open));
}

const SAID: &str = "550 5.1.1 nobody";

fn bounced(subscriber: SubscriberId, class: Class) -> MailEvent {
    let suppress = class == Class::BadAddress;
    MailEvent::Bounced { issue: issue(), subscriber, class, reply: SAID.into(), suppress }
}

/// Handles a message with these events, which was not handled before.
fn handle(store: &mut dyn Store, digest: &str, events: &[MailEvent]) -> Vec<EventOutcome> {
    store.handle(digest, events, hours(1)).unwrap().unwrap()
}

/// Handles a message about one bounce.
fn bounce(store: &mut dyn Store, subscriber: SubscriberId, class: Class) -> EventOutcome {
    handle(store, &format!("{subscriber:?}"), &[bounced(subscriber, class)]).remove(0)
}

fn settled(id: SubscriberId, outcome: AttemptOutcome) -> (SubscriberId, LedgerEntry) {
    (id, LedgerEntry::Settled(outcome))
}

fn sent(id: SubscriberId) -> (SubscriberId, LedgerEntry) {
    settled(id, AttemptOutcome::Sent("250 ok".into()))
}

/// State, attempts, reply and class of each delivery.
fn rows(store: &dyn Store) -> Vec<(State, u32, Option<String>, Option<Class>)> {
    let mut rows = Vec::new();
    let mut each = |delivery: Delivery| {
        rows.push((delivery.state, delivery.attempts, delivery.reply, delivery.class));
        Ok(())
    };
    store.each_delivery(&issue(), None, &mut each).unwrap();
    rows
}

fn said(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const ACTIVE: EventOutcome = EventOutcome::Recorded(Some(Status::Active));

fn what_was_sent_or_is_unknown_bounces(open: Open<'_>) {
    let mut store = begun(open, 6);
    let ids = claim(&mut *store, 5);
    let deferred = AttemptOutcome::Deferred { reply: "450".into(), retry_at: hours(9) };
    let failed = AttemptOutcome::Failed { reply: "550".into(), suppress: false };
    let unknown = AttemptOutcome::Unknown("lost".into());
    let outcomes = [sent(ids[0]), sent(ids[1]), settled(ids[2], unknown), settled(ids[3], failed)];
    record(&mut *store, &outcomes);
    record(&mut *store, &[settled(ids[4], deferred)]);
    drop(store);
    let mut store = open();
    let (classes, queued) = ([Class::BadAddress, Class::Mailbox, Class::Ours], SubscriberId(6));
    for (id, class) in ids.iter().zip(classes) {
        assert_eq!(bounce(&mut *store, *id, class), ACTIVE);
    }
    for id in [ids[3], ids[4], queued, SubscriberId(99)] {
        assert_eq!(bounce(&mut *store, id, Class::BadAddress), EventOutcome::Unchanged, "{id:?}");
    }
    let row = |state, reply: &str, class| (state, 1, said(reply), class);
    let expected = [
        row(State::Bounced, SAID, Some(Class::BadAddress)),
        row(State::Bounced, SAID, Some(Class::Mailbox)),
        row(State::Bounced, SAID, Some(Class::Ours)),
        row(State::Failed, "550", None),
        row(State::Deferred, "450", None),
        (State::Queued, 0, None, None),
    ];
    assert_eq!(rows(&*store), expected);
    let mut all = vec![Status::Active; 6];
    all[0] = Status::Suppressed;
    assert_eq!(statuses(&*store, 6), all);
    assert_eq!(store.deliveries_to(&issue(), &ids[..1]).unwrap()[0].changed, Some(hours(1)));
    assert_eq!(store.bounces(&issue()).unwrap(), [(Class::BadAddress, 1), (Class::Mailbox, 1), (Class::Ours, 1)]);
    assert_eq!(store.counts(&issue()).unwrap().of(State::Bounced), 3);
    // A second report changes nothing, and no state follows but by a person.
    let again = handle(&mut *store, "again", &[bounced(ids[1], Class::BadAddress)]);
    assert_eq!((again, rows(&*store)), (vec![EventOutcome::Unchanged], expected.to_vec()));
    assert_eq!(store.resolve(&issue(), &[], State::Sent, now()).unwrap(), 0);
}

fn a_bounce_that_is_faster_than_the_record_waits_for_it(open: Open<'_>) {
    let mut store = begun(open, 6);
    let ids = claim(&mut *store, 6);
    let sending = |id: &SubscriberId| (*id, LedgerEntry::Sending);
    record(&mut *store, &ids[..5].iter().map(sending).collect::<Vec<_>>());
    // A file's run may have recorded the first two in its log only.
    record(&mut *store, &[sent(ids[0]), settled(ids[1], AttemptOutcome::Unknown("lost".into()))]);
    let mut other = open();
    for id in &ids {
        assert_eq!(bounce(&mut *other, *id, Class::BadAddress), ACTIVE);
        assert_eq!(other.deliveries_since(*id, now()).unwrap().len(), 1, "it may have left");
    }
    assert_eq!(statuses(&*other, 6), [Status::Suppressed; 6]);
    let refused = AttemptOutcome::Failed { reply: "550 no".into(), suppress: false };
    let later = AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: hours(9) };
    record(&mut *store, &[sent(ids[2]), settled(ids[3], refused), settled(ids[4], later)]);
    record(&mut *store, &[settled(ids[5], AttemptOutcome::Requeued)]);
    let seen: Vec<_> = rows(&*store).into_iter().map(|(state, _, _, class)| (state, class)).collect();
    let bounced = (State::Bounced, Some(Class::BadAddress));
    let [failed, deferred, queued] = [State::Failed, State::Deferred, State::Queued].map(|state| (state, None));
    assert_eq!(seen, [bounced, bounced, bounced, failed, deferred, queued]);
    assert_eq!(rows(&*store)[0], (State::Bounced, 1, said(SAID), Some(Class::BadAddress)));
    assert_eq!(rows(&*store)[3], (State::Failed, 1, said("550 no"), None));
    drop(store);
    assert_eq!(rows(&*open())[2], (State::Bounced, 1, said(SAID), Some(Class::BadAddress)));
}

fn a_bounce_tells_what_a_dead_run_left(open: Open<'_>) {
    let mut store = begun(open, 2);
    let ids = claim(&mut *store, 2);
    record(&mut *store, &[(ids[0], LedgerEntry::Sending), (ids[1], LedgerEntry::Sending)]);
    // So that others see it in the database.
    store.counts(&issue()).unwrap();
    bounce(&mut *open(), ids[0], Class::Mailbox);
    drop(store);
    let mut store = open();
    let RunStart::Started(recovered) = store.begin_run(&run("boot"), hours(2)).unwrap() else { panic!("busy") };
    let unknown: Vec<_> = recovered.unknown.iter().map(|delivery| delivery.subscriber).collect();
    assert_eq!((recovered.requeued, unknown), (0, vec![ids[1]]));
    assert_eq!(rows(&*store)[0], (State::Bounced, 1, said(SAID), Some(Class::Mailbox)));
    assert_eq!((rows(&*store)[1].0, rows(&*store)[1].3), (State::Unknown, None));
}

fn a_bounce_of_an_attempt_before_is_dropped_with_the_claim(open: Open<'_>) {
    let mut store = begun(open, 1);
    let ids = claim(&mut *store, 1);
    bounce(&mut *open(), ids[0], Class::Mailbox);
    drop(store);
    let mut store = open();
    store.begin_run(&run("boot"), hours(2)).unwrap();
    assert_eq!((rows(&*store)[0].0, rows(&*store)[0].3), (State::Queued, None));
    assert_eq!(claim(&mut *store, 1), ids);
    record(&mut *store, &[(ids[0], LedgerEntry::Sending), sent(ids[0])]);
    assert_eq!(rows(&*store), [(State::Sent, 1, said("250 ok"), None)]);
}

fn bounced_recipients_are_queued_again_with_the_failed(open: Open<'_>) {
    let mut store = begun(open, 3);
    let ids = claim(&mut *store, 3);
    record(&mut *store, &ids.iter().map(|id| sent(*id)).collect::<Vec<_>>());
    for (id, class) in ids.iter().zip([Class::Ours, Class::BadAddress]) {
        bounce(&mut *store, *id, class);
    }
    assert_eq!(store.requeue(&issue(), false, &[], now()).unwrap(), Requeued::default());
    let requeued = store.requeue(&issue(), true, &[], now()).unwrap();
    assert_eq!(requeued, Requeued { failed: 1, away: 1, ..Requeued::default() });
    assert_eq!(rows(&*store)[0], (State::Queued, 0, said(SAID), None));
    assert_eq!(claim(&mut *store, 9), [ids[0]]);
    record(&mut *store, &[(ids[0], LedgerEntry::Sending), sent(ids[0])]);
    assert_eq!(rows(&*store)[0], (State::Sent, 1, said("250 ok"), None));
}

fn a_message_is_handled_once(open: Open<'_>) {
    let mut store = begun(open, 2);
    let ids = claim(&mut *store, 2);
    record(&mut *store, &[sent(ids[0]), sent(ids[1])]);
    let events = [bounced(ids[0], Class::Mailbox), MailEvent::Complained { subscriber: ids[1] }];
    assert!(!store.is_handled("a").unwrap());
    assert_eq!(handle(&mut *store, "a", &events), [ACTIVE, ACTIVE]);
    for mut store in [open(), open()] {
        assert!(store.is_handled("a").unwrap() && !store.is_handled("b").unwrap());
        let gone = [MailEvent::Left { subscriber: ids[0], channel: Channel::Mail, message: None }];
        assert_eq!(store.handle("a", &gone, hours(2)).unwrap(), None);
        assert_eq!(statuses(&*store, 2), [Status::Active, Status::Complained]);
    }
    assert_eq!(handle(&mut *store, "b", &[]), [], "it meant nothing");
    assert_eq!(store.purge(now(), hours(1) + DIGESTS_KEPT).unwrap(), 0);
    assert!(store.is_handled("a").unwrap());
    assert_eq!(store.purge(now(), hours(2) + DIGESTS_KEPT).unwrap(), 2);
    assert!(!store.is_handled("a").unwrap());
}

fn a_complaint_ends_everything(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 2);
    let id = store.subscriber(&address(0)).unwrap().unwrap().id;
    store.note_request(&request(0), tag(&address(0))).unwrap();
    store.queue_message(MessageKind::Links, &address(1), "en", now()).unwrap();
    store.set_status(&address(0), Status::Unsubscribed, now()).unwrap();
    let complaint = [MailEvent::Complained { subscriber: id }];
    assert_eq!(handle(&mut *store, "a", &complaint), [EventOutcome::Recorded(Some(Status::Unsubscribed))]);
    assert_eq!(handle(&mut *store, "b", &complaint), [EventOutcome::Unchanged]);
    let nobody = [MailEvent::Complained { subscriber: SubscriberId(99) }];
    assert_eq!(handle(&mut *store, "c", &nobody), [EventOutcome::Unchanged]);
    assert_eq!(statuses(&*store, 2), [Status::Complained, Status::Active]);
    let left = Some(Unsubscription { channel: Channel::Complaint, at: hours(1) });
    assert_eq!((store.unsubscription(id).unwrap(), store.request_of(&address(0), hours(1)).unwrap()), (left, None));
    assert_eq!(store.unsubscriptions_since(now()).unwrap(), [(Channel::Complaint, 1)]);
    let counts = store.message_counts().unwrap();
    assert_eq!((counts.of(State::Suppressed), counts.of(State::Queued)), (1, 1), "the other reader's is sent");
    let messages = store.personal_data(&address(0)).unwrap().unwrap().messages;
    assert_eq!(messages[0].reply.as_deref(), Some("the reader called a message spam"));
}

fn readers_come_and_go_by_mail(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 1);
    let id = store.subscriber(&address(0)).unwrap().unwrap().id;
    let leave = [MailEvent::Left { subscriber: id, channel: Channel::Mail, message: Some("zh".into()) }];
    assert_eq!(handle(&mut *store, "a", &leave), [ACTIVE]);
    assert_eq!(handle(&mut *store, "b", &leave), [EventOutcome::Unchanged]);
    let left = Some(Unsubscription { channel: Channel::Mail, at: hours(1) });
    assert_eq!((statuses(&*store, 1), store.unsubscription(id).unwrap()), (vec![Status::Unsubscribed], left));
    let new = request(5);
    let asked = [MailEvent::Requested { request: new.clone(), tag: tag(&new.address) }];
    assert_eq!(handle(&mut *store, "c", &asked), [EventOutcome::Recorded(None)]);
    assert_eq!(store.request_by_tag(tag(&new.address), hours(1)).unwrap().as_ref(), Some(&new));
    let confirmed = [MailEvent::Confirmed { request: new.clone() }];
    assert_eq!(handle(&mut *store, "d", &confirmed), [EventOutcome::Recorded(None)]);
    assert_eq!(store.subscriber(&new.address).unwrap().unwrap().status, Status::Active);
    let (kind, language) = (MessageKind::Links, "en".to_owned());
    let answered = [MailEvent::Answered { kind, address: new.address.clone(), language }];
    assert_eq!(handle(&mut *store, "e", &answered), [ACTIVE]);
    assert_eq!(store.message_counts().unwrap().of(State::Queued), 3, "goodbye, confirmation, links");
}

fn the_latest_deliveries_are_found(open: Open<'_>) {
    let mut store = begun(open, 2);
    let ids = claim(&mut *store, 1);
    record(&mut *store, &[sent(ids[0])]);
    let next = IssueId::new("https://example.org/8/").unwrap();
    store.freeze(&next, "hash", None, days(1)).unwrap();
    store.claim_these(&next, &ids, days(1)).unwrap();
    let failed = AttemptOutcome::Failed { reply: "550".into(), suppress: false };
    store.record(&next, &[settled(ids[0], failed)], days(1)).unwrap();
    let last = IssueId::new("https://example.org/9/").unwrap();
    store.freeze(&last, "hash", None, days(2)).unwrap();
    let found = |store: &dyn Store, id, since| store.deliveries_since(id, since).unwrap();
    let both = [(next.clone(), days(1)), (issue(), now())];
    assert_eq!(found(&*store, ids[0], now()), both, "nothing of the last one has left");
    assert_eq!(found(&*store, ids[0], hours(1)), both[..1]);
    assert_eq!(found(&*store, SubscriberId(2), now()), []);
    assert_eq!(found(&*store, SubscriberId(99), now()), []);
}

fn failures_are_accepted_by_a_person(open: Open<'_>) {
    let mut store = begun(open, 1);
    assert_eq!(store.accepted_failures(&issue()).unwrap(), 0);
    for failures in [7, 9] {
        store.accept_failures(&issue(), failures).unwrap();
        assert_eq!(open().accepted_failures(&issue()).unwrap(), failures);
    }
    assert_eq!(store.accepted_failures(&IssueId::new("https://example.org/8/").unwrap()).unwrap(), 0);
}

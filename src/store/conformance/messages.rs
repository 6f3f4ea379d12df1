//! What the contract promises about transactional messages: none is sent twice, and none is lost.

use super::readers::{days, hours, request, tag};
use super::*;
use crate::transactional_message::{MessageId, MessageKind, MessageRecord, TransactionalMessage};

pub(super) fn conforms(world: World<'_>) {
    world(&|open| one_process_sends_messages_at_a_time(open));
    world(&|open| a_mailing_and_a_batch_do_not_wait_for_each_other(open));
    world(&|open| messages_are_claimed_once_oldest_first(open));
    world(&|open| refused_messages_come_after_the_others(open));
    world(&|open| what_became_of_a_message_is_kept(open));
    world(&|open| only_a_claimed_message_is_recorded(open));
    world(&|open| nothing_is_sent_without_the_right(open));
    world(&|open| what_a_dead_process_left_is_settled(open));
    world(&|open| a_dead_address_is_suppressed(open));
    world(&|open| a_forgotten_reader_is_sent_nothing_more(open));
    world(&|open| settled_messages_are_deleted_after_a_month(open));
}

fn queue(store: &mut dyn Store, number: usize) {
    store.queue_message(MessageKind::Links, &address(number), "en", now() + TimeDelta::seconds(number as i64)).unwrap();
}

/// A process that has the right to send `count` messages.
fn begun(open: Open<'_>, count: usize) -> Box<dyn Store> {
    let mut store = open();
    (0..count).for_each(|number| queue(&mut *store, number));
    assert_eq!(store.begin_batch(&run("boot"), now()).unwrap(), Some(0));
    store
}

fn claim(store: &mut dyn Store, limit: usize, at: DateTime<Utc>) -> Vec<TransactionalMessage> {
    store.claim_messages(limit, at).unwrap()
}

fn addresses(claimed: &[TransactionalMessage]) -> Vec<EmailAddress> {
    claimed.iter().map(|message| message.address.clone()).collect()
}

fn sent() -> LedgerEntry {
    LedgerEntry::Settled(AttemptOutcome::Sent("250 ok".into()))
}

fn of(store: &dyn Store, number: usize) -> MessageRecord {
    store.personal_data(&address(number)).unwrap().unwrap().messages.pop().unwrap()
}

fn state(store: &dyn Store, number: usize) -> (State, u32, Option<String>) {
    let record = of(store, number);
    (record.state, record.attempts, record.reply)
}

fn send(store: &mut dyn Store, id: MessageId, outcome: AttemptOutcome, at: DateTime<Utc>) {
    store.record_message(id, &LedgerEntry::Sending, at).unwrap();
    store.record_message(id, &LedgerEntry::Settled(outcome), at).unwrap();
}

fn one_process_sends_messages_at_a_time(open: Open<'_>) {
    let begin = |store: &mut dyn Store| store.begin_batch(&run("boot"), now()).unwrap();
    let (mut store, mut other) = (open(), open());
    assert_eq!((begin(&mut *store), begin(&mut *other)), (Some(0), None));
    assert_eq!(begin(&mut *other), None);
    store.end_batch().unwrap();
    assert_eq!((begin(&mut *other), begin(&mut *store)), (Some(0), None));
    drop(other);
    assert_eq!(begin(&mut *store), Some(0), "a process that is gone holds nothing");
    assert_eq!(begin(&mut *store), Some(0));
    store.end_batch().unwrap();
    store.end_batch().unwrap();
    assert_eq!(begin(&mut *open()), Some(0));
}

fn a_mailing_and_a_batch_do_not_wait_for_each_other(open: Open<'_>) {
    let mut mailing = super::begun(open, 3);
    let mut batch = begun(open, 2);
    assert_eq!(super::claim(&mut *mailing, 1).len(), 1);
    let claimed = claim(&mut *batch, 1, now());
    let id = super::claim(&mut *mailing, 1);
    record(&mut *mailing, &[(id[0], LedgerEntry::Sending)]);
    batch.record_message(claimed[0].id, &LedgerEntry::Sending, now()).unwrap();
    // One process may have both.
    assert_eq!(mailing.begin_batch(&run("boot"), now()).unwrap(), None);
    drop(batch);
    assert_eq!(mailing.begin_batch(&run("boot"), now()).unwrap(), Some(1));
    assert_eq!(claim(&mut *mailing, 9, now()).len(), 1);
    mailing.end_batch().unwrap();
    assert_eq!(super::claim(&mut *mailing, 1).len(), 1, "the run goes on");
}

fn messages_are_claimed_once_oldest_first(open: Open<'_>) {
    let mut store = open();
    let asked = request(0);
    store.note_request(&asked, tag(&asked.address)).unwrap();
    let mut store = begun(open, 3);
    let claimed = claim(&mut *store, 2, now());
    assert_eq!(addresses(&claimed), [address(0), address(0)]);
    let expected = TransactionalMessage {
        id: claimed[0].id,
        kind: MessageKind::Confirmation,
        address: address(0),
        language: "zh-Hans".into(),
        created: asked.requested,
        attempts: 0,
    };
    assert_eq!(claimed[0], expected);
    assert_eq!((claimed[1].kind, claimed[1].created), (MessageKind::Links, now()));
    assert_eq!(addresses(&claim(&mut *store, 9, now())), [address(1), address(2)]);
    assert_eq!(claim(&mut *store, 9, now()), []);
    assert_eq!(store.message_counts().unwrap().of(State::Claimed), 4);
    queue(&mut *open(), 7);
    let id = claim(&mut *store, 9, now())[0].id;
    assert!(claimed.iter().all(|message| message.id < id));
}

fn refused_messages_come_after_the_others(open: Open<'_>) {
    let mut store = begun(open, 4);
    let ids: Vec<MessageId> = claim(&mut *store, 4, now()).into_iter().map(|message| message.id).collect();
    let deferred = AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: hours(1) };
    send(&mut *store, ids[0], deferred, now());
    send(&mut *store, ids[1], AttemptOutcome::RequeuedAfterRefusal("421 you".into()), now());
    send(&mut *store, ids[2], AttemptOutcome::Requeued, now());
    store.record_message(ids[3], &LedgerEntry::Sending, now()).unwrap();
    store.record_message(ids[3], &LedgerEntry::Unsent, now()).unwrap();
    assert_eq!(store.message_counts().unwrap().of(State::Claimed), 1);
    let claimed = claim(&mut *store, 9, now() + TimeDelta::minutes(59));
    assert_eq!(addresses(&claimed), [address(2), address(1)]);
    assert_eq!([claimed[0].attempts, claimed[1].attempts], [0, 0]);
    assert_eq!((of(&*store, 1).reply.as_deref(), of(&*store, 2).reply), (Some("421 you"), None));
    let claimed = claim(&mut *store, 9, hours(1));
    assert_eq!((addresses(&claimed), claimed[0].attempts, claimed[0].id), (vec![address(0)], 1, ids[0]));
}

fn what_became_of_a_message_is_kept(open: Open<'_>) {
    let mut store = begun(open, 5);
    let ids: Vec<MessageId> = claim(&mut *store, 5, now()).into_iter().map(|message| message.id).collect();
    send(&mut *store, ids[0], AttemptOutcome::Sent("250 ok".into()), hours(1));
    // It can also fail before anything is sent.
    let failed = AttemptOutcome::Failed { reply: "550 no".into(), suppress: false };
    store.record_message(ids[1], &LedgerEntry::Settled(failed), hours(1)).unwrap();
    send(&mut *store, ids[2], AttemptOutcome::Unknown("closed".into()), hours(1));
    store.drop_message(ids[3], "is not subscribed", hours(1)).unwrap();
    let store = open();
    let expected = [
        (State::Sent, 1, Some("250 ok".into())),
        (State::Failed, 1, Some("550 no".into())),
        (State::Unknown, 1, Some("closed".into())),
        (State::Suppressed, 0, Some("is not subscribed".into())),
        (State::Claimed, 0, None),
    ];
    assert_eq!([0, 1, 2, 3, 4].map(|number| state(&*store, number)), expected);
    assert_eq!((of(&*store, 0).created, of(&*store, 0).changed), (now(), hours(1)));
    let counts = store.message_counts().unwrap();
    assert_eq!((counts.total(), counts.open()), (5, 1));
    let last = |kind, number| store.last_message(kind, &address(number)).unwrap();
    let upper: EmailAddress = address(0).as_str().to_uppercase().parse().unwrap();
    assert_eq!(store.last_message(MessageKind::Links, &upper).unwrap(), Some(hours(1)));
    assert_eq!([last(MessageKind::Goodbye, 0), last(MessageKind::Links, 1), last(MessageKind::Links, 9)], [None; 3]);
}

fn only_a_claimed_message_is_recorded(open: Open<'_>) {
    let mut store = begun(open, 2);
    let id = claim(&mut *store, 1, now())[0].id;
    let waiting = MessageId(id.0 + 1);
    let mut refused = |id, entry: &LedgerEntry| {
        let error = store.record_message(id, entry, now()).unwrap_err();
        assert!(format!("{:#}", anyhow::Error::from(error)).contains("has not claimed the message"));
    };
    for entry in [LedgerEntry::Sending, LedgerEntry::Unsent, sent()] {
        refused(waiting, &entry);
        refused(MessageId(99), &entry);
    }
    refused(id, &LedgerEntry::Unsent);
    store.record_message(id, &LedgerEntry::Sending, now()).unwrap();
    assert!(store.record_message(id, &LedgerEntry::Sending, now()).is_err());
    assert!(store.drop_message(id, "why", now()).is_err(), "it may be on its way");
    store.record_message(id, &sent(), now()).unwrap();
    for entry in [LedgerEntry::Sending, LedgerEntry::Unsent, sent()] {
        assert!(store.record_message(id, &entry, now()).is_err());
    }
    assert!(store.drop_message(id, "why", now()).is_err() && store.drop_message(waiting, "why", now()).is_err());
    assert_eq!(state(&*store, 0), (State::Sent, 1, Some("250 ok".into())));
    assert_eq!(state(&*store, 1), (State::Queued, 0, None));
}

fn nothing_is_sent_without_the_right(open: Open<'_>) {
    let mut store = begun(open, 2);
    let id = claim(&mut *store, 1, now())[0].id;
    let refuses = |store: &mut dyn Store| {
        assert!(store.claim_messages(1, now()).is_err());
        assert!(store.record_message(id, &LedgerEntry::Sending, now()).is_err());
        assert!(store.drop_message(id, "why", now()).is_err());
    };
    refuses(&mut *open());
    store.end_batch().unwrap();
    refuses(&mut *store);
    assert_eq!(store.begin_batch(&run("boot"), now()).unwrap(), Some(0));
    assert!(store.record_message(id, &LedgerEntry::Sending, now()).is_err(), "it is in the queue again");
    assert_eq!(claim(&mut *store, 9, now()).len(), 2);
}

fn what_a_dead_process_left_is_settled(open: Open<'_>) {
    let mut store = begun(open, 4);
    let ids: Vec<MessageId> = claim(&mut *store, 3, now()).into_iter().map(|message| message.id).collect();
    store.record_message(ids[0], &LedgerEntry::Sending, now()).unwrap();
    send(&mut *store, ids[1], AttemptOutcome::Sent("250 ok".into()), now());
    drop(store);
    let mut store = open();
    // After another boot, too: whatever is sent was recorded durably before.
    assert_eq!(store.begin_batch(&run("other boot"), hours(1)).unwrap(), Some(1));
    let why = "the process that was sending it died before the reply";
    assert_eq!(state(&*store, 0), (State::Unknown, 1, Some(why.into())));
    assert_eq!((of(&*store, 0).changed, of(&*store, 2).changed), (hours(1), hours(1)));
    assert_eq!(state(&*store, 1), (State::Sent, 1, Some("250 ok".into())));
    assert_eq!(addresses(&claim(&mut *store, 9, hours(1))), [address(2), address(3)]);
    // A process that begins anew settles what it left itself.
    assert_eq!(store.begin_batch(&run("other boot"), hours(2)).unwrap(), Some(0));
    assert_eq!(addresses(&claim(&mut *store, 9, hours(1))), [address(2), address(3)]);
}

fn a_dead_address_is_suppressed(open: Open<'_>) {
    use Status::{Active, Complained, Suppressed, Unconfirmed, Unsubscribed};
    let mut store = open();
    add(&mut *store, 4);
    for (number, status) in [Active, Unconfirmed, Unsubscribed, Complained].into_iter().enumerate() {
        store.set_status(&address(number), status, now()).unwrap();
    }
    let mut store = begun(open, 5);
    for message in claim(&mut *store, 9, now()) {
        send(&mut *store, message.id, AttemptOutcome::Failed { reply: "550".into(), suppress: true }, now());
    }
    assert_eq!(statuses(&*open(), 4), [Suppressed, Suppressed, Unsubscribed, Complained]);
}

fn a_forgotten_reader_is_sent_nothing_more(open: Open<'_>) {
    let mut store = begun(open, 4);
    let ids: Vec<MessageId> = claim(&mut *store, 3, now()).into_iter().map(|message| message.id).collect();
    for id in &ids[1..] {
        store.record_message(*id, &LedgerEntry::Sending, now()).unwrap();
    }
    for number in 0..4 {
        let forgotten = open().forget(&address(number), &run("boot"), now()).unwrap();
        assert!(matches!(forgotten, ForgetOutcome::Done(_)), "{forgotten:?}");
    }
    assert!(store.record_message(ids[0], &LedgerEntry::Sending, now()).is_err());
    // What is on its way is recorded without the address.
    let named = || "250 ok for Reader1@example.org".to_owned();
    store.record_message(ids[1], &LedgerEntry::Settled(AttemptOutcome::Sent(named())), now()).unwrap();
    let deferred = AttemptOutcome::Deferred { reply: named(), retry_at: now() };
    store.record_message(ids[2], &LedgerEntry::Settled(deferred), now()).unwrap();
    let counts = store.message_counts().unwrap();
    assert_eq!((counts.of(State::Sent), counts.of(State::Suppressed), counts.total()), (1, 1, 2));
    assert_eq!(claim(&mut *store, 9, days(9)), []);
    for number in 0..4 {
        assert_eq!(store.personal_data(&address(number)).unwrap(), None);
    }
}

fn settled_messages_are_deleted_after_a_month(open: Open<'_>) {
    let mut store = begun(open, 7);
    let ids: Vec<MessageId> = claim(&mut *store, 6, now()).into_iter().map(|message| message.id).collect();
    send(&mut *store, ids[0], AttemptOutcome::Sent("250".into()), now());
    send(&mut *store, ids[1], AttemptOutcome::Failed { reply: "550".into(), suppress: false }, now());
    send(&mut *store, ids[2], AttemptOutcome::Unknown("closed".into()), now());
    store.drop_message(ids[3], "nothing to send", now()).unwrap();
    send(&mut *store, ids[4], AttemptOutcome::Deferred { reply: "450".into(), retry_at: hours(1) }, now());
    assert_eq!(store.purge(now(), days(30)).unwrap(), 0);
    assert_eq!(store.purge(now(), days(30) + TimeDelta::milliseconds(1)).unwrap(), 4);
    assert_eq!(store.message_counts().unwrap().total(), 3, "pending ones stay");
    drop(store);
    // Numbers are not reused.
    let mut store = open();
    (0..7).for_each(|number| assert!(store.forget(&address(number), &run("boot"), now()).is_ok()));
    assert_eq!(store.message_counts().unwrap().total(), 0);
    let mut store = begun(open, 1);
    assert!(claim(&mut *store, 1, now())[0].id.0 > ids[5].0 + 1);
}

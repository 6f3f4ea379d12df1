use std::path::Path;

use chrono::TimeDelta;

use super::*;
use crate::bounce::Class;
use crate::consent::{SubscriptionRequest, Wording};
use crate::digest::{DigestContents, Period, PeriodName};
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, LedgerEntry};
use crate::rate::Rate;
use crate::store::events::MailEvent;
use crate::store::postgres::tests::World;
use crate::store::sqlite::Sqlite;
use crate::store::{RunStart, Store};
use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
use crate::token::{Purpose, Secrets, TokenClaim};
use crate::transactional_message::{MessageId, MessageKind};
use crate::unsubscription::Channel;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00.123Z".parse().unwrap()
}

fn run() -> Run {
    Run { host: "host".into(), boot_id: "boot".into(), pid: 7 }
}

fn id(name: &str) -> IssueId {
    IssueId::new(name).unwrap()
}

fn reader(number: usize) -> NewSubscriber {
    let attributes = [("city\t".to_owned(), serde_json::json!("海\n口\\N")), ("n".to_owned(), serde_json::json!(1.50))];
    let address = format!("Reader{number}@例え.jp").parse().unwrap();
    NewSubscriber {
        attributes: attributes.into_iter().collect(),
        ..NewSubscriber::new(address, &format!("读者 \\{number}\""))
    }
}

/// A store with every state and status, a digest and a rate.
fn filled<S: Movable>(mut store: S) -> S {
    store.add_subscribers(&mut (0..9).map(reader), now()).unwrap();
    store.set_status(&reader(8).address, Status::Unsubscribed, now() + TimeDelta::milliseconds(7)).unwrap();
    store.freeze(&id("spring"), "hash", None, now()).unwrap();
    let period = Period { name: PeriodName::new("2026-W47").unwrap(), start: now(), end: now() + TimeDelta::weeks(1) };
    let contents = DigestContents { period, issues: vec![id("z"), id("a")] };
    store.freeze(&contents.period.id(), "hash", Some(&contents), now()).unwrap();
    assert!(matches!(store.begin_run(&run(), now()).unwrap(), RunStart::Started(_)));
    let ids: Vec<SubscriberId> =
        store.claim(&id("spring"), 7, now()).unwrap().into_iter().map(|claim| claim.subscriber.id).collect();
    let outcomes = [
        AttemptOutcome::Sent("250 2.0.0 \\Ok\\ \t".into()),
        AttemptOutcome::Deferred { reply: "450\n\r\u{b}\u{8}".into(), retry_at: now() + TimeDelta::milliseconds(1) },
        AttemptOutcome::Failed { reply: String::new(), suppress: true },
        AttemptOutcome::Unknown("\\N".into()),
    ];
    let entries: Vec<_> = ids.iter().copied().zip(outcomes.map(LedgerEntry::Settled)).collect();
    store.record(&id("spring"), &entries, now()).unwrap();
    store.record(&id("spring"), &[(ids[4], LedgerEntry::Sending)], now()).unwrap();
    let sent = LedgerEntry::Settled(AttemptOutcome::Sent("250".into()));
    store.record(&id("spring"), &[(ids[5], sent)], now()).unwrap();
    let (issue, subscriber, reply) = (id("spring"), ids[5], "550 5.2.2\t\\full".to_owned());
    let bounced = MailEvent::Bounced { issue, subscriber, class: Class::Mailbox, reply, suppress: false };
    store.handle(&"d".repeat(64), &[bounced], now() + TimeDelta::milliseconds(9)).unwrap();
    store.accept_failures(&id("spring"), 2).unwrap();
    let rate = Rate { name: "mail".to_owned(), messages: 3, per: std::time::Duration::from_secs(9) };
    store.take_permits(&rate, 1, now()).unwrap();
    readers_come_and_go(&mut store);
    store
}

fn request(number: usize) -> SubscriptionRequest {
    SubscriptionRequest {
        address: reader(number).address,
        name: "李\t\\N".into(),
        language: "zh".into(),
        page: Some("https://example.org/a\tb".into()),
        return_to: None,
        wording: Wording::new("One\nmail\t\\a week"),
        ip: (number == 12).then(|| "192.0.2.7".into()),
        requested: now(),
    }
}

/// Every table of readers, and messages in every state that a dead process leaves.
fn readers_come_and_go(store: &mut dyn Store) {
    let tag = |number| Secrets::parse(&"s".repeat(32)).unwrap().tag(&reader(number).address);
    for number in [11, 12, 13] {
        store.note_request(&request(number), tag(number)).unwrap();
    }
    store.confirm(&request(12), now() + TimeDelta::milliseconds(1)).unwrap();
    let id = store.subscriber(&reader(12).address).unwrap().unwrap().id;
    store.leave(id, Channel::OneClick, Some("ja"), now() + TimeDelta::milliseconds(2)).unwrap();
    store.block(&reader(14).address, now()).unwrap();
    let limit = Rate { name: "reader:all".to_owned(), messages: 3, per: std::time::Duration::from_secs(9) };
    assert!(store.take_one_of_each(&[limit], now()).unwrap());
    for _ in 0..3 {
        store.queue_message(MessageKind::Links, &reader(1).address, "ko", now()).unwrap();
    }
    assert_eq!(store.begin_batch(&run(), now()).unwrap(), Some(0));
    let ids: Vec<MessageId> = store.claim_messages(5, now()).unwrap().into_iter().map(|message| message.id).collect();
    let outcomes = [
        AttemptOutcome::Sent("250 \\Ok\t".into()),
        AttemptOutcome::Deferred { reply: "450\n".into(), retry_at: now() + TimeDelta::milliseconds(1) },
    ];
    for (id, outcome) in ids.iter().zip(outcomes) {
        store.record_message(*id, &LedgerEntry::Settled(outcome), now()).unwrap();
    }
    store.record_message(ids[2], &LedgerEntry::Sending, now()).unwrap();
}

/// Every value of every row that is copied.
pub(in crate::store) fn rows(store: &dyn Movable) -> Vec<String> {
    let mut rows = Vec::new();
    for table in Table::ALL {
        let mut each = |fields: &[Option<&str>]| {
            rows.push(format!("{} {fields:?}", table.name()));
            Ok(())
        };
        store.for_each_row(table, &mut each).unwrap();
    }
    rows
}

fn subscribers(store: &dyn Store) -> Vec<Subscriber> {
    let mut all = Vec::new();
    let mut each = |subscriber| {
        all.push(subscriber);
        Ok(())
    };
    store.each_subscriber(None, &mut each).unwrap();
    all
}

fn is_done(copied: &CopyOutcome) -> bool {
    matches!(copied, CopyOutcome::Done(_))
}

/// Copies, and returns the new store.
fn moved<S: Movable>(from: &mut dyn Movable, mut to: S, place: &str) -> S {
    let mut steps = 0;
    let copied = copy(from, &mut to, place, &run(), now(), &mut |_| steps += 1).unwrap();
    let CopyOutcome::Done(counts) = copied else { panic!("busy") };
    assert_eq!(counts.total(), steps);
    to
}

/// How every moved store answers attempts to change it.
fn assert_refuses(store: &mut dyn Movable, place: &str) {
    let refused = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        let help = error.help().unwrap();
        assert!(
            matches!(&error, StoreError::Moved { to, .. } if to == place) && help.contains(place),
            "{error}: {help}"
        );
    };
    let (issue, address) = (id("summer"), reader(1).address);
    refused(store.begin_run(&run(), now()).map(|_| ()));
    refused(store.freeze(&issue, "hash", None, now()).map(|_| ()));
    refused(store.add_subscribers(&mut std::iter::once(reader(99)), now()).map(|_| ()));
    refused(store.set_status(&address, Status::Active, now()).map(|_| ()));
    refused(store.resolve(&id("spring"), &[], State::Sent, now()).map(|_| ()));
    refused(store.requeue(&id("spring"), true, &[], now()).map(|_| ()));
    let (subscriber, tag) = (SubscriberId(1), Secrets::parse(&"s".repeat(32)).unwrap().tag(&address));
    let limit = Rate { name: "reader:new".to_owned(), messages: 3, per: std::time::Duration::from_secs(9) };
    refused(store.take_one_of_each(&[limit], now()).map(|_| ()));
    refused(store.note_request(&request(1), tag));
    refused(store.confirm(&request(1), now()).map(|_| ()));
    refused(store.leave(subscriber, Channel::Page, None, now()).map(|_| ()));
    refused(store.come_back(subscriber, now()).map(|_| ()));
    refused(store.block(&address, now()));
    refused(store.queue_message(MessageKind::Links, &address, "en", now()));
    refused(store.begin_batch(&run(), now()).map(|_| ()));
    refused(store.purge(now(), now()).map(|_| ()));
    assert!(store.request_of(&reader(11).address, now()).unwrap().is_some(), "it can be read");
    assert!(finds_by_token(store, &address), "tokens of mail that was sent from the old store still resolve");
}

fn finds_by_token(store: &mut dyn Store, address: &EmailAddress) -> bool {
    let secrets = Secrets::parse(&"s".repeat(32)).unwrap();
    let token = secrets.token(Purpose::Unsubscribe, address);
    let Some(TokenClaim::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Unsubscribe) else {
        panic!("it is not a tag")
    };
    store.subscriber_by_tag(secret, tag).unwrap().is_some_and(|subscriber| subscriber.address == *address)
}

fn sqlite(folder: &Path, name: &str) -> Sqlite {
    Sqlite::open(&folder.join(name)).unwrap()
}

/// A file's old run must be over before another begins.
fn source(folder: &Path, name: &str) -> Sqlite {
    drop(filled(sqlite(folder, name)));
    sqlite(folder, name)
}

#[test]
fn everything_survives_a_move_through_both_kinds_of_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = source(folder.path(), "first.db");
    let Some(world) = World::new() else {
        let second = moved(&mut first, sqlite(folder.path(), "second.db"), "sqlite:second.db");
        assert_eq!(rows(&second), rows(&first));
        return;
    };
    let mut second = moved(&mut first, world.open(), "postgres://elsewhere/weekly");
    let third = moved(&mut second, sqlite(folder.path(), "third.db"), "sqlite:third.db");
    // PostgreSQL keeps only microseconds of a rate.
    let kept = |row: String| if row.starts_with("rate ") { row.replace("000Z", "Z") } else { row };
    let before: Vec<String> = rows(&first).into_iter().map(kept).collect();
    assert_eq!((rows(&second), rows(&third)), (before.clone(), before));
    assert_eq!((subscribers(&third), third.mailings().unwrap()), (subscribers(&first), first.mailings().unwrap()));
    assert_eq!(third.row_counts().unwrap(), first.row_counts().unwrap());
    drop((first, second));
    assert_refuses(&mut sqlite(folder.path(), "first.db"), "postgres://elsewhere/weekly");
    assert_refuses(&mut world.open(), "sqlite:third.db");
}

/// In both kinds of store: dead runs are settled first, numbers continue, and the new store sends.
#[test]
fn the_new_store_continues_where_the_old_one_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let goes_on = |mut store: Box<dyn Movable>| {
        let counts = store.counts(&id("spring")).unwrap();
        assert_eq!((counts.of(State::Claimed), counts.of(State::Sending), counts.of(State::Unknown)), (0, 0, 2));
        assert_eq!(counts.of(State::Queued), 2, "claims of the dead run are queued");
        let messages = store.message_counts().unwrap();
        let counted = [State::Sent, State::Deferred, State::Unknown, State::Queued].map(|state| messages.of(state));
        assert_eq!((counted, messages.total()), ([1, 1, 1, 4], 7));
        assert_eq!(store.begin_batch(&run(), now()).unwrap(), Some(0));
        assert_eq!(store.claim_messages(9, now()).unwrap().len(), 4);
        store.queue_message(MessageKind::Links, &reader(1).address, "ko", now()).unwrap();
        assert_eq!(store.claim_messages(9, now()).unwrap()[0].id, MessageId(8), "numbers are not reused");
        store.add_subscribers(&mut std::iter::once(reader(10)), now()).unwrap();
        assert_eq!(
            store.subscriber(&reader(10).address).unwrap().unwrap().id,
            SubscriberId(21),
            "numbers are not reused"
        );
        assert_eq!(store.freeze(&id("summer"), "hash", None, now()).unwrap().expected, 8);
        store.begin_run(&run(), now()).unwrap();
        assert_eq!(store.claim(&id("summer"), 99, now()).unwrap().len(), 8);
    };
    let old = || {
        let name = tempfile::Builder::new().tempfile_in(folder.path()).unwrap().path().to_owned();
        let store = source(folder.path(), name.to_str().unwrap());
        store.set_last_number(20);
        store
    };
    goes_on(Box::new(moved(&mut old(), sqlite(folder.path(), "new.db"), "sqlite:new.db")));
    if let Some(world) = World::new() {
        goes_on(Box::new(moved(&mut old(), world.open(), "postgres://elsewhere/weekly")));
    }
}

#[test]
fn a_used_or_moved_store_is_not_filled() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = source(folder.path(), "first.db");
    let mut used = sqlite(folder.path(), "used.db");
    used.add_subscribers(&mut std::iter::once(reader(0)), now()).unwrap();
    let error = copy(&mut first, &mut used, "sqlite:used.db", &run(), now(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty { .. }), "{error}");
    // The same file under another name is marked before it is filled.
    let mut empty = sqlite(folder.path(), "empty.db");
    let mut same = sqlite(folder.path(), "empty.db");
    let error = copy(&mut empty, &mut same, "sqlite:./empty.db", &run(), now(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::Moved { .. }), "{error}");
    assert_eq!((empty.moved().unwrap(), first.moved().unwrap()), (None, None));
    let mut second = moved(&mut first, sqlite(folder.path(), "second.db"), "sqlite:second.db");
    drop(first);
    let mut first = sqlite(folder.path(), "first.db");
    for (store, place) in [(&mut same, "sqlite:empty.db"), (&mut second, "sqlite:second.db")] {
        let error = copy(&mut first, store, place, &run(), now(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, StoreError::Moved { ended: true, .. }), "{error}");
    }
}

#[test]
fn nothing_is_moved_while_a_run_sends() {
    let folder = tempfile::tempdir().unwrap();
    let _sending = filled(sqlite(folder.path(), "first.db"));
    let mut first = sqlite(folder.path(), "first.db");
    let mut second = sqlite(folder.path(), "second.db");
    let copied = copy(&mut first, &mut second, "sqlite:second.db", &run(), now(), &mut |_| {}).unwrap();
    assert!(!is_done(&copied), "{copied:?}");
    let Some(world) = World::new() else { return };
    let mut sending = filled(world.open());
    // Its lease has run out, and it is alive.
    world.sql("UPDATE run SET lease_until = '-infinity'");
    let mut from = world.open();
    let copied = copy(&mut from, &mut second, "sqlite:second.db", &run(), now(), &mut |_| {}).unwrap();
    assert!(!is_done(&copied), "{copied:?}");
    assert_eq!(from.moved().unwrap(), None);
    // It lost its connection, and returns after the store was moved.
    world.cut();
    let copied = copy(&mut world.open(), &mut second, "sqlite:second.db", &run(), now(), &mut |_| {}).unwrap();
    assert!(is_done(&copied), "{copied:?}");
    let error = sending.claim(&id("spring"), 1, now()).unwrap_err();
    assert!(matches!(error, StoreError::Moved { ended: true, .. }), "{error}");
}

#[test]
fn nothing_is_moved_while_messages_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let waits = |from: &dyn Fn() -> Box<dyn Movable>| {
        let (mut sending, mut mailing) = (from(), from());
        assert_eq!(sending.begin_batch(&run(), now()).unwrap(), Some(0));
        let begin = |place: &str| from().begin_move(place, &run(), now()).unwrap();
        assert!(matches!(begin("elsewhere"), MoveStart::Busy(_)));
        sending.end_batch().unwrap();
        assert!(matches!(mailing.begin_run(&run(), now()).unwrap(), RunStart::Started(_)));
        let mut moving = from();
        assert!(matches!(moving.begin_move("elsewhere", &run(), now()).unwrap(), MoveStart::Busy(_)));
        assert_eq!(sending.begin_batch(&run(), now()).unwrap(), Some(0), "in vain it has taken no right");
        drop((sending, mailing));
        assert!(matches!(moving.begin_move("elsewhere", &run(), now()).unwrap(), MoveStart::Begun(_)));
    };
    waits(&|| Box::new(sqlite(folder.path(), "first.db")));
    if let Some(world) = World::new() {
        waits(&|| Box::new(world.open()));
    }
}

/// A row that cannot be written leaves the new store empty and the old one usable.
#[test]
fn a_failed_move_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |to: &mut dyn Movable| {
        let mut first = source(folder.path(), "first.db");
        first.damage("UPDATE delivery SET changed = x'ff' WHERE subscriber = 5 AND mailing = 2");
        let before = rows(to);
        let error = copy(&mut first, to, "elsewhere", &run(), now(), &mut |_| {}).unwrap_err();
        assert!(format!("{:#}", anyhow::Error::from(error)).contains("table `delivery`"));
        to.can_be_filled().unwrap();
        assert_eq!((first.moved().unwrap(), rows(to)), (None, before));
        drop(first);
        std::fs::remove_file(folder.path().join("first.db")).unwrap();
    };
    fails(&mut sqlite(folder.path(), "second.db"));
    if let Some(world) = World::new() {
        fails(&mut world.open());
    }
}

/// A store whose move was begun by a process that then died.
fn abandoned(folder: &Path, place: &str) -> (Sqlite, Moved) {
    let mut first = source(folder, "first.db");
    let MoveStart::Begun(moved) = first.begin_move(place, &run(), now()).unwrap() else { panic!("busy") };
    drop(first);
    (sqlite(folder, "first.db"), moved)
}

#[test]
fn an_unfinished_move_is_either_finished_or_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mark) = abandoned(folder.path(), "sqlite:second.db");
    assert_refuses(&mut first, "sqlite:second.db");
    let mut elsewhere = sqlite(folder.path(), "elsewhere.db");
    assert!(copy(&mut first, &mut elsewhere, "sqlite:elsewhere.db", &run(), now(), &mut |_| {}).is_err());
    let open = |_: &Moved| -> anyhow::Result<Option<Box<dyn Movable>>> {
        Ok(Some(Box::new(sqlite(folder.path(), "second.db"))))
    };
    assert_eq!(keep(&mut first, &mut { open }, &run(), now()).unwrap(), KeepOutcome::Again(mark));
    assert_eq!(keep(&mut first, &mut { open }, &run(), now()).unwrap(), KeepOutcome::NotMoved);
    drop(first);
    let mut first = sqlite(folder.path(), "first.db");
    // This one dies after the other store is filled.
    let MoveStart::Begun(mark) = first.begin_move("sqlite:second.db", &run(), now()).unwrap() else { panic!("busy") };
    let mut second = sqlite(folder.path(), "second.db");
    let counts = first.row_counts().unwrap();
    second.fill(&mark, &counts, &mut |table, each| first.for_each_row(table, each)).unwrap();
    drop(first);
    let mut first = sqlite(folder.path(), "first.db");
    assert_eq!(keep(&mut first, &mut { open }, &run(), now()).unwrap(), KeepOutcome::Filled(mark));
    drop(first);
    assert_refuses(&mut sqlite(folder.path(), "first.db"), "sqlite:second.db");
    second.set_status(&reader(1).address, Status::Unsubscribed, now()).unwrap();
    let mut first = sqlite(folder.path(), "first.db");
    assert!(is_done(&copy(&mut first, &mut second, "sqlite:second.db", &run(), now(), &mut |_| {}).unwrap()));
    assert!(first.moved().unwrap().unwrap().ended.is_some());
    assert_eq!(
        second.subscriber(&reader(1).address).unwrap().unwrap().status,
        Status::Unsubscribed,
        "it has changed since"
    );
}

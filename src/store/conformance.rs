//! One test suite for every store: what the contract in `store.rs` promises. `many` covers stores in which several runs
//! send at once.
//!
//! `world` opens the same store again, as another process or the next run would.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::digest::{Period, PeriodName};
use crate::ledger::AttemptOutcome;
use crate::subscriber::StatusCounts;

mod events;
mod lost;
pub(super) mod many;
mod messages;
mod pace;
mod personal_data;
mod readers;
mod servers;

/// How many runs a store allows at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// One: the store is a file; clock and boot are its machine's.
    One,
    /// Any number: clock and boot are the server's.
    Many,
}

/// Opens the same store on every call.
pub(super) type Open<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// Runs a test in a new store.
pub(super) type World<'a> = &'a dyn Fn(&dyn Fn(Open<'_>));

pub(super) fn conforms(runs: Runs, world: World<'_>) {
    world(&|open| adding_never_changes_existing_subscribers(open));
    world(&|open| any_record_can_deactivate(open));
    world(&|open| a_record_deactivates_and_never_reactivates(open));
    world(&|open| personal_data::a_tag_finds_its_subscriber(open));
    world(&|open| personal_data::a_tag_is_found_while_others_are_indexed(open));
    world(&|open| personal_data::personal_data_is_complete(open));
    world(&|open| personal_data::a_forgotten_person_is_erased_and_no_list_brings_them_back(open));
    world(&|open| personal_data::subscribers_removed_from_the_list_are_reported_once(open));
    world(&|open| personal_data::a_claimed_recipient_is_not_forgotten_yet(open));
    world(&|open| personal_data::dead_runs_are_settled_before_forgetting(open));
    world(&|open| the_audience_is_frozen(open));
    world(&|open| a_digests_contents_are_frozen(open));
    world(&|open| no_issue_is_in_two_mailings(open));
    world(&|open| everybody_is_claimed_once(open));
    world(&|open| recipients_are_claimed_and_read_by_number(open));
    world(&|open| outcomes_are_kept(open));
    world(&|open| recipients_no_server_has_refused_come_first(open));
    world(&|open| only_claimed_recipients_are_written(open));
    world(&|open| who_left_is_skipped(open));
    world(&|open| a_dead_run_is_settled(open));
    world(&|open| unknown_recipients_are_resolved(open));
    world(&|open| deferred_and_failed_recipients_are_queued_again(open));
    world(&|open| lost::runs_are_counted(open));
    world(&|open| lost::open_mailings_are_found(open));
    world(&|open| lost::mailings_sent_elsewhere_are_adopted(open));
    world(&|open| a_mailing_is_open_while_recipients_are_pending(open));
    world(&|open| pace::a_quota_is_shared_for_a_day(open));
    world(&|open| servers::what_was_learned_of_servers_is_kept(open));
    readers::conforms(world);
    messages::conforms(world);
    events::conforms(world);
    if runs == Runs::One {
        world(&|open| pace::a_rate_is_shared(open));
        world(&|open| after_another_boot_all_claims_are_unknown(open));
        world(&|open| one_process_sends_at_a_time(open));
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn issue() -> IssueId {
    IssueId::new("https://example.org/7/").unwrap()
}

fn run(boot_id: &str) -> Run {
    Run { host: "host".into(), boot_id: boot_id.into(), pid: 7 }
}

fn address(number: usize) -> EmailAddress {
    format!("Reader{number}@example.org").parse().unwrap()
}

fn add(store: &mut dyn Store, count: usize) -> Added {
    let attributes = || [("city".to_owned(), serde_json::json!("海口"))].into_iter().collect();
    let new = |number| NewSubscriber {
        attributes: attributes(),
        ..NewSubscriber::new(address(number), &format!("读者 {number}"))
    };
    store.add_subscribers(&mut (0..count).map(new), now()).unwrap()
}

/// A store with `count` subscribers, a frozen mailing and a run.
fn begun(open: Open<'_>, count: usize) -> Box<dyn Store> {
    let mut store = open();
    add(&mut *store, count);
    store.freeze(&issue(), "hash", None, now()).unwrap();
    assert_eq!(store.begin_run(&run("boot"), now()).unwrap(), RunStart::Started(Recovered::default()));
    store
}

fn claim(store: &mut dyn Store, limit: usize) -> Vec<SubscriberId> {
    store.claim(&issue(), limit, now()).unwrap().into_iter().map(|claim| claim.subscriber.id).collect()
}

/// Records entries, which must all be about recipients of this run.
fn record(store: &mut dyn Store, entries: &[(SubscriberId, LedgerEntry)]) {
    assert_eq!(store.record(&issue(), entries, now()).unwrap(), []);
}

fn states(store: &dyn Store) -> Vec<(State, u32)> {
    let mut states = Vec::new();
    let mut each = |delivery: Delivery| {
        states.push((delivery.state, delivery.attempts));
        Ok(())
    };
    store.each_delivery(&issue(), None, &mut each).unwrap();
    states
}

fn adding_never_changes_existing_subscribers(open: Open<'_>) {
    let mut store = open();
    assert_eq!(add(&mut *store, 2), Added { new: 2, by_status: counted(&[(Status::Active, 2)]), ..Added::default() });
    let first = store.subscriber(&"reader0@EXAMPLE.org".parse().unwrap()).unwrap().unwrap();
    assert_eq!((first.address.as_str(), first.name.as_str(), first.created), ("Reader0@example.org", "读者 0", now()));
    assert_eq!(first.attributes["city"], "海口");
    assert_eq!(store.set_status(&address(1), Status::Unsubscribed, now()).unwrap(), Some(Status::Active));
    assert_eq!(store.set_status(&address(9), Status::Unsubscribed, now()).unwrap(), None);
    let by_status = counted(&[(Status::Active, 2), (Status::Unsubscribed, 1)]);
    assert_eq!(add(&mut *store, 3), Added { new: 1, known: 1, away: 1, by_status, ..Added::default() });
    assert_eq!(store.subscriber_by_id(first.id).unwrap(), Some(first.clone()));
    assert_eq!(store.subscriber_by_id(SubscriberId(99)).unwrap(), None);
    assert_eq!(store.subscriber(&address(0)).unwrap(), Some(first));
    assert_eq!(store.subscriber(&address(1)).unwrap().unwrap().status, Status::Unsubscribed);
    let asked = [&address(9), &"READER1@example.org".parse().unwrap(), &address(2), &address(9)];
    let expected = [None, Some(Status::Unsubscribed), Some(Status::Active), None];
    assert_eq!(store.statuses_of(&asked).unwrap(), expected);
    assert!(store.statuses_of(&[]).unwrap().is_empty());
    let mut active = Vec::new();
    let mut each = |subscriber: Subscriber| {
        active.push(subscriber.address);
        Ok(())
    };
    open().each_subscriber(Some(Status::Active), &mut each).unwrap();
    assert_eq!(active, [address(0), address(2)]);
    let counts = [Some(Status::Active), Some(Status::Unsubscribed), Some(Status::Bounced), None];
    assert_eq!(counts.map(|status| store.count_subscribers(status).unwrap()), [2, 1, 0, 3]);
}

fn counted(counts: &[(Status, u64)]) -> StatusCounts {
    let mut by_status = StatusCounts::default();
    counts.iter().for_each(|(status, count)| by_status.add(*status, *count));
    by_status
}

/// Adds records by reader number, and returns the counts.
fn add_records(store: &mut dyn Store, records: &[(usize, Status)]) -> Added {
    let new = |(number, status)| NewSubscriber { status, ..NewSubscriber::new(address(number), "") };
    store.add_subscribers(&mut records.iter().copied().map(new), now()).unwrap()
}

fn statuses(store: &dyn Store, count: usize) -> Vec<Status> {
    (0..count).map(|number| store.subscriber(&address(number)).unwrap().unwrap().status).collect()
}

fn any_record_can_deactivate(open: Open<'_>) {
    use Status::{Active, Suppressed, Unsubscribed};
    let mut store = open();
    add(&mut *store, 2);
    let records = [(0, Suppressed), (1, Active), (2, Unsubscribed), (2, Active), (3, Active), (3, Active), (1, Active)];
    let by_status = counted(&[(Active, 2), (Unsubscribed, 1), (Suppressed, 1)]);
    assert_eq!(
        add_records(&mut *store, &records),
        Added { new: 1, known: 2, repeated: 1, away: 3, by_status, ..Added::default() }
    );
    assert_eq!(statuses(&*store, 4), [Suppressed, Active, Unsubscribed, Active]);
}

/// Whatever a list says, however often: no inactive subscriber becomes active, and the record that stops mail wins.
fn a_record_deactivates_and_never_reactivates(open: Open<'_>) {
    use Status::{Active, Unconfirmed, Unsubscribed};
    let mut store = open();
    assert_eq!(add(&mut *store, 6).new, 6);
    let all: Vec<(usize, Status)> = Status::ALL.into_iter().enumerate().collect();
    // For active subscribers, only `unconfirmed` changes nothing.
    let added = add_records(&mut *store, &all);
    assert_eq!((added.new, added.known, added.repeated, added.away), (0, 2, 0, 4));
    let expected = [Active, Active, Unsubscribed, Status::Bounced, Status::Complained, Status::Suppressed];
    assert_eq!(statuses(&*store, 6), expected);
    // New subscribers get the status in their record; of two records in one list, the one that stops mail counts.
    let records = [(6, Unconfirmed), (7, Active), (7, Unconfirmed), (8, Active), (8, Unsubscribed), (8, Active)];
    let by_status = counted(&[(Unconfirmed, 2), (Unsubscribed, 1)]);
    let added = add_records(&mut *store, &records);
    assert_eq!(added, Added { new: 2, known: 0, repeated: 0, away: 4, by_status, ..Added::default() });
    let before = statuses(&*store, 9);
    assert_eq!(before[6..], [Unconfirmed, Unconfirmed, Unsubscribed]);
    // No record of any kind reactivates them, or changes one inactive status to another.
    for status in Status::ALL {
        let again: Vec<(usize, Status)> = (2..9).map(|number| (number, status)).collect();
        assert_eq!(add_records(&mut *store, &again).away, 7, "{status}");
        assert_eq!(statuses(&*store, 9), before, "{status}");
    }
    let mut complained = Vec::new();
    let mut each = |subscriber: Subscriber| {
        complained.push(subscriber.address);
        Ok(())
    };
    open().each_subscriber(Some(Status::Complained), &mut each).unwrap();
    assert_eq!(complained, [address(4)]);
    assert_eq!(store.freeze(&issue(), "hash", None, now()).unwrap().expected, 2, "only active ones are mailed");
}

fn the_audience_is_frozen(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 3);
    store.set_status(&address(1), Status::Suppressed, now()).unwrap();
    assert_eq!(mailing_of(&*store, &issue()), None);
    let mailing = store.freeze(&issue(), "hash", None, now()).unwrap();
    assert_eq!(
        mailing,
        Mailing { issue: issue(), digest: None, content_hash: "hash".into(), frozen_at: now(), expected: 2 }
    );
    add(&mut *store, 5);
    let again = store.freeze(&issue(), "other", None, now() + TimeDelta::hours(1)).unwrap();
    assert_eq!(again, mailing);
    assert_eq!(open().mailings().unwrap(), [mailing]);
    assert_eq!(store.counts(&issue()).unwrap().of(State::Queued), 2);
}

fn mailing_of(store: &dyn Store, issue: &IssueId) -> Option<Mailing> {
    store.mailings().unwrap().into_iter().find(|mailing| mailing.issue == *issue)
}

fn id(name: &str) -> IssueId {
    IssueId::new(name).unwrap()
}

/// The contents of the digest of a week of 2026.
fn week(number: u32, issues: &[&str]) -> DigestContents {
    let monday = chrono::NaiveDate::from_isoywd_opt(2026, number, chrono::Weekday::Mon).unwrap();
    let start = monday.and_time(chrono::NaiveTime::MIN).and_utc();
    let name = PeriodName::new(&format!("2026-W{number}")).unwrap();
    let period = Period { name, start, end: start + TimeDelta::weeks(1) };
    DigestContents { period, issues: issues.iter().map(|issue| id(issue)).collect() }
}

fn freeze(store: &mut dyn Store, contents: &DigestContents) -> Result<Mailing, StoreError> {
    store.freeze(&contents.period.id(), "hash", Some(contents), now())
}

fn a_digests_contents_are_frozen(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 2);
    let contents = week(46, &["z", "a", "m"]);
    let mailing = freeze(&mut *store, &contents).unwrap();
    let expected = Mailing {
        issue: id("digest:2026-W46"),
        digest: Some(contents),
        content_hash: "hash".into(),
        frozen_at: now(),
        expected: 2,
    };
    assert_eq!(mailing, expected);
    assert_eq!(freeze(&mut *store, &week(46, &["z", "late"])).unwrap(), expected, "it is unchanged");
    assert_eq!(mailing_of(&*open(), &id("digest:2026-W46")), Some(expected.clone()));
    assert_eq!(mailing_of(&*open(), &id("a")), None, "an issue in a digest has no mailing by itself");
    store.freeze(&id("late"), "hash", None, now()).unwrap();
    let mailings = open().mailings().unwrap();
    assert_eq!((mailings.len(), mailings[0].digest.as_ref(), &mailings[1]), (2, None, &expected));
    store.begin_run(&run("boot"), now()).unwrap();
    assert_eq!(store.claim(&id("digest:2026-W46"), 9, now()).unwrap().len(), 2);
}

fn no_issue_is_in_two_mailings(open: Open<'_>) {
    let mut store = open();
    add(&mut *store, 2);
    store.freeze(&id("alone"), "hash", None, now()).unwrap();
    freeze(&mut *store, &week(46, &["a", "b"])).unwrap();
    let before = store.mailings().unwrap();
    assert!(freeze(&mut *store, &week(47, &["c", "b"])).is_err(), "it is in another digest");
    assert!(freeze(&mut *store, &week(47, &["c", "alone"])).is_err(), "it was mailed by itself");
    assert!(store.freeze(&id("a"), "hash", None, now()).is_err(), "it is in a digest");
    assert_eq!(store.mailings().unwrap(), before);
    assert_eq!(store.counts(&id("digest:2026-W47")).unwrap().total(), 0, "what failed left nothing");
    freeze(&mut *store, &week(47, &["c"])).unwrap();
}

fn everybody_is_claimed_once(open: Open<'_>) {
    let mut store = begun(open, 5);
    let first = store.claim(&issue(), 2, now()).unwrap();
    assert_eq!(
        first.iter().map(|claim| claim.subscriber.address.clone()).collect::<Vec<_>>(),
        [address(0), address(1)]
    );
    assert_eq!((first[0].attempts, first[0].subscriber.name.as_str()), (0, "读者 0"));
    assert_eq!(claim(&mut *store, 9).len(), 3);
    assert_eq!(claim(&mut *store, 9), []);
    assert_eq!(store.counts(&issue()).unwrap().of(State::Claimed), 5);
}

fn recipients_are_claimed_and_read_by_number(open: Open<'_>) {
    let mut store = begun(open, 6);
    let ids = [4, 2, 6, 99].map(SubscriberId);
    store.set_status(&address(5), Status::Unsubscribed, now()).unwrap();
    let claims = store.claim_these(&issue(), &ids, now()).unwrap();
    let mut claimed: Vec<i64> = claims.iter().map(|claim| claim.subscriber.id.0).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, [2, 4]);
    assert_eq!(store.claim_these(&issue(), &ids, now()).unwrap(), []);
    assert_eq!(store.claim_these(&issue(), &[], now()).unwrap(), []);
    let later = now() + TimeDelta::minutes(5);
    let deferred = AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: later };
    store.record(&issue(), &[(ids[1], LedgerEntry::Settled(deferred))], later).unwrap();
    let seen = store.deliveries_to(&issue(), &ids).unwrap();
    let seen: Vec<_> = seen.iter().map(|delivery| (delivery.subscriber.0, delivery.state, delivery.changed)).collect();
    assert_eq!(seen[..2], [(2, State::Deferred, Some(later)), (4, State::Claimed, Some(now()))]);
    assert_eq!((seen.len(), seen[2].1), (3, State::Suppressed));
    assert_eq!(store.claim_these(&issue(), &ids, now()).unwrap(), [], "a deferred recipient waits");
    assert_eq!(store.claim_these(&issue(), &ids, later).unwrap().len(), 1);
    assert_eq!(claim(&mut *store, 9).len(), 3, "the others are available to all");
}

fn outcomes_are_kept(open: Open<'_>) {
    let mut store = begun(open, 5);
    let ids = claim(&mut *store, 5);
    record(&mut *store, &[(ids[0], LedgerEntry::Sending)]);
    let later = now() + TimeDelta::minutes(5);
    let outcomes = [
        AttemptOutcome::Sent("250 ok".into()),
        AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: later },
        AttemptOutcome::Failed { reply: "550 5.1.1 nobody".into(), suppress: true },
        AttemptOutcome::Unknown("connection closed".into()),
        AttemptOutcome::Requeued,
    ];
    let ended: Vec<_> = ids.iter().copied().zip(outcomes.map(LedgerEntry::Settled)).collect();
    assert_eq!(store.next_retry(&issue()).unwrap(), None);
    record(&mut *store, &ended);
    assert_eq!(store.next_retry(&issue()).unwrap(), Some(later));
    let expected =
        [(State::Sent, 1), (State::Deferred, 1), (State::Failed, 1), (State::Unknown, 1), (State::Queued, 0)];
    assert_eq!(states(&*store), expected);
    assert_eq!(store.subscriber(&address(2)).unwrap().unwrap().status, Status::Suppressed);
    assert_eq!(claim(&mut *store, 9), [ids[4]], "a deferred recipient waits");
    let retried = store.claim(&issue(), 9, later).unwrap();
    assert_eq!((retried[0].subscriber.id, retried[0].attempts), (ids[1], 1));
    let sent = [(ids[0], LedgerEntry::Settled(AttemptOutcome::Requeued))];
    assert_eq!(store.record(&issue(), &sent, now()).unwrap(), [ids[0]], "what is sent stays sent");
    let mut failed = Vec::new();
    let mut each = |delivery: Delivery| {
        failed.push((delivery.address_or_forgotten().to_owned(), delivery.reply));
        Ok(())
    };
    store.each_delivery(&issue(), Some(State::Failed), &mut each).unwrap();
    assert_eq!(failed, [(address(2).to_string(), Some("550 5.1.1 nobody".to_owned()))]);
}

fn recipients_no_server_has_refused_come_first(open: Open<'_>) {
    let mut store = begun(open, 6);
    let ids = claim(&mut *store, 4);
    let later = now() + TimeDelta::minutes(5);
    let put_back = |id| (id, LedgerEntry::Settled(AttemptOutcome::RequeuedAfterRefusal("421 4.7.0 Busy".into())));
    let deferred = AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: later };
    let unsent = (ids[3], LedgerEntry::Settled(AttemptOutcome::Requeued));
    record(
        &mut *store,
        &[put_back(ids[0]), put_back(ids[1]), (ids[2], LedgerEntry::Settled(deferred)), unsent.clone()],
    );
    let queued = (State::Queued, 0);
    assert_eq!(states(&*store)[..4], [queued, queued, (State::Deferred, 1), queued], "it does not count as an attempt");
    let claimed = |store: &mut dyn Store, limit, now| -> Vec<i64> {
        store.claim(&issue(), limit, now).unwrap().into_iter().map(|claim| claim.subscriber.id.0).collect()
    };
    assert_eq!(claimed(&mut *store, 2, later), [4, 5]);
    let claims = store.claim(&issue(), 2, later).unwrap();
    let were_refused: Vec<_> = claims.iter().map(|claim| (claim.subscriber.id.0, claim.was_refused)).collect();
    assert_eq!(were_refused, [(6, false), (1, true)]);
    // A recipient that was not tried this time either keeps its place.
    record(&mut *store, &[(ids[0], LedgerEntry::Settled(AttemptOutcome::Requeued)), unsent]);
    drop(store);
    let mut store = open();
    store.begin_run(&run("boot"), now()).unwrap();
    assert_eq!(claimed(&mut *store, 9, later), [4, 5, 6, 1, 2, 3]);
    let said: Vec<_> = store.deliveries_to(&issue(), &ids).unwrap().into_iter().map(|it| it.reply).collect();
    let busy = Some("421 4.7.0 Busy".to_owned());
    assert_eq!(said, [busy.clone(), busy, Some("450 later".to_owned()), None]);
}

fn only_claimed_recipients_are_written(open: Open<'_>) {
    let mut store = begun(open, 3);
    let ids = claim(&mut *store, 1);
    let sent = |id| (id, LedgerEntry::Settled(AttemptOutcome::Sent("250".into())));
    let [other, stranger] = [SubscriberId(2), SubscriberId(9)];
    let (one, again) = (ids[0], [LedgerEntry::Sending, LedgerEntry::Unsent, LedgerEntry::Sending]);
    record(&mut *store, &again.map(|entry| (one, entry)));
    assert_eq!(states(&*store)[0], (State::Sending, 0));
    record(&mut *store, &[(one, LedgerEntry::Unsent)]);
    assert_eq!(states(&*store)[0], (State::Claimed, 0));
    let entries = [(other, LedgerEntry::Sending), sent(other), (one, LedgerEntry::Sending), sent(stranger), sent(one)];
    assert_eq!(store.record(&issue(), &entries, now()).unwrap(), [other, other, stranger]);
    assert_eq!(store.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), ids, "the run is over");
    store.barrier().unwrap()().unwrap();
    assert!(open().claim(&issue(), 1, now()).is_err(), "without the run lock no one claims");
    assert!(open().record(&issue(), &[sent(other)], now()).is_err());
    assert_eq!(states(&*store), [(State::Sent, 1), (State::Queued, 0), (State::Queued, 0)]);
    drop(store);
    assert_eq!(states(&*open()), [(State::Sent, 1), (State::Queued, 0), (State::Queued, 0)]);
}

fn who_left_is_skipped(open: Open<'_>) {
    let mut store = begun(open, 3);
    store.set_status(&address(0), Status::Unsubscribed, now()).unwrap();
    let claims = store.claim(&issue(), 1, now()).unwrap();
    assert_eq!(claims[0].subscriber.address, address(1));
    let expected = [(State::Suppressed, 0), (State::Claimed, 0), (State::Queued, 0)];
    assert_eq!(states(&*store), expected);
}

fn a_dead_run_is_settled(open: Open<'_>) {
    let mut store = begun(open, 4);
    let ids = claim(&mut *store, 3);
    record(
        &mut *store,
        &[(ids[1], LedgerEntry::Sending), (ids[0], LedgerEntry::Settled(AttemptOutcome::Sent("250".into())))],
    );
    drop(store);
    let mut store = open();
    let RunStart::Started(recovered) = store.begin_run(&run("boot"), now()).unwrap() else { panic!("busy") };
    assert_eq!(recovered.requeued, 1);
    assert_eq!(recovered.unknown.iter().map(|delivery| delivery.subscriber).collect::<Vec<_>>(), [ids[1]]);
    let expected = [(State::Sent, 1), (State::Unknown, 1), (State::Queued, 0), (State::Queued, 0)];
    assert_eq!(states(&*store), expected);
}

fn after_another_boot_all_claims_are_unknown(open: Open<'_>) {
    let mut store = begun(open, 3);
    let ids = claim(&mut *store, 2);
    record(&mut *store, &[(ids[0], LedgerEntry::Sending)]);
    drop(store);
    let mut store = open();
    let RunStart::Started(recovered) = store.begin_run(&run("next boot"), now()).unwrap() else { panic!("busy") };
    assert_eq!((recovered.requeued, recovered.unknown.len()), (0, 2));
    let expected = [(State::Unknown, 1), (State::Unknown, 1), (State::Queued, 0)];
    assert_eq!(states(&*store), expected);
}

fn unknown_recipients_are_resolved(open: Open<'_>) {
    let mut store = begun(open, 3);
    let unknown = |id| (id, LedgerEntry::Settled(AttemptOutcome::Unknown("closed".into())));
    let entries: Vec<_> = claim(&mut *store, 3).into_iter().map(unknown).collect();
    record(&mut *store, &entries);
    let one = ["READER1@example.org".parse().unwrap()];
    assert_eq!(store.resolve(&issue(), &one, State::Sent, now()).unwrap(), 1);
    assert_eq!(store.resolve(&issue(), &one, State::Queued, now()).unwrap(), 0, "it is no longer unknown");
    assert_eq!(store.resolve(&issue(), &[], State::Queued, now()).unwrap(), 2);
    let expected = [(State::Queued, 1), (State::Sent, 1), (State::Queued, 1)];
    assert_eq!(states(&*store), expected);
}

fn a_mailing_is_open_while_recipients_are_pending(open: Open<'_>) {
    let mut store = begun(open, 2);
    let later = now() + TimeDelta::days(20);
    assert_eq!(store.open_mailings().unwrap(), [(issue(), now())]);
    let ids = claim(&mut *store, 2);
    assert_eq!(store.open_mailings().unwrap(), [(issue(), now())], "they are claimed");
    let ended = |id, outcome| [(id, LedgerEntry::Settled(outcome))];
    store.record(&issue(), &ended(ids[0], AttemptOutcome::Sent("250".into())), later).unwrap();
    assert_eq!(store.open_mailings().unwrap(), [(issue(), later)]);
    let deferred = AttemptOutcome::Deferred { reply: "450".into(), retry_at: later };
    store.record(&issue(), &ended(ids[1], deferred), now()).unwrap();
    assert_eq!(store.open_mailings().unwrap(), [(issue(), later)], "one is deferred");
    let ids = store.claim(&issue(), 1, later).unwrap();
    let unknown = AttemptOutcome::Unknown("closed".into());
    store.record(&issue(), &ended(ids[0].subscriber.id, unknown), later).unwrap();
    assert_eq!(store.open_mailings().unwrap(), [], "unknown recipients are not pending");
}

fn deferred_and_failed_recipients_are_queued_again(open: Open<'_>) {
    let mut store = begun(open, 8);
    let ids = claim(&mut *store, 7);
    let deferred = || AttemptOutcome::Deferred { reply: "450 later".into(), retry_at: now() + TimeDelta::days(1) };
    let failed = |suppress| AttemptOutcome::Failed { reply: "550 no".into(), suppress };
    let outcomes = [
        deferred(),
        deferred(),
        failed(false),
        failed(true),
        AttemptOutcome::Sent("250".into()),
        AttemptOutcome::Unknown("?".into()),
    ];
    let entries: Vec<_> = ids.iter().copied().zip(outcomes.map(LedgerEntry::Settled)).collect();
    record(&mut *store, &entries);
    let mut requeue = |failed, addresses: &[EmailAddress]| {
        let Requeued { deferred, failed, away } = store.requeue(&issue(), failed, addresses, now()).unwrap();
        (deferred, failed, away)
    };
    let named = ["READER1@example.org".parse().unwrap(), address(4), address(99)];
    assert_eq!(requeue(true, &named), (1, 0, 0), "what is sent stays sent");
    assert_eq!(requeue(false, &[]), (1, 0, 0));
    assert_eq!(requeue(true, &[address(3)]), (0, 0, 1), "the failure suppressed them");
    assert_eq!(requeue(true, &[]), (0, 1, 1));
    assert_eq!(requeue(true, &[]), (0, 0, 1), "they are queued already");
    store.set_status(&address(3), Status::Active, now()).unwrap();
    assert_eq!(store.requeue(&issue(), true, &[], now()).unwrap(), Requeued { failed: 1, ..Requeued::default() });
    let expected = [(State::Queued, 1), (State::Queued, 1), (State::Queued, 0), (State::Queued, 0)];
    assert_eq!(states(&*store)[..4], expected, "a failed recipient starts over");
    assert_eq!(states(&*store)[4..], [(State::Sent, 1), (State::Unknown, 1), (State::Claimed, 0), (State::Queued, 0)]);
    assert_eq!(claim(&mut *store, 9), [&ids[..4], &[SubscriberId(8)]].concat(), "they are due at once");
    assert_eq!(store.requeue(&id("elsewhere"), true, &[], now()).unwrap(), Requeued::default());
}

fn one_process_sends_at_a_time(open: Open<'_>) {
    let store = begun(open, 1);
    let RunStart::Busy(holder) = open().begin_run(&run("boot"), now()).unwrap() else { panic!("two may send") };
    assert_eq!(holder.map(|run| (run.host, run.pid)), Some(("host".to_owned(), 7)));
    drop(store);
    assert!(matches!(open().begin_run(&run("boot"), now()).unwrap(), RunStart::Started(_)));
}

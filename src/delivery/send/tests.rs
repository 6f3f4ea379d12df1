//! Sendings against a scripted mail server: the peer's own record against the ledger.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::TimeZone as _;
use url::Url;

use super::*;
use crate::config::{Server, TlsMode};
use crate::delivery::fake::Fake;
use crate::disk::Project;
use crate::issue::BodyStart;
use crate::letter::Letter;
use crate::smtp::peer::{Answer, Peer, Script};
use crate::smtp::relay::{Login, Relay};
use crate::subscriber::{NewSubscriber, Subscriber};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap()
}

pub(crate) fn issue(slug: &str, date: DateTime<Utc>) -> Issue {
    let permalink = Url::parse(&format!("https://example.org/{slug}/")).unwrap();
    Issue {
        path: format!("content/{slug}.md"),
        id: IssueId::new(permalink.as_str()).unwrap(),
        slug: Slug::new(slug).unwrap(),
        permalink,
        title: slug.to_owned(),
        date: date.fixed_offset(),
        updated: date.fixed_offset(),
        expires: None,
        authors: Vec::new(),
        description: None,
        categories: Vec::new(),
        tags: Vec::new(),
        cover: None,
        language: None,
        draft: false,
        feed: true,
        email: true,
        subject: None,
        preheader: None,
        params: serde_json::Map::new(),
        body: BodyStart { offset: 0, line: 1 },
    }
}

/// A list of so many readers, `reader-1@example.com` and on.
fn readers(count: usize) -> Fake {
    let mut store = Fake::default();
    let mut new = (1..=count).map(|number| NewSubscriber {
        address: format!("reader-{number}@example.com").parse().unwrap(),
        name: String::new(),
        attributes: serde_json::Map::new(),
    });
    store.add_subscribers(&mut new, noon()).unwrap();
    store
}

/// One issue, due, and what the test watches.
struct World {
    issues: Vec<Issue>,
    stop: AtomicBool,
    pauses: Mutex<Vec<u64>>,
    seen: Mutex<BTreeMap<State, u64>>,
    connections: usize,
    limit: Option<u64>,
    on_unknown: OnUnknown,
    now: DateTime<Utc>,
    stop_after: Option<u64>,
}

impl World {
    fn new() -> Self {
        Self {
            issues: vec![issue("spring", noon())],
            stop: AtomicBool::new(false),
            pauses: Mutex::default(),
            seen: Mutex::default(),
            connections: 1,
            limit: None,
            on_unknown: OnUnknown::Hold,
            now: noon(),
            stop_after: None,
        }
    }

    fn send(&self, store: &mut Fake, route: &Route) -> Report {
        match self.try_send(store, route) {
            Sent::Done(report) => report,
            Sent::Busy(run) => panic!("busy: {run:?}"),
        }
    }

    fn try_send(&self, store: &mut Fake, route: &Route) -> Sent {
        self.with_sending(route, |sending| send_due(store, sending)).unwrap()
    }

    fn with_sending<T>(&self, route: &Route, act: impl FnOnce(&Sending<'_>) -> T) -> T {
        let write = |subscriber: &Subscriber| {
            let content = format!("To: {}\r\n\r\nSpring.\r\n", subscriber.address).into_bytes();
            Ok(Letter { from: "bounces@example.org".parse()?, to: subscriber.address.clone(), content })
        };
        let sending = Sending {
            issues: &self.issues,
            chosen: Chosen::Due,
            terms: Terms { now: self.now, due_for: chrono::Duration::hours(48), on_unknown: self.on_unknown },
            route,
            connections: self.connections,
            limit: self.limit,
            run: Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 1 },
            hash: &|issue| Ok(issue.title.clone()),
            edition: &|_, _| Ok(Box::new(write)),
            clock: &|| self.now,
            pause: &|pause| self.pauses.lock().unwrap().push(pause.as_secs()),
            stop: &self.stop,
            progress: &|progress| self.watch(progress),
        };
        act(&sending)
    }

    fn watch(&self, progress: Progress) {
        let Progress::Settled(state) = progress else { return };
        let mut seen = self.seen.lock().unwrap();
        *seen.entry(state).or_default() += 1;
        if self.stop_after.is_some_and(|count| seen.get(&State::Sent) == Some(&count)) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn relay(port: u16) -> Relay {
    let server = Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::None };
    Relay::new(server, "example.org", None, None).unwrap()
}

fn route(peer: &Peer) -> Route {
    Route::Relay(Box::new(relay(peer.port())))
}

/// The states of `reader-1` to `reader-N`.
fn states(store: &Fake, count: usize) -> Vec<State> {
    (1..=count).map(|number| store.state(&format!("reader-{number}@example.com"))[0].0).collect()
}

#[test]
fn everybody_gets_it_once_and_a_second_run_does_nothing() {
    let (world, mut store) = (World { connections: 4, ..World::new() }, readers(50));
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&mut store, &route(&peer));
    assert_eq!(report.mailings[0].tally.of(State::Sent), 50);
    assert_eq!(report.mailings[0].counts.of(State::Sent), 50);
    assert!(!report.needs_a_person());
    let mut everybody: Vec<String> = (1..=50).map(|number| format!("reader-{number}@example.com")).collect();
    everybody.sort();
    assert_eq!(peer.recipients(), everybody);
    assert!(peer.taken().iter().all(|taken| taken.content == format!("To: {}\r\n\r\nSpring.\r\n", taken.to)));
    assert_eq!(world.send(&mut store, &route(&peer)).mailings, []);
    assert_eq!(peer.taken().len(), 50);
    assert_eq!(*world.seen.lock().unwrap(), BTreeMap::from([(State::Sent, 50)]));
}

#[test]
fn what_concerns_one_recipient_stops_nobody_else() {
    let (world, mut store) = (World::new(), readers(5));
    let script = Script::new()
        .always("RCPT TO:<reader-1@", Answer::Say("550 5.1.1 No such user"))
        .always("RCPT TO:<reader-2@", Answer::Say("552 5.2.2 Mailbox full"))
        .always("RCPT TO:<reader-3@", Answer::Say("450 4.7.1 Greylisted"))
        .always("RCPT TO:<reader-4@", Answer::Say("550 5.7.1 I take no newsletters"));
    let peer = Peer::start(vec![script]);
    let report = world.send(&mut store, &route(&peer));
    assert_eq!(report.stopped, None);
    assert!(report.needs_a_person());
    assert_eq!(states(&store, 5), [State::Failed, State::Failed, State::Deferred, State::Failed, State::Sent]);
    assert_eq!(store.state("reader-1@example.com"), [(State::Failed, 1, "550 5.1.1 No such user".to_owned())]);
    let suppressed: Vec<bool> = store.subscribers.iter().map(|who| who.status == Status::Suppressed).collect();
    assert_eq!(suppressed, [true, false, false, false, false]);
    assert_eq!(peer.heard().len(), 1, "one connection served all");
}

#[test]
fn a_deferred_recipient_is_tried_again_when_its_time_has_come() {
    let (mut world, mut store) = (World::new(), readers(1));
    let peer = Peer::start(vec![Script::new().on("RCPT", Answer::Say("450 4.2.2 Full"))]);
    world.send(&mut store, &route(&peer));
    assert_eq!(states(&store, 1), [State::Deferred]);
    world.send(&mut store, &route(&peer));
    assert_eq!((states(&store, 1), peer.heard().len()), (vec![State::Deferred], 1), "not yet, and nobody called");
    world.now += chrono::Duration::minutes(6);
    world.send(&mut store, &route(&peer));
    assert_eq!((states(&store, 1), peer.recipients().len()), (vec![State::Sent], 1));
}

#[test]
fn trouble_that_is_ours_stops_the_run_and_blames_nobody() {
    for (script, rule, text) in [
        (Script::new().on("GREETING", Answer::Say("554 No")), "smtp-unwelcome", "554 No"),
        (Script::new().on("EHLO", Answer::Say("550 No")), "smtp-unwelcome", "550 No"),
        (Script::new().always("MAIL", Answer::Say("550 5.7.1 Not you")), "smtp-sender", "550 5.7.1 Not you"),
        (Script::new().always("MAIL", Answer::Say("530 Log in")), "smtp-sender", "530 Log in"),
        (Script::new().always("RCPT", Answer::Say("554 5.7.1 Relay denied")), "smtp-refused", "Relay denied"),
        (Script::new().always("DATA", Answer::Say("554 5.7.1 Bad name")), "smtp-refused", "Bad name"),
        (Script::new().always("DOT", Answer::Say("550 5.7.26 Unsigned")), "smtp-refused", "5.7.26 Unsigned"),
        (Script::new().always("DOT", Answer::Say("552 5.3.4 Too big")), "smtp-message", "552 5.3.4 Too big"),
    ] {
        let (world, mut store) = (World { connections: 2, ..World::new() }, readers(20));
        let peer = Peer::start(vec![script]);
        let report = world.send(&mut store, &route(&peer));
        let stopped = report.stopped.unwrap();
        assert_eq!(stopped.rule, rule, "{stopped}");
        assert!(stopped.message.contains(text) && stopped.message.contains(&peer.port().to_string()), "{stopped}");
        assert!(stopped.help.is_some());
        assert_eq!(states(&store, 20), [State::Queued; 20], "{text}");
        assert!(store.subscribers.iter().all(|subscriber| subscriber.status == Status::Active));
        assert!(peer.heard().len() <= 8, "{text}: not hammered");
    }
}

#[test]
fn a_server_that_is_not_there_or_refuses_the_login_is_tried_once() {
    let (world, mut store) = (World { connections: 8, ..World::new() }, readers(20));
    let nowhere = Route::Relay(Box::new(relay(Peer::closed_port())));
    let stopped = world.send(&mut store, &nowhere).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-unreachable");
    let peer = Peer::start(vec![Script::new().offering("AUTH PLAIN").always("AUTH", Answer::Say("535 5.7.8 No"))]);
    let mut relay = relay(peer.port());
    relay.login = Some(Login { user: "weekly".to_owned(), password: "open sesame".into() });
    let stopped = world.send(&mut store, &Route::Relay(Box::new(relay))).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-login");
    assert_eq!(peer.heard().len(), 1);
    assert_eq!(states(&store, 20), [State::Queued; 20]);
    assert_eq!(*world.pauses.lock().unwrap(), [0; 0]);
}

#[test]
fn a_refusal_of_a_recipient_shows_the_address_masked_where_the_run_stops() {
    let (world, mut store) = (World::new(), readers(1));
    let refusal = Answer::Say("554 5.7.1 <reader-1@example.com>: Relay access denied");
    let peer = Peer::start(vec![Script::new().always("RCPT", refusal)]);
    let message = world.send(&mut store, &route(&peer)).stopped.unwrap().message;
    assert!(message.contains("<r...@example.com>") && !message.contains("reader-1"), "{message}");
}

#[test]
fn a_drop_before_the_dot_is_repeated_and_one_after_it_is_unknown() {
    for (step, state, taken) in
        [("MAIL", State::Sent, 3), ("RCPT", State::Sent, 3), ("DATA", State::Sent, 3), ("DOT", State::Unknown, 2)]
    {
        let (world, mut store) = (World::new(), readers(3));
        let peer = Peer::start(vec![Script::new().on_nth(step, 2, Answer::Drop)]);
        let report = world.send(&mut store, &route(&peer));
        assert_eq!(states(&store, 3), [State::Sent, state, State::Sent], "{step}");
        assert_eq!((peer.taken().len(), peer.heard().len()), (taken, 2), "{step}");
        assert_eq!(report.needs_a_person(), state == State::Unknown);
    }
}

#[test]
fn a_server_that_never_gives_a_verdict_is_left_after_three() {
    let (world, mut store) = (World::new(), readers(20));
    let peer = Peer::start(vec![Script::new().always("DOT", Answer::Drop)]);
    let stopped = world.send(&mut store, &route(&peer)).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-no-verdict");
    assert_eq!(states(&store, 20)[..3], [State::Unknown; 3]);
    assert_eq!(states(&store, 20)[3..], [State::Queued; 17]);
}

#[test]
fn an_unknown_recipient_is_held_unless_the_project_says_resend() {
    let (mut world, mut store) = (World::new(), readers(1));
    let peer = Peer::start(vec![Script::new().on("DOT", Answer::Drop)]);
    world.send(&mut store, &route(&peer));
    world.send(&mut store, &route(&peer));
    assert_eq!((states(&store, 1), peer.heard().len()), (vec![State::Unknown], 1));
    world.on_unknown = OnUnknown::Resend;
    world.send(&mut store, &route(&peer));
    assert_eq!((states(&store, 1), peer.recipients().len()), (vec![State::Sent], 1));
}

#[test]
fn a_message_the_connection_never_survives_waits_and_the_others_get_theirs() {
    let (world, mut store) = (World::new(), readers(3));
    let peer = Peer::start(vec![Script::new().always("RCPT TO:<reader-2@", Answer::Drop)]);
    world.send(&mut store, &route(&peer));
    assert_eq!(states(&store, 3), [State::Sent, State::Deferred, State::Sent]);
    assert_eq!(*world.pauses.lock().unwrap(), [2, 4, 8]);
}

#[test]
fn a_busy_server_gets_a_pause_and_then_the_rest() {
    let (world, mut store) = (World::new(), readers(3));
    let script = Script::new().on_nth("RCPT", 2, Answer::SayAndDrop("421 4.7.0 Too much mail from you"));
    let peer = Peer::start(vec![script]);
    let report = world.send(&mut store, &route(&peer));
    assert_eq!(report.stopped, None);
    assert_eq!(states(&store, 3), [State::Sent; 3]);
    assert_eq!(*world.pauses.lock().unwrap(), [2]);
}

#[test]
fn a_server_that_stays_busy_ends_the_run_and_the_rest_stays_queued() {
    let (world, mut store) = (World::new(), readers(3));
    let peer = Peer::start(vec![Script::new().always("RCPT TO:<reader-2@", Answer::Say("421 4.7.0 Too much"))]);
    let stopped = world.send(&mut store, &route(&peer)).stopped.unwrap();
    assert_eq!(stopped.rule, "smtp-busy");
    assert_eq!(states(&store, 3), [State::Sent, State::Queued, State::Queued]);
    assert_eq!(*world.pauses.lock().unwrap(), [2, 4, 8]);
}

#[test]
fn a_server_that_takes_one_connection_only_is_served_by_one() {
    let (world, mut store) = (World { connections: 3, ..World::new() }, readers(30));
    let refusing = Script::new().on_nth("GREETING", 0, Answer::SayAndDrop("421 4.7.0 One is enough"));
    let peer = Peer::start(vec![Script::new(), refusing]);
    let report = world.send(&mut store, &route(&peer));
    assert_eq!(states(&store, 30).iter().filter(|state| **state == State::Sent).count() as u64, 30 - open(&store));
    assert!(open(&store) == 0 || report.stopped.is_some());
    assert_eq!(peer.taken().len() as u64 + open(&store), 30);
}

fn open(store: &Fake) -> u64 {
    store.counts(&issue("spring", noon()).id).unwrap().open()
}

#[test]
fn a_stop_from_outside_ends_after_the_message_at_hand() {
    let (world, mut store) = (World { stop_after: Some(2), ..World::new() }, readers(5));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&mut store, &route(&peer));
    let (sent, queued) = (State::Sent, State::Queued);
    assert_eq!(states(&store, 5), [sent, sent, queued, queued, queued]);
    world.stop.store(false, Ordering::Relaxed);
    World::new().send(&mut store, &route(&peer));
    assert_eq!(peer.recipients().len(), 5);
}

#[test]
fn a_limit_leaves_the_rest_queued() {
    let (world, mut store) = (World { limit: Some(2), ..World::new() }, readers(5));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&mut store, &route(&peer));
    assert_eq!((peer.taken().len(), open(&store)), (2, 3));
}

#[test]
fn a_forecast_names_who_waits_and_changes_nothing() {
    let (world, mut store) = (World { limit: Some(2), ..World::new() }, readers(3));
    let peer = Peer::start(vec![Script::new()]);
    let expected = |store: &Fake| {
        let forecast = world.with_sending(&route(&peer), |sending| {
            let forecast = forecast(store, sending).unwrap();
            forecast.mailings.iter().map(|expected| expected.recipients.clone()).collect::<Vec<_>>()
        });
        forecast.concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(expected(&store).len(), 3);
    assert_eq!(store.mailings().unwrap(), []);
    world.send(&mut store, &route(&peer));
    assert_eq!(expected(&store), ["reader-3@example.com"]);
    assert_eq!(peer.taken().len(), 2);
}

#[test]
fn what_a_killed_run_left_is_finished_and_what_nobody_knows_is_named() {
    let (world, mut store) = (World::new(), readers(4));
    let id = &world.issues[0].id;
    store.freeze(id, "spring", noon()).unwrap();
    let claims = store.claim(id, 2, noon()).unwrap();
    store.sending(id, claims[0].subscriber.id, noon()).unwrap();
    let peer = Peer::start(vec![Script::new()]);
    let report = world.send(&mut store, &route(&peer));
    assert_eq!(report.recovered.requeued, 1);
    let unknown: Vec<&str> = report.recovered.unknown.iter().map(|delivery| delivery.address.as_str()).collect();
    assert_eq!(unknown, ["reader-1@example.com"]);
    assert_eq!(states(&store, 4), [State::Unknown, State::Sent, State::Sent, State::Sent]);
}

/// The ledger fails at each of its writes in turn, as when the process dies there or the disk is full; then a second run
/// goes on. The peer's own record must equal the ledger.
#[test]
fn whichever_write_fails_nobody_is_forgotten_and_nobody_mailed_twice() {
    const READERS: usize = 8;
    for connections in [1, 3] {
        for writes in 0..30 {
            let (world, mut store) = (World { connections, ..World::new() }, readers(READERS));
            let peer = Peer::start(vec![Script::new()]);
            let route = route(&peer);
            store.writes_left = Some(writes);
            let first = world.with_sending(&route, |sending| send_due(&mut store, sending));
            store.writes_left = None;
            let second = world.send(&mut store, &route);
            let unknown = second.recovered.unknown.len();
            assert!(first.is_err() || writes >= 17, "{writes} writes are too few for all");
            assert!(unknown <= connections, "{unknown} unknown over {connections} connections");
            let mut recipients = peer.recipients();
            recipients.dedup();
            assert_eq!(recipients.len(), peer.taken().len(), "somebody got it twice");
            for number in 1..=READERS {
                let address = format!("reader-{number}@example.com");
                let state = store.state(&address)[0].0;
                let got_it = recipients.contains(&address);
                let agrees = state == State::Unknown || (state == State::Sent) == got_it;
                assert!(agrees && (got_it || state == State::Unknown), "{address}: {state}, {got_it}");
            }
        }
    }
}

#[test]
fn an_outbox_gets_a_file_each_and_repeats_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Route::Outbox { project: Project::new(folder.path()), root: "outbox".into() };
    let (world, mut store) = (World::new(), readers(3));
    let id = &world.issues[0].id;
    store.freeze(id, "spring", noon()).unwrap();
    let claims = store.claim(id, 1, noon()).unwrap();
    store.sending(id, claims[0].subscriber.id, noon()).unwrap();
    world.send(&mut store, &outbox);
    assert_eq!(states(&store, 3), [State::Sent; 3]);
    let file = folder.path().join("outbox/spring/reader-2@example.com.eml");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "To: reader-2@example.com\r\n\r\nSpring.\r\n");
    assert_eq!(store.state("reader-3@example.com")[0].2, "written to outbox/spring/reader-3@example.com.eml");
}

#[test]
fn an_outbox_that_cannot_be_written_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outbox"), "a file").unwrap();
    let outbox = Route::Outbox { project: Project::new(folder.path()), root: "outbox".into() };
    let (world, mut store) = (World::new(), readers(3));
    let stopped = world.send(&mut store, &outbox).stopped.unwrap();
    assert_eq!(stopped.rule, "outbox-write");
    assert_eq!(states(&store, 3), [State::Queued; 3]);
}

#[test]
fn another_run_or_nobody_to_write_to_is_an_outcome() {
    let peer = Peer::start(vec![Script::new()]);
    let report = World::new().send(&mut Fake::default(), &route(&peer));
    assert_eq!(report.findings[0].rule, "no-subscribers");
    let other = Run { host: "other".to_owned(), boot_id: "b".to_owned(), pid: 7 };
    let mut store = readers(1);
    store.busy = Some(other.clone());
    match World::new().try_send(&mut store, &route(&peer)) {
        Sent::Busy(run) => assert_eq!(run, Some(other)),
        Sent::Done(report) => panic!("{report:?}"),
    }
    assert_eq!(peer.heard().len(), 0);
}

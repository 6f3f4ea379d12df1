//! Runs against a scripted mail server: the server's own record is compared with the ledger.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeZone as _;
use url::Url;

use super::*;
use crate::config::Config;
use crate::delivery::digest_schedule::DigestSchedule;
use crate::delivery::job::Progress;
use crate::delivery::policy::Canary;
use crate::delivery::policy::{EditionKind, Policy};
use crate::disk::Project;
use crate::dkim::{Algorithm, Key};
use crate::email::EmailAddress;
use crate::issue::BodyStart;
use crate::letter::Letter;
use crate::rate::{Rate, WarmUp};
use crate::send::admission::Admission;
use crate::smtp::peer::{Answer, Behind, Peer, Script, Taken, Tally};
use crate::smtp::relay::{Login, Relay};
use crate::smtp::{Server, TlsMode};
use crate::store::memory::Memory;
use crate::subscriber::{NewSubscriber, Subscriber, SubscriberId};

mod canary;
mod consent;
mod digests;
mod failures;
mod held;
mod interruptions;
mod pipelining;
mod recipients;
mod servers;
mod several;
mod warm_up;

const ADMITTED: Admission = Admission { first: false, over_smtp: true, in_ci: false, in_a_file: true };

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
        page: None,
        title: slug.to_owned(),
        date: date.fixed_offset(),
        updated: date.fixed_offset(),
        expires: None,
        authors: [].into(),
        description: None,
        categories: [].into(),
        tags: [].into(),
        cover: None,
        language: None,
        site: None,
        draft: false,
        feed: true,
        email: true,
        subject: None,
        preheader: None,
        edition: 1,
        has_custom_id: false,
        aliases: Vec::new(),
        params: None,
        possible_rename: None,
        is_backfilled: false,
        body: BodyStart { offset: 0, line: 1 },
    }
}

/// A list of `reader-1@example.com` and so on.
fn readers(count: usize) -> Memory {
    let mut store = Memory::default();
    let address = |number| format!("reader-{number}@example.com").parse().unwrap();
    let mut new = (1..=count).map(|number| NewSubscriber::new(address(number), ""));
    store.add_subscribers(&mut new, noon()).unwrap();
    store
}

type Event = Box<dyn FnOnce() + Send>;

type DuringPause = Mutex<Option<Event>>;

type Answers = Box<dyn Fn(Option<&NewMailings>) -> bool + Send + Sync>;

type Meanwhile = Mutex<Option<Box<dyn FnOnce(&World) + Send>>>;

/// One due issue, and what the test observes.
struct World {
    issues: Vec<Issue>,
    stop: AtomicBool,
    pauses: Mutex<Vec<u64>>,
    /// The sum of all waits, by which the clock has advanced.
    waited: Mutex<Duration>,
    seen: Mutex<BTreeMap<State, u64>>,
    connections: usize,
    /// How long the reply to a pipelined MAIL is waited for.
    behind: Duration,
    /// Whether letters are signed.
    signs: bool,
    despite_errors: bool,
    after_canary: bool,
    limit: Option<u64>,
    rate: Option<Rate>,
    warm_up: Option<WarmUp>,
    canary: Option<Canary>,
    on_unknown: OnUnknown,
    edition: EditionKind,
    schedule: DigestSchedule,
    now: DateTime<Utc>,
    /// Answers the question before a mailing.
    confirm: Option<Answers>,
    /// Called between planning and taking the run lock.
    meanwhile: Meanwhile,
    stop_after: Option<u64>,
    /// Called once this many messages were sent.
    at_sent: Mutex<Option<(u64, Event)>>,
    /// Called during the first wait of a run.
    during_pause: DuringPause,
    /// A wait lasts until this is true; without it, it returns at once, whatever its length.
    pauses_last_until: Option<Box<dyn Fn() -> bool + Send + Sync>>,
    /// The number mailed when the others were told to wait, and for how long.
    waiting: Mutex<Vec<(u64, Duration)>>,
}

impl World {
    fn new() -> Self {
        Self {
            issues: vec![issue("spring", noon())],
            stop: AtomicBool::new(false),
            pauses: Mutex::default(),
            seen: Mutex::default(),
            connections: 1,
            behind: Duration::from_secs(300),
            signs: false,
            despite_errors: false,
            after_canary: false,
            limit: None,
            rate: None,
            warm_up: None,
            canary: None,
            waited: Mutex::default(),
            on_unknown: OnUnknown::Hold,
            edition: EditionKind::Issue,
            schedule: DigestSchedule::default(),
            now: noon(),
            confirm: None,
            meanwhile: Mutex::default(),
            stop_after: None,
            at_sent: Mutex::default(),
            during_pause: Mutex::default(),
            pauses_last_until: None,
            waiting: Mutex::default(),
        }
    }

    fn relay(&self, port: u16) -> Relay {
        let server = Server { host: "127.0.0.1".to_owned(), port, tls: TlsMode::None };
        let mut relay = Relay::new(server, "example.org", None, None).unwrap();
        relay.connections = self.connections;
        relay.timeouts.behind = self.behind;
        relay
    }

    fn route(&self, peer: &Peer) -> Route {
        self.route_over(&[peer])
    }

    fn route_over(&self, peers: &[&Peer]) -> Route {
        Route::Relays(peers.iter().map(|peer| self.relay(peer.port())).collect())
    }

    fn send(&self, store: &Memory, route: &Route) -> SendReport {
        match self.try_send(store, route) {
            SendOutcome::Done(report) => *report,
            SendOutcome::Busy(run) => panic!("busy: {run:?}"),
            SendOutcome::Declined => panic!("declined"),
        }
    }

    fn try_send(&self, store: &Memory, route: &Route) -> SendOutcome {
        self.with_sending(route, |sending| send_due(&mut store.open(), sending)).unwrap()
    }

    fn with_sending<T>(&self, route: &Route, act: impl FnOnce(&SendRequest<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        for issue in &self.issues {
            project.write(&issue.path, issue.title.as_bytes()).unwrap();
        }
        let mut config = "title: T\nbase_url: https://example.org\nmail:\n  from: bounces@example.org\n".to_owned();
        if self.signs {
            project.write("dkim.pem", Key::generate(Algorithm::Ed25519).unwrap().1.as_bytes()).unwrap();
            config.push_str("  dkim: {selector: spring, key_file: dkim.pem}\n");
        }
        let config = Config::parse("slugline.yaml", &config).unwrap();
        let composer = Composer::open(&project, &config, &self.issues).unwrap();
        let policy = Policy {
            on_unknown: self.on_unknown,
            edition: self.edition,
            schedule: self.schedule.clone(),
            rate: self.rate.clone(),
            warm_up: self.warm_up.clone(),
            canary: self.canary.clone(),
            ..Policy::default()
        };
        let sending = SendRequest {
            composer: &composer,
            project_file: "slugline.yaml",
            scope: Scope::Due,
            terms: DueTerms { now: self.now, policy: &policy },
            route,
            limit: self.limit,
            after_canary: self.after_canary,
            despite_errors: self.despite_errors,
            confirm: &|find_new| match &self.confirm {
                None => Ok(true),
                Some(confirm) => Ok(confirm(find_new()?.as_ref())),
            },
            run: Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 1 },
            hooks: RunHooks {
                clock: &|| {
                    if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
                        meanwhile(self);
                    }
                    self.now + *self.waited.lock().unwrap()
                },
                sleep: &|pause| self.pause(pause),
                stop: &self.stop,
                progress: &|progress| self.watch(progress),
                meanwhile: None,
            },
        };
        act(&sending)
    }

    fn pause(&self, pause: Duration) {
        if let Some(happens) = self.during_pause.lock().unwrap().take() {
            happens();
        }
        if let Some(is_over) = &self.pauses_last_until {
            wait_until(is_over);
        }
        *self.waited.lock().unwrap() += pause;
        self.pauses.lock().unwrap().push(pause.as_secs());
    }

    fn watch(&self, progress: Progress) {
        let state = match progress {
            Progress::Settled(state) => state,
            Progress::Waiting { mailed, left, .. } => return self.waiting.lock().unwrap().push((mailed, left)),
            Progress::Begun { .. } | Progress::Paused(..) => return,
        };
        let mut seen = self.seen.lock().unwrap();
        *seen.entry(state).or_default() += 1;
        let sent = seen.get(&State::Sent).copied().unwrap_or_default();
        if let Some((_, happens)) = self.at_sent.lock().unwrap().take_if(|(count, _)| *count == sent) {
            happens();
        }
        if self.stop_after.is_some_and(|count| seen.get(&State::Sent) == Some(&count)) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Waits for another thread, longer than it takes on any machine.
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !is_so() {
        assert!(Instant::now() < deadline, "what the test waits for never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The states of `reader-1` to `reader-N`.
fn states(store: &Memory, count: usize) -> Vec<State> {
    (1..=count).map(|number| store.state(&format!("reader-{number}@example.com"))[0].0).collect()
}

fn open(store: &Memory) -> u64 {
    store.counts(&issue("spring", noon()).id).unwrap().open()
}

#[test]
fn every_reader_gets_it_once_and_a_second_run_does_nothing() {
    for signs in [false, true] {
        let (world, store) = (World { connections: 4, signs, ..World::new() }, readers(50));
        let peer = Peer::start(vec![Script::new()]);
        let report = world.send(&store, &world.route(&peer));
        assert_eq!(report.mailings[0].tally.of(State::Sent), 50);
        assert_eq!(report.mailings[0].counts.of(State::Sent), 50);
        assert!(!report.needs_attention());
        let mut everybody: Vec<String> = (1..=50).map(|number| format!("reader-{number}@example.com")).collect();
        everybody.sort();
        assert_eq!(peer.recipients(), everybody);
        let is_own = |taken: &Taken| taken.content.contains(&format!("\r\nTo: {}\r\n", taken.to));
        assert!(peer.taken().iter().all(|taken| is_own(taken) && taken.content.contains("DKIM-Signature") == signs));
        assert_eq!(world.send(&store, &world.route(&peer)).mailings, []);
        assert_eq!(peer.taken().len(), 50);
        assert_eq!(*world.seen.lock().unwrap(), BTreeMap::from([(State::Sent, 50)]));
    }
}

#[test]
fn a_letter_that_cannot_be_written_fails_for_its_recipient_only() {
    let (world, peer) = (World { connections: 4, ..World::new() }, Peer::start(vec![Script::new()]));
    let (mut store, issue) = (readers(50), &world.issues[0]);
    store.begin_run(&Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 1 }, noon()).unwrap();
    store.freeze(&issue.id, "hash", None, noon()).unwrap();
    let mut mail = |unwritable: &str| {
        let write = |subscriber: &Subscriber| {
            anyhow::ensure!(unwritable != subscriber.address.as_str(), "no such name");
            let content = format!("To: {}\r\n\r\nSpring.\r\n", subscriber.address).into();
            Ok(Letter {
                from: "bounces@example.org".parse()?,
                to: subscriber.address.clone(),
                envelope_id: None,
                content,
            })
        };
        let job = Job {
            issue: &issue.id,
            slug: &issue.slug,
            route: &world.route(&peer),
            write: &write,
            limit: None,
            only: None,
            failure_limit: None,
            limits: RateLimits::default(),
            hooks: RunHooks {
                clock: &noon,
                sleep: &|pause| world.pause(pause),
                stop: &world.stop,
                progress: &|progress| world.watch(progress),
                meanwhile: None,
            },
        };
        run(&mut store, &job).unwrap()
    };
    let ended = mail("reader-1@example.com");
    assert_eq!((ended.stopped, ended.tally.of(State::Sent), ended.tally.of(State::Failed)), (None, 49, 1));
    assert_eq!((peer.recipients().len(), open(&store)), (49, 0));
    let why = "the message could not be written: no such name";
    assert_eq!(store.state("reader-1@example.com"), [(State::Failed, 1, why.to_owned())]);
    assert!(store.statuses().iter().all(|status| *status == Status::Active));
}

#[test]
fn a_limit_leaves_the_rest_queued() {
    let (world, store) = (World { limit: Some(2), ..World::new() }, readers(5));
    let peer = Peer::start(vec![Script::new()]);
    world.send(&store, &world.route(&peer));
    assert_eq!((peer.taken().len(), open(&store)), (2, 3));
}

#[test]
fn a_dry_run_counts_recipients_and_changes_nothing() {
    let (world, store) = (World { limit: Some(2), ..World::new() }, readers(3));
    let peer = Peer::start(vec![Script::new()]);
    let new_subscribers = |each: &mut dyn FnMut(NewSubscriber) -> anyhow::Result<()>| {
        each(NewSubscriber::new("newcomer@example.com".parse()?, ""))
    };
    let expected = |store: &Memory| {
        world.with_sending(&world.route(&peer), |sending| {
            let mut all = Vec::new();
            for expected in dry_run::run(store, sending, &ADMITTED, &new_subscribers).unwrap().mailings {
                let mut add = |address: &EmailAddress| {
                    all.push(address.to_string());
                    Ok(())
                };
                expected.each_recipient(store, &new_subscribers, &mut add).unwrap();
                assert_eq!(expected.recipients, all.len() as u64);
            }
            all
        })
    };
    assert_eq!(expected(&store).last().map(String::as_str), Some("newcomer@example.com"));
    assert_eq!(expected(&store).len(), 4);
    assert_eq!(store.mailings().unwrap(), []);
    world.send(&store, &world.route(&peer));
    assert_eq!(expected(&store), ["reader-3@example.com"]);
    assert_eq!(peer.taken().len(), 2);
}

#[test]
fn another_run_or_an_empty_list_is_an_outcome() {
    let peer = Peer::start(vec![Script::new()]);
    let report = World::new().send(&Memory::default(), &World::new().route(&peer));
    assert_eq!(report.findings[0].rule, "no-subscribers");
    let other = Run { host: "other".to_owned(), boot_id: "b".to_owned(), pid: 7 };
    let store = readers(1);
    store.busy(other.clone());
    match World::new().try_send(&store, &World::new().route(&peer)) {
        SendOutcome::Busy(run) => assert_eq!(run, Some(other)),
        SendOutcome::Done(report) => panic!("{report:?}"),
        SendOutcome::Declined => panic!("declined"),
    }
    assert_eq!(peer.heard().len(), 0);
}

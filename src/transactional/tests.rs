//! Messages queued in the store in memory, sent to a scripted mail server.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;

use super::*;
use crate::consent::{SubscriptionRequest, Wording};
use crate::email::EmailAddress;
use crate::ledger::State;
use crate::load;
use crate::smtp::peer::{Answer, Peer, Script};
use crate::store::ReaderStore as _;
use crate::store::memory::Memory;
use crate::subscriber::{NewSubscriber, Status};
use crate::token::{Purpose, Secrets, Token};
use crate::transactional_message::MessageKind;
use crate::unsubscription::Channel;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn noon() -> DateTime<Utc> {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// A project, its store, and the time.
struct World {
    folder: tempfile::TempDir,
    store: Memory,
    now: Mutex<DateTime<Utc>>,
    pauses: Mutex<Vec<u64>>,
    stop: AtomicBool,
}

impl World {
    /// A project whose mail leaves by `via`, a value of `mail.via`.
    fn new(via: &str) -> Self {
        Self::with(&format!("  via: {via}\n"))
    }

    /// A project with these lines below `mail`.
    fn with(mail: &str) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            store: Memory::default(),
            now: Mutex::new(noon()),
            pauses: Mutex::default(),
            stop: AtomicBool::new(false),
        };
        world.write(
            "slugline.yaml",
            &format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\nsecret_file: secret.txt\n\
                 serve:\n  url: https://news.example.org\nmail:\n  from: Tide Notes <notes@tides.example.org>\n{mail}"
            ),
        );
        world.write("secret.txt", SECRET);
        world
    }

    fn over(peers: &[&Peer]) -> Self {
        let via: Vec<String> = peers.iter().map(|peer| format!("smtp://127.0.0.1:{}", peer.port())).collect();
        Self::new(&format!("[{}]", via.join(", ")))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    /// Someone asks that the address be subscribed.
    fn request(&self, to: &str) {
        let request = SubscriptionRequest {
            address: address(to),
            name: "Free <b>pills</b>".to_owned(),
            language: "en".to_owned(),
            page: Some("https://pills.example/buy".to_owned()),
            return_to: None,
            wording: Wording::new("Yes"),
            ip: None,
            requested: self.now(),
        };
        let tag = Secrets::parse(SECRET).unwrap().tag(&request.address);
        self.store.open().note_request(&request, tag).unwrap();
    }

    fn subscribe(&self, to: &str, status: Status) {
        let new = NewSubscriber { status, ..NewSubscriber::new(address(to), "Lin") };
        self.store.open().add_subscribers(&mut [new].into_iter(), self.now()).unwrap();
    }

    fn status(&self, of: &str) -> Status {
        self.store.subscriber(&address(of)).unwrap().unwrap().status
    }

    fn deliver(&self) -> Report {
        self.try_deliver().unwrap()
    }

    fn try_deliver(&self) -> anyhow::Result<Report> {
        let project = Project::new(self.folder.path());
        let config = load::config(&project, "slugline.yaml").unwrap();
        let hooks = RunHooks {
            clock: &|| self.now(),
            sleep: &|pause| {
                self.pauses.lock().unwrap().push(u64::try_from(pause.as_millis()).unwrap());
                self.pass(TimeDelta::from_std(pause).unwrap());
            },
            stop: &self.stop,
            progress: &|_| {},
            meanwhile: None,
        };
        let run = Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 1 };
        deliver(&mut self.store.open(), &Request { project: &project, config: &config, run, hooks })
    }

    /// State, attempts and reply of every message to an address, oldest first.
    fn messages(&self, to: &str) -> Vec<(State, u32, String)> {
        let person = self.store.personal_data(&address(to)).unwrap();
        let messages = person.map(|person| person.messages).unwrap_or_default();
        messages
            .into_iter()
            .map(|message| (message.state, message.attempts, message.reply.unwrap_or_default()))
            .collect()
    }

    fn count(&self, state: State) -> u64 {
        self.store.message_counts().unwrap().of(state)
    }
}

/// The subjects that a server has taken, with their recipients, sorted.
fn subjects(peer: &Peer) -> Vec<(String, String)> {
    let subject = |content: &str| {
        let line = content.lines().find(|line| line.starts_with("Subject: ")).unwrap();
        line.trim_start_matches("Subject: ").to_owned()
    };
    let mut all: Vec<_> = peer.taken().into_iter().map(|taken| (taken.to, subject(&taken.content))).collect();
    all.sort();
    all
}

const CONFIRM: &str = "Please confirm your subscription to Tide Notes";
const SUBSCRIBED: &str = "You are subscribed to Tide Notes";

#[test]
fn what_a_request_brings_depends_on_the_address_when_it_is_sent() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    for status in Status::ALL {
        world.subscribe(&format!("{status}@example.org"), status);
        world.request(&format!("{status}@example.org"));
    }
    ["new@example.org", "blocked@example.org"].into_iter().for_each(|to| world.request(to));
    world.store.open().block(&address("blocked@example.org"), noon()).unwrap();
    let report = world.deliver();
    assert_eq!(report, Report { sent: 6, ..Report::default() });
    let of = |to: &str, subject: &str| (format!("{to}@example.org"), subject.to_owned());
    assert_eq!(
        subjects(&peer),
        [
            of("active", SUBSCRIBED),
            of("bounced", CONFIRM),
            of("new", CONFIRM),
            of("suppressed", CONFIRM),
            of("unconfirmed", CONFIRM),
            of("unsubscribed", CONFIRM),
        ]
    );
    for taken in peer.taken() {
        let text = mail_parser::MessageParser::default().parse(&taken.content).unwrap();
        let all = format!("{}{}{}", taken.content, text.body_text(0).unwrap(), text.body_html(0).unwrap());
        for word in ["Free", "pills", "Lin"] {
            assert!(!all.contains(word), "what a visitor typed: {word}");
        }
    }
    assert_eq!(world.count(State::Suppressed), 2);
    assert_eq!(world.deliver(), Report::default(), "nothing is sent twice");
    assert_eq!(peer.count(), 6);
}

#[test]
fn the_links_of_a_message_are_good_for_their_purposes() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    let secrets = Secrets::parse(SECRET).unwrap();
    let lin = address("lin@example.org");
    let links = || -> Vec<(String, Token)> {
        let content = peer.taken().pop().unwrap().content;
        let text = mail_parser::MessageParser::default().parse(&content).unwrap().body_text(0).unwrap().into_owned();
        let links = text.lines().filter_map(|line| line.strip_prefix("https://news.example.org/"));
        let links = links.filter_map(|line| line.split_once('/'));
        links.map(|(page, token)| (page.to_owned(), Token::parse(token).unwrap())).collect()
    };
    world.request("lin@example.org");
    world.deliver();
    let request = world.store.request_of(&lin, noon()).unwrap().unwrap();
    let confirm = secrets.token_at(Purpose::Confirm, &lin, request.requested);
    let block = secrets.token(Purpose::Block, &lin);
    assert_eq!(links(), [("confirm".to_owned(), confirm), ("confirm".to_owned(), block)]);

    world.store.open().confirm(&request, noon()).unwrap();
    world.store.open().queue_message(MessageKind::Links, &lin, "en", noon()).unwrap();
    world.deliver();
    let leave = secrets.token(Purpose::Unsubscribe, &lin);
    assert_eq!(links(), [("leave".to_owned(), leave)]);

    let id = world.store.subscriber(&lin).unwrap().unwrap().id;
    world.store.open().leave(id, Channel::Page, Some("en"), noon()).unwrap();
    world.deliver();
    assert_eq!(links(), [("return".to_owned(), secrets.token(Purpose::Return, &lin))]);
}

#[test]
fn a_subscriber_is_told_once_a_day_and_the_link_to_confirm_does_not_count() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    let ask = || {
        world.pass(TimeDelta::minutes(10));
        world.request("lin@example.org");
        world.deliver();
        subjects(&peer).len()
    };
    assert_eq!(ask(), 1);
    let request = world.store.request_of(&address("lin@example.org"), world.now()).unwrap().unwrap();
    world.pass(TimeDelta::minutes(1));
    world.store.open().confirm(&request, world.now()).unwrap();
    assert_eq!((ask(), ask()), (2, 2));
    world.pass(TimeDelta::days(1));
    assert_eq!((ask(), ask()), (3, 3));
    let told: Vec<String> = subjects(&peer).into_iter().map(|(_, subject)| subject).collect();
    assert_eq!(told, [CONFIRM, SUBSCRIBED, SUBSCRIBED]);
}

#[test]
fn a_request_is_answered_once_however_often_it_was_queued() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    for _ in 0..3 {
        world.request("lin@example.org");
        world.pass(TimeDelta::minutes(10));
    }
    assert_eq!(world.deliver().sent, 1);
    assert_eq!(
        world.messages("lin@example.org").iter().map(|message| message.0).collect::<Vec<_>>(),
        [State::Sent, State::Suppressed, State::Suppressed]
    );
}

#[test]
fn an_address_that_did_not_work_is_tried_once_a_month() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.subscribe("lin@example.org", Status::Bounced);
    let ask = |days| {
        world.pass(TimeDelta::days(days));
        world.request("lin@example.org");
        world.deliver();
        peer.count()
    };
    assert_eq!((ask(0), ask(1), ask(28), ask(1)), (1, 1, 1, 2));
}

#[test]
fn nothing_is_said_that_is_no_longer_so() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.subscribe("lin@example.org", Status::Active);
    let (lin, mut store) = (address("lin@example.org"), world.store.open());
    let id = store.subscriber(&lin).unwrap().unwrap().id;
    store.leave(id, Channel::Page, Some("en"), noon()).unwrap();
    store.come_back(id, noon()).unwrap();
    for to in ["nobody@example.org", "left@example.org"] {
        store.queue_message(MessageKind::Links, &address(to), "en", noon()).unwrap();
    }
    world.subscribe("left@example.org", Status::Unsubscribed);
    world.request("late@example.org");
    world.pass(TimeDelta::days(8));
    assert_eq!(world.deliver(), Report::default());
    assert_eq!((peer.count(), world.count(State::Suppressed)), (0, 4));
}

#[test]
fn a_deferred_message_is_tried_again_unchanged() {
    let peer = Peer::start(vec![Script::new().on("RCPT", Answer::Say("450 4.2.0 Greylisted"))]);
    let world = World::over(&[&peer]);
    ["lin@example.org", "ida@example.org"].into_iter().for_each(|to| world.request(to));
    let report = world.deliver();
    assert_eq!((report.sent, report.deferred, report.waiting), (1, 1, 1));
    assert_eq!(world.messages("lin@example.org"), [(State::Deferred, 1, "450 4.2.0 Greylisted".to_owned())]);
    world.pass(TimeDelta::minutes(3));
    assert_eq!(world.deliver().sent, 0);
    world.pass(TimeDelta::minutes(4));
    assert_eq!(world.deliver().sent, 1);
    let heads: Vec<Vec<String>> = peer
        .taken()
        .iter()
        .map(|taken| {
            let is_stable = |line: &&str| line.starts_with("Message-ID: ") || line.starts_with("Date: ");
            taken.content.lines().filter(is_stable).map(str::to_owned).collect()
        })
        .collect();
    assert_eq!(heads[1][0], "Date: Fri, 01 May 2026 12:00:00 +0000", "the time of the request");
    assert_ne!(heads[0][1], heads[1][1]);
}

#[test]
fn an_unknown_mailbox_fails_and_stops_no_other() {
    let script = Script::new().always("RCPT TO:<gone", Answer::Say("550 5.1.1 <gone@example.org> unknown"));
    let peer = Peer::start(vec![script]);
    let world = World::over(&[&peer]);
    ["gone@example.org", "lin@example.org", "gone.too@example.org"].into_iter().for_each(|to| {
        world.subscribe(to, Status::Active);
        world.request(to);
    });
    let report = world.deliver();
    let failures = ["the message that it is subscribed, to g...@example.org: 550 5.1.1 <g...@example.org> unknown"];
    assert_eq!((report.sent, report.failed, report.waiting), (1, 2, 0));
    assert_eq!(report.failures[..1], failures);
    assert_eq!(report.problem, None);
    // Until the server has accepted someone it may refuse everyone.
    assert_eq!(
        (world.status("gone@example.org"), world.status("gone.too@example.org")),
        (Status::Active, Status::Suppressed)
    );
}

#[test]
fn a_refusal_of_us_blames_no_one() {
    let script = Script::new().always("RCPT TO:<lin", Answer::Say("554 5.7.1 Relay access denied"));
    let peer = Peer::start(vec![script]);
    let world = World::over(&[&peer]);
    ["lin@example.org", "ida@example.org"].into_iter().for_each(|to| world.request(to));
    let report = world.deliver();
    assert_eq!((report.sent, report.deferred, report.failed), (1, 1, 0));
    assert_eq!(world.messages("lin@example.org"), [(State::Deferred, 1, "554 5.7.1 Relay access denied".to_owned())]);
}

#[test]
fn a_server_that_takes_no_mail_leaves_the_messages_queued() {
    let refusing = || Peer::start(vec![Script::new().always("GREETING", Answer::Say("554 5.3.2 No service here"))]);
    let unwelcome = || Peer::start(vec![Script::new().always("MAIL", Answer::Say("550 5.7.1 Sender refused"))]);
    for peer in [refusing(), unwelcome()] {
        let world = World::over(&[&peer]);
        (0..60).for_each(|number| world.request(&format!("reader{number}@example.org")));
        let report = world.deliver();
        assert_eq!((report.sent, report.deferred, report.failed, report.waiting), (0, 0, 0, 60));
        assert!(
            report.problem.is_some() && report.findings()[0].message.starts_with("60 transactional messages wait: ")
        );
        assert_eq!(peer.heard().len(), 1, "it is asked once");
        assert_eq!(world.messages("reader0@example.org"), [(State::Queued, 0, String::new())]);
        // What is queued may be taken by anyone.
        assert!(
            world
                .store
                .open()
                .begin_batch(&Run { host: "b".into(), boot_id: "b".into(), pid: 2 }, noon())
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn another_server_takes_what_one_does_not() {
    let refusing = Peer::start(vec![Script::new().always("GREETING", Answer::Say("554 5.3.2 No service here"))]);
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&refusing, &peer]);
    (0..4).for_each(|number| world.request(&format!("reader{number}@example.org")));
    assert_eq!(world.deliver(), Report { sent: 4, ..Report::default() });
    let reply = format!("250 2.0.0 Ok: queued [127.0.0.1:{}]", peer.port());
    assert_eq!(world.messages("reader0@example.org"), [(State::Sent, 1, reply)]);
}

#[test]
fn servers_share_the_messages() {
    let peers = [0, 1].map(|_| Peer::start(vec![Script::new()]));
    let world = World::over(&peers.each_ref());
    (0..6).for_each(|number| world.request(&format!("reader{number}@example.org")));
    assert_eq!(world.deliver().sent, 6);
    assert_eq!(peers.each_ref().map(Peer::count), [3, 3]);
}

#[test]
fn a_missing_reply_leaves_one_unknown_and_it_is_not_sent_again() {
    let peer = Peer::start(vec![Script::new().on("DOT", Answer::TakeAndDrop)]);
    let world = World::over(&[&peer]);
    ["lin@example.org", "ida@example.org"].into_iter().for_each(|to| world.request(to));
    let report = world.deliver();
    assert_eq!((report.sent, report.unknown, report.waiting), (1, 1, 0));
    assert_eq!(report.summary(), "Transactional messages: 1 sent, 1 unknown.");
    assert_eq!(world.deliver(), Report::default());
    assert_eq!(peer.recipients(), ["ida@example.org", "lin@example.org"]);
}

#[test]
fn a_connection_that_breaks_under_a_message_defers_it() {
    let peer = Peer::start(vec![Script::new().always("RCPT TO:<lin", Answer::Drop)]);
    let world = World::over(&[&peer]);
    ["lin@example.org", "ida@example.org"].into_iter().for_each(|to| world.request(to));
    let report = world.deliver();
    assert_eq!((report.sent, report.deferred), (1, 1));
    assert_eq!(peer.recipients(), ["ida@example.org"]);
}

#[test]
fn a_connection_that_has_ended_since_is_replaced() {
    let peer = Peer::start(vec![Script::new().ending_after(1, Answer::SayAndDrop("421 4.7.0 Too many messages"))]);
    let world = World::over(&[&peer]);
    (0..3).for_each(|number| world.request(&format!("reader{number}@example.org")));
    assert_eq!(world.deliver(), Report { sent: 3, ..Report::default() });
    assert_eq!(peer.heard().len(), 3);
}

#[test]
fn rate_limits_apply_and_warm_up_does_not() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::with(&format!(
        "  via: smtp://127.0.0.1:{}\n  rate: 60/min\n  warm_up: {{since: 2026-05-01, first_day: 1}}\n",
        peer.port()
    ));
    (0..4).for_each(|number| world.request(&format!("reader{number}@example.org")));
    assert_eq!(world.deliver().sent, 4);
    assert_eq!(*world.pauses.lock().unwrap(), [1000, 1000, 1000]);
}

#[test]
fn a_rate_limit_that_lasts_leaves_the_rest_queued() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::with(&format!("  via: smtp://127.0.0.1:{}\n  rate: 1/h\n", peer.port()));
    (0..2).for_each(|number| world.request(&format!("reader{number}@example.org")));
    let report = world.deliver();
    assert_eq!((report.sent, report.waiting, report.problem), (1, 1, None));
    assert_eq!(world.count(State::Queued), 1);
}

#[test]
fn an_outbox_gets_a_file_for_each_message() {
    let world = World::new("outbox");
    ["lin@example.org", "ida@example.org"].into_iter().for_each(|to| world.request(to));
    assert_eq!(world.deliver().sent, 2);
    world.pass(TimeDelta::minutes(10));
    world.request("lin@example.org");
    assert_eq!(world.deliver().sent, 1);
    let files = fs::read_dir(world.folder.path().join("outbox/transactional")).unwrap();
    let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["1-lin@example.org.eml", "2-ida@example.org.eml", "3-lin@example.org.eml"]);
}

#[test]
fn a_template_that_fails_delays_the_messages() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.request("lin@example.org");
    world.write("templates/transactional.txt", "{{ mesage.subject }}\n");
    let report = world.deliver();
    assert_eq!((report.deferred, report.waiting), (1, 1));
    assert_eq!(report.findings()[0].message, "transactional messages could not be written: there is no `mesage` here");
    world.write("templates/transactional.txt", "{{ message.subject }}\n");
    world.pass(TimeDelta::minutes(7));
    assert_eq!(world.deliver().sent, 1);
}

#[test]
fn without_a_secret_nothing_is_claimed() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.write("secret.txt", "short");
    assert_eq!(world.deliver(), Report::default(), "nothing waits");
    world.request("lin@example.org");
    assert!(world.try_deliver().unwrap_err().to_string().contains("fewer than 32"));
    assert_eq!(world.count(State::Queued), 1);
}

#[test]
fn one_process_at_a_time_sends() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.request("lin@example.org");
    let mut other = world.store.open();
    let run = Run { host: "other".to_owned(), boot_id: "boot".to_owned(), pid: 7 };
    assert_eq!(other.begin_batch(&run, noon()).unwrap(), Some(0));
    assert_eq!(world.deliver(), Report { is_busy: true, waiting: 1, ..Report::default() });
    other.end_batch().unwrap();
    assert_eq!(world.deliver().sent, 1);
}

#[test]
fn a_stop_leaves_the_rest_queued() {
    let peer = Peer::start(vec![Script::new()]);
    let world = World::over(&[&peer]);
    world.request("lin@example.org");
    world.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(world.deliver(), Report { waiting: 1, ..Report::default() });
    assert_eq!((peer.count(), world.count(State::Queued)), (0, 1));
}

#[test]
fn a_store_that_fails_at_any_write_loses_none_and_repeats_none() {
    for writes in 0.. {
        let peer = Peer::start(vec![Script::new()]);
        let world = World::over(&[&peer]);
        (0..3).for_each(|number| world.request(&format!("reader{number}@example.org")));
        world.store.writes_left(Some(writes));
        let first = world.try_deliver();
        world.store.writes_left(None);
        let second = world.deliver();
        let unknown = second.unknown + first.as_ref().map_or(0, |report| report.unknown);
        let mut taken = peer.recipients();
        taken.dedup();
        assert_eq!(taken.len(), peer.count(), "one was mailed twice after {writes} writes");
        assert_eq!(world.count(State::Sent) + world.count(State::Unknown), 3, "one was lost after {writes} writes");
        assert!(world.count(State::Unknown) == unknown && unknown <= 1, "{unknown} unknown after {writes} writes");
        if first.is_ok() {
            return;
        }
    }
}

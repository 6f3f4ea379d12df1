//! Every kind of message, on the store in memory; `tests/it` has the real stores, servers and mailboxes.

use chrono::TimeDelta;
use std::collections::BTreeSet;

use super::*;
use crate::bounce::Class;
use crate::config::Config;
use crate::edition::message_id;
use crate::email::EmailAddress;
use crate::incoming::{Action, Report};
use crate::issue::IssueId;
use crate::ledger::{AttemptOutcome, LedgerEntry, Run, State};
use crate::store::ReaderStore as _;
use crate::store::memory::Memory;
use crate::subscriber::{NewSubscriber, Status};
use crate::token::Purpose;
use crate::token::envelope_id::EnvelopeId;

const PROJECT: &str = "title: Tide Notes\nbase_url: https://tides.example.org\n";
const ISSUE: &str = "https://tides.example.org/neap/";
const MAREN: &str = "maren@example.org";

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn secrets() -> Arc<Secrets> {
    Arc::new(Secrets::parse(&"s".repeat(32)).unwrap())
}

fn token(purpose: Purpose, reader: &str) -> String {
    secrets().token(purpose, &address(reader)).to_string()
}

/// A newsletter whose issue was mailed to Maren and Lin an hour ago.
struct Desk {
    store: Memory,
    config: Config,
    /// Makes the bytes of every message different.
    count: usize,
}

impl Desk {
    fn new() -> Self {
        let mut desk =
            Self { store: Memory::default(), config: Config::parse("slugline.yaml", PROJECT).unwrap(), count: 0 };
        let new = [MAREN, "lin@example.org"].map(|reader| NewSubscriber::new(address(reader), ""));
        desk.store.add_subscribers(&mut new.into_iter(), now()).unwrap();
        desk.mail(ISSUE, now() - TimeDelta::hours(1));
        desk
    }

    fn mail(&mut self, issue: &str, at: DateTime<Utc>) {
        let issue = IssueId::new(issue).unwrap();
        let mut store = self.store.open();
        store.begin_run(&Run { host: "h".into(), boot_id: "b".into(), pid: 1 }, at).unwrap();
        store.freeze(&issue, "hash", None, at).unwrap();
        for claim in store.claim(&issue, 10, at).unwrap() {
            let entries = [LedgerEntry::Sending, LedgerEntry::Settled(AttemptOutcome::Sent("250 2.0.0 Ok".into()))];
            store.record(&issue, &entries.map(|entry| (claim.subscriber.id, entry)), at).unwrap();
        }
    }

    /// Handles a message that nothing else is like.
    fn handle(&mut self, says: &Incoming) -> Outcome {
        self.count += 1;
        self.handle_bytes(&format!("X-Count: {}\r\n\r\n", self.count), says)
    }

    fn handle_bytes(&mut self, bytes: &str, says: &Incoming) -> Outcome {
        self.handle_at(bytes, says, now())
    }

    fn handle_at(&mut self, bytes: &str, says: &Incoming, at: DateTime<Utc>) -> Outcome {
        let templates = Templates {
            bounces: Some("bounces+{token}@tides.example.org"),
            leave: Some("leave+{token}@tides.example.org"),
            confirm: Some("confirm+{token}@tides.example.org"),
            subscribe: Some("subscribe@tides.example.org"),
        };
        let mut inbox = Inbox {
            addresses: Addresses::new(&templates, vec![address("notes@tides.example.org")]),
            secrets: Some(secrets()),
            has_pages: false,
            publications: self.config.publications(),
            unavailable: BTreeSet::new(),
        };
        let outcome = inbox.handle(bytes.as_bytes(), says, &mut self.store, at).unwrap();
        inbox.suppress_unavailable(&mut self.store, at).unwrap();
        outcome
    }

    fn status(&self, reader: &str) -> Option<Status> {
        self.store.subscriber(&address(reader)).unwrap().map(|subscriber| subscriber.status)
    }

    fn state(&self, reader: &str) -> State {
        let id = self.store.subscriber(&address(reader)).unwrap().unwrap().id;
        self.store.deliveries_to(&IssueId::new(ISSUE).unwrap(), &[id]).unwrap()[0].state
    }

    fn messages(&self) -> u64 {
        self.store.message_counts().unwrap().of(State::Queued)
    }
}

/// A message to this address.
fn to(recipient: &str, kind: Kind) -> Incoming {
    Incoming { kind, delivered_to: vec![address(recipient)], ..Incoming::default() }
}

fn report(reader: &str, class: Class) -> Report {
    Report {
        address: Some(address(reader)),
        action: Action::Failed,
        status: Some("5.1.1".into()),
        diagnostic: Some("550 5.1.1 no\r\n such user".into()),
        class,
    }
}

/// A bounce to the address with this token.
fn bounce(token: &str, reports: Vec<Report>) -> Incoming {
    Incoming { recipients: reports, ..to(&format!("bounces+{token}@tides.example.org"), Kind::Bounce) }
}

/// The Message-ID of what was mailed to a reader.
fn returned(content: &str, reader: &str) -> Option<String> {
    Some(message_id(content, &address(reader), "tides.example.org"))
}

#[test]
fn a_bounce_with_a_token_counts_and_a_bad_address_is_suppressed() {
    let mut desk = Desk::new();
    let said = bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, Class::BadAddress)]);
    assert_eq!(desk.handle_bytes("A: b\r\n\r\n", &said), Outcome::Recorded);
    assert_eq!((desk.state(MAREN), desk.status(MAREN)), (State::Bounced, Some(Status::Suppressed)));
    assert_eq!(desk.state("lin@example.org"), State::Sent);
    let rows = desk.store.state(MAREN);
    assert_eq!(rows[0].2, "550 5.1.1 no such user");
    // The same message as an IMAP server and as a Maildir has it, and the same report again.
    assert_eq!(desk.handle_bytes("A: b\n\n", &said), REPEATED);
    assert_eq!(desk.handle(&said), Outcome::Unchanged("it changes nothing"));
}

#[test]
fn a_full_mailbox_or_our_own_fault_suppresses_nobody() {
    for class in [Class::Mailbox, Class::Message, Class::Ours, Class::Later, Class::Unknown] {
        let mut desk = Desk::new();
        assert_eq!(desk.handle(&bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, class)])), Outcome::Recorded);
        assert_eq!((desk.state(MAREN), desk.status(MAREN)), (State::Bounced, Some(Status::Active)), "{class}");
    }
}

#[test]
fn a_mailbox_that_bounces_three_mailings_over_a_week_is_suppressed() {
    let mut desk = Desk::new();
    let full = bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, Class::Mailbox)]);
    for (week, status) in [(0, Status::Active), (1, Status::Active), (2, Status::Suppressed)] {
        let at = now() + TimeDelta::weeks(week);
        desk.mail(&format!("https://tides.example.org/week-{week}/"), at - TimeDelta::minutes(1));
        assert_eq!(desk.handle_at(&format!("X-Week: {week}\r\n\r\n"), &full, at), Outcome::Recorded);
        assert_eq!(desk.status(MAREN), Some(status), "week {week}");
    }
    assert_eq!(desk.status("lin@example.org"), Some(Status::Active));
}

#[test]
fn of_several_reports_the_one_on_the_reader_counts_and_a_forwarded_message_counts_as_theirs() {
    let mut desk = Desk::new();
    let reports = vec![report("else@example.com", Class::BadAddress), report(MAREN, Class::Mailbox)];
    assert_eq!(desk.handle(&bounce(&token(Purpose::Bounce, MAREN), reports)), Outcome::Recorded);
    assert_eq!(desk.status(MAREN), Some(Status::Active));
    let reports = vec![report("else@example.com", Class::BadAddress)];
    assert_eq!(desk.handle(&bounce(&token(Purpose::Bounce, "lin@example.org"), reports)), Outcome::Recorded);
    assert_eq!(desk.status("lin@example.org"), Some(Status::Suppressed));
}

#[test]
fn the_mailing_is_that_of_the_message_id_or_else_the_newest() {
    let mut desk = Desk::new();
    desk.mail("https://tides.example.org/spring/", now() - TimeDelta::minutes(1));
    let said = Incoming {
        returned_id: returned(ISSUE, MAREN),
        ..bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, Class::Mailbox)])
    };
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    assert_eq!(desk.state(MAREN), State::Bounced);
    let said = bounce(&token(Purpose::Bounce, "lin@example.org"), Vec::new());
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    assert_eq!(desk.state("lin@example.org"), State::Sent, "the newer one bounced");
}

#[test]
fn an_envelope_id_names_the_reader_and_the_mailing() {
    let mut desk = Desk::new();
    desk.mail("https://tides.example.org/spring/", now() - TimeDelta::minutes(1));
    let id = |reader: &str| {
        EnvelopeId::new(&IssueId::new(ISSUE).unwrap(), &secrets().token(Purpose::Bounce, &address(reader))).to_string()
    };
    let said = |id: String| Incoming {
        envelope_id: Some(id),
        recipients: vec![report("else@example.com", Class::Mailbox)],
        ..to("bounces@tides.example.org", Kind::Bounce)
    };
    assert_eq!(desk.handle(&said(id(MAREN))), Outcome::Recorded);
    assert_eq!(desk.state(MAREN), State::Bounced);
    assert!(matches!(desk.handle(&said(id("stranger@example.org"))), Outcome::NotOurs(_)));
    assert_eq!(desk.state("lin@example.org"), State::Sent);
}

#[test]
fn without_a_token_recipient_and_message_id_must_agree() {
    let said = |reader: &str, id: Option<String>| Incoming {
        recipients: vec![report(reader, Class::BadAddress)],
        returned_id: id,
        ..to("notes@tides.example.org", Kind::Bounce)
    };
    let mut desk = Desk::new();
    for (reader, id) in [
        (MAREN, None),
        (MAREN, returned(ISSUE, "lin@example.org")),
        (MAREN, returned("https://tides.example.org/other/", MAREN)),
        ("lin@example.org", returned(ISSUE, MAREN)),
        ("stranger@example.org", returned(ISSUE, "stranger@example.org")),
        (MAREN, Some("20261120@mail.example.com".to_owned())),
    ] {
        assert!(matches!(desk.handle(&said(reader, id)), Outcome::NotOurs(_)), "{reader}");
    }
    assert_eq!((desk.state(MAREN), desk.status(MAREN)), (State::Sent, Some(Status::Active)));
    assert_eq!(desk.handle(&said(MAREN, returned(ISSUE, MAREN))), Outcome::Recorded);
    assert_eq!((desk.state(MAREN), desk.status(MAREN)), (State::Bounced, Some(Status::Suppressed)));
}

#[test]
fn a_forged_token_or_one_for_another_purpose_proves_nothing() {
    let mut desk = Desk::new();
    let good = token(Purpose::Bounce, MAREN);
    let forged = format!("{}{}", &good[..24], "0".repeat(24));
    for token in
        [forged, token(Purpose::Unsubscribe, MAREN), token(Purpose::Bounce, "stranger@example.org"), "x".into()]
    {
        let outcome = desk.handle(&bounce(&token, vec![report(MAREN, Class::BadAddress)]));
        assert!(matches!(outcome, Outcome::NotOurs(_)), "{token}: {outcome:?}");
    }
    assert_eq!((desk.state(MAREN), desk.status(MAREN)), (State::Sent, Some(Status::Active)));
}

#[test]
fn an_event_counts_only_for_whom_the_ledger_mailed_lately() {
    let mut desk = Desk::new();
    let later = now() + TimeDelta::days(31);
    let said = bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, Class::BadAddress)]);
    assert!(matches!(desk.handle_at("A: b\n\n", &said, later), Outcome::NotOurs(_)));
    let said = Incoming {
        returned_links: vec![format!("mailto:leave+{}@tides.example.org", token(Purpose::Unsubscribe, MAREN))],
        ..to("abuse@tides.example.org", Kind::Complaint)
    };
    assert!(matches!(desk.handle_at("A: c\n\n", &said, later), Outcome::NotOurs(_)));
    assert_eq!(desk.status(MAREN), Some(Status::Active));
}

#[test]
fn a_bounce_of_a_message_to_a_single_reader_is_no_bounce_of_a_mailing() {
    let mut desk = Desk::new();
    let said = Incoming {
        returned_id: Some("transactional.5f340db7683440ba.9792c55e@tides.example.org".into()),
        ..bounce(&token(Purpose::Bounce, MAREN), vec![report(MAREN, Class::BadAddress)])
    };
    assert_eq!(desk.handle(&said), Outcome::Unchanged("it is about a message to a single reader"));
    assert_eq!(desk.state(MAREN), State::Sent);
}

#[test]
fn a_complaint_needs_our_token_or_the_recipient_with_the_message_id() {
    let complaint = || to("abuse@tides.example.org", Kind::Complaint);
    let link = format!("<https://news.example.org/leave/{}?language=en>", token(Purpose::Unsubscribe, MAREN));
    let with_link = Incoming { returned_links: vec![link], ..complaint() };
    let mut with_sender = complaint();
    with_sender.delivered_to.push(address(&format!("bounces+{}@tides.example.org", token(Purpose::Bounce, MAREN))));
    let mut with_recipient = Incoming { returned_id: returned(ISSUE, MAREN), ..complaint() };
    with_recipient.delivered_to.push(address(MAREN));
    for said in [with_link, with_sender, with_recipient] {
        let mut desk = Desk::new();
        assert_eq!(desk.handle(&said), Outcome::Recorded);
        assert_eq!(desk.status(MAREN), Some(Status::Complained));
        let noted = Incoming { kind: Kind::NotSpam, ..said.clone() };
        assert_eq!(desk.handle(&noted), Outcome::Unchanged("a reader called a message no spam"));
    }
    let mut desk = Desk::new();
    let forged =
        Incoming { from: Some(address(MAREN)), recipients: vec![report(MAREN, Class::Unknown)], ..complaint() };
    assert!(matches!(desk.handle(&forged), Outcome::NotOurs(_)));
    assert_eq!(desk.status(MAREN), Some(Status::Active));
}

#[test]
fn a_message_to_the_address_with_a_token_leaves_whoever_sent_it_and_tells_the_reader() {
    let mut desk = Desk::new();
    let leave = format!("leave+{}@tides.example.org", token(Purpose::Unsubscribe, MAREN));
    let said = Incoming { from: Some(address("other@example.com")), ..to(&leave, Kind::AutoReply) };
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    assert_eq!((desk.status(MAREN), desk.messages()), (Some(Status::Unsubscribed), 1));
    assert_eq!(desk.handle(&said), Outcome::Unchanged("the reader is not subscribed"));
    let unknown = to(&format!("leave+{}@tides.example.org", token(Purpose::Unsubscribe, "a@b.org")), Kind::Other);
    assert_eq!(desk.handle(&unknown), Outcome::Unchanged("no reader has this token"));
    let id = desk.store.subscriber(&address(MAREN)).unwrap().unwrap().id;
    let channel = desk.store.unsubscription(id).unwrap().unwrap().channel;
    assert_eq!(channel, crate::unsubscription::Channel::Mail);
    // The message says how to undo it, and that works.
    let undo = to(&format!("confirm+{}@tides.example.org", token(Purpose::Return, MAREN)), Kind::Other);
    assert_eq!(desk.handle(&undo), Outcome::Recorded);
    assert_eq!(desk.status(MAREN), Some(Status::Active));
    assert_eq!(desk.handle(&undo), Outcome::Unchanged("the reader has not left"));
}

#[test]
fn without_a_token_the_sender_is_answered_and_nobody_leaves() {
    let mut desk = Desk::new();
    let said = Incoming { from: Some(address(MAREN)), ..to("leave@tides.example.org", Kind::Other) };
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    assert_eq!((desk.status(MAREN), desk.messages()), (Some(Status::Active), 1));
    // Within ten minutes no more is mailed, however often it is asked.
    assert_eq!(desk.handle_bytes("X-A: b\n\n", &said), Outcome::Unchanged("the address has been asked too often"));
    assert_eq!(desk.handle_at("X-A: b\n\n", &said, now() + TimeDelta::hours(1)), REPEATED);
    assert_eq!(desk.messages(), 1);
}

#[test]
fn programs_lists_and_our_own_mail_are_not_answered() {
    for (from, header) in [
        (MAREN, "Auto-Submitted: auto-replied"),
        (MAREN, "Return-Path: <>"),
        (MAREN, "List-Id: <a.example.org>"),
        ("notes@tides.example.org", "Subject: a"),
        ("leave+00@tides.example.org", "Subject: a"),
        ("MAILER-DAEMON@example.org", "Subject: a"),
    ] {
        for recipient in ["leave@tides.example.org", "subscribe@tides.example.org"] {
            let mut desk = Desk::new();
            let said = Incoming { from: Some(address(from)), ..to(recipient, Kind::Other) };
            assert!(matches!(desk.handle_bytes(&format!("{header}\n\n"), &said), Outcome::Unchanged(_)));
            assert_eq!(desk.messages(), 0, "{from} {header}");
        }
    }
}

#[test]
fn a_stranger_subscribes_by_mail_and_confirms_by_any_reply() {
    let mut desk = Desk::new();
    let said = Incoming { from: Some(address("new@example.com")), ..to("subscribe@tides.example.org", Kind::Other) };
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    assert_eq!((desk.status("new@example.com"), desk.messages()), (None, 1));
    let request = desk.store.request_of(&address("new@example.com"), now()).unwrap().unwrap();
    assert_eq!(request.wording.text(), "I want to receive Tide Notes by email. Every email has a link to unsubscribe.");
    let token = secrets().token_at(Purpose::Confirm, &request.address, request.requested);
    let reply = to(&format!("confirm+{token}@tides.example.org"), Kind::Other);
    assert_eq!(
        desk.handle_bytes("Auto-Submitted: auto-replied\n\n", &reply),
        Outcome::Unchanged("a program sent it, which is not consent")
    );
    assert_eq!(desk.status("new@example.com"), None);
    assert_eq!(desk.handle(&reply), Outcome::Recorded);
    assert_eq!(desk.status("new@example.com"), Some(Status::Active));
    assert_eq!(desk.handle(&reply), Outcome::Unchanged("the reader is subscribed already"));
}

#[test]
fn who_never_wants_to_be_asked_is_not() {
    let mut desk = Desk::new();
    let said = Incoming { from: Some(address("new@example.com")), ..to("subscribe@tides.example.org", Kind::Other) };
    assert_eq!(desk.handle(&said), Outcome::Recorded);
    let never = format!("confirm+{}@tides.example.org", token(Purpose::Block, "new@example.com"));
    assert_eq!(desk.handle(&to(&never, Kind::Other)), Outcome::Recorded);
    assert!(desk.store.is_blocked(&address("new@example.com")).unwrap());
}

#[test]
fn what_is_for_a_person_stays_as_it_is() {
    let mut desk = Desk::new();
    for said in [
        to("notes@tides.example.org", Kind::Other),
        to("notes@tides.example.org", Kind::AutoReply),
        to("notes@tides.example.org", Kind::Subscribe),
        Incoming::default(),
    ] {
        assert_eq!(desk.handle(&said), Outcome::Other);
    }
    let auto_reply = to(&format!("bounces+{}@tides.example.org", token(Purpose::Bounce, MAREN)), Kind::AutoReply);
    assert_eq!(desk.handle(&auto_reply), Outcome::Unchanged("a program has answered"));
    let delay = Incoming { recipients: Vec::new(), ..bounce(&token(Purpose::Bounce, MAREN), Vec::new()) };
    let delay = Incoming { kind: Kind::Delay, ..delay };
    assert_eq!(desk.handle(&delay), Outcome::Unchanged("the message is still being tried"));
    assert_eq!((desk.status(MAREN), desk.state(MAREN), desk.messages()), (Some(Status::Active), State::Sent, 0));
}

//! Mailings of which too much fails or bounces.

use super::*;
use crate::bounce::Class;
use crate::store::EventStore as _;
use crate::store::events::MailEvent;

const READERS: usize = 300;

/// Records bounces of the first issue to these readers, as another process does.
pub(super) fn bounce(store: &mut Memory, readers: impl Iterator<Item = usize>) {
    let issue = issue("spring", noon()).id;
    for number in readers {
        let (subscriber, reply) = (SubscriberId(number as i64), "550 5.7.1 Listed".to_owned());
        let bounced =
            MailEvent::Bounced { issue: issue.clone(), subscriber, class: Class::Ours, reply, suppress: false };
        store.handle(&format!("bounce {number}"), &[bounced], noon()).unwrap();
    }
}

#[test]
fn a_mailing_is_stopped_by_its_bounces_until_a_person_takes_it_up() {
    let (store, peer, mut world) = (readers(READERS), Peer::start(vec![Script::new()]), World::new());
    let other = Mutex::new(store.open());
    let bounced = Box::new(move || bounce(&mut other.lock().unwrap(), 1..=25));
    world.at_sent = Mutex::new(Some((100, bounced)));
    let report = world.send(&store, &world.route(&peer));
    let halted = &report.halted[0];
    assert_eq!((halted.rule, &report.stopped, report.needs_attention()), ("failures-halted", &None, true));
    let expected =
        "0 failed and 25 bounced, which is more than 10 %. The servers replied `550 5.7.1 Listed` (25 times).";
    assert!(halted.message.ends_with(expected), "{halted}");
    assert!(halted.help.as_ref().unwrap().contains("slugline send spring --after-canary"), "{halted}");
    // It is checked before each claim, and what was claimed before is queued again.
    let sent = peer.taken().len();
    assert!((100..250).contains(&sent), "{sent}");
    assert_eq!(open(&store), (READERS - sent) as u64);
    // Every later run halts it, and mails what else is due.
    world = World { now: world.now + chrono::Duration::hours(2), ..World::new() };
    world.issues.insert(0, issue("summer", world.now));
    let report = world.send(&store, &world.route(&peer));
    let halted: Vec<_> = report.halted.iter().map(|finding| finding.rule).collect();
    assert_eq!(
        (halted, peer.taken().len(), open(&store)),
        (vec!["failures-halted"], sent + READERS, (READERS - sent) as u64)
    );
    // The same failures do not stop it again, in this run or a later one.
    (world.after_canary, world.limit) = (true, Some(20));
    assert_eq!(world.send(&store, &world.route(&peer)).halted, []);
    (world.after_canary, world.limit) = (false, None);
    assert_eq!(world.send(&store, &world.route(&peer)).halted, []);
    assert_eq!((peer.taken().len(), open(&store)), (2 * READERS, 0));
    let states = states(&store, READERS);
    let count = |state| states.iter().filter(|one| **one == state).count();
    assert_eq!((count(State::Bounced), count(State::Sent)), (25, READERS - 25));
}

#[test]
fn bounces_that_a_person_has_not_seen_stop_it_again() {
    const MANY: usize = 600;
    let (mut world, store, peer) = (World::new(), readers(MANY), Peer::start(vec![Script::new()]));
    let mut sent = Vec::new();
    for (after_canary, bounced) in [(false, 1..=40), (true, 41..=120), (false, 1..=1)] {
        world.after_canary = after_canary;
        let other = Mutex::new(store.open());
        let at = peer.taken().len() as u64 + 100;
        let bounces = Box::new(move || bounce(&mut other.lock().unwrap(), bounced));
        world.at_sent = Mutex::new(Some((at, bounces)));
        let report = world.send(&store, &world.route(&peer));
        assert_eq!(report.halted.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["failures-halted"]);
        sent.push(peer.taken().len());
    }
    assert!(sent[0] >= 100 && sent[1] >= sent[0] + 100 && sent[2] == sent[1] && sent[2] < MANY, "{sent:?}");
}

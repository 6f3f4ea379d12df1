//! The question before a mailing begins.

use super::*;

/// A world whose question is answered with `answer`, after it was noted.
fn answering(answer: impl Fn(Option<&NewMailings>) -> bool + Send + Sync + 'static) -> World {
    World { confirm: Some(Box::new(answer)), ..World::new() }
}

#[test]
fn without_consent_nothing_is_locked_frozen_or_mailed() {
    let (store, peer) = (readers(3), Peer::start(vec![Script::new()]));
    let others = store.open();
    let world = answering(move |new| {
        let spring = NewMailings { titles: vec!["spring".to_owned()], subscribers: 3, limit: None };
        assert_eq!(new, Some(&spring));
        let run = Run { host: "other".to_owned(), boot_id: "boot".to_owned(), pid: 2 };
        assert!(matches!(others.open().begin_run(&run, noon()), Ok(RunStart::Started(_))), "others may send meanwhile");
        false
    });
    assert!(matches!(world.try_send(&store, &world.route(&peer)), SendOutcome::Declined));
    assert_eq!((store.mailings().unwrap(), peer.taken().len()), (vec![], 0));
}

#[test]
fn a_mailing_that_was_begun_is_resumed_unasked() {
    let (store, peer) = (readers(3), Peer::start(vec![Script::new()]));
    let first = World { limit: Some(1), ..World::new() };
    first.send(&store, &first.route(&peer));
    let world = answering(|new| new.is_none());
    world.send(&store, &world.route(&peer));
    assert_eq!(peer.taken().len(), 3);
}

#[test]
fn what_became_due_after_the_question_waits_for_the_next_run() {
    let (store, peer) = (readers(2), Peer::start(vec![Script::new()]));
    let issues = vec![issue("neap", noon()), issue("spring", noon())];
    let lost = store.open().freeze(&issues[1].id, "hash", None, noon()).unwrap();
    store.open().adopt(std::slice::from_ref(&lost), 0, "the store was lost", noon()).unwrap();
    let others = store.open();
    let mut world = answering(move |new| {
        others.open().resolve(&lost.issue, &[], State::Queued, noon()).unwrap();
        new.is_some_and(|new| new.titles == ["neap"])
    });
    world.issues = issues;
    let report = world.send(&store, &world.route(&peer));
    assert_eq!(report.mailings.iter().map(|mailed| mailed.title.as_str()).collect::<Vec<_>>(), ["neap"]);
    assert_eq!((peer.taken().len(), open(&store)), (2, 2));
}

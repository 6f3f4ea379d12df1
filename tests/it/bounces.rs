//! Bounces that come in while a mailing runs in another process, with SQLite and PostgreSQL: they stop it, and `status` shows them.
//!
//! The events are recorded through the library, as a command that reads mail does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use slugline::parts::{Class, MailEvent, Postgres, Sqlite, Store};

use crate::database::Database;
use crate::refusals::NOON;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Peer, Script, Taken};

const READERS: usize = 300;
const LATER: &str = "2026-11-20T12:40:00Z";

/// The message under which the server waits for the bounces.
const HELD: usize = 100;

fn with_store<T>(project: &Project, store: &str, act: impl FnOnce(&mut dyn Store) -> T) -> T {
    match store.strip_prefix("sqlite:") {
        Some(file) => act(&mut Sqlite::open(&project.folder().join(file)).unwrap()),
        None => {
            let password = Database::password().map(|(_, password)| password.into());
            act(&mut Postgres::open(store, password.as_ref(), |file| Ok(fs::read(Path::new(file))?)).unwrap())
        }
    }
}

/// Records that these messages bounced.
fn bounce(project: &Project, store: &str, messages: &[Taken], class: Class) {
    with_store(project, store, |store| {
        let issue = store.mailings().unwrap()[0].issue.clone();
        for (number, message) in messages.iter().enumerate() {
            let subscriber = store.subscriber(&message.to.parse().unwrap()).unwrap().unwrap().id;
            let reply = if class == Class::Ours { "550 5.7.1 Listed" } else { "550 5.1.1 Nobody" }.to_owned();
            let suppress = class == Class::BadAddress;
            let bounced = MailEvent::Bounced { issue: issue.clone(), subscriber, class, reply, suppress };
            let (digest, now) = (format!("{class} {number}"), NOON.parse().unwrap());
            assert!(store.handle(&digest, &[bounced], now).unwrap().is_some());
        }
    });
}

fn stops_a_mailing(store: &str) {
    let released = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&released);
    let script = Script::new().holding("DOT", move |tally| tally.taken < HELD || until.load(Ordering::SeqCst));
    let peer = Peer::start(vec![script]);
    let readers: Vec<String> = (1..=READERS).map(|number| format!("reader-{number}@example.org")).collect();
    let mail = "  bounce_address: bounces+{token}@tides.example.org\n";
    let project = Project::with_readers(&readers, &peer, 1, store, mail);
    project.write("secret.txt", "0123456789abcdef0123456789abcdef");
    let file = project.read("slugline.yaml");
    project.write("slugline.yaml", &format!("secret_file: secret.txt\n{file}"));
    let output = thread::scope(|scope| {
        let run = scope.spawn(|| project.run(NOON, &["send"]));
        peer.wait_for(HELD);
        // The run has recorded the last ones in its own log at most.
        bounce(&project, store, &peer.taken()[..14], Class::Ours);
        bounce(&project, store, &peer.taken()[HELD - 1 - 11..HELD - 1], Class::BadAddress);
        released.store(true, Ordering::SeqCst);
        run.join().unwrap()
    });
    let told = said(&output);
    assert!(
        told.starts_with("exit 2\n") && told.contains("error[failures-halted]: no one else is mailed `neap`"),
        "{told}"
    );
    assert!(told.contains("0 failed and 25 bounced") && told.contains("slugline send neap --after-canary"), "{told}");
    let sent = peer.count();
    assert!((HELD..READERS - 40).contains(&sent), "{sent}");
    let senders: BTreeSet<String> = peer.taken().into_iter().map(|message| message.from).collect();
    assert_eq!(senders.len(), sent, "one for each reader");
    assert!(senders.iter().all(|from| from.len() == "bounces+@tides.example.org".len() + 48), "{senders:?}");
    let told = said(&project.run(LATER, &["send"]));
    assert!(told.contains("failures-halted") && peer.count() == sent, "{told}");
    let told = said(&project.run(LATER, &["status"]));
    assert!(told.contains("bounced  bad-address  ours\nneap     11           14"), "{told}");
    let told = said(&project.run(LATER, &["subscribers", "show", &peer.taken()[HELD - 2].to]));
    assert!(told.contains("suppressed") && told.contains("bounced (bad-address)"), "{told}");
    // A person goes on, and the same failures do not stop it again.
    let told = said(&project.run(LATER, &["send", "neap", "--after-canary"]));
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert_eq!((peer.count(), peer.recipients().len()), (READERS, READERS));
    let counts = with_store(&project, store, |store| store.counts(&store.mailings().unwrap()[0].issue).unwrap());
    assert_eq!((counts.of(slugline::parts::State::Bounced), counts.settled()), (25, READERS as u64));
}

#[test]
fn a_mailing_is_stopped_by_its_own_bounces() {
    stops_a_mailing("sqlite:slugline.db");
}

#[test]
fn a_mailing_from_a_database_is_stopped_by_its_own_bounces() {
    if let Some(database) = Database::new("bounces") {
        stops_a_mailing(database.url());
    }
}

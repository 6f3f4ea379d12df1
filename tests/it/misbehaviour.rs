//! A mail server that hangs up, falls silent, refuses or talks nonsense at every step of the dialogue: the program
//! continues or stops, the next run finishes, and every recipient is accounted for.

use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::database::Database;
use crate::newsletter::{CONNECTIONS, NOON, Newsletter, READERS};
use crate::smtp_peer::{Answer, Behind, Peer, Script};

/// The steps at which a server may misbehave; `CONTENT` is in the middle of a message, `DOT` after it.
const STEPS: [&str; 7] = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "DOT"];

/// What no mail server says, or not at that point: after the last one, each reply belongs to the previous command.
const NONSENSE: [&str; 4] = ["HTTP/1.1 400 Bad Request", "354 Go on", "250-", "250 2.0.0 Ok\r\n250 2.0.0 Ok"];

/// When a deferred recipient may be tried again.
const NEXT_DAY: &str = "2026-11-21T11:00:00Z";

#[test]
fn a_server_that_refuses_at_any_step() {
    for answer in ["421 4.3.2 Going down", "451 4.3.0 Try again later", "552 5.2.2 Mailbox full", "554 5.7.1 No"] {
        at_every_step(&Answer::Say(answer));
    }
}

#[test]
fn a_server_that_refuses_and_hangs_up_at_any_step() {
    for answer in ["421 4.3.2 Going down", "554 5.7.1 No"] {
        at_every_step(&Answer::SayAndDrop(answer));
    }
}

#[test]
fn a_server_that_hangs_up_at_any_step() {
    at_every_step(&Answer::Drop);
    for nth in [1, 3] {
        misbehaves("DOT", nth, &Answer::TakeAndDrop);
    }
}

#[test]
fn a_server_that_talks_nonsense_at_any_step() {
    for answer in NONSENSE {
        at_every_step(&Answer::Say(answer));
    }
}

/// A signal ends the wait: the standard's timeouts are minutes.
#[cfg(unix)]
#[test]
fn a_server_that_falls_silent_at_any_step() {
    thread::scope(|scope| {
        for step in STEPS {
            scope.spawn(move || misbehaves(step, 2, &Answer::Silence));
        }
    });
}

/// As real servers that offer PIPELINING do: it is found out once, and leaves no recipient unknown.
#[test]
fn a_server_that_loses_what_is_pipelined_behind_a_message_or_crashes() {
    let database = Database::new("behind");
    for behind in [Behind::Lost, Behind::Crash] {
        for store in ["sqlite:slugline.db"].into_iter().chain(database.as_ref().map(Database::url)) {
            let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering().behind(behind)]);
            let folder = tempfile::tempdir().unwrap();
            let newsletter = Newsletter::new(folder.path(), peer.port(), store);
            for (sent, issue) in (1..).zip(["neap", "spring"].map(|issue| format!("{issue}-{behind:?}").to_lowercase()))
            {
                newsletter.write_issue(&issue);
                let status = newsletter.sending(newsletter.folder(), NOON, &issue).status().unwrap();
                assert!(status.success(), "{behind:?}, {store}: {status}");
                peer.settle();
                assert_eq!(peer.count(), sent * READERS, "{behind:?}, {store}");
                newsletter.is_accounted_for(&peer, &issue, &format!("{behind:?}, {store}"));
                assert!(peer.heard().len() <= sent * CONNECTIONS + 1, "one connection was given up at most");
            }
        }
    }
}

/// All at once: most of the time is spent waiting for a busy server's suspension to end.
fn at_every_step(answer: &Answer) {
    thread::scope(|scope| {
        for step in STEPS {
            for nth in [1, 2] {
                scope.spawn(move || misbehaves(step, nth, answer));
            }
        }
    });
}

/// Mails an issue while the server replies this way at the `nth` step with this name, once with PIPELINING and once
/// without.
fn misbehaves(step: &'static str, nth: usize, answer: &Answer) {
    for pipelining in [true, false] {
        let mut script = Script::new().on_nth(step, nth, answer.clone());
        // Out of step, one reply may be taken for another's; what counts is that no reader gets it twice.
        if !is_nonsense(answer) {
            script = script.numbering();
        }
        if pipelining {
            script = script.offering("PIPELINING");
        }
        // The first connection alone might mail everyone before there is a second.
        if ["GREETING", "EHLO"].contains(&step) {
            script = script.holding("DOT", move |tally| tally.came(step) >= nth);
        }
        let peer = Peer::start(vec![script]);
        let folder = tempfile::tempdir().unwrap();
        let newsletter = Newsletter::new(folder.path(), peer.port(), "sqlite:slugline.db");
        newsletter.write_issue("neap");
        let first = match answer {
            Answer::Silence => ended_by_a_signal(&newsletter, &peer, step, nth),
            _ => newsletter.sending(newsletter.folder(), NOON, "neap").status().unwrap(),
        };
        let what = format!("{answer:?} at {step} number {nth}, pipelining: {pipelining}");
        assert!(peer.tally().came(step) >= nth, "{what}: it never came to that");
        assert!(matches!(first.code(), Some(0..=2)), "{what}: {first}");
        let next = newsletter.sending(newsletter.folder(), NEXT_DAY, "neap").status().unwrap();
        assert!(matches!(next.code(), Some(0 | 1)), "{what}: {next}");
        peer.settle();
        newsletter.is_accounted_for(&peer, "neap", &what);
    }
}

fn is_nonsense(answer: &Answer) -> bool {
    matches!(answer, Answer::Say(text) if NONSENSE.contains(text))
}

/// Maximum time a run may take to stop at a signal: much less than the standard's timeouts.
const PROMPTLY: Duration = Duration::from_secs(60);

/// Ends a run once the server is silent.
fn ended_by_a_signal(newsletter: &Newsletter, peer: &Peer, step: &'static str, nth: usize) -> ExitStatus {
    let mut running = newsletter.sending(newsletter.folder(), NOON, "neap").spawn().unwrap();
    peer.wait_for_step(step, nth);
    assert!(running.try_wait().unwrap().is_none(), "it did not wait for the server");
    let asked = Instant::now();
    let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    let status = running.wait().unwrap();
    assert!(asked.elapsed() < PROMPTLY, "it took {:?} to stop", asked.elapsed());
    status
}

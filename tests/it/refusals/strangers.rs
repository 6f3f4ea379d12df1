//! Servers that refuse some recipients, or all: whom that is about shows in what they say to strangers. Whole ledgers are
//! compared, over one connection and four, with the store in a file and on a server.

use std::collections::BTreeMap;
use std::thread;

use serde_json::Value;

use super::NOON;
use super::project::{Project, said};
use crate::database::Database;
use crate::smtp_peer::{Answer, Peer, Script};

const AN_HOUR_LATER: &str = "2026-11-20T13:00:00Z";

/// One who is there in every list.
const FIRST: &str = "reader-0@0.example.com";

/// So many readers, the first ones first, each domain in its turn.
fn readers(count: usize, domains: usize) -> Vec<String> {
    (0..count).map(|number| format!("reader-{number}@{}.example.com", number % domains)).collect()
}

/// The step at which a server is given this recipient.
fn rcpt(address: &str) -> &'static str {
    Box::leak(format!("RCPT TO:<{address}>").into_boxed_str())
}

/// A server that says this to some.
fn refusing<'a>(addresses: impl IntoIterator<Item = &'a String>, reply: &'static str) -> Script {
    addresses.into_iter().fold(Script::new(), |script, address| script.always(rcpt(address), Answer::Say(reply)))
}

/// Runs a test over one connection and four, with either store.
fn everywhere(
    test: &str,
    readers: &[String],
    mail: &str,
    scripts: impl Fn() -> Vec<Script>,
    then: impl Fn(&Project, &Peer, usize) + Sync,
) {
    thread::scope(|scope| {
        for connections in [1, 4] {
            for database in [None, Some(Database::new(&format!("{test}_{connections}")))] {
                // Without a server there is one store less.
                let Some(database) = database.map_or(Some(None), |database| database.map(Some)) else { continue };
                let (peer, then) = (Peer::start(scripts()), &then);
                scope.spawn(move || {
                    let store = database.as_ref().map_or("sqlite:slugline.db", Database::url);
                    then(&Project::with_readers(readers, &peer, connections, store, mail), &peer, connections);
                });
            }
        }
    });
}

/// State, attempts and reply of every recipient.
fn ledger(project: &Project) -> BTreeMap<String, (String, u64, String)> {
    let output = project.run(NOON, &["status", "neap", "--recipients", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let deliveries = status["mailings"][0]["deliveries"].as_array().unwrap();
    let row = |it: &Value| (text(&it["state"]), it["attempts"].as_u64().unwrap(), text(&it["reply"]));
    deliveries.iter().map(|it| (text(&it["address"]), row(it))).collect()
}

/// The ledger of a mailing that all got but some, who came into that state.
fn but<'a>(
    readers: &[String],
    others: impl IntoIterator<Item = &'a String>,
    (state, attempts, reply): (&str, u64, &str),
) -> BTreeMap<String, (String, u64, String)> {
    let row = |state: &str, attempts, reply: &str| (state.to_owned(), attempts, reply.to_owned());
    let sent = || row("sent", 1, "250 2.0.0 Ok: queued");
    let all = readers.iter().map(|address| (address.clone(), sent()));
    all.chain(others.into_iter().map(|address| (address.clone(), row(state, attempts, reply)))).collect()
}

fn suppressed(project: &Project) -> usize {
    said(&project.run(NOON, &["subscribers", "list", "--status", "suppressed"])).matches('@').count()
}

fn asked(peer: &Peer) -> usize {
    peer.heard().concat().iter().filter(|line| line.starts_with("RCPT")).count()
}

/// Which of forty are refused.
const SOME: [(&str, &[usize]); 4] = [
    ("the first ten", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("five neighbours", &[20, 21, 22, 23, 24]),
    ("the last five", &[35, 36, 37, 38, 39]),
    ("scattered", &[0, 3, 11, 12, 17, 29, 38]),
];

/// Each reply at RCPT, and what becomes of whom it is said to.
const REPLIES: [(&str, &str); 6] = [
    ("421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", "deferred"),
    ("450 4.2.1 The user receives mail too quickly", "deferred"),
    ("451 4.7.1 Greylisted", "deferred"),
    ("452 4.5.3 Too many recipients (AS780090)", "deferred"),
    ("550 5.7.1 I take no newsletters", "failed"),
    ("552 5.2.2 Mailbox full", "failed"),
];

#[test]
fn some_who_are_refused_stop_nobody() {
    let each = REPLIES.iter().map(|reply| (1, &SOME[0], reply));
    let every = (2..).zip(&SOME).map(|(at, some)| (40, some, &REPLIES[at]));
    for (number, (domains, (which, numbers), (reply, state))) in each.chain(every).enumerate() {
        let readers = readers(40, domains);
        let some: Vec<&String> = numbers.iter().map(|number| &readers[*number]).collect();
        let script = || vec![refusing(some.iter().copied(), reply).offering("PIPELINING")];
        everywhere(&format!("some_{number}"), &readers, "", script, |project, peer, _| {
            let output = project.run(NOON, &["send"]);
            let what = format!("{which} of {domains} domains: {reply}: {}", said(&output));
            assert_eq!(ledger(project), but(&readers, some.iter().copied(), (state, 1, reply)), "{what}");
            assert_eq!(output.status.code(), Some(i32::from(*state == "failed")), "{what}");
            assert_eq!((peer.taken().len(), suppressed(project)), (40 - some.len(), 0), "{what}");
            assert!(asked(peer) <= 40 + 2 * some.len(), "{what}: {} were asked for", asked(peer));
        });
    }
}

#[test]
fn those_behind_a_head_that_is_always_put_off_are_mailed_in_this_run_and_new_ones_in_the_next() {
    const BUSY: &str = "421 4.7.0 Too many complaints";
    let readers = readers(200, 1);
    let head = &readers[..70];
    everywhere(
        "head",
        &readers,
        "",
        || vec![refusing(head, BUSY)],
        |project, peer, _| {
            let first = project.run(NOON, &["send"]);
            assert_eq!(first.status.code(), Some(0), "{}", said(&first));
            assert_eq!(ledger(project), but(&readers, head, ("deferred", 1, BUSY)));
            let second = project.run(AN_HOUR_LATER, &["send"]);
            assert_eq!((peer.taken().len(), second.status.code().is_some()), (130, true));
            let open =
                ledger(project).into_values().filter(|(state, ..)| ["deferred", "queued"].contains(&state.as_str()));
            assert_eq!((open.count(), suppressed(project)), (70, 0), "{}", said(&second));
        },
    );
}

/// OpenSMTPD, Exim, Postfix and others without the right to relay.
const TO_NOBODY: [(&str, &str); 5] = [
    ("550 Invalid recipient", "smtp-refuses-all"),
    ("550 5.1.1 No such user", "smtp-refuses-all"),
    ("550 relay not permitted", "smtp-refused"),
    ("554 5.7.1 Relay access denied", "smtp-refused"),
    ("421 4.7.0 Try again later", "smtp-busy"),
];

#[test]
fn a_server_that_refuses_everybody_is_about_us_whatever_its_words() {
    const LISTS: [(usize, usize, usize); 4] = [(300, 10, 40), (300, 1, 60), (3, 3, 24), (2, 1, 16)];
    for (number, (reply, rule)) in TO_NOBODY.iter().enumerate() {
        for (count, domains, most_asked) in LISTS.into_iter().take(if number == 0 { 4 } else { 1 }) {
            let readers = readers(count, domains);
            let script = || vec![Script::new().offering("PIPELINING").always("RCPT", Answer::Say(reply))];
            everywhere(&format!("all_{number}_{count}_{domains}"), &readers, "", script, |project, peer, _| {
                let output = project.run(NOON, &["send"]);
                let what = format!("{count} of {domains} domains: {}", said(&output));
                assert_eq!(output.status.code(), Some(2), "{what}");
                assert!(what.contains(&format!("error[{rule}]: the mail server `127.0.0.1:")), "{what}");
                assert!(what.contains(reply), "{what}");
                assert!(asked(peer) <= most_asked, "{} were asked for: {what}", asked(peer));
                let ledger = ledger(project);
                assert!(
                    ledger.values().all(|(state, attempts, _)| (state.as_str(), *attempts) == ("queued", 0)),
                    "{ledger:?}"
                );
                assert!(ledger.values().any(|(.., said)| said == reply), "nothing tells what was said");
                assert_eq!(suppressed(project), 0, "{what}");
            });
        }
    }
}

/// Of its own domain a server takes mail from anybody.
#[test]
fn a_server_that_takes_only_its_own_is_about_us() {
    let mut readers = readers(60, 12);
    for at in [0, 5, 30] {
        readers.insert(at, format!("author-{at}@home.example.com"));
    }
    let home: Vec<String> = readers.iter().filter(|address| address.contains("@home.")).cloned().collect();
    let script = || {
        let taking = home
            .iter()
            .fold(Script::new(), |script, address| script.always(rcpt(address), Answer::Say("250 2.1.5 Ok")));
        vec![taking.always("RCPT", Answer::Say("550 Invalid recipient"))]
    };
    everywhere("home", &readers, "", script, |project, peer, _| {
        let output = project.run(NOON, &["send"]);
        let what = said(&output);
        assert_eq!((output.status.code(), suppressed(project)), (Some(2), 0), "{what}");
        assert!(what.contains("error[smtp-refuses-all]"), "{what}");
        let ledger = ledger(project);
        for (address, (state, ..)) in &ledger {
            let may_be: &[&str] = if home.contains(address) { &["sent", "queued"] } else { &["queued"] };
            assert!(may_be.contains(&state.as_str()), "{address} is {state}");
        }
        assert!(peer.taken().len() <= home.len());
    });
}

#[test]
fn a_server_that_begins_to_refuse_us_in_mid_run_blames_nobody_and_the_next_run_goes_on() {
    let readers = readers(120, 12);
    let script =
        || (41..400).fold(Script::new(), |script, nth| script.on_nth("RCPT", nth, Answer::Say("550 5.7.1 Blocked")));
    // Of all that it is asked for, the first forty are taken, and the second run is another server's.
    everywhere(
        "middle",
        &readers,
        "",
        || vec![script()],
        |project, peer, _| {
            let output = project.run(NOON, &["send"]);
            let what = said(&output);
            assert_eq!((output.status.code(), peer.taken().len(), suppressed(project)), (Some(2), 40, 0), "{what}");
            assert!(what.contains("error[smtp-refused]") && what.contains("550 5.7.1 Blocked"), "{what}");
            let states: Vec<(String, u64)> =
                ledger(project).into_values().map(|(state, attempts, _)| (state, attempts)).collect();
            let are = |state: &str, attempts| states.iter().filter(|it| **it == (state.to_owned(), attempts)).count();
            assert_eq!((are("sent", 1), are("queued", 0)), (40, 80), "{what}");
            let other = Peer::start(vec![Script::new()]);
            project.write(
                "slugline.yaml",
                &project.read("slugline.yaml").replace(&peer.port().to_string(), &other.port().to_string()),
            );
            let next = project.run(NOON, &["send"]);
            assert_eq!((next.status.code(), other.taken().len()), (Some(0), 80), "{}", said(&next));
            assert_eq!(ledger(project), but(&readers, [], ("sent", 1, "")));
        },
    );
}

#[test]
fn an_unknown_address_is_suppressed_where_mail_gets_through_and_else_tried_again() {
    const UNKNOWN: &str = "550 5.1.1 No such user";
    for domains in [1, 5] {
        let readers = readers(20, domains);
        let script = || vec![refusing([&readers[0], &readers[11], &readers[19]], UNKNOWN)];
        everywhere(&format!("unknown_{domains}"), &readers, "", script, |project, _, _| {
            let output = project.run(NOON, &["send"]);
            let refused = [&readers[0], &readers[11], &readers[19]];
            assert_eq!(ledger(project), but(&readers, refused, ("failed", 1, UNKNOWN)), "{}", said(&output));
            assert_eq!((output.status.code(), suppressed(project)), (Some(1), 3));
        });
    }
    // Nobody else tells whom it is about.
    let alone = [FIRST.to_owned()];
    everywhere(
        "alone",
        &alone,
        "",
        || vec![refusing(&alone, UNKNOWN)],
        |project, _, _| {
            let output = project.run(NOON, &["send"]);
            assert_eq!(ledger(project), but(&alone, &alone, ("deferred", 1, UNKNOWN)), "{}", said(&output));
            assert_eq!((output.status.code(), suppressed(project)), (Some(0), 0));
        },
    );
}

#[test]
fn a_server_that_takes_so_many_messages_on_one_connection_is_connected_to_again_at_once() {
    for (number, end) in [
        Answer::SayAndDrop("421 4.7.0 Too many messages on this connection"),
        Answer::Say("421 4.7.0 Too many messages on this connection"),
        Answer::Say("452 4.5.3 Too many messages sent"),
        Answer::Drop,
    ]
    .into_iter()
    .enumerate()
    {
        let readers = readers(60, 7);
        let script = || vec![Script::new().offering("PIPELINING").ending_after(5, end.clone())];
        everywhere(&format!("ends_{number}"), &readers, "", script, |project, peer, connections| {
            let output = project.run(NOON, &["send"]);
            assert_eq!(output.status.code(), Some(0), "{end:?}: {}", said(&output));
            assert_eq!(ledger(project), but(&readers, [], ("sent", 1, "")), "{end:?}");
            let heard = peer.heard();
            // Learned after it happened twice; as many more may be under way.
            let cut_off = heard.iter().filter(|lines| lines.iter().filter(|line| line.starts_with("MAIL")).count() > 5);
            assert!(cut_off.count() <= 3 * connections, "{end:?}: it was not learned");
            assert!(heard.len() <= 12 + 3 * connections, "{end:?}: {} connections", heard.len());
        });
    }
}

#[test]
fn a_limit_of_messages_that_is_set_is_never_met() {
    let readers = readers(60, 7);
    let script = || vec![Script::new().ending_after(5, Answer::SayAndDrop("421 4.7.0 Too many messages"))];
    everywhere("set", &readers, "  messages_per_connection: 5\n", script, |project, peer, _| {
        let output = project.run(NOON, &["send"]);
        assert_eq!((output.status.code(), peer.taken().len()), (Some(0), 60), "{}", said(&output));
        let most = peer.heard().iter().map(|lines| lines.iter().filter(|line| line.starts_with("MAIL")).count()).max();
        assert_eq!(most, Some(5));
    });
}

/// Sendmail offers neither STARTTLS nor AUTH once it has enough connections.
#[test]
fn a_later_connection_that_is_offered_less_meets_a_server_that_has_enough_of_them() {
    let readers = readers(40, 4);
    let first = || {
        // It goes on when another connection was tried.
        let script = Script::new().offering("AUTH PLAIN").on_nth("EHLO", 9999, Answer::Drop);
        script.holding("DOT", |tally| tally.came("EHLO") + tally.came("GREETING") > 2)
    };
    let count = || Script::new().on_nth("EHLO", 9999, Answer::Drop);
    for (number, later) in [
        count(),
        Script::new().always("GREETING", Answer::SayAndDrop("554 5.7.0 Too many connections")),
        Script::new().always("GREETING", Answer::SayAndDrop("421 4.7.0 Too many connections")),
        count().offering("AUTH PLAIN").always("AUTH", Answer::Say("535 5.7.0 Too many logins")),
    ]
    .into_iter()
    .enumerate()
    {
        let database = Database::new(&format!("less_{number}"));
        let stores = [Some("sqlite:slugline.db"), database.as_ref().map(Database::url)];
        for store in stores.into_iter().flatten() {
            let peer = Peer::start(vec![first(), later.clone()]);
            let project = Project::with_readers(&readers, &peer, 4, store, "  user: weekly\n");
            let output = project.run(NOON, &["send"]);
            assert_eq!(output.status.code(), Some(0), "{number}: {}", said(&output));
            assert_eq!(ledger(&project), but(&readers, [], ("sent", 1, "")));
            assert!(peer.heard().len() <= 8, "{number}: {} connections", peer.heard().len());
        }
    }
}

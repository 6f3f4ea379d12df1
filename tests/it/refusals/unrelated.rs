//! Servers that refuse some recipients, or all: their replies to unrelated recipients show whom that is about. Complete
//! ledgers are compared, over one connection and four, with SQLite and PostgreSQL.

use std::collections::BTreeMap;
use std::thread;

use serde_json::Value;

use super::NOON;
use super::project::{Project, said};
use crate::database::Database;
use crate::smtp_peer::{Answer, Peer, Script};

const AN_HOUR_LATER: &str = "2026-11-20T13:00:00Z";

/// A reader in every list.
const FIRST: &str = "reader-0@0.example.com";

/// This many readers, these first, spread evenly over the domains.
fn readers(count: usize, domains: usize) -> Vec<String> {
    (0..count).map(|number| format!("reader-{number}@{}.example.com", number % domains)).collect()
}

/// The step at which a server is given this recipient.
fn rcpt(address: &str) -> &'static str {
    Box::leak(format!("RCPT TO:<{address}>").into_boxed_str())
}

/// A server that replies this to some recipients.
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
                // Without a PostgreSQL server there is one store fewer.
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

/// The ledger of a mailing that everyone received except these, who are in this state.
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

/// Which of forty readers are refused.
const SOME: [(&str, &[usize]); 4] = [
    ("the first ten", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("five neighbours", &[20, 21, 22, 23, 24]),
    ("the last five", &[35, 36, 37, 38, 39]),
    ("scattered", &[0, 3, 11, 12, 17, 29, 38]),
];

/// Replies to RCPT, and the resulting states.
const REPLIES: [(&str, &str); 6] = [
    ("421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", "deferred"),
    ("450 4.2.1 The user receives mail too quickly", "deferred"),
    ("451 4.7.1 Greylisted", "deferred"),
    ("452 4.5.3 Too many recipients (AS780090)", "deferred"),
    ("550 5.7.1 I take no newsletters", "failed"),
    ("552 5.2.2 Mailbox full", "failed"),
];

#[test]
fn refused_recipients_do_not_stop_the_others() {
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
fn recipients_behind_always_deferred_ones_are_mailed_in_this_run_and_new_ones_in_the_next() {
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

/// The replies of OpenSMTPD, Exim, Postfix and others that refuse to relay.
const RELAY_DENIED: [(&str, &str); 5] = [
    ("550 Invalid recipient", "smtp-refuses-all"),
    ("550 5.1.1 No such user", "smtp-refuses-all"),
    ("550 relay not permitted", "smtp-refused"),
    ("554 5.7.1 Relay access denied", "smtp-refused"),
    ("421 4.7.0 Try again later", "smtp-busy"),
];

#[test]
fn a_server_that_refuses_everyone_rejects_us_whatever_its_reply() {
    const LISTS: [(usize, usize, usize); 4] = [(300, 10, 40), (300, 1, 60), (3, 3, 24), (2, 1, 16)];
    for (number, (reply, rule)) in RELAY_DENIED.iter().enumerate() {
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

/// A server accepts mail for its own domain from anyone.
#[test]
fn a_server_that_accepts_only_its_own_domain_rejects_us() {
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
fn a_server_that_starts_to_reject_us_blames_no_recipient_and_the_next_run_continues() {
    let readers = readers(120, 12);
    let script =
        || (41..400).fold(Script::new(), |script, nth| script.on_nth("RCPT", nth, Answer::Say("550 5.7.1 Blocked")));
    // The first forty offered are accepted; the second run uses another server.
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
fn an_unknown_address_is_suppressed_where_mail_gets_through_and_retried_otherwise() {
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
    // No other recipient shows whom that is about.
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
fn a_message_limit_per_connection_is_met_by_reconnecting_at_once() {
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
            // Learned after two times; as many more may be in flight.
            let cut_off = heard.iter().filter(|lines| lines.iter().filter(|line| line.starts_with("MAIL")).count() > 5);
            assert!(cut_off.count() <= 3 * connections, "{end:?}: it was not learned");
            assert!(heard.len() <= 12 + 3 * connections, "{end:?}: {} connections", heard.len());
        });
    }
}

#[test]
fn a_configured_message_limit_is_never_exceeded() {
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
fn a_later_connection_offered_less_is_at_the_connection_limit() {
    let readers = readers(40, 4);
    let first = || {
        // It continues once another connection was tried.
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

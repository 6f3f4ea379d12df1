//! How mail is spread over servers and time, as a person at the terminal sees it: several servers, warm-up, canary.
//!
//! The rules are tested in full beside `delivery`; here it is about messages, exit codes and the next run.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use snapbox::str;

use crate::refusals::NOON;
use crate::refusals::project::{Project, said};
use crate::smtp_peer::{Answer, Peer, Script};

const LATER: &str = "2026-11-20T12:40:00Z";
const TOMORROW: &str = "2026-11-21T09:00:00Z";

/// A project with this many readers and these lines below `mail`.
fn project(peer: &Peer, readers: usize, mail: &str) -> Project {
    let project = Project::without_store(peer, "");
    let mut list = "email\n".to_owned();
    (1..=readers).for_each(|number| writeln!(list, "reader-{number}@example.org").unwrap());
    project.write("readers.csv", &list);
    project.write(
        "slugline.yaml",
        &format!(
            "title: Tide Notes\nbase_url: https://tides.example.org\nfeeds: {{formats: {{json: feed.json}}}}\n\
             mail:\n  from: notes@tides.example.org\n  subscribers: readers.csv\n  unsubscribe: none\n  connections: 1\n{mail}"
        ),
    );
    project.run(NOON, &["subscribers", "import", "readers.csv"]);
    project
}

fn via(peer: &Peer) -> String {
    format!("  via: smtp://127.0.0.1:{}\n", peer.port())
}

#[test]
fn a_server_that_dies_during_a_run_is_named_and_the_other_takes_over() {
    let healthy = Peer::start(vec![Script::new()]);
    // It accepts three messages and dies.
    let dying = Peer::start(vec![
        Script::new().on_nth("MAIL", 4, Answer::Drop),
        Script::new().always("GREETING", Answer::Drop),
    ]);
    let servers =
        format!("  via:\n    - smtp://127.0.0.1:{}\n    - url: smtp://127.0.0.1:{}\n", healthy.port(), dying.port());
    let project = project(&dying, 30, &servers);
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   30        30    0        0       0
warning[smtp-server-out]: the mail server `127.0.0.1:PORT` cannot be reached: [..]; it was suspended for a while, and other servers took its mail
 |
 = help: check host and port in `mail.via` (a port with TLS from the first byte, usually 465, needs `smtps://`), and that the server is running and reachable from here; then run this again: recipients not mailed are still queued

"#]],
    );
    assert_eq!((healthy.taken().len(), dying.taken().len()), (27, 3));
    let all: std::collections::BTreeSet<String> = healthy.recipients().into_iter().chain(dying.recipients()).collect();
    assert_eq!(all.len(), 30, "everybody, once");
}

#[test]
fn each_server_has_its_own_password() {
    let offering = || Script::new().offering("AUTH LOGIN");
    let peers = [Peer::start(vec![offering()]), Peer::start(vec![offering()])];
    let servers = format!(
        "  user: weekly\n  via:\n    - smtp://127.0.0.1:{}\n    - {{url: 'smtp://127.0.0.1:{}', user: second, password_env: SECOND_PASSWORD}}\n",
        peers[0].port(),
        peers[1].port()
    );
    let project = project(&peers[0], 12, &servers);
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 2
error[smtp-password]: the environment variable SECOND_PASSWORD, the password of a server in `mail.via`, is not set
 |
 = help: set it, or remove `password_env`

"#]],
    );
    let output = project.command(NOON, &["send"]).env("SECOND_PASSWORD", "open barley").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let logins =
        |peer: &Peer| peer.heard()[0].iter().filter(|line| line.starts_with("LOGIN ")).cloned().collect::<Vec<_>>();
    assert_eq!(logins(&peers[0]), ["LOGIN d2Vla2x5", "LOGIN b3BlbiBzZXNhbWU="]);
    assert_eq!(logins(&peers[1]), ["LOGIN c2Vjb25k", "LOGIN b3BlbiBiYXJsZXk="]);
}

/// Build servers pin the time of a build; the wait for a rate limit is real.
#[test]
fn a_rate_limit_follows_real_time_even_if_the_clock_is_pinned() {
    let peer = Peer::start(vec![Script::new()]);
    let project = project(&peer, 4, &format!("  rate: 10/s\n{}", via(&peer)));
    let output = project.run(NOON, &["send"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(peer.taken().len(), 4);
}

#[test]
fn a_warm_up_ends_the_run_quietly_and_the_next_day_continues() {
    let peer = Peer::start(vec![Script::new()]);
    let warm_up = "  warm_up: {since: 2026-11-20, first_day: 4, factor: 2}\n";
    let project = project(&peer, 10, &format!("{warm_up}{}", via(&peer)));
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   4         4     6        0       0
The warm-up allows no more today: 6 recipients wait. Run this again from 2026-11-21 00:00 on.

"#]],
    );
    project.shows(
        &project.run(LATER, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   0         4     6        0       0
The warm-up allows no more today: 6 recipients wait. Run this again from 2026-11-21 00:00 on.

"#]],
    );
    project.shows(
        &project.run(TOMORROW, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   6         10    0        0       0

"#]],
    );
    assert_eq!(peer.recipients().len(), 10);
}

#[test]
fn a_canary_that_fails_halts_every_run_until_a_person_decides() {
    let refusing = Script::new()
        .always("RCPT TO:<reader-1@", Answer::Say("550 5.2.1 <reader-1@example.org>: disabled"))
        .always("RCPT TO:<reader-4@", Answer::Say("550 5.2.1 <reader-4@example.org>: disabled"));
    let peer = Peer::start(vec![refusing]);
    let project = project(&peer, 30, &format!("  canary: {{share: 1%, wait: 30m}}\n{}", via(&peer)));
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 2
issue  sent now  sent  waiting  failed  unknown
neap   8         8     20       2       0
warning[failed-recipients]: `neap` could not be sent to 2 of 30 recipients
 |
 = help: `slugline status neap --state failed` shows them and the server's replies
error[canary-halted]: no one else is mailed `neap`: of the first 10 recipients 2 failed, which is more than 5 %. The servers replied `550 5.2.1 <…>: disabled` (2 times).
 |
 = help: fix the cause that the replies name (`slugline status neap --recipients` shows all of them); then `slugline send neap --after-canary` mails the others

"#]],
    );
    project.shows(
        &project.run(LATER, &["send"]),
        str![[r#"
exit 2
issue  sent now  sent  waiting  failed  unknown
neap   0         8     20       2       0
error[canary-halted]: no one else is mailed `neap`: of the first 10 recipients 2 failed, which is more than 5 %. The servers replied `550 5.2.1 <…>: disabled` (2 times).
 |
 = help: fix the cause that the replies name (`slugline status neap --recipients` shows all of them); then `slugline send neap --after-canary` mails the others

"#]],
    );
    project.shows(
        &project.run(LATER, &["send", "neap", "--after-canary"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   20        28    0        2       0

"#]],
    );
    assert_eq!(peer.recipients().len(), 28);
}

#[cfg(unix)]
#[test]
fn a_run_waiting_for_its_canary_ends_at_a_signal_and_the_next_one_continues() {
    let peer = Peer::start(vec![Script::new()]);
    let project = project(&peer, 30, &format!("  canary: {{wait: 30m}}\n{}", via(&peer)));
    let mut command = project.command(NOON, &["send"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut errors, mut text) = (BufReader::new(running.stderr.take().unwrap()), String::new());
    while !text.contains("`neap` was sent to the first 10 recipients; the others follow in 30 min") {
        assert!(errors.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    errors.read_to_string(&mut text).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0), "{text}");
    assert!(text.contains("Stopped by a signal"), "{text}");
    assert_eq!(peer.taken().len(), 10);
    // Half an hour after the last of the wave, the others have waited long enough.
    project.shows(
        &project.run(LATER, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   20        30    0        0       0

"#]],
    );
    assert_eq!(peer.recipients().len(), 30);
}

//! Death at every step: the program is killed, as by SIGKILL, at each step of mailing an issue in turn. Then it runs again,
//! and every recipient must be accounted for. The same with a disk that is full at each write.
//!
//! The program that dies has the feature `faults` and is built by `tests/run`; the one that runs again is the one users
//! get.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use crate::database::Database;
use crate::newsletter::{NOON, Newsletter, READERS};
use crate::program::with_faults;
use crate::smtp_peer::{Answer, Peer, Script};

/// More steps than any run takes.
const MAX_STEPS: usize = 1000;

const SIGKILL: i32 = 9;

#[test]
fn a_run_killed_at_any_step_skips_no_one_and_repeats_nothing() {
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let some = ["note entries: not written", "claim recipients: committed", "sync its log: done"];
    dies_at_every_step(&[&peer], "sqlite:slugline.db", &some, |_, _, dying| killed(dying));
}

#[test]
fn a_run_killed_at_any_step_with_a_server_without_pipelining() {
    let peer = Peer::start(vec![Script::new().numbering()]);
    let some = ["naming the sender (MAIL FROM): said", "asking to send the message (DATA): answered"];
    dies_at_every_step(&[&peer], "sqlite:slugline.db", &some, |_, _, dying| killed(dying));
}

/// Some recipients are deferred, some refused; their outcomes are recorded too.
#[test]
fn a_run_killed_at_any_step_with_a_server_that_refuses() {
    let script = Script::new().offering("PIPELINING").numbering();
    let script = script.always("RCPT TO:<reader1@", Answer::Say("450 4.2.0 Greylisted"));
    let script = script.always("RCPT TO:<reader2@", Answer::Say("550 5.2.1 Mailbox disabled"));
    let peer = Peer::start(vec![script]);
    let some = ["resetting the connection (RSET)"];
    dies_at_every_step(&[&peer], "sqlite:slugline.db", &some, |_, _, dying| killed(dying));
}

/// Recipients belong to no server: those not accepted when the run died go to either.
#[test]
fn a_run_killed_at_any_step_with_two_servers() {
    let peers = [0, 1].map(|_| Peer::start(vec![Script::new().offering("PIPELINING").numbering()]));
    let some = ["note entries: not written", "claim recipients: committed"];
    dies_at_every_step(&peers.each_ref(), "sqlite:slugline.db", &some, |_, _, dying| killed(dying));
}

/// One of them defers some recipients; the other refuses connections, so that it is suspended.
#[test]
fn a_run_killed_at_any_step_with_two_servers_one_of_which_is_suspended() {
    let puts_off = Script::new().numbering().always("RCPT TO:<reader1@", Answer::Say("450 4.2.0 Greylisted"));
    let peers = [puts_off, Script::new().always("GREETING", Answer::Say("554 5.3.2 No service here"))];
    let peers = peers.map(|script| Peer::start(vec![script]));
    dies_at_every_step(&peers.each_ref(), "sqlite:slugline.db", &[], |_, _, dying| killed(dying));
}

/// Two machines send the issue, half of it each; one of them dies.
#[test]
fn of_two_runs_on_one_postgresql_one_is_killed_at_any_step() {
    let Some(database) = Database::new("faults") else { return };
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let half = ["--limit".to_owned(), (READERS / 2).to_string()];
    let some = ["claim recipients: not asked", "record what is sent: answered"];
    dies_at_every_step(&[&peer], database.url(), &some, |newsletter, issue, mut dying| {
        let mut other = newsletter.sending(&newsletter.other, NOON, issue).args(&half).spawn().unwrap();
        dying.args(&half);
        let status = killed(dying);
        assert!(matches!(other.wait().unwrap().code(), Some(0 | 1)), "the other died too");
        status
    });
}

/// Mails one issue after another, each first by `mail`, whose program dies at step 1, 2, 3 and so on, and which returns how
/// it ended. The order of the steps depends on the threads; so it also dies at each step that every run takes, and at each
/// of `some`, where it has not died yet.
fn dies_at_every_step(
    peers: &[&Peer],
    store: &str,
    some: &[&str],
    mail: impl Fn(&Newsletter, &str, Command) -> ExitStatus,
) {
    let Some(with_faults) = with_faults() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ports: Vec<u16> = peers.iter().map(|peer| peer.port()).collect();
    let newsletter = Newsletter::over(&ports, READERS, folder.path(), store);
    let mut issues = (1..).map(|number| format!("issue-{number}"));
    // The name of the step at which it died, if it did.
    let mut death = |fault: &str| {
        let issue = issues.next().unwrap();
        newsletter.write_issue(&issue);
        let step = newsletter.folder().join("step");
        let _ = fs::remove_file(&step);
        let status = mail(&newsletter, &issue, newsletter.dying(&with_faults, &issue, fault, &step));
        let died = status.signal() == Some(SIGKILL);
        assert!(died || matches!(status.code(), Some(0 | 1)), "{issue}: {status}");
        let step = fs::read_to_string(step).unwrap_or_default();
        let next = newsletter.sending(newsletter.folder(), NOON, &issue).status().unwrap();
        peers.iter().for_each(|peer| peer.settle());
        newsletter.is_accounted_for_by(peers, &issue, &format!("a death at `{step}`"));
        assert!(matches!(next.code(), Some(0 | 1)), "{issue} after a death at `{step}`: {next}");
        died.then_some(step)
    };
    let (mut steps, mut survived, mut fault) = (BTreeSet::new(), 0, 0);
    // The number of steps depends a little on the threads, too.
    while survived < 5 {
        fault += 1;
        assert!(fault < MAX_STEPS, "it took more than {MAX_STEPS} steps");
        let died = death(&fault.to_string());
        survived = if died.is_some() { 0 } else { survived + 1 };
        steps.extend(died);
    }
    println!("killed {} times", fault - survived);
    let all = ["message: not written", "message: written", "waiting for the reply to the message: answered"];
    for step in all.iter().chain(some) {
        let died = steps.iter().any(|taken| taken.starts_with(*step)) || death(step).is_some();
        assert!(died, "it takes no step `{step}`, but {steps:#?}");
    }
}

fn killed(mut command: Command) -> ExitStatus {
    command.spawn().unwrap().wait().unwrap()
}

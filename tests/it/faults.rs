//! Death at every step. The program is killed, as SIGKILL does it, at each step that it takes to mail an issue, one after
//! the other; then it runs again, and everybody has to be accounted for. The same with a disk that is full at each write.
//!
//! Death only with the feature `faults`, as `tests/run` has it: without it the program has no such steps.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use crate::database::Database;
use crate::newsletter::{NOON, Newsletter, READERS};
use crate::smtp_peer::{Answer, Peer, Script};

/// More steps than any run takes.
const MOST_STEPS: usize = 1000;

const SIGKILL: i32 = 9;

#[test]
fn a_run_killed_at_any_step_loses_nobody_and_repeats_nothing() {
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let steps = dies_at_every_step(&peer, "sqlite:slugline.db", |newsletter, issue, fault| {
        killed(dying(newsletter, issue, fault))
    });
    assert_steps(&steps, &["note entries: not written", "claim recipients: committed", "sync its log: done"]);
}

#[test]
fn a_run_killed_at_any_step_with_a_server_that_takes_no_groups() {
    let peer = Peer::start(vec![Script::new().numbering()]);
    let steps = dies_at_every_step(&peer, "sqlite:slugline.db", |newsletter, issue, fault| {
        killed(dying(newsletter, issue, fault))
    });
    assert_steps(&steps, &["naming the sender (MAIL FROM): said", "asking to send the message (DATA): answered"]);
}

/// Some recipients are put off, some refused; those are written down too.
#[test]
fn a_run_killed_at_any_step_with_a_server_that_says_no() {
    let script = Script::new().offering("PIPELINING").numbering();
    let script = script.always("RCPT TO:<reader1@", Answer::Say("450 4.2.0 Greylisted"));
    let script = script.always("RCPT TO:<reader2@", Answer::Say("550 5.2.1 Mailbox disabled"));
    let peer = Peer::start(vec![script]);
    let steps = dies_at_every_step(&peer, "sqlite:slugline.db", |newsletter, issue, fault| {
        killed(dying(newsletter, issue, fault))
    });
    assert_steps(&steps, &["resetting the connection (RSET)"]);
}

/// Two machines send the issue, a half of it each; one of them dies.
#[test]
fn of_two_runs_on_one_postgresql_one_is_killed_at_any_step() {
    let Some(database) = Database::new("faults") else { return };
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let half = ["--limit".to_owned(), (READERS / 2).to_string()];
    let steps = dies_at_every_step(&peer, database.url(), |newsletter, issue, fault| {
        let mut other = newsletter.sending(&newsletter.other, NOON, issue).args(&half).spawn().unwrap();
        let mut dying = dying(newsletter, issue, fault);
        dying.args(&half);
        let status = killed(dying);
        assert!(matches!(other.wait().unwrap().code(), Some(0 | 1)), "the other died too");
        status
    });
    assert_steps(&steps, &["claim recipients: not asked", "record what is sent: answered"]);
}

/// Mails one issue after the other; the first time of each by `mail`, which is to die at step 1, 2, 3 and so on and gives
/// how it ended. Gives the names of the steps.
fn dies_at_every_step(
    peer: &Peer,
    store: &str,
    mail: impl Fn(&Newsletter, &str, usize) -> ExitStatus,
) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let newsletter = Newsletter::new(folder.path(), peer.port(), store);
    let mut steps = BTreeSet::new();
    // How many steps a run takes depends a little on which thread is faster.
    let mut survived = 0;
    for fault in 1..MOST_STEPS {
        let issue = format!("issue-{fault}");
        newsletter.write_issue(&issue);
        let status = mail(&newsletter, &issue, fault);
        let died = status.signal() == Some(SIGKILL);
        assert!(died || matches!(status.code(), Some(0 | 1)), "{issue}: {status}");
        survived = if died { 0 } else { survived + 1 };
        let step = fs::read_to_string(newsletter.folder().join("step")).unwrap_or_default();
        let next = newsletter.sending(newsletter.folder(), NOON, &issue).status().unwrap();
        peer.settle();
        newsletter.is_accounted_for(peer, &issue, &format!("a death at `{step}`"));
        assert!(matches!(next.code(), Some(0 | 1)), "{issue} after a death at `{step}`: {next}");
        if survived == 5 {
            println!("killed {} times", fault - survived);
            return steps;
        }
        steps.insert(step);
    }
    panic!("it took more than {MOST_STEPS} steps")
}

/// A command that sends an issue and dies at that step.
fn dying(newsletter: &Newsletter, issue: &str, fault: usize) -> Command {
    let step = newsletter.folder().join("step");
    let _ = fs::remove_file(&step);
    let mut command = newsletter.sending(newsletter.folder(), NOON, issue);
    command.env("SLUGLINE_FAULT", fault.to_string()).env("SLUGLINE_FAULT_STEP", step);
    command
}

fn killed(mut command: Command) -> ExitStatus {
    command.spawn().unwrap().wait().unwrap()
}

/// It died at steps that begin so, beside those that every run takes. A step that comes once or twice in a run may be missed
/// from one death to the next, as threads are faster or slower: what is named here comes often, or before there are threads.
#[track_caller]
fn assert_steps(steps: &BTreeSet<String>, some: &[&str]) {
    let all = ["message: not written", "message: written", "waiting for the reply to the message: answered"];
    for step in all.iter().chain(some) {
        assert!(steps.iter().any(|taken| taken.starts_with(*step)), "it never died at `{step}`, but at {steps:#?}");
    }
}

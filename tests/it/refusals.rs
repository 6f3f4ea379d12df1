//! What a person sees when a mail server says no, says nothing, or dies: the real program against a scripted server.
//!
//! Which reply means what is tried in full beside `delivery` and `smtp`; here it is about words, exit codes and the next
//! run. None of these tests needs a mail server to be installed.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use snapbox::data::Inline;
use snapbox::{assert_data_eq, str};

use crate::program::slugline;
use crate::smtp_peer::{Answer, Peer, Script, self_signed};

pub(crate) const NOON: &str = "2026-11-20T12:00:00Z";
const AN_HOUR_LATER: &str = "2026-11-20T13:00:00Z";

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_recipient_who_is_refused_is_named_and_stops_nobody() {
    let peer = Peer::start(vec![
        Script::new()
            .always("RCPT TO:<b@", Answer::Say("550 5.1.1 No such user"))
            .on("RCPT TO:<c@", Answer::Say("450 4.7.1 Greylisted")),
    ]);
    let project = Project::new(&peer, "");
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   1         1     1        1       0
warning[failed-recipients]: `neap` could not be mailed to 1 of 3 recipients
 |
 = help: `slugline status neap --state failed` names them and the server's words

"#]],
    );
    project.shows(
        &project.run(NOON, &["status", "neap", "--recipients"]),
        str![[r#"
exit 1
issue  begun             recipients  sent  deferred  failed
neap   2026-11-20 12:00  3           1     1         1

a@example.org  sent      250 2.0.0 Ok: queued
b@example.org  failed    550 5.1.1 No such user
c@example.org  deferred  450 4.7.1 Greylisted

"#]],
    );
    project.shows(
        &project.run(AN_HOUR_LATER, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   1         2     0        1       0

"#]],
    );
    assert_eq!(peer.recipients(), ["a@example.org", "c@example.org"]);
    project.shows(
        &project.run(AN_HOUR_LATER, &["subscribers", "export"]),
        str![[r#"
exit 0
email,name,status,created
a@example.org,,active,2026-11-20T12:00:00+00:00
b@example.org,,suppressed,2026-11-20T12:00:00+00:00
c@example.org,,active,2026-11-20T12:00:00+00:00

"#]],
    );
}

#[test]
fn a_reply_that_never_came_leaves_the_recipient_to_a_person() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::TakeAndDrop)]);
    let project = Project::new(&peer, "");
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   2         2     0        0       1
warning[unknown-recipients]: nobody can know whether 1 of 3 recipients got `neap`: no reply came
 |
 = help: `slugline status neap --state unknown` names them, `slugline resolve neap --sent` or `--resend` decides

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 0
Nothing was due.

"#]],
    );
    project.shows(
        &project.run(NOON, &["resolve", "neap", "--resend"]),
        str![[r#"
exit 0
1 unknown recipients of `neap` are queued now

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   1         3     0        0       0

"#]],
    );
    assert_eq!(peer.recipients(), ["a@example.org", "b@example.org", "b@example.org", "c@example.org"]);
}

#[test]
fn a_server_that_refuses_the_sender_stops_the_run_and_blames_no_subscriber() {
    let peer = Peer::start(vec![Script::new().on("MAIL", Answer::Say("550 5.7.1 Sender not allowed"))]);
    let project = Project::new(&peer, "");
    project.shows(&project.run(NOON, &["send"]), str![[r#"
exit 2
issue  sent now  sent  waiting  failed  unknown
neap   0         0     3        0       0
error[smtp-sender]: the mail server `127.0.0.1:PORT` refuses the sender: the server said `550 5.7.1 Sender not allowed`, while naming the sender (MAIL FROM)
 |
 = help: use an address this server may send for, in `mail.from` or `mail.bounce_address`; it may also want a login in `mail.user`

"#]]);
    project.shows(
        &project.run(NOON, &["status"]),
        str![[r#"
exit 0
issue  begun             recipients  queued  sent
neap   2026-11-20 12:00  3           3       0

"#]],
    );
    project.sends_to_all_three();
}

#[test]
fn a_login_that_is_refused_is_told_without_the_password() {
    let (tls, certificate) = self_signed();
    let refusing =
        Script::new().tls(tls, false).offering("AUTH PLAIN").on("AUTH", Answer::Say("535 5.7.8 Who are you"));
    let peer = Peer::start(vec![refusing]);
    let project = Project::new(&peer, "  user: weekly\n  tls_ca_file: cert.pem\n");
    project.write("cert.pem", &certificate);
    project.write("slugline.yaml", &project.read("slugline.yaml").replace("smtp://", "smtp+starttls://"));
    project.shows(&project.run(NOON, &["send"]), str![[r#"
exit 2
issue  sent now  sent  waiting  failed  unknown
neap   0         0     3        0       0
error[smtp-login]: the mail server `127.0.0.1:PORT` refuses the login: the server said `535 5.7.8 Who are you`, while logging in
 |
 = help: check `mail.user`, and SLUGLINE_SMTP_PASSWORD or `mail.password_file`; some providers want a password made for programs

"#]]);
    assert!(peer.heard()[0].contains(&"STARTTLS".to_owned()), "{:?}", peer.heard());
    project.sends_to_all_three();
    assert_eq!(peer.recipients().len(), 3);
}

#[test]
fn while_one_run_sends_another_leaves_it_alone_and_after_its_death_finishes_its_work() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::Silence)]);
    let project = Project::new(&peer, "");
    let mut first = project.command(NOON, &["send"]).spawn().unwrap();
    project.wait_for("sending", "b@example.org");
    let (published, sent) = (project.run(NOON, &["publish"]), project.run(NOON, &["send"]));
    first.kill().unwrap();
    first.wait().unwrap();
    project.shows(
        &published,
        str![[r#"
exit 0
json  public/feed.json  1 issue  630 B  new
lock  feeds.lock        1 issue  396 B  unchanged
Nothing was mailed: another run is sending: RUN.

"#]],
    );
    project.shows(
        &sent,
        str![[r#"
exit 2
error[busy]: another run is sending: RUN
 |
 = help: wait until it is done; what it leaves is mailed by the next run

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   1         2     0        0       1
An earlier run was interrupted; 1 recipients it had taken were queued again.
warning[unknown-recipients]: nobody can know whether 1 of 3 recipients got `neap`: no reply came
 |
 = help: `slugline status neap --state unknown` names them, `slugline resolve neap --sent` or `--resend` decides

"#]],
    );
    project.shows(
        &project.run(NOON, &["status", "--state", "unknown"]),
        str![[r#"
exit 1
issue  begun             recipients  sent  unknown
neap   2026-11-20 12:00  3           2     1

b@example.org  unknown  the run that was sending it died before the reply

"#]],
    );
    assert_eq!(peer.recipients(), ["a@example.org", "c@example.org"]);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_within_seconds_though_the_server_is_silent() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::Silence)]);
    let project = Project::new(&peer, "");
    let mut command = project.command(NOON, &["send"]);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    project.wait_for("sending", "b@example.org");
    let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("Stopped by a signal: whoever was not mailed is still queued."), "{output:?}");
    assert!(said(&project.run(NOON, &["status", "--state", "unknown"])).contains("b@example.org"));
    assert!(said(&project.run(NOON, &["status", "--state", "queued"])).contains("c@example.org"));
}

/// A project with one issue that is due and three subscribers, mailed over one connection to a peer.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    port: u16,
}

impl Project {
    pub(crate) fn new(peer: &Peer, mail: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), peer.port());
        let project = Self { folder, port };
        project.write("content/neap.md", "---\ntitle: Neap tide\ndate: 2026-11-20T11:00:00Z\n---\n\nThe sea rests.\n");
        project.write("readers.csv", "email\na@example.org\nb@example.org\nc@example.org\n");
        project.write(
            "slugline.yaml",
            &format!(
                "title: Tide Notes\nbase_url: https://tides.example.org\nfeeds: {{formats: {{json: feed.json}}}}\n\
                 mail:\n  from: notes@tides.example.org\n  subscribers: readers.csv\n  connections: 1\n\
                 {mail}  via: smtp://127.0.0.1:{port}\n"
            ),
        );
        project
    }

    pub(crate) fn command(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = slugline(self.folder.path());
        command.args(["--now", now]).args(arguments).env("SLUGLINE_SMTP_PASSWORD", "open sesame");
        command
    }

    pub(crate) fn run(&self, now: &str, arguments: &[&str]) -> Output {
        let output = self.command(now, arguments).output().unwrap();
        assert!(!said(&output).contains("sesame"), "the password is shown: {output:?}");
        output
    }

    /// What a person at the terminal sees is this; the port stands as PORT, another run's process and host as RUN.
    #[track_caller]
    pub(crate) fn shows(&self, output: &Output, expected: Inline) {
        let text = said(output).replace(&self.port.to_string(), "PORT");
        let (before, run) = text.split_once("process ").unwrap_or((&text, ""));
        let text = match run.split_once(" on `").and_then(|(_, host)| host.split_once('`')) {
            Some((_, after)) => format!("{before}RUN{after}"),
            None => text,
        };
        assert_data_eq!(text, expected);
    }

    /// A run with which nothing is wrong.
    #[track_caller]
    fn sends_to_all_three(&self) {
        let expected = str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   3         3     0        0       0

"#]];
        self.shows(&self.run(NOON, &["send"]), expected);
    }

    /// Until the ledger has the recipient in that state.
    pub(crate) fn wait_for(&self, state: &str, address: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !said(&self.run(NOON, &["status", "--state", state])).contains(address) {
            assert!(Instant::now() < deadline, "{address} was never {state}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Exit code, stdout and stderr.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("exit {}\n{}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

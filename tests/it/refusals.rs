//! What a person sees when a mail server refuses, falls silent or dies: the real program against a scripted server.
//!
//! What each reply means is tested in full beside `delivery` and `smtp`; here it is about messages, exit codes and the next
//! run. No mail server needs to be installed.

use std::process::{Command, Stdio};
use std::time::Duration;

use project::{Project, said};
use snapbox::str;

use crate::smtp_peer::{Answer, Peer, Script, self_signed};

pub mod project;
mod unrelated;

pub const NOON: &str = "2026-11-20T12:00:00Z";
/// Before a deferred recipient is tried again.
const SOON: &str = "2026-11-20T12:01:00Z";
const AN_HOUR_LATER: &str = "2026-11-20T13:00:00Z";
const A_MONTH_LATER: &str = "2026-12-20T12:00:00Z";

/// Timeout of every wait. A machine under load is slow by seconds, not by minutes.
const TIMEOUT: Duration = Duration::from_secs(200);

#[test]
fn a_refused_recipient_is_named_and_does_not_stop_the_others() {
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
warning[failed-recipients]: `neap` could not be sent to 1 of 3 recipients
 |
 = help: `slugline status neap --state failed` shows them and the server's replies

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
fn a_deferred_or_failed_recipient_can_be_retried_by_command() {
    let peer = Peer::start(vec![
        Script::new()
            .on("RCPT TO:<a@", Answer::Say("550 5.2.1 Mailbox disabled"))
            .always("RCPT TO:<b@", Answer::Say("550 5.1.1 No such user"))
            .on("RCPT TO:<c@", Answer::Say("450 4.7.1 Greylisted")),
    ]);
    let readers = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"].map(str::to_owned);
    let project = Project::with_readers(&readers, &peer, 1, "sqlite:slugline.db", "");
    project.run(NOON, &["send"]);
    project.shows(&project.run(SOON, &["send"]), str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   0         1     1        2       0
`neap` waits for 1 deferred recipient: the next attempt is due at 2026-11-20 12:05 UTC. `slugline retry neap` makes it due now.

"#]]);
    project.shows(
        &project.run(NOON, &["retry", "neap"]),
        str![[r#"
exit 0
1 deferred recipients of `neap` are queued again
`slugline send neap` mails them.

"#]],
    );
    project.shows(&project.run(NOON, &["retry", "neap", "--failed"]), str![[r#"
exit 0
0 deferred and 1 failed or bounced recipients of `neap` are queued again
1 stay out: they unsubscribed or are suppressed. If one of them wants the mail after all, run `slugline subscribers add --again ADDRESS` first.
`slugline send neap` mails them.

"#]]);
    project.shows(&project.run(NOON, &["retry", "neap", "--failed", "B@example.org"]), str![[r#"
exit 1
0 deferred and 0 failed or bounced recipients of `neap` are queued again
1 stay out: they unsubscribed or are suppressed. If one of them wants the mail after all, run `slugline subscribers add --again ADDRESS` first.

"#]]);
    project.shows(
        &project.run(NOON, &["status", "neap", "--recipients"]),
        str![[r#"
exit 1
issue  begun             recipients  queued  sent  failed
neap   2026-11-20 12:00  4           2       1     1

a@example.org  queued  550 5.2.1 Mailbox disabled
b@example.org  failed  550 5.1.1 No such user
c@example.org  queued  450 4.7.1 Greylisted
d@example.org  sent    250 2.0.0 Ok: queued

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   2         3     0        1       0

"#]],
    );
    project.run(NOON, &["subscribers", "add", "--again", "b@example.org"]);
    project.shows(
        &project.run(NOON, &["retry", "neap", "--failed", "--json"]),
        str![[r#"
exit 0
{
  "issue": "neap",
  "deferred": 0,
  "failed": 1,
  "away": 0,
  "findings": []
}
`slugline send neap` mails them.

"#]],
    );
    project.shows(
        &project.run(A_MONTH_LATER, &["send"]),
        str![[r#"
exit 0
Nothing was due:
  `neap` was mailed on 2026-11-20 12:00; 3 of 4 have it, and 1 have waited for long: `slugline send neap` mails them

"#]],
    );
    project.shows(
        &project.run(A_MONTH_LATER, &["send", "neap"]),
        str![[r#"
exit 0
issue  sent now  sent  waiting  failed  unknown
neap   0         3     1        0       0

"#]],
    );
    assert_eq!(peer.recipients(), ["a@example.org", "c@example.org", "d@example.org"]);
}

#[test]
fn a_missing_reply_leaves_the_decision_to_a_person() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::TakeAndDrop)]);
    let project = Project::new(&peer, "");
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   2         2     0        0       1
warning[unknown-recipients]: it is unknown whether 1 of 3 recipients got `neap`: no reply came
 |
 = help: `slugline status neap --state unknown` lists them, `slugline resolve neap --sent` or `--resend` decides

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 0
Nothing was due:
  `neap` was mailed on 2026-11-20 12:00; 2 of 3 have it, and 1 may have it: `slugline resolve neap --sent` or `--resend` decides

"#]],
    );
    project.shows(
        &project.run(NOON, &["resolve", "neap", "--resend", "b@example.org", "B@example.org"]),
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
 = help: set `mail.from` or `mail.bounce_address` to an address this server may send for; it may also require a login in `mail.user`

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
fn a_refused_login_is_reported_without_the_password() {
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
 = help: check `mail.user`, and SLUGLINE_SMTP_PASSWORD or `mail.password_file`; some providers require an app password

"#]]);
    assert!(peer.heard()[0].contains(&"STARTTLS".to_owned()), "{:?}", peer.heard());
    project.sends_to_all_three();
    assert_eq!(peer.recipients().len(), 3);
}

#[test]
fn a_second_run_refuses_to_start_and_finishes_the_work_of_a_dead_one() {
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
lock  feeds.lock        1 issue  [..]  unchanged
Nothing was sent: another run is sending: RUN.

"#]],
    );
    project.shows(
        &sent,
        str![[r#"
exit 2
error[busy]: another run is sending: RUN
 |
 = help: wait until it is done; the next run sends what it leaves

"#]],
    );
    project.shows(
        &project.run(NOON, &["send"]),
        str![[r#"
exit 1
issue  sent now  sent  waiting  failed  unknown
neap   1         2     0        0       1
An earlier run was interrupted; 1 recipients that it had claimed are queued again.
warning[unknown-recipients]: it is unknown whether 1 of 3 recipients got `neap`: no reply came
 |
 = help: `slugline status neap --state unknown` lists them, `slugline resolve neap --sent` or `--resend` decides

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
fn a_signal_ends_a_run_within_seconds_even_if_the_server_is_silent() {
    let peer = Peer::start(vec![Script::new().on_nth("DOT", 2, Answer::Silence)]);
    let project = Project::new(&peer, "");
    let mut command = project.command(NOON, &["send"]);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    project.wait_for("sending", "b@example.org");
    let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("Stopped by a signal: the remaining recipients are still queued."), "{output:?}");
    assert!(said(&project.run(NOON, &["status", "--state", "unknown"])).contains("b@example.org"));
    assert!(said(&project.run(NOON, &["status", "--state", "queued"])).contains("c@example.org"));
}

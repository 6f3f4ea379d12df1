//! Sends to a real Postfix, over STARTTLS and with a login, and reads what arrived with an independent parser.
//!
//! `tests/run` starts the server and names it in the environment; without it these tests say so and pass, except in CI.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use mail_parser::{Address, MessageParser};

use crate::dns_peer::DnsPeer;
use crate::program::slugline;
use crate::skipped::skip;

mod signatures;

/// How long mail may take from the server's acceptance to the mailbox.
const TIMEOUT: Duration = Duration::from_secs(300);

#[test]
fn a_thousand_subscribers_get_one_whole_mail_each() {
    let Some(server) = Server::from_environment() else { return };
    let project = server.project("thousand", 1000);
    let sent = project.run(&["publish"]);
    assert_eq!(sent.status.code(), Some(0), "{sent:?}");
    let mails = server.mails_to("thousand", 1000);
    for number in 0..1000 {
        let address = address("thousand", number);
        let received: Vec<&Mail> = mails.iter().filter(|mail| mail.delivered_to == address).collect();
        assert_eq!(received, [&expected(&address, number)], "{address}");
    }
    let ids: BTreeMap<&str, &str> =
        mails.iter().map(|mail| (mail.message_id.0.as_str(), mail.delivered_to.as_str())).collect();
    assert_eq!(ids.len(), 1000, "every mail has a Message-ID of its own");
    let again = project.run(&["publish"]);
    assert_eq!((again.status.code(), String::from_utf8_lossy(&again.stderr).as_ref()), (Some(0), ""));
    assert!(!String::from_utf8_lossy(&again.stdout).contains("surge"), "{again:?}");
    assert_eq!(server.mails_to("thousand", 1000).len(), 1000);
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next_and_mails_nobody_twice() {
    let Some(server) = Server::from_environment() else { return };
    let project = server.project("killed", 3000);
    let mut run = project.command(&["send"]).spawn().unwrap();
    server.mails_to("killed", 50);
    run.kill().unwrap();
    run.wait().unwrap();
    let before = server.mails_to("killed", 0).len();
    assert!(before < 3000, "it was over before it was killed");
    let next = project.run(&["send"]);
    let unknown = project.unknown();
    assert!(unknown.len() <= CONNECTIONS, "{unknown:?}");
    assert_eq!(next.status.code(), Some(i32::from(!unknown.is_empty())), "{next:?}");
    let mut times: BTreeMap<String, usize> = (0..3000).map(|number| (address("killed", number), 0)).collect();
    for mail in server.mails_to("killed", 3000 - unknown.len()) {
        *times.get_mut(&mail.delivered_to).unwrap() += 1;
    }
    times.retain(|address, times| *times != 1 && !(unknown.contains(address) && *times == 0));
    assert_eq!(times, BTreeMap::new(), "mailed not once, and not named as unknown");
}

#[test]
fn a_wrong_password_or_a_stranger_s_certificate_stops_before_the_first_mail() {
    let Some(server) = Server::from_environment() else { return };
    let project = server.project("refused", 3);
    let wrong = project.command(&["send"]).env("SLUGLINE_SMTP_PASSWORD", "wrong").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).starts_with("error[smtp-login]"), "{wrong:?}");
    let trusting = project.read("slugline.yaml");
    project.write("slugline.yaml", &trusting.replace("  tls_ca_file: cert.pem\n", ""));
    let stranger = project.run(&["send"]);
    assert_eq!(stranger.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("certificate"), "{stranger:?}");
    project.write("slugline.yaml", &trusting);
    assert_eq!(project.run(&["send"]).status.code(), Some(0));
    assert_eq!(server.mails_to("refused", 3).len(), 3);
}

#[test]
fn doctor_sees_what_postfix_offers_and_sends_nothing() {
    let Some(server) = Server::from_environment() else { return };
    let project = server.project("doctor", 1);
    let look = |password: &str| {
        let dns = DnsPeer::start(&[("tides.example.org", "TXT", "v=spf1 mx -all")]);
        let mut command = project.command(&["--json", "doctor", "--dns", &dns.address().to_string()]);
        let output = command.env("SLUGLINE_SMTP_PASSWORD", password).output().unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let steps = document["parts"][0]["steps"].as_array().unwrap();
        steps.iter().map(|step| (step["step"].as_str().unwrap().to_owned(), step.clone())).collect()
    };
    let well: BTreeMap<String, serde_json::Value> = look(&project.password);
    let outcomes: Vec<(&str, &str)> =
        well.iter().map(|(name, step)| (name.as_str(), step["outcome"].as_str().unwrap())).collect();
    let names = ["TLS", "certificate", "connection", "envelope", "extensions", "greeting", "login", "name", "speed"];
    // The certificate of this server lives for two days.
    let outcome = |name| if name == "certificate" { "warning" } else { "ok" };
    assert_eq!(outcomes, names.map(|name| (name, outcome(name))), "{well:?}");
    assert!(well["TLS"]["seen"].as_str().unwrap().starts_with("STARTTLS, then TLS 1.3"), "{well:?}");
    assert!(well["extensions"]["seen"].as_str().unwrap().contains("PIPELINING"), "{well:?}");
    assert!(well["speed"]["numbers"]["most_messages_per_second"].as_f64().unwrap() > 1.0, "{well:?}");
    let refused: BTreeMap<String, serde_json::Value> = look("wrong");
    assert!(refused["login"]["seen"].as_str().unwrap().contains("535"), "{refused:?}");
    assert!(!refused.contains_key("envelope"));
    assert_eq!(server.mails_to("doctor", 0).len(), 0);
}

const CONNECTIONS: usize = 4;

/// The Postfix that `tests/run` started.
struct Server {
    /// Host and port.
    address: String,
    /// Its folder: certificate, password, mailbox.
    folder: PathBuf,
}

impl Server {
    fn from_environment() -> Option<Self> {
        let Ok(address) = env::var("SLUGLINE_TEST_POSTFIX") else {
            skip("there is no Postfix; `tests/run`, as root, starts one");
            return None;
        };
        Some(Self { address, folder: env::var("SLUGLINE_TEST_POSTFIX_DIR").unwrap().into() })
    }

    /// A project with one issue that is due, and this many subscribers of a test.
    fn project(&self, test: &str, subscribers: usize) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let project = Project { folder, password: fs::read_to_string(self.folder.join("password")).unwrap() };
        let rows: String =
            (0..subscribers).map(|number| format!("{},{}\n", address(test, number), name(number))).collect();
        project.write("readers.csv", &format!("email,name\n{rows}"));
        project.write("content/surge.md", ISSUE);
        project.write("templates/edition.txt", "{{ subscriber.name }}，你好！\n\n{{ body }}");
        project.write("templates/edition.html", "<p>{{ subscriber.name }}，你好！</p>\n{{ body }}");
        project.write("cert.pem", &fs::read_to_string(self.folder.join("cert.pem")).unwrap());
        project.write("slugline.yaml", &PROJECT_FILE.replace("SERVER", &self.address));
        let imported = project.command(&["subscribers", "import", "readers.csv"]).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        project
    }

    /// The mails to the subscribers of a test, once this many have arrived.
    fn mails_to(&self, test: &str, count: usize) -> Vec<Mail> {
        let prefix = format!("{test}.");
        let mut mails: BTreeMap<PathBuf, Mail> = BTreeMap::new();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            for entry in fs::read_dir(self.folder.join("mail/inbox/new")).into_iter().flatten() {
                let path = entry.unwrap().path();
                mails.entry(path.clone()).or_insert_with(|| Mail::read(&fs::read(path).unwrap()));
            }
            let ours = mails.values().filter(|mail| mail.delivered_to.starts_with(&prefix));
            if ours.clone().count() >= count {
                return ours.cloned().collect();
            }
            assert!(Instant::now() < deadline, "{} of {count} mails arrived", ours.count());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A project in a temporary folder.
struct Project {
    folder: tempfile::TempDir,
    password: String,
}

impl Project {
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = slugline(self.folder.path());
        command.args(["--now", "2026-11-20T08:00:00Z", "--quiet"]).args(arguments);
        command.env("SLUGLINE_SMTP_PASSWORD", &self.password);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Addresses whose delivery is unknown.
    fn unknown(&self) -> Vec<String> {
        let output = self.run(&["status", "--state", "unknown", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let deliveries = status["mailings"][0]["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries.iter().map(|delivery| delivery["address"].as_str().unwrap().to_owned()).collect()
    }
}

/// A mail as an independent parser reads it: everything in it but what the server wrote on its way.
#[derive(Debug, Clone, PartialEq)]
struct Mail {
    delivered_to: String,
    headers: Vec<String>,
    from: Vec<(String, String)>,
    to: Vec<(String, String)>,
    subject: String,
    date: String,
    list_id: Vec<(String, String)>,
    unsubscribe: String,
    message_id: MessageId,
    parts: Vec<(String, String)>,
}

/// Equal to any other: that all differ is tested apart.
#[derive(Debug, Clone)]
struct MessageId(String);

impl PartialEq for MessageId {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Mail {
    fn read(bytes: &[u8]) -> Self {
        let message = MessageParser::default().parse(bytes).unwrap();
        let by_server = ["Return-Path", "X-Original-To", "Delivered-To", "Received"];
        let headers = message.headers().iter().map(|header| header.name().to_owned());
        let part = |part: &mail_parser::MessagePart<'_>| {
            let kind = part.headers.iter().find(|header| header.name() == "Content-Type").unwrap();
            let kind = kind.value().as_content_type().unwrap();
            let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
            (kind, part.text_contents().unwrap_or_default().replace("\r\n", "\n"))
        };
        Self {
            delivered_to: message.header_raw("Delivered-To").unwrap().trim().to_owned(),
            headers: headers.filter(|name| !by_server.contains(&name.as_str())).collect(),
            from: mailboxes(message.from()),
            to: mailboxes(message.to()),
            subject: message.subject().unwrap().to_owned(),
            date: message.date().unwrap().to_rfc3339(),
            list_id: mailboxes(message.list_id().as_address()),
            unsubscribe: message.header_raw("List-Unsubscribe").unwrap().trim().to_owned(),
            message_id: MessageId(message.message_id().unwrap().to_owned()),
            parts: message.parts.iter().map(part).collect(),
        }
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> Vec<(String, String)> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mailboxes = address.into_iter().flat_map(Address::iter);
    mailboxes.map(|mailbox| (text(mailbox.name()), text(mailbox.address()))).collect()
}

fn address(test: &str, number: usize) -> String {
    format!("{test}.reader{number}@example.org")
}

/// Every third has no name, every third one that is not ASCII.
fn name(number: usize) -> String {
    match number % 3 {
        0 => String::new(),
        1 => format!("Reader {number}"),
        _ => format!("读者{number}"),
    }
}

const PROJECT_FILE: &str = "\
title: Tide Notes
base_url: https://tides.example.org
check: {off: [mail-unsubscribe]}
mail:
  from: 潮汐周刊 <notes@tides.example.org>
  list_id: Tide Notes <notes.tides.example.org>
  unsubscribe_mailto: leave@tides.example.org
  via: smtp+starttls://SERVER
  user: weekly@localhost
  tls_ca_file: cert.pem
  connections: 4
  subscribers: readers.csv
";

/// A line that begins with a dot is a line that SMTP must escape.
const ISSUE: &str = "\
---
title: \"风暴潮 & storm surge: how the wind lifts the sea, and how a program that knows the wind can tell\"
date: 2026-11-20T07:00:00Z
---

误差降到**0.2**米。

```
.
..two dots
```
";

fn expected(address: &str, number: usize) -> Mail {
    let pair = |name: &str, address: &str| vec![(name.to_owned(), address.to_owned())];
    let name = name(number);
    // Four blanks before code, and one before them that `format=flowed` asks for (RFC 3676 section 4.4).
    let text = format!("{name}，你好！\n\n误差降到0.2米。\n\n     .\n     ..two dots\n");
    let html = format!(
        "<html><head></head><body><p>{name}，你好！</p>\n<p>误差降到<strong>0.2</strong>米。</p>\n\
         <pre><code>.\n..two dots\n</code></pre>\n</body></html>"
    );
    Mail {
        delivered_to: address.to_owned(),
        headers: HEADERS.map(str::to_owned).to_vec(),
        from: pair("潮汐周刊", "notes@tides.example.org"),
        to: pair(&name, address),
        subject: "风暴潮 & storm surge: how the wind lifts the sea, and how a program that knows the wind can tell"
            .to_owned(),
        date: "2026-11-20T08:00:00Z".to_owned(),
        list_id: pair("Tide Notes", "notes.tides.example.org"),
        unsubscribe: "<mailto:leave@tides.example.org?subject=unsubscribe>".to_owned(),
        message_id: MessageId(String::new()),
        parts: vec![
            ("multipart/alternative".to_owned(), String::new()),
            ("text/plain".to_owned(), text),
            ("text/html".to_owned(), html),
        ],
    }
}

const HEADERS: [&str; 14] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-ID",
    "Archived-At",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Precedence",
    "Content-Language",
];

//! `slugline doctor` against a scripted mail server and DNS server: its output when all is well, and for each problem.
//! Speeds, ports and keys are replaced, everything else is compared.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;

use crate::dns_peer::DnsPeer;
use crate::program::slugline;
use crate::smtp_peer::{Answer, Peer, Script, self_signed};

#[test]
fn all_is_well() {
    let world = World::new("smtp+starttls", |it| it);
    let output = world.doctor(&[]);
    assert_eq!(world.shown(&output), [ALL_IS_WELL.to_owned(), "Nothing has to change.\n".to_owned()], "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    assert!(world.peer.taken().is_empty(), "nothing was sent");
    let commands = world.peer.heard().concat();
    let verbs: Vec<&str> = commands.iter().filter_map(|line| line.split(' ').next()).collect();
    let envelopes = [["MAIL", "RCPT", "RSET"]; 5].concat();
    let expected = [&["EHLO", "STARTTLS", "EHLO", "AUTH"][..], &envelopes, &["NOOP"; 7], &["QUIT"]].concat();
    assert_eq!(verbs, expected);
    let before = world.files();
    assert_eq!(world.doctor(&["--quiet"]).stdout, b"");
    assert_eq!(world.files(), before, "nothing is written");
}

const ALL_IS_WELL: &str = "\
The mail server 127.0.0.1:PORT
  ok       connection   127.0.0.1 answers at port PORT
  ok       greeting     220 peer.example ESMTP
  ok       TLS          STARTTLS, then TLS 1.3 with TLS_AES_256_GCM_SHA384
  ok       certificate  for localhost, 127.0.0.1; signed by itself, until 4096-01-01
  ok       extensions   PIPELINING, SIZE 10240000, 8BITMIME, SMTPUTF8
  ok       login        as `notes`; the server offers PLAIN, LOGIN
  ok       envelope     mail from bounces@tides.example.org to notes@tides.example.org is accepted (none was sent)
  ok       speed        `mail.rate` allows 30/min; the network would carry N/s over 2 connections

The DNS of tides.example.org
  ok       SPF          `v=spf1 mx -all`; whether it covers the address that mail leaves from is unknown
  ok       DKIM         `autumn._domainkey.tides.example.org` is the key in `dkim.pem` (ed25519-sha256)
  ok       DMARC        SPF and DKIM authenticate our mail; the policy for unauthenticated mail is `none` (`_dmarc.tides.example.org`)
  ok       MX           `tides.example.org` (the sender, replies, bounces) accepts mail at `mail.example.org`
  ok       unsubscribe  `tides.example.org` has an address

The project slugline.yaml
  ok       store        `slugline.db` does not exist yet: the first import or run creates it
  ok       secret       present, for the tokens in links and addresses
  ok       files        only their owner can read `dkim.pem`, `secret.txt`, `password.txt`
  ok       private      subscribers, messages and keys are neither in git nor in a folder of the site

";

#[test]
fn one_document_holds_every_step() {
    let world = World::new("smtp+starttls", |it| it.always("RCPT", Answer::Say("550 5.1.1 No such user")));
    let output = world.doctor(&["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["outcome"], "error");
    let steps = |part: usize| document["parts"][part]["steps"].as_array().unwrap();
    let names = |part: usize| steps(part).iter().map(|step| step["step"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(names(0), ["connection", "greeting", "TLS", "certificate", "extensions", "login", "envelope"]);
    assert_eq!(names(1), ["SPF", "DKIM", "DMARC", "MX", "unsubscribe"]);
    assert_eq!(names(2), ["store", "secret", "files", "private"]);
    assert_eq!(
        steps(0)[6]["seen"],
        "mail to notes@tides.example.org is refused: the server said `550 5.1.1 No such user`"
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
}

#[test]
fn the_ports_tls_mode_is_detected() {
    // The setting, whether TLS is implicit, the finding, and the right scheme.
    for (said, implicit, offered, wants) in [
        ("smtp+starttls", true, "speaks TLS from the first byte, and `mail.via` is set to STARTTLS", "smtps"),
        ("smtp", true, "speaks TLS from the first byte, and `mail.via` is set to no TLS", "smtps"),
        (
            "smtps",
            false,
            "greets unencrypted and offers STARTTLS, and `mail.via` is set to TLS from the first byte",
            "smtp+starttls",
        ),
    ] {
        let world = World::with(said, implicit, |it| it);
        let steps = world.steps(&[], 0);
        let tls = &steps["TLS"];
        assert_eq!(tls["outcome"], "error");
        assert_eq!(tls["seen"], format!("port {} {offered}", world.peer.port()));
        assert_eq!(tls["help"], format!("set `via: {wants}://127.0.0.1:{}`", world.peer.port()));
        // The later steps are checked all the same.
        for later in ["certificate", "extensions", "login", "envelope", "speed"] {
            assert_eq!(steps[later]["outcome"], "ok", "{said} {later}");
        }
    }
}

#[test]
fn a_server_without_tls_gets_no_password() {
    let world = World::without_tls("smtp+starttls");
    let steps = world.steps(&[], 0);
    assert!(
        steps["TLS"]["seen"].as_str().unwrap().ends_with("does not offer STARTTLS, and `mail.via` is set to STARTTLS"),
        "{steps}"
    );
    assert_eq!(steps["login"], Value::Null);
    assert!(!world.peer.heard().concat().iter().any(|line| line.starts_with("AUTH")));
}

#[test]
fn an_untrusted_certificate_is_reported() {
    let world = World::new("smtp+starttls", |it| it);
    world.write("cert.pem", &self_signed().1);
    let certificate = world.steps(&[], 0)["certificate"].clone();
    assert_eq!(certificate["outcome"], "error");
    assert_eq!(
        certificate["seen"],
        "its issuer is not trusted: it is for localhost, 127.0.0.1; signed by itself, until 4096-01-01"
    );
    assert!(certificate["help"].as_str().unwrap().contains("`mail.tls_ca_file`"));
    assert!(!world.peer.heard().concat().iter().any(|line| line.starts_with("AUTH")));
}

#[test]
fn a_refused_login_hides_nothing_else() {
    let world = World::new("smtp+starttls", |it| it.always("AUTH", Answer::Say("535 5.7.8 Authentication failed")));
    let output = world.doctor(&["--json"]);
    let login = World::step(&output, 0)["login"].clone();
    assert_eq!(
        login["seen"],
        "as `notes`: the server said `535 5.7.8 Authentication failed`; the server offers PLAIN, LOGIN"
    );
    assert_eq!(World::step(&output, 1)["DKIM"]["outcome"], "ok");
    fs::remove_file(world.folder.path().join("password.txt")).unwrap();
    let login = world.steps(&[], 0)["login"].clone();
    assert!(login["seen"].as_str().unwrap().contains("password.txt"), "{login}");
}

#[test]
fn an_unreachable_or_refusing_server_is_reported() {
    let world = World::new("smtp+starttls", |it| it.always("GREETING", Answer::Say("554 5.7.1 Not you")));
    assert_eq!(world.steps(&[], 0)["greeting"]["seen"], "the server said `554 5.7.1 Not you`");
    world.change(&world.peer.port().to_string(), &Peer::closed_port().to_string());
    let steps = world.steps(&[], 0);
    assert!(steps["connection"]["seen"].as_str().unwrap().starts_with("no reply at port"), "{steps}");
    world.change("127.0.0.1", "nowhere.invalid");
    let steps = world.steps(&[], 0);
    assert!(steps["name"]["seen"].as_str().unwrap().starts_with("`nowhere.invalid` has no address"), "{steps}");
}

#[test]
fn slow_servers_are_reported() {
    let world = World::plain("smtp", &["SIZE 500000"]);
    let steps = world.steps(&[], 0);
    assert_eq!(steps["extensions"]["seen"], "SIZE 500000; no PIPELINING, so each message takes four round trips");
    assert_eq!(steps["TLS"]["seen"], "none: the server is on this machine");
}

#[test]
fn missing_dns_records_are_ready_to_paste() {
    let mut world = World::new("smtp+starttls", |it| it);
    world.records.retain(|(name, ..)| !name.starts_with("_dmarc"));
    world.records.push(("tides.example.org".into(), "TXT".into(), "v=spf1 include:_spf.example.com -all".into()));
    let (other, _) = slugline_key(&world, "other.pem");
    for (name, _, data) in &mut world.records {
        if name.starts_with("autumn") {
            data.clone_from(&other);
        }
    }
    let output = world.doctor(&[]);
    assert_eq!(output.status.code(), Some(1));
    let [stdout, stderr] = world.shown(&output);
    assert_eq!(stderr, "3 things to change.\n");
    let dns = stdout.split("The DNS of").nth(1).unwrap().split("The project").next().unwrap();
    assert_eq!(dns, LACKING);
}

const LACKING: &str = " tides.example.org
  error    SPF          `tides.example.org` has 2 records, which receivers treat as an error
           help: keep one that contains all of them:
             tides.example.org. IN TXT \"v=spf1 include:_spf.example.com mx ~all\"
  error    DKIM         `autumn._domainkey.tides.example.org` contains a different key from `dkim.pem`
           help: sign with the key that belongs to it, or replace the record by this one:
             autumn._domainkey.tides.example.org. IN TXT \"v=DKIM1; k=ed25519; p=KEY\"
  error    DMARC        neither `tides.example.org` nor a domain above it has a policy: Gmail, Yahoo and Outlook require one from bulk senders
           help: add this record, or one with `rua=mailto:ADDRESS` to get reports:
             _dmarc.tides.example.org. IN TXT \"v=DMARC1; p=none\"
  ok       MX           `tides.example.org` (the sender, replies, bounces) accepts mail at `mail.example.org`
  ok       unsubscribe  `tides.example.org` has an address

";

#[test]
fn files_readable_by_others_are_reported() {
    let world = World::new("smtp+starttls", |it| it);
    let key = world.folder.path().join("dkim.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(world.folder.path().join("secret.txt")).unwrap();
    let output = world.doctor(&["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen: Vec<&str> =
        document["parts"][2]["steps"].as_array().unwrap().iter().map(|step| step["seen"].as_str().unwrap()).collect();
    assert_eq!(seen[2], "others on this machine can read `dkim.pem`");
    assert_eq!(seen[1], "tokens need a secret, but there is no file `secret.txt`");
    assert!(seen[3].contains("failed to read `secret.txt`"), "{seen:?}");
}

#[test]
fn the_dns_is_checked_without_a_mail_server() {
    let world = World::new("smtp+starttls", |it| it);
    let text = fs::read_to_string(world.folder.path().join("slugline.yaml")).unwrap();
    let lines = text.lines().filter(|line| !line.contains("via:"));
    world.write("slugline.yaml", &lines.collect::<Vec<_>>().join("\n"));
    let output = world.doctor(&[]);
    let [stdout, _] = world.shown(&output);
    assert!(stdout.starts_with("The folder outbox\n"), "{stdout}");
    assert_eq!(output.status.code(), Some(0), "{stdout}");
}

/// A project, its mail server and its DNS records.
struct World {
    folder: tempfile::TempDir,
    peer: Peer,
    records: Vec<(String, String, String)>,
}

const PROJECT_FILE: &str = "\
title: Tide Notes
base_url: https://tides.example.org
secret_file: secret.txt
mail:
  from: Tide Notes <notes@tides.example.org>
  via: SCHEME://127.0.0.1:PORT
  user: notes
  password_file: password.txt
  tls_ca_file: cert.pem
  connections: 2
  rate: 30/min
  bounce_address: bounces@tides.example.org
  unsubscribe_url: https://tides.example.org/leave/{token}
  dkim: {selector: autumn, key_file: dkim.pem}
";

const OFFERS: [&str; 6] = ["PIPELINING", "SIZE 10240000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN", "CHUNKING"];

impl World {
    /// All is well, except for what `scheme` and `change` make wrong.
    fn new(scheme: &str, change: impl FnOnce(Script) -> Script) -> Self {
        Self::with(scheme, false, change)
    }

    fn with(scheme: &str, implicit: bool, change: impl FnOnce(Script) -> Script) -> Self {
        let (tls, pem) = self_signed();
        let script = OFFERS.into_iter().fold(Script::new(), Script::offering);
        Self::before(scheme, change(script.tls(tls, implicit)), &pem)
    }

    fn without_tls(scheme: &str) -> Self {
        Self::plain(scheme, &OFFERS)
    }

    fn plain(scheme: &str, offers: &[&'static str]) -> Self {
        let script = offers.iter().copied().fold(Script::new(), Script::offering);
        let world = Self::before(scheme, script, &self_signed().1);
        if !offers.iter().any(|offer| offer.starts_with("AUTH")) {
            world.change("  user: notes\n", "");
        }
        world
    }

    fn before(scheme: &str, script: Script, pem: &str) -> Self {
        let peer = Peer::start(vec![script]);
        let mut world = Self { folder: tempfile::tempdir().unwrap(), peer, records: Vec::new() };
        let port = world.peer.port().to_string();
        world.write("slugline.yaml", &PROJECT_FILE.replace("SCHEME", scheme).replace("PORT", &port));
        world.write("cert.pem", pem);
        world.write("password.txt", "hunter2\n");
        world.write("secret.txt", &"s".repeat(48));
        let (key, _) = slugline_key(&world, "dkim.pem");
        for (name, kind, data) in [
            ("tides.example.org", "TXT", "v=spf1 mx -all"),
            ("tides.example.org", "MX", "10 mail.example.org"),
            ("tides.example.org", "A", "192.0.2.2"),
            ("mail.example.org", "A", "192.0.2.1"),
            ("autumn._domainkey.tides.example.org", "TXT", &key),
            ("_dmarc.tides.example.org", "TXT", "v=DMARC1; p=none"),
        ] {
            world.records.push((name.to_owned(), kind.to_owned(), data.to_owned()));
        }
        world
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.folder.path().join("slugline.yaml")).unwrap();
        assert!(text.contains(from));
        self.write("slugline.yaml", &text.replace(from, to));
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        crate::program::files(self.folder.path())
    }

    fn doctor(&self, arguments: &[&str]) -> Output {
        let records: Vec<(&str, &str, &str)> =
            self.records.iter().map(|(name, kind, data)| (name.as_str(), kind.as_str(), data.as_str())).collect();
        let dns = DnsPeer::start(&records);
        let mut program = slugline(self.folder.path());
        program.args(["--now", "2026-11-20T08:00:00Z", "doctor", "--dns", &dns.address().to_string()]);
        program.args(arguments).output().unwrap()
    }

    /// The steps of a part by their names.
    fn steps(&self, arguments: &[&str], part: usize) -> Value {
        Self::step(&self.doctor(&[arguments, &["--json"]].concat()), part)
    }

    fn step(output: &Output, part: usize) -> Value {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let steps = document["parts"][part]["steps"].as_array().unwrap();
        steps.iter().map(|step| (step["step"].as_str().unwrap().to_owned(), step.clone())).collect()
    }

    /// Both outputs, with what differs between runs replaced.
    fn shown(&self, output: &Output) -> [String; 2] {
        [&output.stdout, &output.stderr].map(|bytes| {
            let text = String::from_utf8_lossy(bytes).replace(&self.peer.port().to_string(), "PORT");
            text.split_inclusive('\n').map(steady).collect()
        })
    }
}

/// A line without what differs between runs: speeds and keys.
fn steady(line: &str) -> String {
    let word = |word: &str| match word {
        _ if word.strip_suffix("/s").is_some_and(|rate| rate.parse::<f64>().is_ok()) => "N/s".to_owned(),
        _ if word.starts_with("p=") && word.len() > 40 => "p=KEY\"\n".to_owned(),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Makes a key; returns its record.
fn slugline_key(world: &World, file: &str) -> (String, String) {
    let arguments = ["key", "dkim", "--json", file, "--selector", "autumn", "--algorithm", "ed25519"];
    let output = slugline(world.folder.path()).args(arguments).output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (record["value"].as_str().unwrap().to_owned(), record["name"].as_str().unwrap().to_owned())
}

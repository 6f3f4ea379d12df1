//! Signatures that a real server has carried, judged by dkimpy. Some of the mail goes through one more hop: there Postfix
//! hands it on over SMTP as it would to another server.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::{Project, Server, address};
use crate::program::repository;

/// One key of each kind. The second is that of the organisation, as DMARC's relaxed alignment allows.
const KEYS: [(&str, &str, &str); 2] = [
    ("rsa", "spring", "spring._domainkey.tides.example.org"),
    ("ed25519", "spring-ed", "spring-ed._domainkey.example.org"),
];

#[test]
fn signatures_verify_after_the_mail_was_relayed() {
    let Some(server) = Server::from_environment() else { return };
    let verdict = "tides.example.org rsa-sha256 True False\nexample.org ed25519-sha256 True False\n";
    // `tests/postfix` sends those called `relayed` over one more hop.
    for test in ["signed", "relayed"] {
        let project = server.project(test, 3);
        let records = sign(&project);
        let sent = project.run(&["send"]);
        assert_eq!(sent.status.code(), Some(0), "{sent:?}");
        server.mails_to(test, 3);
        for number in 0..3 {
            let message = server.message_to(&address(test, number));
            let hops = message.lines().filter(|line| line.starts_with("Received: ")).count();
            assert_eq!(hops, if test == "relayed" { 2 } else { 1 }, "{message}");
            assert!(message.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{message}");
            assert_eq!(verified(&project, &message, &records), verdict, "{message}");
        }
    }
}

/// Makes the project sign with both keys and offer one-click unsubscribe; returns the records for the DNS.
fn sign(project: &Project) -> String {
    let mut records = BTreeMap::new();
    for (algorithm, selector, name) in KEYS {
        let file = format!("{algorithm}.pem");
        let made = project.run(&["key", "dkim", &file, "--algorithm", algorithm, "--selector", selector, "--json"]);
        let record: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{made:?}"));
        records.insert(name, record["value"].as_str().unwrap().to_owned());
    }
    assert!(project.run(&["key", "secret", "secret.txt"]).status.success());
    let more = "  unsubscribe_url: https://tides.example.org/leave/{token}\n  dkim:\n    \
                - {selector: spring, key_file: rsa.pem}\n    \
                - {selector: spring-ed, domain: example.org, key_file: ed25519.pem}\nsecret_file: secret.txt\n";
    project.write("slugline.yaml", &format!("{}{more}", project.read("slugline.yaml")));
    serde_json::to_string(&records).unwrap()
}

/// What dkimpy says of a message.
fn verified(project: &Project, message: &str, records: &str) -> String {
    project.write("records.json", records);
    project.write("message.eml", message);
    let mut python = Command::new("/usr/bin/python3");
    python.arg(repository().join("tests/it/postfix/verify.py")).args(["records.json", "message.eml"]);
    let output = python.current_dir(project.folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    /// The mail to that address, as it lies in the mailbox.
    fn message_to(&self, address: &str) -> String {
        let delivered = format!("Delivered-To: {address}\n");
        let files = fs::read_dir(self.folder.join("mail/inbox/new")).unwrap();
        let mut messages = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        messages.find(|message| message.contains(&delivered)).unwrap()
    }
}

//! Keeps README and `docs` true: every command in them is run, every project file of the README is read.
//!
//! The commands run from top to bottom on a copy of the demonstration newsletter. One that needs what is not there (a
//! network, a mail server, an installed program) has a stand-in in the table below; a line of a code block that is
//! neither a `slugline` command nor in the table fails.

use std::env;
use std::fs;
use std::path::Path;

use crate::dns_peer::DnsPeer;
use crate::history::commit_all;
use crate::preview::Served;
use crate::program::{copy_folder, repository, slugline, words};

/// When the commands are run that do not say it.
const NOW: [&str; 2] = ["--now", "2026-11-23T09:00:00Z"];

/// Commands that are not run as they stand.
const STAND_INS: [(&str, StandIn); 12] = [
    ("cargo run --release -- publish", StandIn::Command("slugline publish")),
    ("tests/run", StandIn::Done("what runs this test")),
    ("cargo install --path .", StandIn::Done("the program under test")),
    ("slugline init", StandIn::Command("slugline init my-blog")),
    (
        "slugline edition digest:next",
        StandIn::Command("slugline --config weekly.yaml --now 2026-10-27T12:00:00Z edition digest:next"),
    ),
    (
        "slugline store copy postgres://weekly@db.example.org/weekly",
        StandIn::Command("slugline --config weekly.yaml store copy sqlite:copied.db"),
    ),
    (
        "slugline store backup /srv/backups/tides-monday.db",
        StandIn::Command("slugline --config weekly.yaml store backup monday.db"),
    ),
    (
        "slugline store restore /srv/backups/tides-monday.db",
        StandIn::Command("slugline --config weekly.yaml store restore monday.db"),
    ),
    ("slugline doctor", StandIn::AsksDns("slugline doctor --dns")),
    ("slugline doctor --dns 9.9.9.9", StandIn::AsksDns("slugline doctor --verbose --dns")),
    ("slugline preview", StandIn::Serves("slugline preview --port 0")),
    ("* * * * *  slugline --dir /srv/tides --quiet publish", StandIn::Command("slugline --dir . --quiet publish")),
];

enum StandIn {
    /// This is run instead.
    Command(&'static str),
    /// This is run instead, until it has said where it can be reached.
    Serves(&'static str),
    /// This is run instead, with the address of a DNS server that knows the newsletter's domain after it.
    AsksDns(&'static str),
    /// The test has done it already, by this.
    #[expect(dead_code, reason = "said for the reader of the table")]
    Done(&'static str),
}

/// What the DNS knows of the demonstration newsletter.
const ZONE: [(&str, &str, &str); 6] = [
    ("ebbline.example.org", "TXT", "v=spf1 mx -all"),
    ("ebbline.example.org", "MX", "10 mail.example.org"),
    ("ebbline.example.org", "A", "192.0.2.1"),
    ("mail.example.org", "A", "192.0.2.1"),
    ("example.org", "MX", "10 mail.example.org"),
    ("_dmarc.ebbline.example.org", "TXT", "v=DMARC1; p=none"),
];

/// The documents, and how many commands they have at least.
const DOCUMENTS: [(&str, usize); 2] = [("README.md", 10), ("docs/stores.md", 4)];

#[test]
fn every_command_of_the_documents_works() {
    for (document, least) in DOCUMENTS {
        commands_work(document, least);
    }
    let lines: Vec<String> = DOCUMENTS.iter().flat_map(|(document, _)| commands(document)).collect();
    let unused: Vec<&str> =
        STAND_INS.iter().map(|(line, _)| *line).filter(|line| !lines.iter().any(|c| c == line)).collect();
    assert_eq!(unused, Vec::<&str>::new(), "stand-ins for commands that are in no document");
}

/// From top to bottom, on a project of its own.
fn commands_work(document: &str, least: usize) {
    let project = tempfile::tempdir().unwrap();
    demonstration(project.path());
    fs::write(project.path().join("readers.csv"), "email,name\nreader@example.org,A Reader\n").unwrap();
    fs::write(project.path().join("crm.csv"), "email,Mails,State\ncrm@example.org,1,CA\n").unwrap();
    fs::write(project.path().join("complaints.csv"), "email\ncomplained@example.org\n").unwrap();
    fs::write(project.path().join("legacy.csv"), b"email,name\nli@example.org,\xc0\xee\n").unwrap();
    let weekly =
        "title: T\nbase_url: https://example.org\nmail: {from: n@example.org, edition: digest}\nstore: sqlite:w.db\n";
    fs::write(project.path().join("weekly.yaml"), weekly).unwrap();
    let commands = commands(document);
    assert!(commands.len() > least, "{document} has lost its code blocks");
    for command in &commands {
        let stand_in = STAND_INS.iter().find(|(line, _)| line == command).map(|(_, stand_in)| stand_in);
        let dns = DnsPeer::start(&ZONE);
        let asking;
        let line = match stand_in {
            Some(StandIn::Done(_)) => continue,
            Some(StandIn::Serves(other)) => {
                assert_eq!(Served::start(project.path(), &words(other)[1..]).end().code(), Some(0), "`{command}`");
                continue;
            }
            Some(StandIn::Command(other)) => *other,
            Some(StandIn::AsksDns(other)) => {
                asking = format!("{other} {}", dns.address());
                asking.as_str()
            }
            None => command.as_str(),
        };
        let mut words = words(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("slugline"), "`{command}` has no stand-in in tests/it/readme.rs");
        let now: &[&str] = if line.contains(" --now ") { &[] } else { &NOW };
        let output = slugline(project.path()).args(now).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "`{command}`: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_project_file_of_the_readme_is_read() {
    let project_files: Vec<String> = blocks("README.md")
        .into_iter()
        .filter(|(language, text)| language == "yaml" && !is_workflow(text))
        .map(|it| it.1)
        .collect();
    assert_eq!(project_files.len(), 19, "the README has lost a project file, or has a new one");
    for block in project_files {
        let project = tempfile::tempdir().unwrap();
        demonstration(project.path());
        let needed = if block.contains("title:") { "" } else { "title: T\nbase_url: https://example.org\n" };
        fs::write(project.path().join("slugline.yaml"), format!("{needed}{block}")).unwrap();
        if block.contains("updated_from: git") {
            commit_all(project.path());
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let output = slugline(project.path()).args(["list", "latest"]).env("PATH", path).output().unwrap();
        assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The last word of the promise: everything the demonstration publishes is there, and a second run changes nothing.
#[test]
fn the_demonstration_mails_every_issue_to_every_subscriber_once() {
    let project = tempfile::tempdir().unwrap();
    demonstration(project.path());
    let publish = || slugline(project.path()).args(NOW).arg("publish").output().unwrap();
    assert_eq!(publish().status.code(), Some(0));
    let written = files_of(project.path());
    let mails = written.iter().filter(|path| path.starts_with("outbox/")).count();
    let feeds: Vec<&str> = written.iter().filter_map(|path| path.strip_prefix("public/")).collect();
    assert_eq!((mails, feeds), (4 * 5, vec!["atom.xml", "feed.css", "feed.json", "feed.xml"]));
    assert_eq!(publish().status.code(), Some(0));
    assert_eq!(files_of(project.path()), written);
}

fn demonstration(folder: &Path) {
    copy_folder(&repository().join("content"), &folder.join("content")).unwrap();
    for file in ["slugline.yaml", "subscribers.csv"] {
        fs::copy(repository().join(file), folder.join(file)).unwrap();
    }
}

fn files_of(folder: &Path) -> Vec<String> {
    crate::program::files(folder).iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// Steps for a service that runs tests and checks.
fn is_workflow(block: &str) -> bool {
    block.starts_with("- ")
}

/// The lines of all code blocks but project files (YAML), templates and issues.
fn commands(document: &str) -> Vec<String> {
    let blocks = blocks(document)
        .into_iter()
        .filter(|(language, _)| !matches!(language.as_str(), "yaml" | "jinja" | "markdown"));
    blocks.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The code blocks of a document: language and text.
fn blocks(document: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join(document)).unwrap();
    let fenced = text.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).map(|(language, text)| (language.into(), text.into())).collect()
}

//! Keeps README, `docs` and `templates/README.md` true: every command in them is run, every project file is read, every
//! workflow installs what it runs, every link leads somewhere.
//!
//! The commands of a document run from top to bottom on a copy of the demonstration newsletter. One that needs what is not
//! there (a network, a mail server, an installed program) has a stand-in in the table below; any other line of a shell
//! block must be a `slugline` command.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser};
use serde_yaml::{Mapping, Value};

use crate::dns_peer::DnsPeer;
use crate::documents::{Block, anchors, blocks, documents, links, read};
use crate::history::commit_all;
use crate::preview::Served;
use crate::program::{copy_folder, files, repository, slugline, words};

/// When the commands are run that do not say it.
const NOW: [&str; 2] = ["--now", "2026-11-23T09:00:00Z"];

/// Commands that are not run as they stand.
const STAND_INS: [(&str, StandIn); 21] = [
    ("cargo run --release -- publish", StandIn::Command("slugline publish")),
    ("tests/run", StandIn::Skip("what runs this test")),
    ("cargo install --path .", StandIn::Skip("the program under test")),
    ("hugo", StandIn::Skip("another program")),
    ("slugline man ~/.local/share/man/man1", StandIn::Command("slugline man man1")),
    ("slugline init", StandIn::Command("slugline init my-blog")),
    (
        "slugline init --title \"Tide Notes\" --base-url https://tides.example.org",
        StandIn::Command("slugline init your-blog --title \"Tide Notes\" --base-url https://tides.example.org"),
    ),
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
    ("slugline send --first", StandIn::Command("slugline --dir new send --first")),
    ("slugline subscribers remove --token TOKEN", StandIn::Token),
    ("slugline doctor", StandIn::AsksDns("slugline doctor --dns")),
    ("slugline doctor --dns 9.9.9.9", StandIn::AsksDns("slugline doctor --verbose --dns")),
    ("slugline preview", StandIn::Serves("slugline preview --port 0")),
    ("slugline links --form", StandIn::Command("slugline --config weekly.yaml links --form")),
    ("*/5 * * * *  slugline --dir /srv/tides --quiet inbox", StandIn::Command("slugline --config weekly.yaml inbox")),
    ("slugline serve", StandIn::Serves("slugline --config weekly.yaml serve --listen 127.0.0.1:0")),
    ("* * * * *  slugline --dir /srv/tides --quiet publish", StandIn::Command("slugline --dir . --quiet publish")),
    (
        "slugline diff --against https://tides.example.org --fail-on edited,resurfaced,dropped,duplicate",
        StandIn::Command("slugline diff --against public --fail-on edited,resurfaced,dropped,duplicate"),
    ),
];

enum StandIn {
    /// This is run instead.
    Command(&'static str),
    /// This is run instead, until it has said where it can be reached.
    Serves(&'static str),
    /// This is run instead, with the address of a DNS server that knows the newsletter's domain after it.
    AsksDns(&'static str),
    /// The line is run with the token of a subscriber.
    Token,
    /// Nothing is run, for this reason.
    #[expect(dead_code, reason = "said for the reader of the table")]
    Skip(&'static str),
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

/// Files that the commands name, and that a reader has.
const FILES: [(&str, &[u8]); 12] = [
    ("readers.csv", b"email,name\nreader@example.org,A Reader\n"),
    ("crm.csv", b"email,Mails,State\ncrm@example.org,1,CA\n"),
    ("complaints.csv", b"email\ncomplained@example.org\n"),
    ("bounces.mbox", b"From: reader@example.org\nSubject: Hello\n\nHello.\n"),
    ("bounces.csv", b"email\nbounced@example.org\n"),
    ("legacy.csv", b"email,name\nli@example.org,\xc0\xee\n"),
    (
        "export.csv",
        b"email,active_subscription,expiry,email_disabled,created_at\njo@example.org,false,,false,2026-01-01\n",
    ),
    (
        "subscribed_members_export.csv",
        b"Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME\na@example.org,Ann,2,2026-01-01,2026-01-01\n",
    ),
    (
        "unsubscribed_members_export.csv",
        b"Email Address,First Name,MEMBER_RATING,OPTIN_TIME,UNSUB_TIME\nb@example.org,Bo,2,2026-01-01,2026-02-01\n",
    ),
    (
        "nonsubscribed_members_export.csv",
        b"Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME\nc@example.org,Cy,2,,\n",
    ),
    (
        "cleaned_members_export.csv",
        b"Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CLEAN_TIME\nd@example.org,Di,2,2026-01-01,2026-02-01\n",
    ),
    (
        "weekly.yaml",
        b"title: T\nbase_url: https://example.org\nmail: {from: n@example.org, edition: digest}\nstore: sqlite:w.db\n\
          secret_file: secret.txt\nserve: {url: https://example.org/}\ninbox: {path: bounces.mbox}\n",
    ),
];

#[test]
fn every_command_of_the_documents_works() {
    let mut unused: BTreeSet<&str> = STAND_INS.iter().map(|(line, _)| *line).collect();
    let mut failed = Vec::new();
    for document in documents() {
        let commands = commands(&document);
        unused.retain(|line| !commands.iter().any(|command| command == line));
        failed.extend(commands_that_fail(&document, &commands));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(unused, BTreeSet::new(), "stand-ins for commands that are in no document");
}

/// Runs the commands of a document from top to bottom, on a project of its own that has been built once.
fn commands_that_fail(document: &str, commands: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    demonstration(project);
    demonstration(&project.join("new"));
    for (name, text) in FILES {
        fs::write(project.join(name), text).unwrap();
    }
    run(project, "slugline build").unwrap();
    commands.iter().filter_map(|line| Some(format!("{document}: {}", as_written(project, line).err()?))).collect()
}

/// Runs a line of a document, or what stands in for it.
fn as_written(project: &Path, line: &str) -> Result<(), String> {
    match STAND_INS.iter().find(|(other, _)| *other == line).map(|(_, stand_in)| stand_in) {
        None => run(project, line),
        Some(StandIn::Command(other)) => run(project, other),
        Some(StandIn::Skip(_)) => Ok(()),
        Some(StandIn::Token) => run(project, &line.replace("TOKEN", &token_of(project, "maren@example.org"))),
        Some(StandIn::AsksDns(other)) => {
            let dns = DnsPeer::start(&ZONE);
            run(project, &format!("{other} {}", dns.address()))
        }
        Some(StandIn::Serves(other)) => match Served::start(project, &words(other)[1..]).end().code() {
            Some(0) => Ok(()),
            code => Err(format!("`{line}`: {code:?}")),
        },
    }
}

/// Runs a `slugline` command, which has to succeed.
fn run(project: &Path, line: &str) -> Result<(), String> {
    let mut words = words(line).into_iter();
    if words.next().as_deref() != Some("slugline") {
        return Err(format!("`{line}` has no stand-in in tests/it/readme.rs"));
    }
    let now: &[&str] = if line.contains(" --now ") { &[] } else { &NOW };
    let output = slugline(project).args(now).args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("`{line}`: {stderr}")) }
}

/// The token of a subscriber, as the header of an email contains it.
fn token_of(project: &Path, address: &str) -> String {
    let file = read_below(project, "slugline.yaml").replace("example.org/leave\n", "example.org/unsubscribe/{token}\n");
    fs::write(project.join("slugline.yaml"), format!("{file}\nsecret_file: secret.txt\n")).unwrap();
    run(project, "slugline publish").unwrap();
    let is_theirs = |path: &String| path.starts_with("outbox/") && path.ends_with(&format!("/{address}.eml"));
    let email = read_below(project, &files_of(project).into_iter().find(is_theirs).unwrap());
    let (_, rest) = email.split_once("/unsubscribe/").unwrap_or_else(|| panic!("no link: {email}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn read_below(project: &Path, path: &str) -> String {
    fs::read_to_string(project.join(path)).unwrap()
}

#[test]
fn every_project_file_of_the_documents_is_read() {
    let is_project = |block: &Block| block.language == "yaml" && !block.is_workflow() && !block.is_front_matter();
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document).into_iter().filter(is_project) {
            project_file_is_read(&document, &block.text);
            count += 1;
        }
    }
    assert!(count > 20, "the documents have lost their project files");
}

fn project_file_is_read(document: &str, block: &str) {
    let project = tempfile::tempdir().unwrap();
    demonstration(project.path());
    let mut file: Mapping = serde_yaml::from_str(block).unwrap_or_else(|error| panic!("{document}: {error}: {block}"));
    for (key, value) in [("title", "T"), ("base_url", "https://example.org"), ("content", "content")] {
        file.entry(key.into()).or_insert(value.into());
    }
    if block.contains("content/") {
        file.insert("content".into(), "content".into());
    }
    fs::write(project.path().join("slugline.yaml"), serde_yaml::to_string(&Value::Mapping(file)).unwrap()).unwrap();
    if block.contains("updated_from: git") || block.contains("format: plain") {
        commit_all(project.path());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let output = slugline(project.path()).args(["list", "latest"]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{document}: {block}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_workflow_installs_what_it_runs() {
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document).iter().filter(|block| block.is_workflow()) {
            let workflow: Value = serde_yaml::from_str(&block.text).unwrap();
            for job in workflow["jobs"].as_mapping().unwrap().values() {
                let runs = runs(job).join("\n");
                for (program, installed_by) in [("slugline ", "cargo install "), ("hugo ", "dpkg -i hugo.deb")] {
                    let at = |what: &str| runs.lines().position(|line| line.trim_start().starts_with(what));
                    let installed = runs.lines().position(|line| line.contains(installed_by));
                    let Some(used) = at(program) else { continue };
                    assert!(
                        installed.is_some_and(|at| at < used),
                        "{document}: `{program}` runs before it is installed"
                    );
                    count += 1;
                }
            }
        }
    }
    assert!(count > 2, "the documents have lost their workflows");
}

/// The scripts of a workflow's job.
fn runs(job: &Value) -> Vec<&str> {
    let steps = job["steps"].as_sequence().into_iter().flatten();
    steps.filter_map(|step| step.get("run")?.as_str()).collect()
}

#[test]
fn the_readme_is_short() {
    assert!(read("README.md").lines().count() <= 200, "put it into a guide in `docs`");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let own = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned);
    let mut broken = Vec::new();
    for document in documents().into_iter().chain(own) {
        let text = read(&document);
        for link in links(&text).into_iter().filter(|link| !link.contains(':')) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => repository().join(&document),
                file => repository().join(&document).parent().unwrap().join(file),
            };
            let found = match anchor {
                "" => target.exists(),
                anchor => fs::read_to_string(&target).is_ok_and(|text| anchors(&text).iter().any(|it| it == anchor)),
            };
            if !found {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// Paths that the documents for developers name are those of the source tree.
#[test]
fn every_path_for_developers_exists() {
    const ROOTS: [&str; 8] = ["src/", "tests/", "docs/", "benches/", "templates/", "content/", ".ci/", ".config/"];
    let mut missing = Vec::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(document);
        let codes = Parser::new_ext(&text, Options::ENABLE_TABLES)
            .filter_map(|event| if let Event::Code(code) = event { Some(code.to_string()) } else { None });
        let paths = codes.filter(|code| ROOTS.iter().any(|root| code.starts_with(root)));
        let gone = paths.filter(|path| !repository().join(path.split(' ').next().unwrap()).exists());
        missing.extend(gone.map(|path| format!("{document}: {path}")));
    }
    assert_eq!(missing, Vec::<String>::new());
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
    files(folder).iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// The lines of all shell blocks, and what workflows run of slugline.
fn commands(document: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in blocks(document) {
        match block.language.as_str() {
            "" | "sh" | "crontab" => commands.extend(block.text.lines().map(str::to_owned)),
            "yaml" if block.is_workflow() => {
                let workflow: Value = serde_yaml::from_str(&block.text).unwrap();
                let jobs = workflow["jobs"].as_mapping().unwrap().values();
                let lines = jobs.flat_map(|job| runs(job)).flat_map(str::lines);
                commands.extend(lines.filter(|line| line.starts_with("slugline ")).map(str::to_owned));
            }
            "yaml" | "jinja" | "markdown" | "json" | "text" | "nginx" | "caddyfile" | "ini" => {}
            other => panic!("{document}: say in tests/it/readme.rs what a block of `{other}` is"),
        }
    }
    commands
}

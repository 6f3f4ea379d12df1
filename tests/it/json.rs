//! `--json`: every command writes exactly one document, when it succeeds and when it fails.
//!
//! The commands are those that have a manual page: a new one without a row in the table fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{files, slugline, words};

mod page;

/// A command line of each command that succeeds and one that fails, and what is run before them.
const COMMANDS: [Row; 32] = [
    Row::new("publish", "publish", "--config gone.yaml publish"),
    Row::new("build", "build", "build --locked"),
    Row::new("check", "check", "--config broken.yaml check"),
    Row { before: "build", ..Row::new("diff", "diff", "diff --against nowhere") },
    Row::new("list", "list", "list nowhere"),
    Row::new("links", "links", "--config gone.yaml links"),
    Row::new("edition", "edition latest --eml", "edition nowhere"),
    Row::new("preview", "preview --port 0", "preview --port high"),
    Row::new("init", "init elsewhere", "init"),
    Row::new("new", "new Surge", "new ???"),
    Row::new("send", "send", "send nowhere"),
    Row {
        before: "key secret secret.txt",
        ..Row::new("serve", "--config served.yaml serve --listen 127.0.0.1:0", "serve")
    },
    Row::new("inbox", "inbox letter.eml", "inbox gone"),
    Row { before: "send", ..Row::new("status", "status --recipients", "status nowhere") },
    Row { before: "send", ..Row::new("resolve", "resolve neap --sent", "resolve neap") },
    Row { before: "send", ..Row::new("retry", "retry neap", "retry nowhere") },
    Row::new("subscribers-add", "subscribers add new@example.org", "subscribers add nobody"),
    Row::new("subscribers-import", "subscribers import readers.csv", "subscribers import gone.csv"),
    Row { before: ADD, ..Row::new("subscribers-list", "subscribers list", "subscribers list --status odd") },
    Row { before: ADD, ..Row::new("subscribers-show", SHOW, "subscribers show nobody") },
    Row {
        before: ADD,
        ..Row::new("subscribers-export", "subscribers export", "--config gone.yaml subscribers export")
    },
    Row { before: ADD, ..Row::new("subscribers-remove", REMOVE, "subscribers remove --token abc") },
    Row { before: ADD, ..Row::new("subscribers-forget", FORGET, "subscribers forget a@example.org") },
    Row { before: ADD, ..Row::new("store-copy", "store copy sqlite:copy.db", "store copy mysql:tides") },
    Row::new("store-keep", "store keep", "--config gone.yaml store keep"),
    Row { before: ADD, ..Row::new("store-backup", "store backup monday.db", "store backup readers.csv") },
    Row {
        before: "store backup monday.db",
        ..Row::new("store-restore", "store restore monday.db", "store restore gone.db")
    },
    Row::new("store-adopt", "store adopt", "--config gone.yaml store adopt"),
    Row::new("covers-fetch", "covers fetch", "--config gone.yaml covers fetch"),
    Row::new("doctor", "doctor --dns 127.0.0.1:1", "doctor --dns nowhere"),
    Row::new("key-dkim", "key dkim dkim.pem", "key dkim readers.csv"),
    Row::new("key-secret", "key secret secret.txt", "key secret readers.csv"),
];

/// The same for commands that tell about the program itself.
const ABOUT_THE_PROGRAM: [Row; 2] =
    [Row::new("completions", "completions bash", "completions nothing"), Row::new("man", "man pages", "man")];

const ADD: &str = "subscribers add reader@example.org";
const SHOW: &str = "subscribers show reader@example.org";
const REMOVE: &str = "subscribers remove reader@example.org";
const FORGET: &str = "subscribers forget reader@example.org --yes";

#[derive(Clone, Copy)]
struct Row {
    /// As its manual page names it.
    command: &'static str,
    before: &'static str,
    succeeds: &'static str,
    fails: &'static str,
}

impl Row {
    const fn new(command: &'static str, succeeds: &'static str, fails: &'static str) -> Self {
        Self { command, before: "", succeeds, fails }
    }
}

fn rows() -> impl Iterator<Item = Row> {
    COMMANDS.into_iter().chain(ABOUT_THE_PROGRAM)
}

/// A small newsletter.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    fs::create_dir(folder.path().join("content")).unwrap();
    write(
        "slugline.yaml",
        "title: T\nbase_url: https://example.org\nmail: {from: a@example.org, subscribers: readers.csv}\n",
    );
    write(
        "served.yaml",
        "title: T\nbase_url: https://example.org\nmail: {from: a@example.org}\nsecret_file: secret.txt\n\
         serve: {url: https://news.example.org/}\n",
    );
    write("broken.yaml", "title: T\nbase_url: https://example.org\nfeeds: {limt: 3}\n");
    write("letter.eml", "From: reader@example.org\nTo: a@example.org\n\nHello.\n");
    write("readers.csv", "email,name\nreader@example.org,A Reader\n");
    write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-20\n---\nLow tide at noon, and nothing else to say.\n");
    folder
}

fn command(folder: &Path, line: &str) -> Command {
    let mut command = slugline(folder);
    command.args(["--now", "2026-11-20T08:00:00Z"]).args(words(line));
    command
}

/// What the command writes with `--json`: exit code and the one document.
fn document(folder: &Path, line: &str) -> (i32, Value) {
    if line.ends_with(" 0") || line.ends_with(":0") {
        return (0, served(folder, line));
    }
    let output = command(folder, line).arg("--json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let document = serde_json::from_str(&text);
    let stderr = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), document.unwrap_or_else(|error| panic!("{line}: {error}\n{text}\n{stderr}")))
}

/// The document of a command that goes on until it is stopped.
fn served(folder: &Path, line: &str) -> Value {
    let mut program = command(folder, line).arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let stdout = program.stdout.as_mut().unwrap();
    let document = serde_json::Deserializer::from_reader(stdout).into_iter().next().unwrap().unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    document
}

/// The document of every command when it succeeds, by the name of its manual page.
pub fn documents() -> Vec<(&'static str, Value)> {
    let document = |row: Row| {
        let project = project();
        if !row.before.is_empty() {
            assert!(command(project.path(), row.before).output().unwrap().status.success(), "{}", row.before);
        }
        let (code, document) = document(project.path(), row.succeeds);
        assert!(code < 2, "{}: {document}", row.succeeds);
        (row.command, document)
    };
    rows().map(document).collect()
}

#[test]
fn every_command_writes_one_document_when_it_succeeds() {
    for (command, document) in documents() {
        assert!(document["findings"].is_array() || has_only_rows(command), "{command}: {document}");
        assert!(document.get("error").is_none(), "{command}: {document}");
    }
}

/// Lists of subscribers are as long as they are, and have no findings.
fn has_only_rows(command: &str) -> bool {
    ["subscribers-list", "subscribers-export"].contains(&command)
}

#[test]
fn every_command_writes_one_document_when_it_fails() {
    for row in rows() {
        let (code, document) = document(project().path(), row.fails);
        assert_eq!(code, 2, "{}: {document}", row.fails);
        assert!(document["error"]["message"].is_string(), "{}: {document}", row.fails);
        assert!(document["findings"].is_array(), "{}: {document}", row.fails);
    }
}

#[test]
fn every_command_is_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    assert!(slugline(folder.path()).args(["man", "pages"]).output().unwrap().status.success());
    let pages = files(&folder.path().join("pages"));
    let names: BTreeSet<String> = pages
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().trim_start_matches("slugline").to_owned())
        .map(|name| name.trim_start_matches('-').to_owned())
        .collect();
    let is_group = |name: &&String| names.iter().any(|other| other.starts_with(&format!("{name}-")));
    let commands: BTreeSet<&str> =
        names.iter().filter(|name| !name.is_empty() && !is_group(name)).map(String::as_str).collect();
    assert_eq!(rows().map(|row| row.command).collect::<BTreeSet<_>>(), commands);
}

#[test]
fn findings_and_errors_have_a_place() {
    let (_, document) = document(project().path(), "--config broken.yaml check");
    let finding = &document["findings"][0];
    assert_eq!((&finding["rule"], &finding["line"]), (&"config-key".into(), &3.into()), "{document}");
}

#[test]
fn help_and_version_are_documents_too() {
    let folder = tempfile::tempdir().unwrap();
    for (line, key) in [("help send", "help"), ("send --help", "help"), ("--version", "version")] {
        let (code, document) = document(folder.path(), line);
        assert_eq!((code, document[key].is_string()), (0, true), "{document}");
    }
}

/// Half a list is of no use: a command that fails in the middle of one writes a single document, that of the error.
#[test]
fn a_list_that_cannot_be_read_to_its_end_is_an_error() {
    let project = project();
    assert!(command(project.path(), ADD).output().unwrap().status.success());
    let mut store = fs::OpenOptions::new().write(true).open(project.path().join("slugline.db")).unwrap();
    store.write_all(b"no database").unwrap();
    let (code, document) = document(project.path(), "subscribers list");
    assert_eq!((code, document["error"]["message"].is_string()), (2, true), "{document}");
}

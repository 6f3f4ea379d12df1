//! The question before a mailing begins, at a real terminal: `script` of util-linux makes one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::slugline;
use crate::refusals::NOON;
use crate::refusals::project::Project;
use crate::skipped::skip;
use crate::smtp_peer::{Peer, Script};

const QUESTION: &str = "Mail “Neap tide” to 3 subscribers through 127.0.0.1? [y/N]";

/// What the terminal shows when these arguments are given and this is typed, and the exit code; `None` without `script`.
fn at_a_terminal(folder: &Path, arguments: &str, typed: &str) -> Option<(String, i32)> {
    if Command::new("script").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        skip("there is no `script`, which makes a terminal");
        return None;
    }
    let program = slugline(folder);
    let line = format!("{} --now {NOON} {arguments}", program.get_program().to_str().unwrap());
    let mut terminal = Command::new("script");
    terminal.env_remove("CI");
    terminal.args(["-qec", &line, "/dev/null"]).current_dir(folder).env("SHELL", "/bin/sh");
    let mut running = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    Some((String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap()))
}

#[test]
fn a_mailing_begins_only_if_the_answer_is_yes() {
    for command in ["send", "publish", "send neap", "--quiet send"] {
        let peer = Peer::start(vec![Script::new()]);
        let project = Project::new(&peer, "");
        for typed in ["n\n", "\n", "what\n"] {
            let Some((shown, code)) = at_a_terminal(project.folder(), command, typed) else { return };
            assert!(shown.contains(QUESTION), "{shown}");
            assert_eq!(shown.contains("Nothing was sent."), !command.contains("quiet"), "{shown}");
            assert_eq!((code, peer.taken().len()), (0, 0), "{shown}");
        }
        let Some((shown, code)) = at_a_terminal(project.folder(), command, "y\n") else { return };
        assert!(shown.contains(QUESTION), "{shown}");
        assert_eq!((code, peer.taken().len()), (0, 3), "{shown}");
    }
}

#[test]
fn nobody_is_asked_with_yes_or_json_to_resume_or_for_an_outbox() {
    let peer = Peer::start(vec![Script::new()]);
    let project = Project::new(&peer, "");
    for (command, mailed) in [("send --yes --limit 1", 1), ("send --limit 1", 2), ("publish", 3)] {
        let Some((shown, code)) = at_a_terminal(project.folder(), command, "") else { return };
        assert_eq!((shown.contains("[y/N]"), code, peer.taken().len()), (false, 0, mailed), "{shown}");
    }
    for (command, via) in [("--json publish", ""), ("publish --yes", ""), ("publish", "  via: outbox\n")] {
        let peer = Peer::start(vec![Script::new()]);
        let project = Project::new(&peer, "");
        let file = project.read("slugline.yaml");
        let file = if via.is_empty() { file } else { file[..file.find("  via:").unwrap()].to_owned() + via };
        project.write("slugline.yaml", &file);
        let Some((shown, code)) = at_a_terminal(project.folder(), command, "") else { return };
        assert_eq!((shown.contains("[y/N]"), code), (false, 0), "{shown}");
    }
}

//! Two runs at once, and runs that die: every message is recorded once.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::inbox::{NOON, READERS, Tides, letter, names};
use crate::program::{command, with_faults};

/// A Maildir with a bounce for each of these readers.
fn bounces(tides: &Tides, readers: &[String]) -> PathBuf {
    fs::create_dir_all(tides.path().join("Maildir/cur")).unwrap();
    for reader in readers {
        tides.write(&format!("Maildir/new/{reader}"), &tides.bounce(reader, "550 5.1.1 No such user"));
    }
    tides.path().join("Maildir")
}

#[test]
fn two_runs_at_once_record_every_message_once() {
    let readers: Vec<String> = (0..150).map(|number| format!("reader{number}@example.org")).collect();
    let tides = Tides::mailed(&readers.iter().map(String::as_str).collect::<Vec<_>>());
    let maildir = bounces(&tides, &readers);
    let start = || -> Child {
        let mut command = tides.command(&["--json", "inbox", "Maildir"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (first, second) = (start(), start());
    let recorded = |child: Child| {
        let output = child.wait_with_output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{document}");
        document["recorded"]["bounces"].as_u64().unwrap()
    };
    assert_eq!(recorded(first) + recorded(second), 150);
    assert!(names(&maildir).iter().all(|name| name.starts_with("cur/") && name.ends_with(":2,S")));
    let status = tides.document(&["status", "--recipients"]);
    let deliveries = status["mailings"][0]["deliveries"].as_array().unwrap();
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "bounced"), "{status}");
}

#[test]
fn a_run_killed_at_any_step_is_finished_by_the_next() {
    let Some(with_faults) = with_faults() else { return };
    let mut steps = BTreeSet::new();
    for fault in 1..100 {
        let tides = Tides::mailed(&READERS);
        let maildir = bounces(&tides, &READERS[..2].iter().map(|reader| (*reader).to_owned()).collect::<Vec<_>>());
        let leave = format!("leave+{}@tides.example.org", tides.token(READERS[2]));
        tides.write("Maildir/new/leave", &letter(READERS[2], &leave, ""));
        let step = tides.path().join("step");
        let mut dying = command(&with_faults, tides.path());
        dying.args(["--now", NOON, "--quiet", "inbox", "Maildir"]);
        dying.env("SLUGLINE_FAULT", fault.to_string()).env("SLUGLINE_FAULT_STEP", &step);
        let status = dying.status().unwrap();
        let step = fs::read_to_string(step).unwrap_or_default();
        let output = tides.run(&["inbox", "Maildir"]);
        assert_eq!(output.status.code(), Some(0), "after a death at `{step}`: {output:?}");
        let standings = READERS.map(|reader| tides.standing(reader));
        let expected =
            [("suppressed", "bounced"), ("suppressed", "bounced"), ("unsubscribed", "sent"), ("active", "sent")];
        assert_eq!(standings, expected.map(|(status, state)| (status.to_owned(), state.to_owned())), "after `{step}`");
        assert!(names(&maildir).iter().all(|name| name.ends_with(":2,S")), "after `{step}`");
        let person = tides.document(&["subscribers", "show", READERS[2]]);
        assert_eq!(person["messages"].as_array().unwrap().len(), 1, "after a death at `{step}`: {person}");
        if status.success() {
            let some = ["handle a message: not recorded", "handle a message: recorded", "mark a message: not in `cur`"];
            assert!(some.iter().all(|step| steps.contains(*step)), "{steps:#?}");
            return;
        }
        steps.insert(step);
    }
    panic!("it took more than 100 steps");
}

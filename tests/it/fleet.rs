//! Several machines send one issue to a long list from one PostgreSQL store; two of them die. Every reader has it exactly
//! once.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::PathBuf;
use std::process::Child;

use serde_json::Value;

use crate::database::Database;
use crate::newsletter::{CONNECTIONS, NOON, Newsletter};
use crate::program::copy_folder;
use crate::smtp_peer::{Peer, Script};

/// Number of readers, fewer where a machine has no time for them.
fn readers() -> usize {
    if env::var("CI").is_ok() { 100_000 } else { 5_000 }
}

const MACHINES: usize = 4;

/// A machine dies once one in this many recipients has the issue.
const DEATHS: [usize; 2] = [10, 3];

#[test]
fn two_of_four_machines_die_and_every_reader_is_mailed_once() {
    let Some(database) = Database::new("fleet") else { return };
    let readers = readers();
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").forgetting_contents()]);
    let folder = tempfile::tempdir().unwrap();
    let newsletter = Newsletter::with_readers(readers, &folder.path().join("machine-0"), peer.port(), database.url());
    newsletter.write_issue("neap");
    let machines: Vec<PathBuf> = (0..MACHINES).map(|number| folder.path().join(format!("machine-{number}"))).collect();
    for machine in &machines[1..] {
        copy_folder(newsletter.folder(), machine).unwrap();
    }
    let mut runs: Vec<Child> =
        machines.iter().map(|machine| newsletter.sending(machine, NOON, "neap").spawn().unwrap()).collect();
    for (run, part) in runs.iter_mut().zip(DEATHS) {
        peer.wait_for(readers / part);
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(peer.count() < readers, "it died after the last message");
    }
    for run in &mut runs[DEATHS.len()..] {
        assert!(matches!(run.wait().unwrap().code(), Some(0 | 1)), "another died too");
    }
    // Claims of the dead runs may be unassigned for a while.
    let last = newsletter.sending(&machines[3], NOON, "neap").status().unwrap();
    assert!(matches!(last.code(), Some(0 | 1)), "{last}");
    peer.settle();

    let (sent, unknown) = ledger(&newsletter);
    assert_eq!(sent.len() + unknown.len(), readers);
    assert!(unknown.len() <= DEATHS.len() * CONNECTIONS, "{unknown:?}");
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for message in peer.taken() {
        *times.entry(message.to).or_default() += 1;
    }
    let repeated: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    let missing: Vec<_> = sent.iter().filter(|address| !times.contains_key(*address)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let unnoticed: Vec<_> =
        times.keys().filter(|address| !sent.contains(*address) && !unknown.contains(*address)).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

/// The recipients that have the issue according to the ledger, and those that are unknown.
fn ledger(newsletter: &Newsletter) -> (BTreeSet<String>, BTreeSet<String>) {
    let addresses = |state: &str| -> BTreeSet<String> {
        let output = newsletter.status("neap", &["--state", state]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let deliveries = status["mailings"][0]["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries.iter().map(|delivery| delivery["address"].as_str().unwrap().to_owned()).collect()
    };
    (addresses("sent"), addresses("unknown"))
}

//! A disk that is full at each write: the program stops with an error, and once there is space again every recipient is
//! accounted for.
//!
//! `tests/run` makes the disk, which requires permission to mount; without it the test is skipped.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::database::Database;
use crate::newsletter::{NOON, Newsletter};
use crate::skipped::skip_even_in_ci;
use crate::smtp_peer::{Peer, Script};

/// The block size of a small disk.
const BLOCK: u64 = 4096;

/// More blocks than any run writes.
const MAX_BLOCKS: u64 = 400;

#[test]
fn a_disk_that_is_full_at_any_write_stops_the_run_and_loses_nobody() {
    let Some(disk) = disk("sqlite") else { return };
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let newsletter = Newsletter::new(&disk.join("newsletter"), peer.port(), "sqlite:slugline.db");
    full_at_any_write(&disk, &newsletter, &peer);
}

/// Only the database is on this disk.
#[test]
fn a_postgresql_whose_disk_is_full_at_any_write_stops_the_run_and_loses_nobody() {
    let Some(disk) = disk("postgres") else { return };
    let Some(database) = Database::new_in(&disk.join("tables"), "small_disk") else { return };
    let peer = Peer::start(vec![Script::new().offering("PIPELINING").numbering()]);
    let folder = tempfile::tempdir().unwrap();
    // Enough readers that every issue needs space.
    let newsletter = Newsletter::with_readers(150, folder.path(), peer.port(), database.url());
    full_at_any_write(&disk, &newsletter, &peer);
}

/// The disk of this name, for one test only.
fn disk(name: &str) -> Option<PathBuf> {
    let disks = env::var("SLUGLINE_TEST_SMALL_DISKS").ok();
    if disks.is_none() {
        skip_even_in_ci("there is no small disk; `tests/run`, as root, makes one where it may mount");
    }
    disks.map(|disks| Path::new(&disks).join(name))
}

fn full_at_any_write(disk: &Path, newsletter: &Newsletter, peer: &Peer) {
    let (mut said, mut in_the_middle, mut went_well) = (0, 0, 0);
    for blocks in 0..MAX_BLOCKS {
        let issue = format!("issue-{blocks}");
        newsletter.write_issue(&issue);
        let ballast = fill(disk, blocks * BLOCK);
        let before = peer.count();
        let mut command = newsletter.sending(newsletter.folder(), NOON, &issue);
        let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        fs::remove_file(ballast).unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(0..=2)), "{issue} with {blocks} free blocks: {message}");
        if code == Some(2) {
            assert!(message.contains("disk is full") || message.contains("No space left"), "{issue}: {message}");
            said += 1;
            in_the_middle += usize::from(peer.count() > before);
        }
        let next = newsletter.sending(newsletter.folder(), NOON, &issue).status().unwrap();
        assert!(matches!(next.code(), Some(0 | 1)), "{issue} with room again: {next}");
        peer.settle();
        newsletter.is_accounted_for(peer, &issue, &format!("a disk with {blocks} free blocks"));
        went_well = if code == Some(0) { went_well + 1 } else { 0 };
        if went_well == 3 {
            println!("full {said} times, {in_the_middle} of them when some had been mailed");
            assert!(said > 5, "the disk was rarely full");
            return;
        }
    }
    panic!("the disk never had enough space");
}

/// Leaves `free` bytes free; returns the file that takes the rest.
fn fill(disk: &Path, free: u64) -> PathBuf {
    let path = disk.join("ballast");
    let mut file = File::create(&path).unwrap();
    let block = [0; BLOCK as usize];
    loop {
        match file.write_all(&block) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => break,
            Err(error) => panic!("{error}"),
        }
    }
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(free)).unwrap();
    path
}

//! The machine: its environment variables, and the identity of a run for the ledger: host, boot and process.

use std::{env, fs, process};

use chrono::{DateTime, Utc};

use crate::ledger::Run;

/// This process, as the ledger knows it.
///
/// On systems without a boot id, each run counts as a boot of its own: after a crash more recipients than necessary become
/// unknown, but none is mailed twice.
pub fn this_run(now: DateTime<Utc>) -> Run {
    let pid = process::id();
    let host = line("/proc/sys/kernel/hostname").or_else(|| line("/etc/hostname")).unwrap_or_default();
    let boot_id = line("/proc/sys/kernel/random/boot_id");
    let boot_id = boot_id.unwrap_or_else(|| format!("{pid}-{}", now.timestamp_micros()));
    Run { host, boot_id, pid }
}

/// The environment variable of that name, or `None` if it is unset, empty or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

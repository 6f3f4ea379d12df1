//! What the machine knows: its environment variables; and who is sending, for the ledger: this host, since when it
//! runs, and this process.

use std::{env, fs, process};

use chrono::{DateTime, Utc};

use crate::ledger::Run;

/// This process, as the ledger knows it.
///
/// Where the system does not tell one boot from another, each run counts as one: after a crash more recipients are held
/// as unknown than need be, and nobody is mailed twice.
pub fn this_run(now: DateTime<Utc>) -> Run {
    let pid = process::id();
    let host = line("/proc/sys/kernel/hostname").or_else(|| line("/etc/hostname")).unwrap_or_default();
    let boot_id = line("/proc/sys/kernel/random/boot_id");
    let boot_id = boot_id.unwrap_or_else(|| format!("{pid}-{}", now.timestamp_micros()));
    Run { host, boot_id, pid }
}

/// The environment variable of that name; `None` when it is not set, not UTF-8, or blank.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

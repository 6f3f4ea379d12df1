//! What `--quiet` has shown before: under cron, an unchanged message is shown once a day, not once a minute.
//!
//! The file beside the store contains a hash and a day per message, of the messages of the last run only: what was fixed
//! and breaks again is shown at once. Whatever is wrong with the file, messages are shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::disk::Project;
use crate::hex::hex;

/// The messages shown before, and those of this run, by their hash, each with the day it was last shown on.
#[derive(Debug)]
pub(in crate::cli) struct Notices {
    project: Project,
    file: PathBuf,
    today: String,
    before: BTreeMap<String, String>,
    current: BTreeMap<String, String>,
}

impl Notices {
    /// Reads the file, which need not exist.
    pub fn open(project: Project, file: PathBuf, now: DateTime<Utc>) -> Self {
        let text = project.text_if_exists(&file).ok().flatten().unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let before = lines.map(|(hash, day)| (hash.to_owned(), day.to_owned())).collect();
        Self { project, file, today: now.format("%Y-%m-%d").to_string(), before, current: BTreeMap::new() }
    }

    /// Notes a message; returns whether it was not shown today.
    pub fn is_due(&mut self, message: &str) -> bool {
        let hash = hex(&Sha256::digest(message)[..16]);
        let is_due = self.before.get(&hash) != Some(&self.today);
        self.current.insert(hash, self.today.clone());
        is_due
    }

    /// Writes the file if it changed. If that fails, the messages are shown again, which is no reason to fail.
    pub fn save(&self) {
        if self.current != self.before {
            let lines: String = self.current.iter().map(|(hash, day)| format!("{hash} {day}\n")).collect();
            let _ = self.project.write(&self.file, lines.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_message_is_due_once_a_day_and_after_it_was_gone() {
        let folder = tempfile::tempdir().unwrap();
        let run = |now: &str, messages: &[&str]| -> Vec<bool> {
            let project = Project::new(folder.path());
            let mut notices = Notices::open(project, "slugline.db-notices".into(), now.parse().unwrap());
            let due = messages.iter().map(|message| notices.is_due(message)).collect();
            notices.save();
            due
        };
        assert!(run("2026-11-20T12:00:00Z", &[]).is_empty());
        assert!(!folder.path().join("slugline.db-notices").exists());
        assert_eq!(run("2026-11-20T12:00:00Z", &["a", "b"]), [true, true]);
        assert_eq!(run("2026-11-20T12:01:00Z", &["a", "c"]), [false, true]);
        assert_eq!(run("2026-11-20T12:02:00Z", &["a", "b"]), [false, true], "it was gone");
        assert_eq!(run("2026-11-21T00:00:00Z", &["a", "b"]), [true, true], "the next day");
        assert!(run("2026-11-21T00:01:00Z", &[]).is_empty());
        assert_eq!(run("2026-11-21T00:02:00Z", &["a"]), [true]);
    }
}

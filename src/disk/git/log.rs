//! Reads what `git log --raw -z` writes: which commit changed which file, back through its renames.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context, bail};
use chrono::{DateTime, FixedOffset};

/// Commits newest first, each `HASH NUL AUTHOR-DATE NUL SUBJECT NUL` and its raw entries, each
/// `:MODES BLOBS STATUS NUL PATH NUL`, with a second path after a rename. Merges only repeat what they merge. Without a
/// path to limit it by, git compares each pair of trees once instead of twice.
pub const ARGUMENTS: [&str; 10] = [
    "log",
    "--no-color",
    "--no-notes",
    "--no-merges",
    "--raw",
    "--no-abbrev",
    "-z",
    "-M",
    "--relative",
    "--format=%H%x00%aI%x00%s",
];

/// A commit that changed the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Author date: a rebase leaves it alone.
    pub date: DateTime<FixedOffset>,
    /// Name of the blob before it.
    pub before: String,
    /// Name of the blob after it.
    pub after: String,
}

/// What was read so far.
pub struct Log<F> {
    is_ignored: F,
    /// What the files of today were called at this point of the history; `None` for the file before one of this name.
    names: HashMap<String, Option<String>>,
    changes: HashMap<String, Vec<Change>>,
}

impl<F: Fn(&str, &str) -> bool> Log<F> {
    /// Nothing read yet. `is_ignored` tells by hash and subject which commits do not count.
    pub fn new(is_ignored: F) -> Self {
        Self { is_ignored, names: HashMap::new(), changes: HashMap::new() }
    }

    /// The changes of each file, by its path of today, newest first.
    ///
    /// # Errors
    /// When it cannot be read, or is not as git writes it.
    pub fn read(mut self, stdout: &mut dyn BufRead) -> anyhow::Result<HashMap<String, Vec<Change>>> {
        let mut fields = stdout.split(0);
        let mut next = || fields.next().transpose().context("failed to read the history");
        let mut date = None;
        while let Some(field) = next()? {
            let field = String::from_utf8_lossy(&field).into_owned();
            let mut expect = || next()?.map(text).context("the history ends too early");
            match field.trim_start_matches('\n').strip_prefix(':') {
                Some(entry) => self.entry(entry, date, &mut expect)?,
                None => {
                    let (written, subject) = (expect()?, expect()?);
                    let counts = !(self.is_ignored)(field.trim_start_matches('\n'), &subject);
                    date = DateTime::parse_from_rfc3339(&written).ok().filter(|_| counts);
                }
            }
        }
        Ok(self.changes)
    }

    fn entry(
        &mut self,
        entry: &str,
        date: Option<DateTime<FixedOffset>>,
        path: &mut dyn FnMut() -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let mut words = entry.split(' ').skip(2);
        let (Some(before), Some(after), Some(status)) = (words.next(), words.next(), words.next()) else {
            bail!("the history holds `{entry}`, which is no raw entry");
        };
        let old = path()?;
        match status.as_bytes().first() {
            Some(b'A') => {
                self.names.insert(old, None);
                return Ok(());
            }
            Some(b'R') => {
                let name = self.today(&path()?);
                self.names.insert(old.clone(), name);
            }
            Some(b'M') => {}
            _ => return Ok(()),
        }
        let (Some(name), Some(date)) = (self.today(&old), date) else { return Ok(()) };
        if before != after {
            let change = Change { date, before: before.to_owned(), after: after.to_owned() };
            self.changes.entry(name).or_default().push(change);
        }
        Ok(())
    }

    /// What the file that had this name is called today; `None` when it is there no more.
    fn today(&self, path: &str) -> Option<String> {
        self.names.get(path).cloned().unwrap_or_else(|| Some(path.to_owned()))
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Author date, subject and entries of commits, as git writes them; the hash is the subject's first word.
    fn read(commits: &[(&str, &str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let mut written = String::new();
        for (date, subject, entries) in commits {
            let hash = subject.split(' ').next().unwrap();
            written.push_str(&format!("{hash}\0{date}\0{subject}\0\n{}", entries.concat()));
        }
        let is_ignored = |hash: &str, subject: &str| hash == "ignored" || subject.contains("skip");
        let changes = Log::new(is_ignored).read(&mut written.as_bytes()).unwrap();
        let show = |change: &Change| format!("{} {}>{}", change.date.to_rfc3339(), change.before, change.after);
        let mut shown: Vec<_> =
            changes.into_iter().map(|(path, changes)| (path, changes.iter().map(show).collect())).collect();
        shown.sort();
        shown
    }

    const MONDAY: &str = "2026-11-02T08:00:00+08:00";
    const TUESDAY: &str = "2026-11-03T08:00:00Z";

    fn history(path: &str, changes: &[&str]) -> (String, Vec<String>) {
        (path.to_owned(), changes.iter().map(|change| (*change).to_owned()).collect())
    }

    #[test]
    fn changes_are_told_newest_first_and_the_beginning_is_none() {
        let commits: [(&str, &str, &[&str]); 3] = [
            (TUESDAY, "3", &[":100644 100644 b c M\0海 a.md\0", ":100644 100755 x x M\0b.md\0"]),
            (MONDAY, "2 : a\nb", &[":100644 100644 a b M\0海 a.md\0"]),
            (MONDAY, "1", &[":000000 100644 0 a A\0海 a.md\0"]),
        ];
        let expected = ["2026-11-03T08:00:00+00:00 b>c", "2026-11-02T08:00:00+08:00 a>b"];
        assert_eq!(read(&commits), [history("海 a.md", &expected)]);
    }

    #[test]
    fn a_renamed_file_keeps_its_history_and_a_name_used_again_gets_none() {
        let commits: [(&str, &str, &[&str]); 5] = [
            (TUESDAY, "5", &[":100644 100644 y z M\0a.md\0"]),
            (TUESDAY, "4", &[":000000 100644 0 y A\0a.md\0"]),
            (TUESDAY, "3", &[":100644 100644 b b R100\0a.md\0new.md\0"]),
            (MONDAY, "2", &[":100644 100644 a b M\0a.md\0", ":100644 000000 q 0 D\0gone.md\0"]),
            (MONDAY, "1", &[":100644 100644 0 a R080\0first.md\0a.md\0"]),
        ];
        let new = ["2026-11-02T08:00:00+08:00 a>b", "2026-11-02T08:00:00+08:00 0>a"];
        assert_eq!(read(&commits), [history("a.md", &["2026-11-03T08:00:00+00:00 y>z"]), history("new.md", &new)]);
    }

    #[test]
    fn commits_that_say_so_do_not_count() {
        let commits: [(&str, &str, &[&str]); 3] = [
            (TUESDAY, "3 skip", &[":100644 100644 b c M\0a.md\0"]),
            (TUESDAY, "ignored", &[":100644 100644 b c M\0a.md\0"]),
            (MONDAY, "2", &[":100644 100644 a b M\0a.md\0"]),
        ];
        assert_eq!(read(&commits), [history("a.md", &["2026-11-02T08:00:00+08:00 a>b"])]);
        assert!(Log::new(|_, _| false).read(&mut b"hash\0".as_slice()).is_err());
    }
}

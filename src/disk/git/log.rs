//! Parses the output of `git log --raw -z`: which commit changed which file, following renames.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context, bail};
use chrono::{DateTime, FixedOffset};

/// Commits, newest first: each is `HASH NUL AUTHOR-DATE NUL SUBJECT NUL` and its raw entries, each
/// `:MODES BLOBS STATUS NUL PATH NUL`, with a second path after a rename. Merges only repeat other commits. Without a path
/// limit, git compares each pair of trees once instead of twice.
pub const ARGUMENTS: [&str; 9] =
    ["log", "--no-color", "--no-notes", "--no-merges", "--raw", "--no-abbrev", "-z", "-M", "--format=%H%x00%aI%x00%s"];

/// A commit that changed the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Author date, which a rebase preserves.
    pub date: DateTime<FixedOffset>,
    /// The blob before the change.
    pub before: String,
    /// The blob after the change.
    pub after: String,
}

/// What happened to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Author date of the first commit with the file.
    pub created: Option<DateTime<FixedOffset>>,
    /// The changes since, newest first.
    pub changes: Vec<Change>,
}

/// The history read so far.
pub struct Log<F> {
    is_ignored: F,
    /// The file that had this name at this point of the history, or `None` if it no longer exists.
    names: HashMap<String, Option<Name>>,
    /// The names before the commit that is read now, which count once it is read.
    pending: Vec<(String, Option<Name>)>,
    files: HashMap<String, Past>,
}

/// A name that a file had.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    current: String,
    /// Whether the file was removed and added again since: its first commit counts, its changes do not.
    is_reused: bool,
}

/// A commit.
#[derive(Debug, Clone, Copy)]
struct Commit {
    date: Option<DateTime<FixedOffset>>,
    is_ignored: bool,
}

impl<F: Fn(&str, &str) -> bool> Log<F> {
    /// An empty log. `is_ignored` decides by hash and subject which commits do not count as changes.
    pub fn new(is_ignored: F) -> Self {
        Self { is_ignored, names: HashMap::new(), pending: Vec::new(), files: HashMap::new() }
    }

    /// The past of each file by its current path.
    ///
    /// # Errors
    /// If the output cannot be read or parsed.
    pub fn read(mut self, stdout: &mut dyn BufRead) -> anyhow::Result<HashMap<String, Past>> {
        let mut fields = stdout.split(0);
        let mut next = || fields.next().transpose().context("failed to read the history");
        let mut commit = Commit { date: None, is_ignored: true };
        while let Some(field) = next()? {
            let field = String::from_utf8_lossy(&field).into_owned();
            let mut expect = || next()?.map(text).context("the history ends too early");
            match field.trim_start_matches('\n').strip_prefix(':') {
                Some(entry) => self.entry(entry, commit, &mut expect)?,
                None => {
                    let (written, subject) = (expect()?, expect()?);
                    let is_ignored = (self.is_ignored)(field.trim_start_matches('\n'), &subject);
                    commit = Commit { date: DateTime::parse_from_rfc3339(&written).ok(), is_ignored };
                    self.names.extend(std::mem::take(&mut self.pending));
                }
            }
        }
        Ok(self.files)
    }

    fn entry(
        &mut self,
        entry: &str,
        commit: Commit,
        path: &mut dyn FnMut() -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let mut words = entry.split(' ').skip(2);
        let (Some(before), Some(after), Some(status)) = (words.next(), words.next(), words.next()) else {
            bail!("the history contains `{entry}`, which is not a raw entry");
        };
        let old = path()?;
        let name = match status.as_bytes().first() {
            Some(b'A') => {
                if let Some(Name { current, .. }) = self.name(&old) {
                    self.files.entry(current.clone()).or_default().created = commit.date;
                    self.pending.push((old, Some(Name { current, is_reused: true })));
                }
                return Ok(());
            }
            Some(b'R') => {
                let new = path()?;
                let name = self.name(&new);
                // Entries of one commit: another of them may say what had the new name before.
                self.pending.insert(0, (new, None));
                self.pending.push((old, name.clone()));
                name
            }
            Some(b'M') => self.name(&old),
            _ => return Ok(()),
        };
        let (Some(name), Some(date)) = (name, commit.date) else { return Ok(()) };
        if before != after && !name.is_reused && !commit.is_ignored {
            let change = Change { date, before: before.to_owned(), after: after.to_owned() };
            self.files.entry(name.current).or_default().changes.push(change);
        }
        Ok(())
    }

    /// The file that had this name, or `None` if it no longer exists.
    fn name(&self, path: &str) -> Option<Name> {
        let own = || Some(Name { current: path.to_owned(), is_reused: false });
        self.names.get(path).cloned().unwrap_or_else(own)
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
        let files = Log::new(is_ignored).read(&mut written.as_bytes()).unwrap();
        let change = |change: &Change| format!("{} {}>{}", change.date.to_rfc3339(), change.before, change.after);
        let show = |past: Past| {
            let created = past.created.map(|date| format!("{} created", date.to_rfc3339()));
            past.changes.iter().map(change).chain(created).collect()
        };
        let mut shown: Vec<_> = files.into_iter().map(|(path, past)| (path, show(past))).collect();
        shown.sort();
        shown
    }

    const MONDAY: &str = "2026-11-02T08:00:00+08:00";
    const TUESDAY: &str = "2026-11-03T08:00:00Z";

    fn history(path: &str, changes: &[&str]) -> (String, Vec<String>) {
        (path.to_owned(), changes.iter().map(|change| (*change).to_owned()).collect())
    }

    #[test]
    fn changes_are_newest_first_and_the_first_commit_is_not_one() {
        let commits: [(&str, &str, &[&str]); 3] = [
            (TUESDAY, "3", &[":100644 100644 b c M\0海 a.md\0", ":100644 100755 x x M\0b.md\0"]),
            (MONDAY, "2 : a\nb", &[":100644 100644 a b M\0海 a.md\0"]),
            (MONDAY, "1", &[":000000 100644 0 a A\0海 a.md\0"]),
        ];
        let expected =
            ["2026-11-03T08:00:00+00:00 b>c", "2026-11-02T08:00:00+08:00 a>b", "2026-11-02T08:00:00+08:00 created"];
        assert_eq!(read(&commits), [history("海 a.md", &expected)]);
    }

    #[test]
    fn a_renamed_file_keeps_its_history_and_a_reused_name_gets_none() {
        let commits: [(&str, &str, &[&str]); 5] = [
            (TUESDAY, "5", &[":100644 100644 y z M\0a.md\0"]),
            (TUESDAY, "4", &[":000000 100644 0 y A\0a.md\0"]),
            (TUESDAY, "3", &[":100644 100644 b b R100\0a.md\0new.md\0"]),
            (MONDAY, "2", &[":100644 100644 a b M\0a.md\0", ":100644 000000 q 0 D\0gone.md\0"]),
            (MONDAY, "1", &[":100644 100644 0 a R080\0first.md\0a.md\0"]),
        ];
        let new = ["2026-11-02T08:00:00+08:00 a>b", "2026-11-02T08:00:00+08:00 0>a"];
        let a = ["2026-11-03T08:00:00+00:00 y>z", "2026-11-03T08:00:00+00:00 created"];
        assert_eq!(read(&commits), [history("a.md", &a), history("new.md", &new)]);
    }

    #[test]
    fn the_first_commit_is_found_under_the_names_of_then() {
        let commits: [(&str, &str, &[&str]); 5] = [
            // Added again after it was removed: the first time counts, even in a commit that is otherwise ignored.
            (TUESDAY, "5", &[":000000 100644 0 c A\0again.md\0"]),
            (TUESDAY, "4", &[":100644 000000 b 0 D\0again.md\0"]),
            // Two files exchange their names, and a third takes one that was free.
            (
                TUESDAY,
                "3",
                &[
                    ":100644 100644 x x R100\0b.md\0a.md\0",
                    ":100644 100644 y y R100\0a.md\0b.md\0",
                    ":100644 100644 z z R100\0draft.md\0c.md\0",
                ],
            ),
            (TUESDAY, "2", &[":000000 100644 0 y A\0a.md\0", ":000000 100644 0 z A\0draft.md\0"]),
            (
                MONDAY,
                "ignored",
                &[":000000 100644 0 x A\0b.md\0", ":000000 100644 0 b A\0again.md\0", ":000000 100644 0 q A\0c.md\0"],
            ),
        ];
        let (monday, tuesday) = ("2026-11-02T08:00:00+08:00 created", "2026-11-03T08:00:00+00:00 created");
        let expected = [("a.md", monday), ("again.md", monday), ("b.md", tuesday), ("c.md", tuesday)];
        assert_eq!(read(&commits), expected.map(|(path, created)| history(path, &[created])));
    }

    #[test]
    fn ignored_commits_do_not_count() {
        let commits: [(&str, &str, &[&str]); 3] = [
            (TUESDAY, "3 skip", &[":100644 100644 b c M\0a.md\0"]),
            (TUESDAY, "ignored", &[":100644 100644 b c M\0a.md\0"]),
            (MONDAY, "2", &[":100644 100644 a b M\0a.md\0"]),
        ];
        assert_eq!(read(&commits), [history("a.md", &["2026-11-02T08:00:00+08:00 a>b"])]);
        assert!(Log::new(|_, _| false).read(&mut b"hash\0".as_slice()).is_err());
    }
}

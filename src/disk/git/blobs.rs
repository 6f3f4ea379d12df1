//! Old versions of files, from one `git cat-file --batch` that answers as long as it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::Context;

use crate::disk::git;
use crate::finding::Finding;

/// A running `git cat-file`.
pub struct Blobs {
    child: Child,
    asked: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Blobs {
    /// Starts it in a folder of the repository.
    ///
    /// # Errors
    /// When git does not start.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut child = git::start(folder, &["cat-file", "--batch"], Stdio::piped(), Stdio::null())?;
        let answers = BufReader::new(child.stdout.take().context("git has no stdout")?);
        Ok(Self { asked: child.stdin.take(), answers, child })
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// When git does not answer; a finding when the clone lacks it.
    pub fn read(&mut self, name: &str) -> anyhow::Result<Vec<u8>> {
        let asked = self.asked.as_mut().context("git has no stdin")?;
        writeln!(asked, "{name}").context("failed to ask git")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("failed to read git's answer")?;
        // `NAME blob SIZE`, or `NAME missing`.
        let size = answer.trim_end().rsplit_once(" blob ").and_then(|(_, size)| size.parse::<usize>().ok());
        let Some(size) = size else { return Err(missing().into()) };
        let mut bytes = vec![0; size + 1];
        self.answers.read_exact(&mut bytes).context("failed to read git's answer")?;
        bytes.truncate(size);
        Ok(bytes)
    }
}

impl Drop for Blobs {
    /// It ends by itself when nothing more can be asked.
    fn drop(&mut self) {
        self.asked = None;
        let _ = self.child.wait();
    }
}

fn missing() -> Finding {
    Finding::error("git-history", "the clone lacks old versions of issues, so git cannot tell when they changed")
        .help("clone without `--filter`")
}

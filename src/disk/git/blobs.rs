//! Reads old versions of files from one long-running `git cat-file --batch`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::Context;

use crate::disk::git;
use crate::finding::Finding;

/// A running `git cat-file`.
pub struct Blobs {
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Blobs {
    /// Starts it in a folder of the repository.
    ///
    /// # Errors
    /// If git does not start.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut child = git::start(folder, &["cat-file", "--batch"], Stdio::piped(), Stdio::null())?;
        let replies = BufReader::new(child.stdout.take().context("git has no stdout")?);
        Ok(Self { requests: child.stdin.take(), replies, child })
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// If git does not reply; a finding if the clone lacks the blob.
    pub fn read(&mut self, name: &str) -> anyhow::Result<Vec<u8>> {
        let requests = self.requests.as_mut().context("git has no stdin")?;
        writeln!(requests, "{name}").context("failed to write to git")?;
        let mut reply = String::new();
        self.replies.read_line(&mut reply).context("failed to read git's reply")?;
        // `NAME blob SIZE`, or `NAME missing`.
        let size = reply.trim_end().rsplit_once(" blob ").and_then(|(_, size)| size.parse::<usize>().ok());
        let Some(size) = size else { return Err(missing().into()) };
        let mut bytes = vec![0; size + 1];
        self.replies.read_exact(&mut bytes).context("failed to read git's reply")?;
        bytes.truncate(size);
        Ok(bytes)
    }
}

impl Drop for Blobs {
    /// Git exits when its stdin is closed.
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.wait();
    }
}

fn missing() -> Finding {
    Finding::error("git-history", "the clone lacks old versions of issues, so git cannot determine when they changed")
        .help("clone without `--filter`")
}

//! Copies files of the project to the output folder if they changed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

use anyhow::Context;

use crate::disk::{Project, Readers, Written, replace};

impl Project {
    /// Copies a file atomically, and returns its size in bytes too. An identical copy keeps its modification time.
    ///
    /// # Errors
    /// If one cannot be read or the other cannot be written; the message names both.
    pub fn copy(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> anyhow::Result<(Written, u64)> {
        let (from, to) = (self.path(from), self.path(to));
        copy(&from, &to).with_context(|| format!("failed to copy `{}` to `{}`", from.display(), to.display()))
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<(Written, u64)> {
    let bytes = from.metadata()?.len();
    let written = match File::open(to) {
        Ok(copy) if copy.metadata()?.len() == bytes && is_same(&File::open(from)?, &copy)? => {
            return Ok((Written::Unchanged, bytes));
        }
        Ok(_) => Written::Changed,
        Err(error) if error.kind() == ErrorKind::NotFound => Written::New,
        Err(error) => return Err(error),
    };
    let mut source = File::open(from)?;
    replace(to, Readers::All, |file| io::copy(&mut source, file).map(|_| ()))?;
    Ok((written, bytes))
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    const BUFFER_BYTES: usize = 1 << 16;
    let [mut one, mut other] = [one, other].map(|file| BufReader::with_capacity(BUFFER_BYTES, file));
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if a[..length] != b[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(a.len() == b.len());
        }
        one.consume(length);
        other.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_copied_again_only_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        let (long, longer) = (vec![7; 200_000], vec![8; 200_000]);
        for (bytes, expected) in [
            (&long, Written::New),
            (&long, Written::Unchanged),
            (&longer, Written::Changed),
            (&Vec::new(), Written::Changed),
            (&Vec::new(), Written::Unchanged),
        ] {
            project.write("a", bytes).unwrap();
            assert_eq!(project.copy("a", "public/b/a").unwrap(), (expected, bytes.len() as u64));
            assert_eq!(project.bytes("public/b/a").unwrap(), *bytes);
        }
        assert!(project.copy("none", "public/none").is_err());
    }
}

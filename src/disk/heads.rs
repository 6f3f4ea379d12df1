//! Reads the first bytes of files: the front matter of ten thousand posts, but not their texts.
//!
//! Takes paths below the project folder, and what is enough; returns bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::content::path::folder;
use crate::disk::Project;
use crate::disk::folder::Folder;

/// Bytes read at once of a file whose text may be of interest too.
pub const AT_ONCE: usize = 4096;

/// Reads the first bytes of files in a folder.
#[derive(Debug)]
pub struct HeadReader<'a> {
    project: &'a Project,
    /// `None` if it cannot be opened.
    around: Option<Folder>,
    /// Length of its part of each path, including its last slash.
    skipped: usize,
    at_once: usize,
}

impl Project {
    /// Reads the first bytes of a file, until `is_enough` returns true or the file ends.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn head(&self, path: &str, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        head(File::open(self.path(path))?, AT_ONCE, is_enough).map(|(head, _)| head)
    }

    /// Opens the folder that contains all of these files, to read from them, `at_once` bytes at a time.
    pub fn head_reader<'p>(&self, paths: impl IntoIterator<Item = &'p str>, at_once: usize) -> HeadReader<'_> {
        let around = paths.into_iter().map(folder).reduce(common_folder).unwrap_or_default();
        let skipped = if around.is_empty() { 0 } else { around.len() + 1 };
        HeadReader { project: self, around: Folder::open(&self.path(around)).ok(), skipped, at_once }
    }
}

impl HeadReader<'_> {
    /// Reads the first bytes of a file, until `is_enough` returns true or the file ends; also returns its size in bytes.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn head(&self, path: &str, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<(Vec<u8>, u64)> {
        let file = match &self.around {
            Some(around) => around.file(&path[self.skipped..]),
            None => File::open(self.project.path(path)),
        };
        head(file?, self.at_once, is_enough)
    }
}

fn head(mut file: File, at_once: usize, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::with_capacity(at_once);
    while file.by_ref().take(at_once as u64).read_to_end(&mut bytes)? > 0 && !is_enough(&bytes) {}
    // A small file has been read whole: a build asks for a hundred thousand.
    let size = if bytes.len() < at_once { bytes.len() as u64 } else { file.seek(SeekFrom::End(0))? };
    Ok((bytes, size))
}

/// The innermost folder around two folders.
fn common_folder<'a>(a: &'a str, b: &str) -> &'a str {
    let mut around = a;
    while !around.is_empty() && around != b && !b.strip_prefix(around).is_some_and(|rest| rest.starts_with('/')) {
        around = folder(around);
    }
    around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_needed_bytes_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("a.md", &[b'x'; 20_000]).unwrap();
        let length = |path, enough: usize| project.head(path, |bytes| bytes.len() > enough).map(|bytes| bytes.len());
        assert_eq!(length("a.md", 5000).unwrap(), 8192);
        assert_eq!(length("a.md", 50_000).unwrap(), 20_000);
        assert!(length("b.md", 0).is_err());
    }

    #[test]
    fn files_in_one_folder_or_in_several_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        let paths = ["a.md", "b/c/d.md", "b/c/e.md", "b/cc/f.md"];
        for path in paths {
            project.write(path, path.as_bytes()).unwrap();
        }
        for (paths, around) in [(&paths[..], ""), (&paths[1..], "b"), (&paths[1..3], "b/c"), (&paths[3..], "b/cc")] {
            assert_eq!(paths.iter().map(|path| super::folder(path)).reduce(common_folder), Some(around));
            let reader = project.head_reader(paths.iter().copied(), 4);
            for path in paths {
                assert_eq!(reader.head(path, |_| false).unwrap(), (path.as_bytes().to_vec(), path.len() as u64));
                assert_eq!(reader.head(path, |_| true).unwrap(), (path.as_bytes()[..4].to_vec(), path.len() as u64));
            }
        }
        let gone = project.head_reader(["gone/a.md"], 4);
        assert_eq!(gone.head("gone/a.md", |_| true).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}

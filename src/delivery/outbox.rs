//! The outbox: a folder that takes letters as .eml files, for trying out and for other programs to send.
//!
//! Takes finished letters; writes `FOLDER/SLUG/RECIPIENT.eml`, each whole or not at all, the same bytes each time, so
//! that repeating is harmless.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::disk::Project;
use crate::email::EmailAddress;
use crate::hex::hex;
use crate::issue::Slug;
use crate::letter::Letter;

/// The folder of one issue's letters.
pub struct Outbox<'a> {
    project: &'a Project,
    folder: PathBuf,
}

impl<'a> Outbox<'a> {
    /// The folder of `slug` below `root`, which is below the project folder; it is made when the first letter is
    /// written.
    pub fn new(project: &'a Project, root: &Path, slug: &Slug) -> Self {
        Self { project, folder: root.join(file_name(slug.as_str())) }
    }

    /// Writes the letter as it is, and gives the file's path below the project folder. A file that holds the same bytes
    /// already is not touched.
    ///
    /// # Errors
    /// When the disk refuses; the file is as it was before then.
    pub fn write(&self, letter: &Letter) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(file_of(&letter.to));
        self.project.write(&path, &letter.content)?;
        Ok(path)
    }
}

/// The name of the file for a recipient: `reader@example.org.eml`, or what comes nearest. Two addresses whose case alone
/// differs share a mailbox and a file.
pub fn file_of(address: &EmailAddress) -> String {
    format!("{}.eml", file_name(&address.key()))
}

/// The text as a file name on any system: ASCII letters, digits and `@ . _ - +` stay, and what had to give way is told
/// apart by a hash of the text.
fn file_name(text: &str) -> String {
    const LONGEST: usize = 100;
    let fits = |c: char| c.is_alphanumeric() && !c.is_uppercase() || "@._-+".contains(c);
    let mut name: String = text.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if name.starts_with('.') {
        name.replace_range(..1, "_");
    }
    if name.len() > LONGEST {
        name.truncate((0..=LONGEST).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0));
    }
    if name != text {
        let hash = Sha256::digest(text.as_bytes());
        name.push('-');
        name.push_str(&hex(&hash[..6]));
    }
    name
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn letter(to: &str, content: &str) -> Letter {
        let from = "weekly@example.org".parse().unwrap();
        Letter { from, to: to.parse().unwrap(), content: content.into() }
    }

    #[test]
    fn a_letter_becomes_a_file_named_after_its_recipient() {
        let root = tempfile::tempdir().unwrap();
        let project = Project::new(root.path());
        let outbox = Outbox::new(&project, Path::new("outbox"), &Slug::new("spring-notes").unwrap());
        let path = outbox.write(&letter("Reader@Example.org", "Subject: a\r\n\r\nb\r\n")).unwrap();
        assert_eq!(path, Path::new("outbox/spring-notes/reader@example.org.eml"));
        assert_eq!(fs::read(root.path().join(&path)).unwrap(), b"Subject: a\r\n\r\nb\r\n");
    }

    #[test]
    fn no_address_leaves_the_folder_and_no_two_collide() {
        let names = ["a/b@example.org", "a_b@example.org", "a?b@example.org", "..@example.org", "用户@example.org"];
        let files: Vec<String> = names.iter().map(|name| file_name(name)).collect();
        assert_eq!(files[1], "a_b@example.org");
        assert_eq!(files[0], "a_b@example.org-bb02eab6974b");
        assert_eq!(files[4], "用户@example.org");
        let mut distinct = files.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), files.len());
    }

    proptest! {
        #[test]
        fn any_text_is_one_safe_path_segment(text in ".{0,300}") {
            let name = file_name(&text);
            prop_assert!(!name.contains(['/', '\\', '\0', ':']) && !name.starts_with('.') && name.len() <= 113);
            prop_assert_eq!(Path::new(&name).components().count(), usize::from(!name.is_empty()));
        }
    }
}

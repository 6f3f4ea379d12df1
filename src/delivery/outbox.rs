//! The outbox: a folder that takes letters as .eml files, for trying out and for other programs to send.
//!
//! Writes finished letters to `FOLDER/SLUG/RECIPIENT.eml`, each atomically and always with the same bytes, so that
//! repeating is harmless.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::disk::Project;
use crate::email::EmailAddress;
use crate::hex::hex;
use crate::issue::Slug;
use crate::letter::Letter;

/// The folder of one mailing's letters.
pub struct Outbox<'a> {
    project: &'a Project,
    folder: PathBuf,
}

impl<'a> Outbox<'a> {
    /// The folder of `slug` below `root`, which is below the project folder. It is created with the first letter.
    pub fn new(project: &'a Project, root: &Path, slug: &Slug) -> Self {
        Self { project, folder: root.join(file_name(slug.as_str())) }
    }

    /// Writes the letter unchanged; returns the file's path below the project folder. A file with the same bytes is not
    /// touched.
    ///
    /// # Errors
    /// When the file cannot be written; it is unchanged then.
    pub fn write(&self, letter: &Letter) -> anyhow::Result<PathBuf> {
        self.put(file_of(&letter.to), letter)
    }

    /// Writes the letter like `write`, to a file that begins with a number: one recipient may have several.
    ///
    /// # Errors
    /// When the file cannot be written; it is unchanged then.
    pub fn write_numbered(&self, number: i64, letter: &Letter) -> anyhow::Result<PathBuf> {
        self.put(format!("{number}-{}", file_of(&letter.to)), letter)
    }

    fn put(&self, file: String, letter: &Letter) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(file);
        self.project.write(&path, &letter.content)?;
        Ok(path)
    }
}

/// The file name for a recipient: `reader@example.org.eml`, or the closest safe name. Addresses that differ only in case
/// share a mailbox and a file.
pub fn file_of(address: &EmailAddress) -> String {
    format!("{}.eml", file_name(&address.key()))
}

/// The text as a file name that is safe on any system: letters except uppercase, digits and `@ . _ - +` stay. A hash of the
/// text distinguishes names that had to change.
fn file_name(text: &str) -> String {
    const MAX_BYTES: usize = 100;
    let is_safe = |c: char| c.is_alphanumeric() && !c.is_uppercase() || "@._-+".contains(c);
    let mut name: String = text.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    if name.starts_with('.') {
        name.replace_range(..1, "_");
    }
    if name.len() > MAX_BYTES {
        name.truncate((0..=MAX_BYTES).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0));
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
        Letter { from, to: to.parse().unwrap(), envelope_id: None, content: content.into() }
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

//! Lists every file below some folders: the possible targets of links.

use std::collections::BTreeSet;

use crate::disk::Project;
use crate::disk::folder::{Entry, EntryKind, Listing};

impl Project {
    /// The files below these folders, as paths below the project folder, separated by `/`. Folders that are missing or
    /// unreadable and names that start with a dot are skipped; symbolic links to folders are not followed.
    pub fn files_below(&self, folders: &[&str]) -> BTreeSet<String> {
        self.files_below_except(folders, &[])
    }

    /// The same without files and folders of these names.
    pub fn files_below_except(&self, folders: &[&str], except: &[&str]) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        let mut next: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        while let Some(folder) = next.pop() {
            let Ok(listing) = Listing::open(&self.path(&folder)) else { continue };
            for Entry { name, kind } in listing.flatten() {
                let Ok(name) = name.into_string() else { continue };
                let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                match kind {
                    _ if name.starts_with('.') || except.contains(&name.as_str()) => {}
                    EntryKind::Folder => next.push(path),
                    EntryKind::File | EntryKind::SymbolicLink => {
                        files.insert(path);
                    }
                    EntryKind::Special => {}
                }
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_files_at_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        for path in ["static/a.png", "static/b/c d.png", "static/.git/x", "content/海/index.md"] {
            project.write(path, b"").unwrap();
        }
        let files: Vec<String> = project.files_below(&["content", "static", "assets"]).into_iter().collect();
        assert_eq!(files, ["content/海/index.md", "static/a.png", "static/b/c d.png"]);
    }
}

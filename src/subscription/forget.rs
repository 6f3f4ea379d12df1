//! Forgets a person on request, and finds the project's files that contain their address.
//!
//! The store erases its own data. Files are only listed, because they belong to the user.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::delivery::outbox;
use crate::disk::Project;
use crate::email::EmailAddress;
use crate::ledger::Run;
use crate::store::sqlite::FILES;
use crate::store::{ForgetOutcome, Store, StoreError};

/// How often to retry while a run has claimed the person.
const MAX_ATTEMPTS: u32 = 50;

/// Forgets a person. If a run has claimed them, retries for a short while, with a `pause` in between.
///
/// # Errors
/// If the store fails.
pub fn forget(
    store: &mut dyn Store,
    address: &EmailAddress,
    run: &Run,
    now: DateTime<Utc>,
    pause: &mut dyn FnMut(),
) -> Result<ForgetOutcome, StoreError> {
    for _ in 1..MAX_ATTEMPTS {
        match store.forget(address, run, now)? {
            ForgetOutcome::Busy(_) => pause(),
            done @ ForgetOutcome::Done(_) => return Ok(done),
        }
    }
    store.forget(address, run, now)
}

/// Where a project has addresses besides the store, as paths below its folder.
#[derive(Debug, Clone, Default)]
pub struct AddressFiles<'a> {
    /// The outbox, with one file per recipient.
    pub outbox: Option<&'a Path>,
    /// The list of subscribers.
    pub list: Option<&'a Path>,
    /// The store, if it is a file: copies of it are kept beside it.
    pub store: Option<&'a Path>,
}

/// Extensions of files that may be lists of subscribers.
const LIST_EXTENSIONS: [&str; 4] = ["csv", "tsv", "txt", "json"];

/// The project's files that contain one of these addresses, or cannot be read, as paths below its folder.
pub fn files_containing(project: &Project, places: &AddressFiles<'_>, addresses: &[EmailAddress]) -> Vec<String> {
    let letters: Vec<String> = addresses.iter().map(outbox::file_of).collect();
    let mut files = project.files_below(&[""]);
    files.extend(places.list.map(|list| list.to_string_lossy().into_owned()));
    let names = |file: &String| match search_scope(file, places) {
        SearchScope::Not => false,
        SearchScope::Name => {
            letters.iter().any(|letter| Path::new(file).file_name().is_some_and(|name| name == &**letter))
        }
        SearchScope::Whole => addresses.iter().any(|address| {
            let found = project.open_if_exists(file).map(|file| file.map(|file| address.occurs_in(file)));
            !matches!(found, Ok(None | Some(Ok(false))))
        }),
    };
    files.into_iter().filter(names).collect()
}

/// What part of a file is searched.
enum SearchScope {
    Not,
    Name,
    Whole,
}

fn search_scope(file: &str, places: &AddressFiles<'_>) -> SearchScope {
    let path = Path::new(file);
    let is_below = |folder: Option<&Path>| folder.is_some_and(|folder| path.starts_with(folder));
    let store = places.store.map(Path::to_string_lossy);
    if let Some(ending) = store.as_ref().and_then(|store| file.strip_prefix(&**store)) {
        return if FILES.contains(&ending) { SearchScope::Not } else { SearchScope::Whole };
    }
    if is_below(places.outbox) {
        return SearchScope::Name;
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_list = LIST_EXTENSIONS.contains(&&*ending) || places.list.is_some_and(|list| list == path);
    if is_list { SearchScope::Whole } else { SearchScope::Not }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_containing_an_address_are_found_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("outbox/neap/maren@example.org.eml", "To: Maren"),
            ("outbox/neap/joan@example.org.eml", "maren@example.org wrote"),
            ("readers", "MAREN@example.org"),
            ("old/list.CSV", "x,Maren@Example.org"),
            ("old/other.csv", "joan@example.org"),
            ("content/neap.md", "write to maren@example.org"),
            ("slugline.db", "maren@example.org"),
            ("slugline.db-wal", "maren@example.org"),
            ("slugline.db.before-v7", "\u{0}maren@example.orgmaren"),
        ];
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = Project::new(folder.path());
        let [outbox, list, store] = ["outbox", "readers", "slugline.db"].map(|path| Some(Path::new(path)));
        let places = AddressFiles { outbox, list, store };
        let found = files_containing(&project, &places, &["maren@example.org".parse().unwrap()]);
        let expected = ["old/list.CSV", "outbox/neap/maren@example.org.eml", "readers", "slugline.db.before-v7"];
        assert_eq!(found, expected);
    }
}

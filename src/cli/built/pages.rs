//! The files of a web archive, as a table and as JSON. Pages may be thousands, and share one line of the table.

use serde::Serialize;

use crate::cli::built::{count, size, word};
use crate::content::path::folder;
use crate::disk::Written;
use crate::publish::pages::{PageFile, PageFileKind};

/// One file of the web archive in a `--json` document.
#[derive(Serialize)]
pub(in crate::cli) struct PageRow<'a> {
    /// `index`, `page` or `file`.
    part: &'static str,
    /// File below the output folder.
    path: &'a str,
    /// Size of the file.
    bytes: u64,
    /// `new`, `changed` or `unchanged`.
    written: &'static str,
}

impl<'a> PageRow<'a> {
    pub fn of(page: &'a PageFile) -> Self {
        Self { part: name(page.part), path: &page.path, bytes: page.bytes, written: word(page.written) }
    }
}

/// One line for the index, one for the pages, one for the files.
pub(super) fn rows(pages: &[PageFile]) -> impl Iterator<Item = Vec<String>> {
    pages.chunk_by(|a, b| a.part == b.part).map(row)
}

fn row(pages: &[PageFile]) -> Vec<String> {
    let bytes = pages.iter().map(|page| page.bytes).sum();
    let path = if let [only] = pages { only.path.clone() } else { format!("{}/", common_folder(pages)) };
    vec![name(pages[0].part).to_owned(), path, count(pages.len(), what(pages[0].part)), size(bytes), written(pages)]
}

/// The deepest folder that contains all of them.
fn common_folder(pages: &[PageFile]) -> &str {
    let mut common = folder(&pages[0].path);
    while !pages.iter().all(|page| page.path.strip_prefix(common).is_some_and(|rest| rest.starts_with('/'))) {
        common = folder(common);
        if common.is_empty() {
            return ".";
        }
    }
    common
}

/// How many were written; the word alone for a single page.
fn written(pages: &[PageFile]) -> String {
    let numbers = [Written::New, Written::Changed, Written::Unchanged].into_iter().filter_map(|written| {
        let number = pages.iter().filter(|page| page.written == written).count();
        (number > 0).then(|| (number, word(written)))
    });
    let numbers: Vec<(usize, &str)> = numbers.collect();
    match numbers.as_slice() {
        [(1, word)] => (*word).to_owned(),
        several => several.iter().map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", "),
    }
}

fn name(part: PageFileKind) -> &'static str {
    match part {
        PageFileKind::Index => "index",
        PageFileKind::Issue => "page",
        PageFileKind::File => "file",
    }
}

fn what(part: PageFileKind) -> &'static str {
    match part {
        PageFileKind::Index | PageFileKind::Issue => "page",
        PageFileKind::File => "file",
    }
}

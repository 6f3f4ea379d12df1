//! Reads the text of an issue when something needs it, since a project may be larger than memory.
//!
//! Takes an issue; returns its file or its body, or the finding that it cannot be read.

use crate::disk::Project;
use crate::finding::{Finding, Place};
use crate::issue::Issue;

/// Bytes of the largest issue: rendering takes forty times as much memory. Mail programs cut off far smaller ones.
pub(super) const MAX_ISSUE_BYTES: u64 = 4 << 20;

/// Reads the body of an issue.
///
/// # Errors
/// A finding if the file can no longer be read, or is not UTF-8.
pub fn body(project: &Project, issue: &Issue) -> Result<String, Box<Finding>> {
    body_in(issue, &file(project, issue)?).map(str::to_owned)
}

/// Reads the entire file of an issue.
///
/// # Errors
/// A finding if it can no longer be read, or is larger than 4 MiB.
pub fn file(project: &Project, issue: &Issue) -> Result<Vec<u8>, Box<Finding>> {
    let finding = match project.bytes_up_to(&issue.path, MAX_ISSUE_BYTES) {
        Ok(Some(bytes)) => return Ok(bytes),
        Ok(None) => too_large(&issue.path),
        Err(error) => Finding::error("unreadable", format!("{error:#}"))
            .help("check that the file still exists, then run slugline again")
            .at(Place::file(&issue.path)),
    };
    Err(Box::new(finding))
}

/// The finding about a larger file.
pub(super) fn too_large(path: &str) -> Finding {
    Finding::error("issue-too-large", "the file has more than 4 MiB, so it is neither published nor mailed")
        .help("divide it into several issues, or put its data and pictures into files of their own")
        .at(Place::file(path))
}

/// The body of an issue, given the bytes of its file.
///
/// # Errors
/// A finding if it is not UTF-8.
pub fn body_in<'f>(issue: &Issue, file: &'f [u8]) -> Result<&'f str, Box<Finding>> {
    let body = file.get(issue.body.offset..).unwrap_or_default();
    match std::str::from_utf8(body) {
        Ok(text) => Ok(text),
        Err(error) => {
            let line = issue.body.line + body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            let place = Place { path: issue.path.clone(), line, column: 0, source: None };
            Err(Box::new(Finding::error("not-utf8", "the text is not UTF-8").help("save the file as UTF-8").at(place)))
        }
    }
}

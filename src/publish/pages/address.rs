//! Assigns each page of the web archive its file, without collisions.

use std::collections::HashMap;

use crate::config::Config;
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::page::{self, output_path};

/// An issue and the file of its page.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressedIssue<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// The file, below the output folder.
    pub file: String,
}

/// The issues that can have a page, in order, and findings for the others.
pub fn assign_files<'a>(
    config: &Config,
    archive: &page::Options,
    issues: &[&'a Issue],
) -> (Vec<AddressedIssue<'a>>, Vec<Finding>) {
    let (mut pages, mut findings) = (Vec::with_capacity(issues.len()), Vec::new());
    // macOS and Windows treat `A` and `a` as the same name.
    let mut taken: HashMap<String, String> = reserved(config, archive);
    for &issue in issues {
        let file = match output_path::page_file(&config.publication.base_url, issue.page()) {
            Ok(file) => file,
            Err(invalid) => {
                let wrong = format!("`{}` cannot be the address of a page: {invalid}", issue.page());
                let help = "change the `slug` of the issue, or the pattern in `archive`";
                findings.push(Finding::error("page-address", wrong).help(help).at(Place::file(&issue.path)));
                continue;
            }
        };
        match taken.get(&file.to_lowercase()) {
            None => {
                taken.insert(file.to_lowercase(), format!("the page of `{}`", issue.path));
                pages.push(AddressedIssue { issue, file });
            }
            Some(other) => {
                let wrong = format!("its page would overwrite {other}: `{file}`");
                let help = "change the `slug` of one of them, or use an `archive` pattern that distinguishes them";
                findings.push(Finding::error("page-conflict", wrong).help(help).at(Place::file(&issue.path)));
            }
        }
    }
    (pages, findings)
}

/// The files of the index.
fn reserved(config: &Config, archive: &page::Options) -> HashMap<String, String> {
    let publications = config.publications().into_iter();
    let index = |publication| format!("{}index.html", archive.folder(publication)).to_lowercase();
    publications.map(|publication| (index(publication), "the index".to_owned())).collect()
}

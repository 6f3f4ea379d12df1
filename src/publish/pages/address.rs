//! Where each page of the web archive lies: no two in one place, and none where something else is.

use std::collections::HashMap;

use crate::config::Config;
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::page::{self, output_path};

/// An issue and the file of its page.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressed<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// The file, below the output folder.
    pub file: String,
}

/// The issues that can have a page, in their order, and what is wrong with the others.
pub fn addressed<'a>(
    config: &Config,
    archive: &page::Options,
    issues: &[&'a Issue],
) -> (Vec<Addressed<'a>>, Vec<Finding>) {
    let (mut pages, mut findings) = (Vec::with_capacity(issues.len()), Vec::new());
    // macOS and Windows take `A` and `a` for one name.
    let mut taken: HashMap<String, String> = reserved(config, archive);
    for &issue in issues {
        let file = match output_path::of_page(&config.publication.base_url, issue.page()) {
            Ok(file) => file,
            Err(unfit) => {
                let wrong = format!("there can be no page at `{}`: {unfit}", issue.page());
                let help = "give the issue another `slug`, or `archive` another pattern";
                findings.push(Finding::error("page-address", wrong).help(help).at(Place::file(&issue.path)));
                continue;
            }
        };
        match taken.get(&file.to_lowercase()) {
            None => {
                taken.insert(file.to_lowercase(), format!("the page of `{}`", issue.path));
                pages.push(Addressed { issue, file });
            }
            Some(other) => {
                let wrong = format!("its page would lie where {other} does: `{file}`");
                let help = "give one of the two another `slug`, or `archive` a pattern that tells them apart";
                findings.push(Finding::error("page-taken", wrong).help(help).at(Place::file(&issue.path)));
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

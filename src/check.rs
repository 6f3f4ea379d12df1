//! Judges what an editor wrote, before subscribers read it.
//!
//! Takes one issue as it stands in its file and what the site holds besides; gives findings in the order of the file.
//! One file per family of rules, each rule with its name, severity and remedy beside its code; `rules` is the table of
//! all. Reading files is left to `review`, showing the findings to `cli`.

use crate::finding::{Finding, Place};
use crate::publication::{Publication, is_language};

mod addresses;
mod edition;
mod feed;
mod front_matter;
mod headings;
mod html;
mod issue_source;
mod links;
mod loading;
pub mod mail;
mod masking;
pub mod private;
mod rule;
pub mod rules;
mod shortcodes;
pub mod site;
mod targets;
mod text;

pub use addresses::Smtputf8Addresses;
pub use edition::{GMAIL_CLIP_BYTES, digest_size, edition_fails, edition_size};
pub use feed::feed_size;
pub use issue_source::IssueSource;

use site::Site;

/// What is judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Names of the rules that are switched off, each a known one.
    pub off: Vec<String>,
}

/// Everything that is wrong or odd in one issue.
pub fn issue(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let families = [
        front_matter::check(source, site),
        feed::check(source, site),
        headings::check(source),
        links::check(source, site),
        html::check(source, site),
        shortcodes::check(source, site),
        text::check(source),
    ];
    let of_mail = if site.mails { mail::check(source) } else { Vec::new() };
    let mut findings: Vec<Finding> = families.into_iter().flatten().chain(of_mail).collect();
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
    findings
}

/// What is odd about the publication itself; `path` and `text` are those of the project file.
pub fn publication(publication: &Publication, path: &str, text: &str) -> Vec<Finding> {
    let language = &publication.language;
    if is_language(language) {
        return Vec::new();
    }
    let finding = front_matter::LANGUAGE_UNKNOWN.found(format!("there is no language `{language}`"));
    vec![finding.at(Place::of_value(path, text, &["language"]))]
}

#[cfg(test)]
mod tests;

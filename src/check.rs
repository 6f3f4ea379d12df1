//! Checks an issue before subscribers read it.
//!
//! Takes the source of one issue and what else the site contains; returns findings in file order. Each family of rules has
//! its own file, with every rule's name, severity and remedy next to its code; `rules` is the table of all. `review` reads the
//! files, `cli` shows the findings.

use crate::finding::{Finding, Place};
use crate::publication::{Publication, is_language};

mod addresses;
mod edition;
mod feed;
mod front_matter;
mod front_matter_keys;
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
pub use front_matter_keys::no_date;
pub use issue_source::IssueSource;

use site::Site;

/// What is checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The names of the disabled rules, all of them known.
    pub off: Vec<String>,
}

/// Returns all findings about one issue.
pub fn issue(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let families = [
        front_matter::check(source, site),
        front_matter_keys::check(source, site),
        feed::check(source, site),
        headings::check(source),
        links::check(source, site),
        html::check(source, site),
        shortcodes::check(source, site),
        text::check(source),
    ];
    let mail_findings = if site.mails { mail::check(source) } else { Vec::new() };
    let mut findings: Vec<Finding> = families.into_iter().flatten().chain(mail_findings).collect();
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
    findings
}

/// Returns the findings about the languages in `content`; `path` and `text` are those of the project file.
pub fn languages(publications: &[&Publication], path: &str, text: &str) -> Vec<Finding> {
    let unknown =
        publications.iter().map(|publication| &publication.language).filter(|language| !is_language(language));
    let found = unknown.map(|language| {
        let finding = front_matter::LANGUAGE_UNKNOWN.found(format!("there is no language `{language}`"));
        finding.at(Place::of_value(path, text, &["content", language]))
    });
    found.collect()
}

#[cfg(test)]
mod tests;

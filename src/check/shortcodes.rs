//! Rules for Hugo's shortcodes: references that lead nowhere, figures without alternative text. Other problems are found by
//! the module `shortcodes` itself.

use crate::check::issue_source::IssueSource;
use crate::check::links::{ALT_MISSING, LINK_BROKEN, missing};
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::check::targets::Target;
use crate::finding::Finding;
use crate::shortcodes::syntax::Shortcode;

pub(super) const RULES: [&Rule; 0] = [];

pub(super) fn check(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    for shortcode in &source.shortcodes {
        match shortcode.name {
            "ref" | "relref" => findings.extend(reference(source, site, shortcode)),
            "figure" => findings.extend(figure(source, site, shortcode)),
            _ => {}
        }
    }
    findings
}

fn reference(source: &IssueSource<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Option<Finding> {
    let target = shortcode.arguments.of("path", 0)?;
    if site.has_page_file(source.issue, target) {
        return None;
    }
    let finding = LINK_BROKEN.found(format!("there is no page `{target}`"));
    let finding = finding.help("write the path of a Markdown file, relative to the content folder");
    Some(source.at(finding, shortcode.range.clone()))
}

fn figure(source: &IssueSource<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(src) = shortcode.arguments.named("src")
        && let Err(miss) = site.resolve(source.issue, src, Target::Image)
    {
        findings.push(missing(src, Target::Image, miss));
    }
    let has_text = |name| shortcode.arguments.named(name).is_some_and(|text: &str| !text.trim().is_empty());
    if !["alt", "caption", "title"].into_iter().any(has_text) {
        findings.push(ALT_MISSING.found("the figure has no alternative text").help("write `alt=\"what it shows\"`"));
    }
    findings.into_iter().map(|finding| source.at(finding, shortcode.range.clone())).collect()
}

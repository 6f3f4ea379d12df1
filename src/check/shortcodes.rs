//! Hugo's shortcodes, as far as an editor must know of them: references that lead nowhere, figures without text. What
//! else is wrong with them, `shortcodes` finds.

use crate::check::links::{ALT_MISSING, IMAGE_BROKEN, LINK_BROKEN};
use crate::check::manuscript::Manuscript;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::check::targets::Kind;
use crate::finding::Finding;
use crate::shortcodes::syntax::Shortcode;

pub(super) const RULES: [&Rule; 0] = [];

pub(super) fn judge(manuscript: &Manuscript<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    for shortcode in &manuscript.shortcodes {
        match shortcode.name {
            "ref" | "relref" => findings.extend(reference(manuscript, site, shortcode)),
            "figure" => findings.extend(figure(manuscript, site, shortcode)),
            _ => {}
        }
    }
    findings
}

fn reference(manuscript: &Manuscript<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Option<Finding> {
    let target = shortcode.arguments.of("path", 0)?;
    if site.has_page_file(manuscript.issue, target) {
        return None;
    }
    let finding = LINK_BROKEN.found(format!("there is no page `{target}` to refer to"));
    let finding = finding.help("write the path of a Markdown file below the content folder");
    Some(manuscript.at(finding, shortcode.range.clone()))
}

fn figure(manuscript: &Manuscript<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(source) = shortcode.arguments.named("src")
        && let Err(help) = site.leads(manuscript.issue, source, Kind::Image)
    {
        findings.push(IMAGE_BROKEN.found(format!("there is no image `{source}`")).help(help));
    }
    let says_something = |name| shortcode.arguments.named(name).is_some_and(|text: &str| !text.trim().is_empty());
    if !["alt", "caption", "title"].into_iter().any(says_something) {
        findings.push(ALT_MISSING.found("the figure has no text").help("write `alt=\"what it shows\"`"));
    }
    findings.into_iter().map(|finding| manuscript.at(finding, shortcode.range.clone())).collect()
}

//! Rules for raw HTML that subscribers do not see as intended.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, Tag as MarkdownTag};

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::content::html::dropped_elements::{Treatment, treatments};
use crate::content::html::tag::Tag;
use crate::finding::Finding;

const HTML_LEFT_OUT: Rule = Rule::warning(
    "html-dropped",
    "Raw HTML is dropped from feeds and mail, with its content",
    "scripts, style sheets and forms work on your site only; write the content in Markdown",
);
const HTML_PLAYER: Rule = Rule::warning(
    "html-player",
    "An audio or video player becomes a bare link",
    "feeds and mail play nothing; add a `poster`, or a `title` to be used as link text",
);
const TAG_UNKNOWN: Rule = Rule::warning(
    "tag-unknown",
    "An unknown HTML tag is shown as text",
    "on a website it disappears; write it as code, or put a backslash before `<`",
);

pub(super) const RULES: [&Rule; 3] = [&HTML_LEFT_OUT, &HTML_PLAYER, &TAG_UNKNOWN];

pub(super) fn check(source: &IssueSource<'_>, _: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unknown = BTreeSet::new();
    for (range, tag, treatment) in tags(source) {
        let name = &tag.name;
        let finding = match treatment {
            Treatment::Dropped if !is_widget(&tag) => {
                HTML_LEFT_OUT.found(format!("`<{name}>` is dropped from feeds and mail"))
            }
            Treatment::Link if tag.attribute("title").is_none() => {
                HTML_PLAYER.found(format!("readers get a bare link instead of this `<{name}>`"))
            }
            Treatment::Text if unknown.insert(name.clone()) => {
                TAG_UNKNOWN.found(format!("`{}` is not an HTML tag: readers see it as text", tag.source))
            }
            _ => continue,
        };
        findings.push(source.at(finding, range));
    }
    findings
}

/// A script that decorates a quotation, which readers also see without it.
fn is_widget(tag: &Tag<'_>) -> bool {
    let source = tag.attribute("src").unwrap_or_default().split('?').next().unwrap_or_default();
    tag.name == "script" && (source.ends_with("/widgets.js") || source.ends_with("/embed.js"))
}

/// Returns the start tags of raw HTML with their places and treatments.
pub(super) fn tags<'m>(source: &'m IssueSource<'_>) -> Vec<(Range<usize>, Tag<'m>, Treatment)> {
    let mut found = Vec::new();
    for (event, range) in &source.events {
        if matches!(event, Event::Start(MarkdownTag::HtmlBlock) | Event::InlineHtml(_)) {
            let html = source.text.get(range.clone()).unwrap_or_default();
            for (at, tag, treatment) in treatments(html) {
                let start = range.start + at;
                found.push((start..start + tag.source.len(), tag, treatment));
            }
        }
    }
    found
}

//! Rules for headings, which outlines and screen readers depend on.

use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::finding::Finding;

const HEADING_JUMP: Rule = Rule::warning(
    "heading-jump",
    "A heading skips a level",
    "screen readers and tables of contents show a gap; use the next level",
);
const HEADING_TITLE: Rule = Rule::warning(
    "heading-title",
    "A heading in the text has the level of the title",
    "readers already show the title as level 1; begin the text with level 2 (`##`)",
);
const HEADING_EMPTY: Rule = Rule::warning(
    "heading-empty",
    "A heading has no text",
    "it leaves a gap in the outline; write its text, or remove the heading",
);

pub(super) const RULES: [&Rule; 3] = [&HEADING_JUMP, &HEADING_TITLE, &HEADING_EMPTY];

pub(super) fn check(source: &IssueSource<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut before: Option<HeadingLevel> = None;
    let titles = source.events.iter().filter(|(event, _)| level(event) == Some(HeadingLevel::H1)).count();
    let mut has_title = false;
    for (at, (event, range)) in source.events.iter().enumerate() {
        let Some(level) = level(event) else { continue };
        if matches!(source.events.get(at + 1), Some((Event::End(TagEnd::Heading(_)), _))) {
            findings.push(source.at(HEADING_EMPTY.found("the heading has no text"), range.clone()));
            continue;
        }
        if level == HeadingLevel::H1 && !has_title {
            has_title = true;
            let others = if titles > 1 { format!(", as have {titles} in this text") } else { String::new() };
            let finding = HEADING_TITLE.found(format!("the heading has level 1, the level of the title{others}"));
            findings.push(source.at(finding, range.clone()));
        }
        if let Some(before) = before.filter(|before| level as usize > *before as usize + 1) {
            let finding = HEADING_JUMP
                .found(format!("the heading jumps from level {} to level {}", before as usize, level as usize));
            let finding = finding.help(format!("write `{}`", "#".repeat(before as usize + 1)));
            findings.push(source.at(finding, range.clone()));
        }
        before = Some(level);
    }
    findings
}

fn level(event: &Event<'_>) -> Option<HeadingLevel> {
    match event {
        Event::Start(Tag::Heading { level, .. }) => Some(*level),
        _ => None,
    }
}

//! Rules for the text itself: leftovers, and markup that did not become what its author meant.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::content::html::without_illegal_chars;
use crate::finding::Finding;

const BODY_EMPTY: Rule = Rule::warning(
    "body-empty",
    "An issue has no text",
    "subscribers get nothing but its title; write the text, or set `draft: true`",
);
const TODO_LEFT: Rule = Rule::warning(
    "todo-left",
    "A note such as TODO, TK, FIXME or XXX is left in the text",
    "readers would see it; do what it says and remove it, or write it as code",
);
const EMPHASIS_LEFT: Rule = Rule::warning(
    "emphasis-literal",
    "Asterisks meant as bold text are shown literally",
    "remove spaces inside the asterisks and close what is open; write `\\*\\*` if asterisks are meant",
);
const EMPHASIS_NESTED: Rule = Rule::warning(
    "emphasis-nested",
    "Bold text is nested in bold text",
    "closing asterisks were read as opening ones; remove spaces inside the asterisks",
);
const LINK_LEFT: Rule = Rule::warning(
    "link-literal",
    "A link or image is shown as its Markdown source",
    "write `%20` for a space in the address, and use ASCII parentheses",
);
const CHARACTERS_DAMAGED: Rule = Rule::warning(
    "characters-invalid",
    "A character is forbidden in XML, or is a sign of damaged text",
    "it is dropped from feeds and mail; type the character that was meant",
);
const CHARACTERS_MISREAD: Rule = Rule::warning(
    "mojibake",
    "Characters are garbled because UTF-8 was read as Latin-1",
    "readers see them garbled; type the characters that were meant, and save the file as UTF-8",
);

pub(super) const RULES: [&Rule; 7] =
    [&BODY_EMPTY, &TODO_LEFT, &EMPHASIS_LEFT, &EMPHASIS_NESTED, &LINK_LEFT, &CHARACTERS_DAMAGED, &CHARACTERS_MISREAD];

pub(super) fn check(source: &IssueSource<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if is_empty(source) {
        findings.push(BODY_EMPTY.found("the issue has no text").at(source.front_matter()));
    }
    findings.extend(invalid_characters(source));
    findings.extend(nested(source));
    for block in blocks(source) {
        for text in &block {
            findings.extend(todos(source, text));
            findings.extend(literal_links(source, text));
            findings.extend(mojibake(source, text));
        }
        findings.extend(block.iter().find_map(|text| literal_emphasis(source, text)));
    }
    findings
}

/// Whether nothing is visible.
fn is_empty(source: &IssueSource<'_>) -> bool {
    let is_visible = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => !text.trim().is_empty(),
        Event::Html(html) | Event::InlineHtml(html) => !html.trim_start().starts_with("<!--"),
        Event::Start(Tag::Image { .. }) | Event::InlineMath(_) | Event::DisplayMath(_) => true,
        _ => false,
    };
    !source.events.iter().any(|(event, _)| is_visible(event))
}

/// The text of every block outside code, as contiguous ranges of the file.
fn blocks(source: &IssueSource<'_>) -> Vec<Vec<Range<usize>>> {
    let mut blocks: Vec<Vec<Range<usize>>> = vec![Vec::new()];
    for (event, range) in source.prose() {
        match event {
            Event::Text(_) => {
                let Some(block) = blocks.last_mut() else { continue };
                match block.last_mut().filter(|text| text.end == range.start) {
                    Some(text) => text.end = range.end,
                    None => block.push(range.clone()),
                }
            }
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::TableCell | Tag::Item)
            | Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::Item) => {
                blocks.push(Vec::new());
            }
            _ => {}
        }
    }
    blocks
}

fn todos(source: &IssueSource<'_>, text: &Range<usize>) -> Vec<Finding> {
    const NOTES: [&str; 4] = ["TODO", "TK", "FIXME", "XXX"];
    let written = source.markdown(text);
    let mut findings = Vec::new();
    for note in NOTES {
        for (at, _) in written.match_indices(note) {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
            let end = at + note.len();
            if joins(written[..at].chars().next_back())
                || written[end..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'))
            {
                continue;
            }
            let start = text.start + at;
            findings
                .push(source.at(TODO_LEFT.found(format!("`{note}` is left in the text")), start..start + note.len()));
        }
    }
    findings
}

/// Asterisks next to text. Between spaces and in file name patterns they are meant.
fn literal_emphasis(source: &IssueSource<'_>, text: &Range<usize>) -> Option<Finding> {
    let written = source.markdown(text);
    let mut from = 0;
    while let Some(at) = written[from..].find("**").map(|at| from + at) {
        let end = at + written[at..].bytes().take_while(|byte| *byte == b'*').count();
        from = end;
        let (before, after) = source.around(text.start + at..text.start + end);
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let is_path = [before, after].iter().any(|c| matches!(c, Some('/' | '\\')));
        if end - at > 4 || is_path || is_space(before) && is_space(after) {
            continue;
        }
        let place = text.start + at..text.start + end;
        return Some(source.at(EMPHASIS_LEFT.found("these asterisks are shown literally"), place));
    }
    None
}

/// Bold Markdown text inside bold text.
fn nested(source: &IssueSource<'_>) -> Vec<Finding> {
    let mut open: Vec<&Range<usize>> = Vec::new();
    let mut findings = Vec::new();
    for (event, range) in &source.events {
        match event {
            Event::Start(Tag::Strong) => {
                // `****twice****` is bold anyway.
                if open.last().is_some_and(|outer| outer.start + 2 != range.start || range.end + 2 != outer.end) {
                    let finding = EMPHASIS_NESTED.found("this bold text is inside bold text");
                    findings.push(source.at(finding, range.clone()));
                }
                open.push(range);
            }
            Event::End(TagEnd::Strong) => {
                open.pop();
            }
            _ => {}
        }
    }
    findings
}

/// `[text](an address.png)`: a space ends an address, and full-width parentheses do not enclose one.
fn literal_links(source: &IssueSource<'_>, text: &Range<usize>) -> Vec<Finding> {
    let written = source.markdown(text);
    let mut findings = Vec::new();
    for (open, close) in [("](", ')'), ("]（", '）')] {
        for (at, _) in written.match_indices(open) {
            let inside = written[at + open.len()..].lines().next().unwrap_or_default();
            let Some((address, _)) = inside.split_once(close) else { continue };
            let is_address = match close {
                ')' => {
                    address.trim().contains(char::is_whitespace)
                        && address.contains(['.', '/'])
                        && !address.contains('"')
                }
                _ => address.contains("://"),
            };
            let start = written[..at].rfind('[').filter(|_| is_address);
            let Some(start) = start else { continue };
            let start = text.start + start - usize::from(written[..start].ends_with('!'));
            let end = text.start + at + open.len() + address.len() + close.len_utf8();
            findings.push(source.at(LINK_LEFT.found(format!("`{address}` is not a valid link address")), start..end));
        }
    }
    findings
}

/// The first character of the file that feeds drop.
fn invalid_characters(source: &IssueSource<'_>) -> Option<Finding> {
    let text = source.text;
    if matches!(without_illegal_chars(text), Cow::Borrowed(_)) {
        return None;
    }
    let is_invalid =
        |c: char| !matches!(c, '\n' | '\r' | '\t') && without_illegal_chars(c.encode_utf8(&mut [0; 4])).is_empty();
    let mut found = text.char_indices().filter(|(_, c)| is_invalid(*c));
    let (at, c) = found.next()?;
    let more = found.count();
    let others = if more > 0 { format!(" ({more} more in this file)") } else { String::new() };
    let finding = CHARACTERS_DAMAGED.found(format!("the character U+{:04X} is dropped{others}", u32::from(c)));
    Some(source.at(finding, at..at + c.len_utf8()))
}

/// The first pair such as `Ã¼`.
fn mojibake(source: &IssueSource<'_>, text: &Range<usize>) -> Option<Finding> {
    let written = source.markdown(text);
    let starts = written.char_indices().filter(|(_, c)| matches!(c, 'Ã' | 'Â' | 'â'));
    for (at, first) in starts {
        let next = written[at + first.len_utf8()..].chars().next()?;
        let is_pair = match first {
            'â' => matches!(next, '€' | '\u{80}'),
            _ => matches!(next, '\u{80}'..='\u{bf}'),
        };
        if is_pair {
            let end = at + first.len_utf8() + next.len_utf8();
            let finding = CHARACTERS_MISREAD.found(format!("`{first}{next}` is a garbled character"));
            return Some(source.at(finding, text.start + at..text.start + end));
        }
    }
    None
}

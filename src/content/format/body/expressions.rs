//! Expressions of MDX (`{name}`, `{'text'}`) and comments in braces (`{/* … */}`).
//!
//! Takes Markdown, its code and its tags; replaces what stands for a text by the text, and comments by nothing.

use std::ops::Range;

use crate::content::format::body::code::Code;
use crate::content::format::body::edits::Edits;
use crate::content::format::body::script::{Names, Scripts, value};

/// Hugo's divider, which Docusaurus writes as a comment.
const MORE: &str = "<!--more-->";

/// Translates the expressions of a text outside its tags, which are in order; without MDX only comments.
pub(super) fn translate(
    scripts: &mut Scripts<'_>,
    code: &Code,
    tags: impl Iterator<Item = Range<usize>>,
    names: &Names,
    is_mdx: bool,
    edits: &mut Edits<'_>,
) {
    let (text, mut at, mut tags) = (scripts.text, 0, tags.peekable());
    while let Some(found) = memchr::memchr(b'{', &text.as_bytes()[at..]) {
        at += found;
        while tags.next_if(|tag| tag.end <= at).is_some() {}
        let inside_tag = tags.peek().filter(|tag| tag.start <= at).map(|tag| tag.end);
        if let Some(end) = code.end_around(at).or(inside_tag) {
            at = end;
            continue;
        }
        let is_comment = text[at..].starts_with("{/*");
        if !(is_comment || is_mdx && is_expression(text, at)) {
            at += 1;
            continue;
        }
        let Some(end) = scripts.end_of_brackets(at) else {
            at += 1;
            continue;
        };
        replace(text, at..end, names, edits);
        at = end;
    }
}

/// Replaces an expression by its text, and a comment by nothing.
fn replace(text: &str, range: Range<usize>, names: &Names, edits: &mut Edits<'_>) {
    let inside = text[range.start + 1..range.end - 1].trim();
    let comment = inside.strip_prefix("/*").and_then(|comment| comment.strip_suffix("*/"));
    if let Some(comment) = comment.filter(|comment| !comment.contains("*/")) {
        edits.replace(range, if comment.trim() == "truncate" { MORE } else { "" });
    } else if let Some(text) = value(inside, names) {
        edits.replace(range, literal(&text));
    } else {
        edits.remove(range.clone());
        if !inside.is_empty() {
            edits.lose(range, "an expression in braces");
        }
    }
}

/// Whether a brace begins an expression, and is neither escaped nor the id of a heading.
fn is_expression(text: &str, at: usize) -> bool {
    let is_escaped = text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    !is_escaped && !text[at..].starts_with("{#")
}

/// A text as Markdown that shows it unchanged, in one line.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '|' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

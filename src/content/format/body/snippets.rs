//! What VuePress and VitePress insert: tables of contents, files of code, other pages; and what follows the language of code.
//!
//! Takes Markdown and its code; removes the lines, which readers miss unless they are tables of contents.

use crate::content::format::body::code::{Code, line_at};
use crate::content::format::body::edits::Edits;

/// Removes the lines that insert something.
pub(super) fn remove(text: &str, code: &Code, edits: &mut Edits<'_>) {
    let mut at = 0;
    while at < text.len() {
        let line = line_at(text, at);
        let content = line.trim();
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        if !content.starts_with(['[', '@', '<', '!']) {
            continue;
        }
        let range = start..start + content.len();
        let is_page = content.starts_with("<!--") && content[4..].trim_start().starts_with("@include");
        if code.end_around(start).is_some() && !is_page {
            continue;
        }
        let is_toc = content.eq_ignore_ascii_case("[[toc]]");
        let is_code = content.starts_with("@[code") && content.ends_with(')') && content.contains("](");
        let is_file = content.strip_prefix("<<<").is_some_and(|path| path.trim_start().starts_with(['@', '.', '/']));
        let is_page =
            is_page || content.starts_with("!!!include(") || content.starts_with("@include(") && content.ends_with(')');
        if is_code || is_file {
            edits.lose(range.clone(), "a file of code");
        } else if is_page {
            edits.lose(range.clone(), "another file");
        }
        if is_toc || is_code || is_file || is_page {
            edits.remove(range);
        }
    }
}

/// Removes what follows the language of code without a space: `js{1,3}`, `ts:line-numbers`.
pub(super) fn plain_languages(text: &str, code: &Code, edits: &mut Edits<'_>) {
    for info in &code.infos {
        let written = &text[info.clone()];
        let first = written.split_whitespace().next().unwrap_or_default();
        let start = info.start + (written.len() - written.trim_start().len());
        if let Some(end) = first.find(['{', ':', '[']).filter(|end| *end > 0 && !first.starts_with(['.', '{'])) {
            edits.remove(start + end..start + first.len());
        }
    }
}

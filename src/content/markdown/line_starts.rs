//! Marks where the parser would read the start of a line otherwise than Hugo does.
//!
//! Takes Markdown and returns it with a sentinel before a colon that begins no definition (`:::note`, `:tada:`: only a
//! colon and a space do) and before a `<!--more-->` with text on its line, which is Markdown too; with an empty line
//! between an item of a list and a table that is not indented; and with the cells that the head of a table lacks.

use std::borrow::Cow;

use memchr::{memchr_iter, memmem};

use crate::content::cjk::SENTINEL;
use crate::content::markdown::dividers::MORE;

/// An empty cell at the end of a line. `without_cells` takes out what the parser did not read as one.
const CELL: &str = " \u{fdd2}|";

/// Adds the marks; borrows the input if it needs none.
pub(super) fn marked(markdown: &str) -> Cow<'_, str> {
    let mut marks: Vec<(usize, String)> =
        colons(markdown).chain(dividers(markdown)).map(|at| (at, SENTINEL.to_string())).collect();
    marks.extend(tables(markdown).map(|at| (at, "\n".to_owned())));
    marks.extend(short_heads(markdown).map(|(at, cells)| (at, CELL.repeat(cells))));
    if marks.is_empty() {
        return Cow::Borrowed(markdown);
    }
    marks.sort_unstable();
    let mut marked = String::with_capacity(markdown.len() + 3 * marks.len());
    let mut copied = 0;
    for (at, mark) in marks {
        marked.push_str(&markdown[copied..at]);
        marked.push_str(&mark);
        copied = at;
    }
    marked.push_str(&markdown[copied..]);
    Cow::Owned(marked)
}

/// The text without added cells.
pub(super) fn without_cells(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{fdd2}') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(CELL, "").replace(" \u{fdd2}", "").replace('\u{fdd2}', ""))
}

/// Colons at the start of a line that begin no definition and no rule of a table.
fn colons(markdown: &str) -> impl Iterator<Item = usize> {
    let is_table_rule =
        |line: &str| line.contains('-') && line.chars().all(|c| matches!(c, '-' | ':' | '|' | ' ' | '\t' | '\r'));
    memchr_iter(b':', markdown.as_bytes()).filter(move |at| {
        let after = &markdown[at + 1..];
        let is_definition = after.is_empty() || after.starts_with([' ', '\t', '\n', '\r']);
        !is_definition && begins_line(&markdown[..*at]) && !is_table_rule(after.split('\n').next().unwrap_or_default())
    })
}

fn dividers(markdown: &str) -> impl Iterator<Item = usize> {
    memmem::find_iter(markdown.as_bytes(), MORE).filter(|at| {
        let line = markdown[at + MORE.len()..].split('\n').next().unwrap_or_default();
        !line.trim().is_empty() && begins_line(&markdown[..*at])
    })
}

/// Whether only spaces and marks of quotations precede on the line.
fn begins_line(before: &str) -> bool {
    before.trim_end_matches([' ', '\t', '>']).ends_with('\n')
}

/// Heads of tables directly after the line of an item, less indented than its text.
fn tables(markdown: &str) -> impl Iterator<Item = usize> {
    memmem::find_iter(markdown.as_bytes(), "\n|").filter_map(move |at| {
        let head = at + 1;
        let mut lines = markdown[head..].split('\n');
        let (first, rule) = (lines.next()?, lines.next()?);
        let before = markdown[..at].rsplit('\n').next()?.trim_start();
        (is_rule(rule) && columns(first) <= columns(rule) && is_item(before)).then_some(head)
    })
}

/// Where the heads of tables with fewer cells than the rule below them end, and how many cells are missing. Goldmark
/// adds them.
fn short_heads(markdown: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut above = (0, "");
    let mut next = 0;
    markdown.split('\n').filter_map(move |line| {
        let (start, head) = std::mem::replace(&mut above, (next, line.trim_end_matches('\r')));
        next += line.len() + 1;
        let cells = head.trim_start_matches([' ', '\t', '>']);
        let cells = if is_item(cells) { cells.split_once(' ')?.1 } else { cells };
        let rule = line.trim_start_matches([' ', '\t', '>']);
        if cells.trim().is_empty() || !rule.contains('|') || !is_rule(rule) || is_item(rule) || is_rule(cells) {
            return None;
        }
        let missing = columns(rule).checked_sub(columns(cells)).filter(|missing| *missing > 0)?;
        let is_closed = cells.trim_end().ends_with('|') && !cells.trim_end().ends_with("\\|");
        Some((start + head.len(), missing + usize::from(!is_closed)))
    })
}

/// The cells of a row: unescaped bars separate them.
fn columns(line: &str) -> usize {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let bars = line.match_indices('|').filter(|(at, _)| !line[..*at].ends_with('\\')).count();
    bars + usize::from(!line.ends_with('|') || line.ends_with("\\|"))
}

/// Whether this is the line below the head of a table.
fn is_rule(line: &str) -> bool {
    line.contains('-') && line.trim().chars().all(|c| matches!(c, '-' | ':' | '|' | ' '))
}

fn is_item(line: &str) -> bool {
    let marker = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = marker.len() < line.len();
    let rest = if numbered { marker.strip_prefix(['.', ')']) } else { marker.strip_prefix(['-', '*', '+']) };
    rest.is_some_and(|rest| rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn a_definition_needs_a_space() {
        for (markdown, expected) in [
            ("A sentence.\n\n:::info\nMind it.\n:::", "<p>A sentence.</p>\n<p>:::info\nMind it.\n:::</p>\n"),
            ("How?\n:x hello", "<p>How?\n:x hello</p>\n"),
            ("> How?\n> :x hello", "<blockquote>\n<p>How?\n:x hello</p>\n</blockquote>\n"),
            ("Term\n: Meaning", "<dl>\n<dt>Term</dt>\n<dd>Meaning</dd>\n</dl>\n"),
            ("```\na\n:b\n```", "<pre><code>a\n:b\n</code></pre>\n"),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
        assert!(html("a|b\n:-:|:-\n1|2").starts_with("<table>"));
    }

    #[test]
    fn a_table_may_follow_the_line_of_an_item() {
        let table = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>\n";
        assert_eq!(html("- one\n|a|b|\n|-|-|\n|1|2|\n"), format!("<ul>\n<li>one</li>\n</ul>\n{table}"));
        assert!(html("1. one\n   |a|b|\n   |-|-|\n   |1|2|\n").contains(table.trim_end()));
        assert_eq!(html("- one\n|a|\nb"), "<ul>\n<li>one\n|a|\nb</li>\n</ul>\n");
    }

    #[test]
    fn the_head_of_a_table_may_lack_cells() {
        let cells = |markdown: &str| html(markdown).matches("<th>").count();
        for (markdown, expected) in [
            ("|a|b|\n|---|---|---|\n|c|d|", 3),
            ("|a|b|\r\n|---|---|---|\r\n|c|d|", 3),
            ("a|b\n-|-|-|-\n1|2|3", 4),
            ("a\n---|---", 2),
            ("text\n|a|\n|---|---|", 2),
            ("> |x|y|\n> |-|-|-|", 3),
            ("- |x|y|\n  |-|-|-|", 3),
            ("|q\\|w|**e**\n|-|-|-|", 3),
            ("|a|b|c|\n|---|---|", 0),
            ("\n|---|---|\n|a|b|", 0),
        ] {
            assert_eq!(cells(markdown), expected, "{markdown}: {}", html(markdown));
        }
        assert_eq!(
            html("a|b\n-|-|-\n1|2|3"),
            "<table><thead><tr><th>a</th><th>b</th><th></th></tr></thead><tbody>\n\
             <tr><td>1</td><td>2</td><td>3</td></tr>\n</tbody></table>\n"
        );
        assert_eq!(html("```\n|a|b|\n|-|-|-|\na\n-|-\n```"), "<pre><code>|a|b|\n|-|-|-|\na\n-|-\n</code></pre>\n");
        assert_eq!(html("`a\n|::-|-`"), "<p><code>a |::-|-</code></p>\n");
    }
}

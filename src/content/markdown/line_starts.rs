//! Marks where the parser would read the start of a line otherwise than Hugo does.
//!
//! Takes Markdown and returns it with a sentinel before a colon that begins no definition (`:::note`, `:tada:`: only a
//! colon and a space do) and before a `<!--more-->` with text on its line, which is Markdown too; and with an empty line
//! between an item of a list and a table that is not indented.

use std::borrow::Cow;

use memchr::{memchr_iter, memmem};

use crate::content::cjk::SENTINEL;
use crate::content::markdown::dividers::MORE;

/// Adds the marks; borrows the input if it needs none.
pub(super) fn marked(markdown: &str) -> Cow<'_, str> {
    let sentinel = |at| (at, SENTINEL);
    let mut marks: Vec<(usize, char)> = colons(markdown).map(sentinel).collect();
    marks.extend(dividers(markdown).map(sentinel));
    marks.extend(tables(markdown).map(|at| (at, '\n')));
    if marks.is_empty() {
        return Cow::Borrowed(markdown);
    }
    marks.sort_unstable();
    let mut marked = String::with_capacity(markdown.len() + 3 * marks.len());
    let mut copied = 0;
    for (at, mark) in marks {
        marked.push_str(&markdown[copied..at]);
        marked.push(mark);
        copied = at;
    }
    marked.push_str(&markdown[copied..]);
    Cow::Owned(marked)
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
        let columns = |line: &str| line.trim().trim_matches('|').matches('|').count();
        let (first, rule) = (lines.next()?, lines.next()?);
        let is_rule = rule.contains('-') && rule.trim().chars().all(|c| matches!(c, '-' | ':' | '|' | ' '));
        let before = markdown[..at].rsplit('\n').next()?.trim_start();
        (is_rule && columns(first) == columns(rule) && is_item(before)).then_some(head)
    })
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
}

//! Zola's links to files, `@/blog/ebb.md#low`, in Markdown and HTML.
//!
//! Takes a body; returns where such links are. Code contains none. `zola` knows the addresses.

use std::ops::Range;

use crate::content::format::code::code;

/// Longest link, in characters.
const MAX_LENGTH: usize = 250;

/// The links to files in a body, in order.
pub(super) fn links(body: &str) -> Vec<Range<usize>> {
    if !body.contains("@/") {
        return Vec::new();
    }
    let mut code = code(body).into_iter().peekable();
    let mut found = Vec::new();
    for (at, _) in body.match_indices("@/") {
        while code.next_if(|code| code.range.end <= at).is_some() {}
        let is_code = code.peek().is_some_and(|code| code.range.start <= at);
        let before = &body[..at];
        let begins = before.ends_with(['(', '<', '"', '\'', '=']) || before.trim_end_matches(' ').ends_with("]:");
        let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '>' | '"' | '\'');
        let mut chars = body[at..].char_indices().take(MAX_LENGTH);
        let length = chars.find(|(_, c)| end(*c)).map_or(body.len() - at, |(length, _)| length);
        if length > MAX_LENGTH * 4 {
            continue;
        }
        let path = body[at..at + length].split('#').next().unwrap_or_default();
        if begins && !is_code && path.ends_with(".md") {
            found.push(at..at + length);
        }
    }
    found
}

/// The folders of the section that a link leads to, and its language; `None` if it leads to a page.
pub(super) fn section(link: &str) -> Option<(&str, Option<&str>)> {
    let path = link.strip_prefix("@/")?.split('#').next()?;
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let language = file.strip_prefix("_index.")?.strip_suffix("md")?.strip_suffix('.');
    Some((folders, language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_where_markdown_and_html_have_them() {
        let found = |body: &'static str| links(body).into_iter().map(|range| &body[range]).collect::<Vec<_>>();
        assert_eq!(found("[a](@/a.md) [b](<@/b/c.md#d> 'x')\n\n[c]: @/c.md"), ["@/a.md", "@/b/c.md#d", "@/c.md"]);
        assert_eq!(found("<a href=\"@/a/index.md\">"), ["@/a/index.md"]);
        assert_eq!(found("`(@/a.md)` ann@/a.md (@/a.png) @/a.md"), Vec::<&str>::new());
        let begun = std::time::Instant::now();
        links(&"(@/".repeat(300_000));
        assert!(begun.elapsed().as_secs() < 10);
    }

    #[test]
    fn a_section_is_named_by_its_index() {
        assert_eq!(section("@/a/b/_index.md#x"), Some(("a/b", None)));
        assert_eq!(section("@/_index.pt-BR.md"), Some(("", Some("pt-BR"))));
        assert_eq!((section("@/a/index.md"), section("a/_index.md")), (None, None));
    }
}

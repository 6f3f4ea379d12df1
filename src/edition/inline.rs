//! Inlines the style sheets of an HTML page, because many mail programs drop `<style>`.
//!
//! What cannot be inlined stays in one `<style>` at the end of the head, because the encoding has to be declared in the first
//! bytes: at-rules, and rules of the project that match nothing in the page, such as `a:hover` and `[data-ogsc] .text`.
//! Nothing is loaded: an external style sheet stays a link.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::Context;
use css_inline::CSSInliner;

use crate::content::html::tag::Tags;
use crate::edition::style_sheet::{Statement, statements};
use crate::templates::built_in_source;

/// The page with inlined, minified styles, in which the values of custom properties are known.
///
/// # Errors
/// When a style sheet cannot be read.
pub fn inline(html: &str) -> anyhow::Result<String> {
    let options = CSSInliner::options()
        .keep_at_rules(true)
        .keep_style_tags(true)
        .remove_inlined_selectors(true)
        .resolve_css_variables(true)
        .minify_css(true)
        .load_remote_stylesheets(false);
    let inlined = options.build().inline(html).context("failed to inline the styles of the edition")?;
    Ok(styles_last(&inlined))
}

/// The content of all `<style>` elements of a page.
pub fn style_sheets(html: &str) -> String {
    style_elements(html).map(|(_, css, _)| css).collect::<Vec<_>>().join("\n")
}

/// Moves what is left of the style sheets to the end of the head.
fn styles_last(html: &str) -> String {
    let (mut page, mut rules, mut copied) = (String::with_capacity(html.len()), String::new(), 0);
    for (start, css, end) in style_elements(html) {
        page.push_str(html[copied..start].trim_end_matches('\n'));
        rules.extend(statements(css).iter().filter_map(remaining));
        copied = end;
    }
    page.push_str(&html[copied..]);
    if !rules.is_empty() {
        let head_end = Tags::of(&page).find(|(_, tag)| tag.closes && tag.name == "head").map_or(0, |(at, _)| at);
        page.insert_str(head_end, &format!("<style>{rules}</style>"));
    }
    page
}

/// The `<style>` elements: where each starts, its content, where it ends.
fn style_elements(html: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    const END: &str = "</style>";
    Tags::of(html).filter(|(_, tag)| tag.name == "style" && !tag.closes).map(|(at, tag)| {
        let start = at + tag.source.len();
        let inside = html[start..].find(END).unwrap_or(html.len() - start);
        (at, &html[start..start + inside], (start + inside + END.len()).min(html.len()))
    })
}

/// A statement as it stays; `None` if the built-in templates have it for what this page does not contain.
fn remaining(statement: &Statement<'_>) -> Option<String> {
    let Some(block) = statement.block else { return Some(format!("{};", minified(statement.prelude))) };
    if statement.is_at_rule() {
        return Some(format!("{}{{{}}}", minified(statement.prelude), minified(block)));
    }
    let own = statement.selectors().into_iter().filter(|selector| !BUILT_IN_SELECTORS.contains(selector));
    let own: Vec<String> = own.map(minified).collect();
    (!own.is_empty()).then(|| format!("{}{{{}}}", own.join(","), minified(block)))
}

static BUILT_IN_SELECTORS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let sources = ["layout.html", "edition.html", "digest.html", "transactional.html"].map(built_in_source);
    let rules = sources.into_iter().flat_map(str::lines).filter_map(|line| line.split_once(" {"));
    rules.flat_map(|(prelude, _)| Statement { prelude, block: None }.selectors()).collect()
});

/// CSS without meaningless white space: at line breaks, and next to braces and semicolons.
fn minified(css: &str) -> String {
    let mut short = String::with_capacity(css.len());
    for word in css.split_whitespace() {
        let joins = short.ends_with(['{', '}', ';']) || word.starts_with(['{', '}', ';']) || short.is_empty();
        if !joins {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_inlined_and_media_queries_kept() {
        let html = "<html><head>\n<style>p { color: red; margin: 0 auto }\n@media (width < 9px) and (color) {\n  p { color: blue; }\n}\n\
                    </style><meta charset=\"utf-8\"></head><body><p>A</p><!--[if mso]>B<![endif]--></body></html>";
        assert_eq!(
            inline(html).unwrap(),
            "<html><head><meta charset=\"utf-8\"><style>@media (width < 9px) and (color){p{color: blue;}}</style></head>\
             <body><p style=\"color:red;margin:0 auto\">A</p><!--[if mso]>B<![endif]--></body></html>"
        );
    }

    #[test]
    fn what_cannot_be_inlined_stays() {
        let html = "<html><head><style>:root { --accent: #c00 }\np, a:hover { color: var(--accent) }\n.body dd, .note { margin: 0 }\n\
                    [data-ogsc] p { color: #fff !important }\n@import url(\"a b.css\");</style><meta charset=\"utf-8\">\
                    <style>p{margin:0}</style></head><body><p>A</p></body></html>";
        assert_eq!(
            inline(html).unwrap(),
            "<html><head><meta charset=\"utf-8\"><style>a:hover{color: var(--accent);}\
             .note{margin: 0;}[data-ogsc] p{color: #fff !important;}@import url(\"a b.css\");</style></head>\
             <body><p style=\"color:#c00;margin:0\">A</p></body></html>"
        );
    }

    #[test]
    fn a_page_without_remaining_rules_keeps_its_head() {
        let html = "<html><head><title>a</title></head><body><p>A</p></body></html>";
        assert_eq!(inline(html).unwrap(), html);
    }
}

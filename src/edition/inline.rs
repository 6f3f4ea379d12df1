//! Inlines the style sheet of an HTML page, because many mail programs drop `<style>`.
//!
//! Rules such as `@media` cannot be inlined. They are moved to the end of the head, because the encoding has to be declared in
//! the first bytes. Nothing is loaded: an external style sheet stays a link.

use anyhow::Context;
use css_inline::CSSInliner;

/// The page with inlined, minified styles.
///
/// # Errors
/// When a style sheet cannot be read.
pub fn inline(html: &str) -> anyhow::Result<String> {
    let options = CSSInliner::options().keep_at_rules(true).minify_css(true).load_remote_stylesheets(false);
    let inlined = options.build().inline(html).context("failed to inline the styles of the edition")?;
    Ok(rules_last(&inlined).unwrap_or(inlined))
}

/// Moves the remaining rules, which the inliner puts first, to the end of the head. `None` if there are none.
fn rules_last(html: &str) -> Option<String> {
    let (before, rest) = html.split_once("<head><style>")?;
    let (rules, rest) = rest.split_once("</style>")?;
    let (head, body) = rest.split_once("</head>")?;
    let head = head.trim();
    Some(format!("{before}<head>{head}<style>{}</style></head>{body}", minified(rules)))
}

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
    fn a_page_without_remaining_rules_keeps_its_head() {
        let html = "<html><head><title>a</title></head><body><p>A</p></body></html>";
        assert_eq!(inline(html).unwrap(), html);
    }
}

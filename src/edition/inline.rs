//! Puts the style sheet of a page into its elements: many mail programs drop `<style>`.
//!
//! Rules such as `@media` cannot be inlined and stay. Nothing is loaded: a style sheet elsewhere stays a link.

use anyhow::Context;
use css_inline::CSSInliner;

/// The page with its styles inlined.
///
/// # Errors
/// When a style sheet cannot be read.
pub fn inline(html: &str) -> anyhow::Result<String> {
    let inliner = CSSInliner::options().keep_at_rules(true).load_remote_stylesheets(false).build();
    inliner.inline(html).context("failed to inline the styles of the edition")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_inlined_and_media_queries_stay() {
        let html = "<html><head><style>p { color: red } @media (width < 9px) { p { color: blue } }</style></head>\
                    <body><p>A</p><!--[if mso]>B<![endif]--></body></html>";
        assert_eq!(
            inline(html).unwrap(),
            "<html><head><style>@media (width < 9px) { p { color: blue } } </style></head>\
             <body><p style=\"color: red;\">A</p><!--[if mso]>B<![endif]--></body></html>"
        );
    }
}

//! Resolves the media feature `prefers-color-scheme`: rules for the other scheme never apply, rules for this one always
//! do. Everything else is unchanged.

use std::borrow::Cow;

use crate::preview::frame::Scheme;

const FEATURE: &str = "prefers-color-scheme";

/// Matches every screen.
const ALWAYS: &str = "(min-width:0)";

/// Matches no screen. A feature rather than `not all`, which cannot follow `and`.
const NEVER: &str = "(min-width:9999999px)";

/// A style sheet with every `@media` resolved.
pub(super) fn resolved(css: &str, scheme: Scheme) -> String {
    let mut resolved = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = next_media(rest) {
        let end = rest[at..].find(['{', ';']).map_or(rest.len(), |length| at + length);
        resolved.push_str(&rest[..at]);
        resolved.push_str(&resolved_query(&rest[at..end], scheme));
        rest = &rest[end..];
    }
    resolved.push_str(rest);
    resolved
}

/// A list of media queries with the feature resolved.
pub(super) fn resolved_query(query: &str, scheme: Scheme) -> String {
    let query = without_comments(query);
    let mut resolved = String::with_capacity(query.len());
    let mut rest = query.as_ref();
    while let Some(open) = rest.find('(') {
        let Some(end) = rest[open + 1..].find(['(', ')']).map(|at| open + 1 + at) else { break };
        resolved.push_str(&rest[..open]);
        if rest[end..].starts_with(')') {
            resolved.push_str(&feature(&rest[open..=end], scheme));
            rest = &rest[end + 1..];
        } else {
            // `((a) or (b))`: the outer parenthesis is copied, and the inner one is next.
            resolved.push_str(&rest[open..end]);
            rest = &rest[end..];
        }
    }
    resolved.push_str(rest);
    resolved
}

/// A feature in parentheses.
fn feature(written: &str, scheme: Scheme) -> Cow<'_, str> {
    let inside = written.trim_matches(['(', ')']).trim().to_ascii_lowercase();
    let Some(value) = inside.strip_prefix(FEATURE) else { return written.into() };
    match value.trim_start().strip_prefix(':').map(str::trim) {
        Some(value) if value == scheme.name() => ALWAYS.into(),
        Some("light" | "dark") => NEVER.into(),
        // Without a value it matches any preference.
        None if value.is_empty() => ALWAYS.into(),
        _ => written.into(),
    }
}

/// The position of the next `@media` outside comments and strings.
fn next_media(css: &str) -> Option<usize> {
    let bytes = css.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = css[at + 2..].find("*/").map(|end| at + 2 + end + 2)?,
            quote @ (b'"' | b'\'') => at = end_of_string(bytes, at, quote),
            b'@' if bytes.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"@media")) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// The position after a string's closing quote; a line break ends a bad string (CSS Syntax 3, section 4.3.5).
fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            _ if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn without_comments(query: &str) -> Cow<'_, str> {
    let Some((before, rest)) = query.split_once("/*") else { return query.into() };
    let after = rest.split_once("*/").map_or("", |(_, after)| after);
    format!("{before} {}", without_comments(after)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_resolved_in_every_spelling() {
        for (written, dark) in [
            ("@media (prefers-color-scheme: dark) {", "@media (min-width:0) {"),
            ("@MEDIA(Prefers-Color-Scheme:DARK){", "@MEDIA(min-width:0){"),
            ("@media screen and ( prefers-color-scheme :dark ){", "@media screen and (min-width:0){"),
            ("@media (prefers-color-scheme:/* x */dark){", "@media (min-width:0){"),
            ("@media (prefers-color-scheme: light){", "@media (min-width:9999999px){"),
            (
                "@media not (prefers-color-scheme: light) and (max-width: 600px){",
                "@media not (min-width:9999999px) and (max-width: 600px){",
            ),
            ("@media ((prefers-color-scheme:dark) or (hover)){", "@media ((min-width:0) or (hover)){"),
            ("@media (prefers-color-scheme){", "@media (min-width:0){"),
            ("@media (max-width: 600px){", "@media (max-width: 600px){"),
            ("/* @media (prefers-color-scheme: dark) */ a{", "/* @media (prefers-color-scheme: dark) */ a{"),
            (
                "a::before{content:\"@media (prefers-color-scheme:dark)\"}",
                "a::before{content:\"@media (prefers-color-scheme:dark)\"}",
            ),
        ] {
            assert_eq!(resolved(written, Scheme::Dark), dark, "{written}");
        }
        assert_eq!(
            resolved("@media (prefers-color-scheme:dark){a{}}@media (prefers-color-scheme:light){b{}}", Scheme::Light),
            "@media (min-width:9999999px){a{}}@media (min-width:0){b{}}"
        );
    }

    proptest::proptest! {
        #[test]
        fn css_without_the_feature_is_unchanged(css in "(@media |[(){};:'\"\\\\\n]|color|dark|\\PC){0,40}") {
            proptest::prop_assume!(!css.contains("/*"));
            proptest::prop_assert_eq!(resolved(&css, Scheme::Dark), css);
        }

        #[test]
        fn no_query_is_left_to_the_browser(before in "[a-z (){}]{0,20}", space in "[ \n]{0,2}", scheme in "light|dark") {
            let css = format!("{before}@media screen and ({space}prefers-color-scheme{space}:{space}{scheme}{space}){{a{{}}}}");
            let resolved = resolved(&css, Scheme::Dark);
            proptest::prop_assert!(!resolved.contains("prefers"), "{}", resolved);
            proptest::prop_assert_eq!(resolved.contains(ALWAYS), scheme == "dark");
        }
    }
}

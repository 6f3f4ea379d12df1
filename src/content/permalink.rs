//! Permalinks: Hugo's patterns.
//!
//! Takes a pattern, and the file and fields of a page; returns the path that the pattern yields. `addresses` determines
//! which pattern is for which page, and cleans the path.

use std::fmt;

use chrono::{DateTime, FixedOffset};

use crate::content::permalink::token::Token;
use crate::content::sections::Ancestor;
use crate::content::url_path::{lower_case, sanitize};

mod date_layout;
mod token;

/// A parsed pattern such as `/blog/:slug/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Token(Token),
}

/// The values that fill a pattern.
#[derive(Debug, Clone, Copy)]
pub struct PatternValues<'a> {
    /// Path of the file below its content folder, separated by `/`, without language.
    pub path: &'a str,
    /// The folders above it, outermost first.
    pub above: &'a [Ancestor<'a>],
    /// Front matter `title`.
    pub title: &'a str,
    /// Front matter `slug`.
    pub slug: Option<&'a str>,
    /// The date, with the offset it was written with.
    pub date: DateTime<FixedOffset>,
}

/// Why a pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// An unknown token.
    #[error("unknown token `{0}`")]
    UnknownToken(String),
    /// Every issue would have the same permalink.
    #[error("no token distinguishes one issue from another")]
    Constant,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it contains an unknown token, or no token at all.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let pattern = Self::parse_any(text)?;
        if pattern.parts.iter().any(|part| matches!(part, Part::Token(_))) {
            Ok(pattern)
        } else {
            Err(InvalidPattern::Constant)
        }
    }

    /// Parses the pattern of a single page, which needs no token.
    ///
    /// # Errors
    /// If it contains an unknown token.
    pub fn parse_any(text: &str) -> Result<Self, InvalidPattern> {
        let mut parts = Vec::new();
        let (written, mut rest) = (text.trim(), text.trim());
        let mut text = String::new();
        while let Some(at) = rest.find(':') {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            if text.ends_with('\\') {
                text.pop();
                text.push(':');
                rest = &rest[1..];
                continue;
            }
            let Some((token, length)) = Token::parse(rest) else {
                let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest.len(), |end| end + 1);
                return Err(InvalidPattern::UnknownToken(rest[..end].to_owned()));
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Token(token));
            rest = &rest[length..];
        }
        parts.push(Part::Text(text + rest));
        Ok(Self { written: written.to_owned(), parts })
    }

    /// The folder that contains all pages of the pattern, whatever their tokens: empty, or ending in `/`.
    pub fn fixed_folder(&self) -> String {
        let Some(Part::Text(text)) = self.parts.first() else { return String::new() };
        let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
        folder.split('/').filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect()
    }

    /// The names of all tokens.
    pub fn tokens() -> Vec<String> {
        Token::names()
    }

    /// The path of a page: the text as written, the tokens not yet cleaned as a path, names in lower case
    /// unless their case is kept.
    pub fn expand(&self, page: &PatternValues<'_>, keeps_case: bool) -> String {
        self.filled(|token| token.of(page, keeps_case))
    }

    /// The same with all tokens in lower case: the address of a page that we write, not Hugo.
    pub fn path(&self, page: &PatternValues<'_>) -> String {
        self.filled(|token| lower_case(&sanitize(&token.of(page, false))))
    }

    fn filled(&self, value: impl Fn(&Token) -> String) -> String {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Token(token) => path.push_str(&value(token)),
            }
        }
        path
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::sections::{Section, Sections};

    fn path(pattern: &str, file: &str, title: &str, slug: Option<&str>, sections: &Sections) -> String {
        let date = DateTime::parse_from_rfc3339("2026-02-03T23:30:00+08:00").unwrap();
        let above = sections.above(None, "", file);
        Pattern::parse(pattern).unwrap().path(&PatternValues { path: file, above: &above, title, slug, date })
    }

    fn section(title: &str, slug: Option<&str>) -> Section {
        Section { title: title.into(), slug: slug.map(Into::into), cascades: Vec::new() }
    }

    #[test]
    fn every_token_is_replaced() {
        let of = |pattern: &str| {
            let (file, title) = ("Weekly/2026/No 7/index.md", "第 7 期: Tides/Kites");
            path(pattern, file, title, Some("Seven  up"), &Sections::default())
        };
        assert_eq!(
            of("/:year/:month/:day/:monthname/:weekday/:weekdayname/:yearday"),
            "/2026/02/03/february/2/tuesday/34"
        );
        assert_eq!(of("/:2006/:Jan/:02/x\\:y"), "/2026/feb/03/x:y");
        assert_eq!(of(":title|:slug|:filename"), "第-7-期-tides-kites|seven-up|no-7");
        assert_eq!(of("/:slugorfilename:slugorcontentbasename"), "/seven-upseven-up");
        assert_eq!(of("/:year_:month.html"), "/2026_02.html");
    }

    #[test]
    fn sections_are_folders_at_the_top_and_those_with_an_index() {
        let mut sections = Sections::default();
        sections.add(None, "Log Book", section("My Log", Some("lb")));
        sections.add(None, "Log Book/2025/10", section("Oct/X", None));
        for (pattern, file, expected) in [
            ("/:section/:sections/", "Log Book/2025/10/11/a.md", "/log-book/log-book/2025/10/"),
            ("/:section/:sections/", "Log Book/2026/a.md", "/log-book/log-book/"),
            ("/:section/:sections/", "a/index.md", "///"),
            ("/:sections[1:]/", "Log Book/2025/10/a.md", "/2025/10/"),
            ("/:sections[last]/", "Log Book/2025/10/a.md", "/10/"),
            ("/:sections[LAST]/", "Log Book/a.md", "/log-book/"),
            ("/:sections[:last]/", "Log Book/2025/10/a.md", "/log-book/2025/"),
            ("/:sections[1]-:sections[7]-:sections[x]/", "Log Book/2025/10/a.md", "/2025--log-book/"),
            ("/:sections[5:]/:sections[0:9]/", "Log Book/2025/10/a.md", "//log-book/2025/10/"),
            ("/:sectionslug/:sectionslugs/", "Log Book/2025/10/a.md", "/lb/lb/oct-x/"),
            ("/:sectionslugs[1:]/", "Log Book/2025/10/a.md", "/oct-x/"),
            ("/:sectionslug/", "story/a.md", "/stories/"),
            ("/:sectionslug/", "a.md", "//"),
        ] {
            assert_eq!(path(pattern, file, "T", None, &sections), expected, "{pattern} {file}");
        }
    }

    #[test]
    fn unknown_and_missing_tokens_are_rejected() {
        for (pattern, token) in [
            ("/:yaer/:slug/", ":yaer"),
            ("/:slugs/", ":slugs"),
            ("/:SECTIONS/", ":SECTIONS"),
            ("/a: b/", ":"),
            ("/:title[0]/", ":title"),
        ] {
            assert_eq!(Pattern::parse(pattern), Err(InvalidPattern::UnknownToken(token.into())), "{pattern}");
        }
        assert_eq!(Pattern::parse("/blog/"), Err(InvalidPattern::Constant));
        assert_eq!(Pattern::parse(" /a/:slug/").unwrap().to_string(), "/a/:slug/");
    }

    #[test]
    fn the_folder_of_all_pages_ends_before_the_first_token() {
        for (pattern, folder) in
            [("/letters/:slug/", "letters/"), ("a//b/no-:slug", "a/b/"), ("/:year/x/:slug/", ""), (":slug", "")]
        {
            assert_eq!(Pattern::parse(pattern).unwrap().fixed_folder(), folder, "{pattern}");
        }
    }
}

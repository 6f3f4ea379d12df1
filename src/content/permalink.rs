//! Permalinks: Hugo's patterns and tokens.
//!
//! Takes a file's path below its content folder and fields of its front matter; returns a path, cleaned like Hugo's,
//! and the absolute URL.

use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset};
use url::Url;

/// A parsed pattern such as `/blog/:slug/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Token(Token),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Year,
    Month,
    MonthName,
    Day,
    Weekday,
    WeekdayName,
    YearDay,
    Section,
    Sections,
    Title,
    Slug,
    Filename,
    ContentBaseName,
    SlugOrFilename,
    SlugOrContentBaseName,
}

const TOKENS: [(&str, Token); 15] = [
    (":year", Token::Year),
    (":monthname", Token::MonthName),
    (":month", Token::Month),
    (":day", Token::Day),
    (":weekdayname", Token::WeekdayName),
    (":weekday", Token::Weekday),
    (":yearday", Token::YearDay),
    (":sections", Token::Sections),
    (":section", Token::Section),
    (":title", Token::Title),
    (":slugorfilename", Token::SlugOrFilename),
    (":slugorcontentbasename", Token::SlugOrContentBaseName),
    (":slug", Token::Slug),
    (":filename", Token::Filename),
    (":contentbasename", Token::ContentBaseName),
];

/// The values that fill a pattern.
#[derive(Debug, Clone, Copy)]
pub struct PatternValues<'a> {
    /// Path of the file below its content folder, separated by `/`.
    pub path: &'a str,
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

impl Default for Pattern {
    /// Hugo's default: the path of the file, with the slug, if any, as its name.
    fn default() -> Self {
        let text = |text: &str| Part::Text(text.to_owned());
        let (sections, name) = (Part::Token(Token::Sections), Part::Token(Token::SlugOrContentBaseName));
        Self { parts: vec![text("/"), sections, text("/"), name, text("/")] }
    }
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it contains an unknown token, or no token at all.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while let Some(at) = rest.find(':') {
            parts.push(Part::Text(rest[..at].to_owned()));
            rest = &rest[at..];
            let matching = TOKENS.iter().filter(|(name, _)| rest.starts_with(name));
            let Some((name, token)) = matching.max_by_key(|(name, _)| name.len()) else {
                let end = rest[1..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1);
                return Err(InvalidPattern::UnknownToken(rest[..end].to_owned()));
            };
            parts.push(Part::Token(*token));
            rest = &rest[name.len()..];
        }
        if parts.is_empty() {
            return Err(InvalidPattern::Constant);
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The folder that contains all pages of the pattern, whatever their tokens: empty, or ending in `/`.
    pub fn fixed_folder(&self) -> String {
        let Some(Part::Text(text)) = self.parts.first() else { return String::new() };
        let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
        folder.split('/').filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect()
    }

    /// The names of all tokens.
    pub fn tokens() -> [&'static str; TOKENS.len()] {
        TOKENS.map(|(name, _)| name)
    }

    /// The path of a page: without host, not percent-encoded, without repeated slashes.
    pub fn path(&self, page: &PatternValues<'_>) -> String {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Token(token) => path.push_str(&token.of(page)),
            }
        }
        path
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Token(token) => {
                    f.write_str(TOKENS.iter().find(|(_, other)| other == token).map_or("", |it| it.0))?
                }
            }
        }
        Ok(())
    }
}

impl Token {
    fn of(self, page: &PatternValues<'_>) -> String {
        let date = page.date;
        match self {
            Token::Year => format!("{:04}", date.year()),
            Token::Month => format!("{:02}", date.month()),
            Token::MonthName => date.format("%B").to_string().to_lowercase(),
            Token::Day => format!("{:02}", date.day()),
            Token::Weekday => date.weekday().num_days_from_sunday().to_string(),
            Token::WeekdayName => date.format("%A").to_string().to_lowercase(),
            Token::YearDay => date.ordinal().to_string(),
            Token::Section => sections(page.path).first().map_or_else(String::new, |first| clean_name(first)),
            Token::Sections => sections(page.path).iter().map(|part| clean_name(part)).collect::<Vec<_>>().join("/"),
            Token::Title => clean_title(page.title),
            Token::Slug => page.slug.map_or_else(|| clean_title(page.title), clean_title),
            Token::Filename | Token::ContentBaseName => clean_name(base_name(page.path)),
            Token::SlugOrFilename | Token::SlugOrContentBaseName => {
                page.slug.map_or_else(|| clean_name(base_name(page.path)), clean_title)
            }
        }
    }
}

/// The folders above the page; the folder of a bundle is the page itself.
fn sections(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop();
    if file.is_some_and(is_index) {
        parts.pop();
    }
    parts
}

/// The file name without extension; for a bundle, the name of its folder.
pub fn base_name(path: &str) -> &str {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    if is_index(file) && !folder.is_empty() {
        return folder.rsplit('/').next().unwrap_or(folder);
    }
    file.rsplit_once('.').map_or(file, |(name, _)| name)
}

/// Whether a file is the page of its folder (a leaf bundle).
pub fn is_index(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(name, _)| name == "index")
}

/// Cleans a file name like Hugo: every space becomes a hyphen, then disallowed characters are removed.
fn clean_name(name: &str) -> String {
    name.to_lowercase().replace(' ', "-").chars().filter(|c| is_allowed(*c)).collect()
}

/// A file name for an issue with this title; empty if the title has no letter or digit.
pub fn file_name_of_title(title: &str) -> String {
    clean_title(title).replace(['/', '\\'], "-").trim_matches(['-', '.']).to_owned()
}

/// A folder name for a term: one path segment of at most 120 bytes that every file system accepts; empty if the term
/// has no suitable character.
pub fn folder_name_of_term(term: &str) -> String {
    const MAX_BYTES: usize = 120;
    let clean = clean_title(term).replace(['/', '\\'], "-");
    let end = (0..=MAX_BYTES.min(clean.len())).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
    // Windows drops trailing dots, and dots alone would be a path.
    clean[..end].trim_end_matches('.').to_owned()
}

/// Cleans a title or slug like Hugo: a run of spaces becomes one hyphen, unless it is next to one.
fn clean_title(title: &str) -> String {
    let mut clean = String::new();
    let mut blank = false;
    for c in title.trim().to_lowercase().chars() {
        if is_allowed(c) {
            if blank && c != '-' && !clean.is_empty() {
                clean.push('-');
            }
            blank = false;
            clean.push(c);
        } else if c.is_whitespace() && !clean.ends_with('-') {
            blank = true;
        }
    }
    clean
}

/// The characters Hugo allows in a path. Marks (Unicode category M) belong to the letters they follow.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || "./\\_#+~-@".contains(c) || is_mark(c)
}

/// Combining marks that `char::is_alphanumeric` does not cover; the standard library has no category M.
fn is_mark(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(0)
        && !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

/// The absolute URL of a path below `base`: drops empty and dot segments and percent-encodes what a URL cannot contain.
pub fn absolute(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let mut segments: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    if path.ends_with('/') || segments.is_empty() {
        segments.push("");
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    const ESCAPED: [char; 5] = ['|', '^', '[', ']', '\\'];
    if url.path().contains(ESCAPED) {
        let encode = |c: char| if ESCAPED.contains(&c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
        let encoded: String = url.path().chars().map(encode).collect();
        url.set_path(&encoded);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page<'a>(path: &'a str, title: &'a str, slug: Option<&'a str>) -> PatternValues<'a> {
        let date = DateTime::parse_from_rfc3339("2026-02-03T23:30:00+08:00").unwrap();
        PatternValues { path, title, slug, date }
    }

    fn path(pattern: &str, page: &PatternValues<'_>) -> String {
        Pattern::parse(pattern).unwrap().path(page)
    }

    #[test]
    fn every_token_is_replaced() {
        let page = page("Weekly/2026/No 7/index.md", "第 7 期: Tides & Kites", Some("Seven  up"));
        assert_eq!(
            path("/:year/:month/:day/:monthname/:weekday/:weekdayname/:yearday", &page),
            "/2026/02/03/february/2/tuesday/34"
        );
        assert_eq!(path("/:section/:sections/:contentbasename/", &page), "/weekly/weekly/2026/no-7/");
        assert_eq!(path(":title|:slug|:filename", &page), "第-7-期-tides-kites|seven-up|no-7");
        assert_eq!(path("/:slugorfilename:slugorcontentbasename", &page), "/seven-upseven-up");
    }

    #[test]
    fn names_are_cleaned_like_hugo() {
        for (folder, expected) in [
            ("A Tale of Two - Cities", "a-tale-of-two---cities"),
            ("wins -open", "wins--open"),
            ("series (7) |envoy", "series-7-envoy"),
            ("R&D,quick.md", "rdquick.md"),
            ("两｜个", "两个"),
            ("é+c#~@_", "é+c#~@_"),
        ] {
            let path = format!("{folder}/index.md");
            assert_eq!(Pattern::default().path(&page(&path, "", None)), format!("//{expected}/"), "{folder}");
        }
    }

    #[test]
    fn unknown_and_missing_tokens_are_rejected() {
        assert_eq!(Pattern::parse("/:yaer/:slug/"), Err(InvalidPattern::UnknownToken(":yaer".into())));
        assert_eq!(Pattern::parse("/blog/"), Err(InvalidPattern::Constant));
        assert_eq!(Pattern::parse("/a/:slug/").unwrap().to_string(), "/a/:slug/");
    }

    #[test]
    fn the_folder_of_all_pages_ends_before_the_first_token() {
        for (pattern, folder) in
            [("/letters/:slug/", "letters/"), ("a//b/no-:slug", "a/b/"), ("/:year/x/:slug/", ""), (":slug", "")]
        {
            assert_eq!(Pattern::parse(pattern).unwrap().fixed_folder(), folder, "{pattern}");
        }
    }

    #[test]
    fn urls_are_ascii() {
        let base = Url::parse("https://example.org/news/").unwrap();
        assert_eq!(absolute(&base, "//第 7/a|b/").as_str(), "https://example.org/news/%E7%AC%AC%207/a%7Cb/");
        assert_eq!(absolute(&base, "/c#1/../x.html").as_str(), "https://example.org/news/c%231/x.html");
    }
}

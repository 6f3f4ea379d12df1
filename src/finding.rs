//! A finding: a problem in the user's input, with rule, place and remedy.
//!
//! Transforms and edges return findings next to their result, so that one bad item does not stop the others; as an error, a
//! finding ends a run that cannot continue. Only `cli::report` turns it into text.

use std::fmt;

mod key;

/// A problem in the user's input, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The name of its rule, such as `front-matter-unclosed`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The problem and its reason, without the place.
    pub message: String,
    /// Where it is, if that is known.
    pub place: Option<Place>,
    /// Its length in characters; 0 means the rest of the line.
    pub length: usize,
    /// The remedy.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The output is correct, but the user may want to know.
    Warning,
    /// The item was skipped, would reach readers broken, or the work cannot be done.
    Error,
}

/// A place in a text file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Path as the user would type it.
    pub path: String,
    /// Line, the first being 1; 0 when the finding is about the whole file.
    pub line: usize,
    /// Column in characters, the first being 1; 0 when it is about the whole line.
    pub column: usize,
    /// The text of the line, if known.
    pub source: Option<String>,
}

impl Finding {
    /// A finding of severity error.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, severity: Severity::Error, message: message.into(), place: None, length: 0, help: None }
    }

    /// A finding of severity warning.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, message) }
    }

    /// Whether its severity is error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Adds the remedy.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds its length in characters.
    pub fn over(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    /// Adds the place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl Place {
    /// A whole file.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), line: 0, column: 0, source: None }
    }

    /// The place of byte `offset` in `text`, the content of `path`. An offset past the end means the end.
    pub fn in_text(path: impl Into<String>, text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..start].matches('\n').count() + 1;
        let source = text[start..].lines().next().unwrap_or("").to_owned();
        Self { path: path.into(), line, column: text[start..offset].chars().count() + 1, source: Some(source) }
    }

    /// The place of the value of a nested key, such as `["mail", "from"]`, in the YAML or TOML `text` of `path`; or else that of
    /// the closest parent key, or else the whole file.
    pub fn of_value(path: &str, text: &str, keys: &[&str]) -> Self {
        let found = (1..=keys.len()).rev().find_map(|length| key::of_value(text, &keys[..length]));
        match found {
            None => Self::file(path),
            Some((line, column)) => Self::at_line(path, text, line, column),
        }
    }

    /// The place of `key` in the YAML `text` of `path`, at `line` or after it.
    pub fn of_key(path: &str, text: &str, line: usize, key: &str) -> Option<Self> {
        key::of_key_near(text, line, key).map(|(line, column)| Self::at_line(path, text, line, column))
    }

    /// The place of `line` and `column` (both from 1, column in characters) in `text`, the content of `path`.
    pub fn at_line(path: impl Into<String>, text: &str, line: usize, column: usize) -> Self {
        let source = text.lines().nth(line.saturating_sub(1)).map(str::to_owned);
        Self { path: path.into(), line, column, source }
    }
}

impl fmt::Display for Place {
    /// `path`, `path:line` or `path:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Finding {}

/// Adds the findings that are not in the list yet: several mailings share a project file, templates and servers.
pub fn extend_unique(findings: &mut Vec<Finding>, new: Vec<Finding>) {
    for finding in new {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
}

/// The known word nearest to a mistyped one, if it is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let place = Place::in_text("a.md", "标题\n一二三\n", "标题\n一".len());
        assert_eq!((place.line, place.column, place.source.as_deref()), (2, 2, Some("一二三")));
        assert_eq!(place.to_string(), "a.md:2:2");
    }

    #[test]
    fn an_offset_past_the_end_means_the_end() {
        let place = Place::in_text("a.md", "one", 99);
        assert_eq!((place.line, place.column), (1, 4));
    }
}

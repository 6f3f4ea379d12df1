//! Explains why a text is not valid YAML: what an author did, where, and the remedy.
//!
//! Takes the text and the parser's message, which describes the state of the parser; returns `None` for what is rarely
//! written. The explanation never repeats a value, which may be a password.

/// What is wrong, where (from 1), and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The problem.
    pub message: String,
    /// Its line.
    pub line: usize,
    /// Its column in characters.
    pub column: usize,
    /// The remedy.
    pub help: String,
}

/// Explains the parser's `message` about `text`; it stopped at `line` and `column`.
pub fn explain(text: &str, message: &str, line: usize, column: usize) -> Option<YamlError> {
    let source = text.lines().nth(line.checked_sub(1)?).unwrap_or_default();
    tab(source, line)
        .or_else(|| unclosed(text, message))
        .or_else(|| colon(source, message, line, column))
        .or_else(|| after_quotes(source, message, line, column))
        .or_else(|| first_character(source, message, line, column))
}

/// A tab in the indentation.
fn tab(source: &str, line: usize) -> Option<YamlError> {
    let indent = source.split(|c: char| !c.is_whitespace()).next()?;
    let column = indent.chars().position(|c| c == '\t')? + 1;
    let help = "YAML is indented with spaces: replace the tab with spaces".to_owned();
    Some(YamlError { message: "a tab indents this line".to_owned(), line, column, help })
}

/// The place that the parser names after one of these states.
fn place_of(message: &str, states: &[&str]) -> Option<(usize, usize)> {
    let (_, rest) = states.iter().find_map(|state| message.split_once(&format!("while {state} at line ")))?;
    let (line, column) = rest.split_once(" column ")?;
    Some((line.parse().ok()?, column.trim().parse().ok()?))
}

/// A quotation mark or bracket that is not closed: the parser names the place where it was opened.
fn unclosed(text: &str, message: &str) -> Option<YamlError> {
    const STATES: [&str; 3] = ["scanning a quoted scalar", "parsing a flow sequence", "parsing a flow mapping"];
    let (line, column) = place_of(message, &STATES)?;
    let opened = text.lines().nth(line.checked_sub(1)?)?.chars().nth(column.checked_sub(1)?)?;
    let help = match opened {
        '[' => "add the closing `]`, or put the value in quotes if the bracket belongs to the text".to_owned(),
        '{' => "add the closing `}`, or put the value in quotes if the brace belongs to the text".to_owned(),
        _ => format!("add the closing `{opened}`"),
    };
    let what = if "[{".contains(opened) { "bracket" } else { "quotation mark" };
    Some(YamlError { message: format!("the {what} `{opened}` is not closed"), line, column, help })
}

/// `: ` in a value without quotes, or a line that is indented too far.
fn colon(source: &str, message: &str, line: usize, column: usize) -> Option<YamlError> {
    if !message.starts_with("mapping values are not allowed") {
        return None;
    }
    let (key, value) = source
        .split_once(": ")
        .filter(|(_, value)| value.contains(": ") || value.ends_with(':'))
        .unwrap_or((source, ""));
    if value.is_empty() {
        let column = source.chars().count() - source.trim_start().chars().count() + 1;
        let message = "this line is indented further than the line above it".to_owned();
        return Some(YamlError { message, line, column, help: "indent both lines alike".to_owned() });
    }
    let help = format!("put the value in quotes: `{}: \"…\"`", key.trim().trim_start_matches("- "));
    Some(YamlError { message: "the value contains `: `, but is not in quotes".to_owned(), line, column, help })
}

/// Text after a closing quotation mark, such as `'It's here'`.
fn after_quotes(source: &str, message: &str, line: usize, column: usize) -> Option<YamlError> {
    let before: String = source.chars().take(column.checked_sub(1)?).collect();
    let quote = before.split_once(": ")?.1.trim_start().chars().next().filter(|c| "'\"".contains(*c))?;
    let is_meant = message.starts_with("did not find expected key") && before.trim_end().ends_with(quote);
    let help = match quote {
        '\'' => "write `''` for a `'` within the value, or put the value between `\"`",
        _ => "write `\\\"` for a `\"` within the value, or put the value between `'`",
    };
    let message = format!("the value continues after its closing `{quote}`");
    is_meant.then(|| YamlError { message, line, column, help: help.to_owned() })
}

/// A character that has a meaning in YAML at the start of a value.
fn first_character(source: &str, message: &str, line: usize, column: usize) -> Option<YamlError> {
    const BEGINNINGS: [&str; 3] =
        ["found character that cannot start any token", "unknown anchor", "block sequence entries are not"];
    let alias = place_of(message, &["scanning an alias", "scanning an anchor"]).filter(|(alias, _)| *alias == line);
    let column = match alias {
        Some((_, column)) => column,
        None if BEGINNINGS.iter().any(|known| message.starts_with(known)) => column,
        None => return None,
    };
    let first = source.chars().nth(column.checked_sub(1)?)?;
    let key = source.split_once(": ").map_or("key", |(key, _)| key.trim().trim_start_matches("- "));
    let help = format!("put the value in quotes: `{key}: \"…\"`");
    Some(YamlError { message: format!("a value without quotes cannot begin with `{first}`"), line, column, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> String {
        let error = serde_yaml::from_str::<serde_yaml::Value>(text).unwrap_err();
        let at = error.location().unwrap();
        let Some(found) = explain(text, &error.to_string(), at.line(), at.column()) else { return error.to_string() };
        format!("{}:{} {} ({})", found.line, found.column, found.message, found.help)
    }

    #[test]
    fn common_mistakes_are_explained_at_their_place() {
        for (text, expected) in [
            ("a: b\ntitle: \"abc\nc: d\n", "2:8 the quotation mark `\"` is not closed (add the closing `\"`)"),
            ("title: 'abc\nc: d\n", "1:8 the quotation mark `'` is not closed (add the closing `'`)"),
            (
                "a: [b\nc: d\n",
                "1:4 the bracket `[` is not closed (add the closing `]`, or put the value in quotes if the bracket belongs \
                 to the text)",
            ),
            (
                "mail:\n\tfrom: x\n",
                "2:1 a tab indents this line (YAML is indented with spaces: replace the tab with spaces)",
            ),
            (
                "mail:\n  from: x\n  \tvia: y\n",
                "3:3 a tab indents this line (YAML is indented with spaces: replace the tab with spaces)",
            ),
            (
                "title: Tides: a story\n",
                "1:13 the value contains `: `, but is not in quotes (put the value in quotes: `title: \"…\"`)",
            ),
            ("a: 1\n  b: 2\n", "2:3 this line is indented further than the line above it (indent both lines alike)"),
            (
                "title: 'It's here'\nb: 1\n",
                "1:12 the value continues after its closing `'` (write `''` for a `'` within the value, or put the value \
                 between `\"`)",
            ),
            (
                "handle: @tides\n",
                "1:9 a value without quotes cannot begin with `@` (put the value in quotes: `handle: \"…\"`)",
            ),
            (
                "title: *bold*\n",
                "1:8 a value without quotes cannot begin with `*` (put the value in quotes: `title: \"…\"`)",
            ),
        ] {
            assert_eq!(explained(text), expected, "{text}");
        }
    }
}

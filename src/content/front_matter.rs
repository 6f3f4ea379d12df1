//! Front matter: finds it in a file and parses it into fields: YAML (`---`), TOML (`+++`), JSON (`{`) or `Key: value` lines.
//!
//! Takes the first bytes of a file; returns the fields by lower-case name, like Hugo, and where the body begins.
//! `assemble` interprets the fields.

use std::borrow::Cow;

use memchr::memchr_iter;
use serde_json::Value;

use crate::content::front_matter::fences::{Syntax, closing, opening, unfenced};
use crate::content::front_matter::key_value::Header;
use crate::content::front_matter::loose::Loose;
pub use crate::content::front_matter::loose::tabs_as_blanks;
use crate::content::front_matter::yaml::{Mapping, joined_surrogates};
use crate::content::yaml_error::{YamlError, explain};
use crate::finding::{Finding, Place};
use crate::issue::BodyStart;

mod fences;
mod fields;
pub mod key_value;
mod loose;
mod plain;
mod yaml;

pub use crate::content::front_matter::fields::Fields;
pub use crate::content::front_matter::yaml::yaml_mapping;

/// The largest block accepted as front matter: rejecting deep nesting in a larger one would take seconds.
pub const MAX_BYTES: usize = 64 * 1024;

/// The front matter of a file, located but not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    syntax: Syntax,
    text: &'a str,
    /// Lines of the file before the block, including the opening fence.
    lines_before: usize,
    /// Where the body begins.
    pub body: BodyStart,
    /// Whether the last of repeated fields counts.
    allows_repeats: bool,
}

/// Whether the first bytes of a file contain the entire front matter, or show that there is none: no need to read on.
pub fn is_complete(bytes: &[u8]) -> bool {
    match opening(bytes) {
        None => bytes.len() > 1024 || bytes.iter().any(|byte| !byte.is_ascii_whitespace()) && bytes.len() > 3,
        Some((syntax, start, _)) => bytes.len() > MAX_BYTES || closing(bytes, syntax, start).is_some(),
    }
}

/// Finds the front matter in the first bytes of the file at `path`, enough for `is_complete` or the entire file.
///
/// # Errors
/// A finding if the front matter is missing, unclosed or not UTF-8.
pub fn split<'a>(path: &str, bytes: &'a [u8]) -> Result<Block<'a>, Box<Finding>> {
    let opened = opening(bytes);
    // A header that ends at a fence is YAML, whose first fence is missing.
    if opened.is_none_or(|(syntax, ..)| syntax == Syntax::KeyValue)
        && let Some(loose) = loose::find(bytes)
    {
        return block(path, bytes, loose);
    }
    let Some((syntax, start, lines_before)) = opened else { return Err(missing(path, bytes)) };
    let fenced = closing(bytes, syntax, start).map(|end| (syntax, end));
    let Some((syntax, (end, body_offset))) = fenced.or_else(|| unfenced(bytes, syntax, start)) else {
        if syntax == Syntax::KeyValue {
            return Err(missing(path, bytes));
        }
        let fence = String::from_utf8_lossy(syntax.fence());
        let text = String::from_utf8_lossy(bytes);
        let finding = Finding::error("front-matter-unclosed", format!("the front matter has no closing `{fence}`"))
            .help(format!("add a line `{fence}` between front matter and text"))
            .at(Place::at_line(path, &text, lines_before.max(1), 1));
        return Err(Box::new(finding));
    };
    block(path, bytes, Loose { syntax, start, lines_before, end, body: body_offset })
}

fn block<'a>(path: &str, bytes: &'a [u8], found: Loose) -> Result<Block<'a>, Box<Finding>> {
    let Loose { syntax, start, lines_before, end, body: offset } = found;
    let text = std::str::from_utf8(&bytes[start..end]).map_err(|error| not_utf8(path, bytes, start, error))?;
    let line = 1 + memchr_iter(b'\n', &bytes[..offset]).count();
    Ok(Block { syntax, text, lines_before, body: BodyStart { offset, line }, allows_repeats: false })
}

fn missing(path: &str, bytes: &[u8]) -> Box<Finding> {
    let help = match key_value::is_broken(bytes) {
        true => "a header of `Key: value` lines needs `Title: …`, with this colon, and ends at a blank line",
        false => {
            "begin the file with `---`, a line `title: …`, a line `date: …` and another `---`; if no post of the site has any, set `format: plain`"
        }
    };
    let finding = Finding::error("front-matter-missing", "the file does not begin with front matter");
    Box::new(finding.help(help).at(Place::file(path)))
}

/// The whole of a file as its text, for formats whose posts need no front matter.
pub fn bare(bytes: &[u8]) -> Block<'_> {
    let offset = bytes.strip_prefix(b"\xef\xbb\xbf").map_or(0, |_| 3);
    Block {
        syntax: Syntax::Yaml,
        text: "",
        lines_before: 0,
        body: BodyStart { offset, line: 1 },
        allows_repeats: false,
    }
}

fn not_utf8(path: &str, bytes: &[u8], start: usize, error: std::str::Utf8Error) -> Box<Finding> {
    let line = 1 + bytes[..start + error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
    let place = Place { path: path.to_owned(), line, column: 0, source: None };
    Box::new(Finding::error("not-utf8", "the file is not UTF-8").help("save it as UTF-8").at(place))
}

impl Block<'_> {
    /// The block as a generator reads it that knows no YAML: what is not valid as such, but a header of `Key: value` lines, is that.
    pub fn or_key_values(self) -> Self {
        let is_header = || match key_value::header(self.text.as_bytes(), 0) {
            Header::Open(suffices) => suffices,
            Header::Closed(end, _) => end == self.text.len(),
            Header::Absent => false,
        };
        let syntax = match self.syntax {
            Syntax::Yaml if is_header() && self.yaml().is_err() => Syntax::KeyValue,
            syntax => syntax,
        };
        Self { syntax, ..self }
    }

    /// The same block, of whose repeated fields the last counts, as to most parsers of YAML.
    pub fn allowing_repeats(self) -> Self {
        Self { allows_repeats: true, ..self }
    }

    /// Parses the fields.
    ///
    /// # Errors
    /// A finding at the line and column where the block is invalid YAML or TOML, is not a mapping, or repeats a field.
    pub fn fields(&self, path: &str) -> Result<Fields, Box<Finding>> {
        let read = match self.syntax {
            Syntax::Yaml => self.yaml(),
            Syntax::Toml => self.toml(),
            Syntax::Json => self.json(self.text),
            // The brace is not on a line of its own, so that errors keep their lines.
            Syntax::Entries => self.json(&format!("{{{}}}", self.text.trim_end().trim_end_matches(','))),
            Syntax::KeyValue => Ok(key_value::fields(self.text)),
        };
        read.map_err(|SyntaxError { message, line, column, help }| {
            let mut place = Place::at_line(path, self.text, line, column);
            place.line += self.lines_before;
            Box::new(Finding::error("front-matter-syntax", message).at(place).help(help))
        })
    }

    fn yaml(&self) -> Result<Fields, SyntaxError> {
        if let Some(plain) = plain::mapping(self.text) {
            return self.once(plain);
        }
        let written = serde_yaml::from_str::<Option<Mapping>>(self.text);
        // JSON is YAML, but for the escapes of characters beyond the first 65,536.
        let written = written.or_else(|error| match joined_surrogates(self.text) {
            Some(text) => serde_yaml::from_str(&text),
            None => Err(error),
        });
        // Like Hexo: a tab at the beginning of a line has but one meaning.
        let written = written.or_else(|error| match tabs_as_blanks(self.text) {
            Cow::Owned(text) => serde_yaml::from_str(&text).map_err(|_| error),
            Cow::Borrowed(_) => Err(error),
        });
        let written = written.map(Option::unwrap_or_default).map_err(|error| {
            let message = error.to_string();
            let (line, column) = error.location().map_or((1, 0), |at| (at.line(), at.column()));
            if let Some(YamlError { message, line, column, help }) = explain(self.text, &message, line, column) {
                return SyntaxError { message, line, column, help };
            }
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            SyntaxError { message, line, column, help: SYNTAX_HELP.to_owned() }
        })?;
        self.once(written)
    }

    fn json(&self, text: &str) -> Result<Fields, SyntaxError> {
        let written = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            let help = "JSON needs `\"` around names and texts, and commas between fields".to_owned();
            SyntaxError { message, line: error.line(), column: error.column(), help }
        })?;
        self.once(written)
    }

    /// The fields, each written once.
    fn once(&self, Mapping { entries, repeated }: Mapping) -> Result<Fields, SyntaxError> {
        match repeated {
            None => Ok(entries.into()),
            Some(_) if self.allows_repeats => {
                let mut fields = Fields::default();
                entries.into_iter().for_each(|(name, value)| fields.set(&name, value));
                Ok(fields)
            }
            Some(field) => Err(SyntaxError::repeated(&field, self.second_line_of(&field), 1)),
        }
    }

    fn toml(&self) -> Result<Fields, SyntaxError> {
        let table: toml::Table = toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let Place { line, column, .. } = Place::in_text("", self.text, span.start);
            match (error.message(), self.text.get(span)) {
                ("duplicate key", Some(field)) => SyntaxError::repeated(field, line, column),
                (message, _) => SyntaxError { message: message.to_owned(), line, column, help: SYNTAX_HELP.to_owned() },
            }
        })?;
        let entries = table.into_iter().map(|(key, value)| (key.to_lowercase(), json_of_toml(value)));
        Ok(entries.collect::<Vec<_>>().into())
    }

    /// The line of the second occurrence of a field; the first line if it cannot be located.
    fn second_line_of(&self, field: &str) -> usize {
        let is_field = |line: &str| {
            let name = line.split_once(':').map_or("", |(name, _)| name.trim_end().trim_matches(['"', '\'']));
            name.to_lowercase() == field
        };
        let lines = self.text.lines().enumerate().filter(|(_, line)| is_field(line));
        lines.map(|(at, _)| at + 1).nth(1).unwrap_or(1)
    }

    /// The place of a field's value in the file at `path`.
    pub fn place(&self, path: &str, field: &str) -> Place {
        self.place_inside(path, &[field])
    }

    /// The place of a value inside a field, such as `["cover", "image"]`; that of the field if it has no such value.
    pub fn place_inside(&self, path: &str, keys: &[&str]) -> Place {
        let mut place = Place::of_value(path, self.text, keys);
        if place.line > 0 {
            place.line += self.lines_before;
        }
        place
    }
}

/// A TOML value as JSON; dates become text, as in YAML.
pub fn json_of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json_of_toml).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json_of_toml(value))).collect())
        }
    }
}

const SYNTAX_HELP: &str = "quote text that contains `: `, `#`, quotation marks or brackets";

/// Why and where a block cannot be parsed.
struct SyntaxError {
    message: String,
    line: usize,
    column: usize,
    help: String,
}

impl SyntaxError {
    fn repeated(field: &str, line: usize, column: usize) -> Self {
        Self {
            message: format!("the field `{field}` appears twice"),
            line,
            column,
            help: "keep only one of them".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Entries = Vec<(String, Value)>;

    fn fields(text: &str) -> Result<(Entries, &str), String> {
        let show = |finding: Box<Finding>| {
            let place = finding.place.clone().map(|place| place.to_string()).unwrap_or_default();
            format!("{place} {}: {finding}", finding.rule)
        };
        let block = split("a.md", text.as_bytes()).map_err(show)?;
        let fields = block.fields("a.md").map_err(show)?;
        Ok((fields.entries, &text[block.body.offset..]))
    }

    fn one(key: &str, value: &str) -> Entries {
        vec![(key.to_owned(), Value::from(value))]
    }

    #[test]
    fn yaml_and_toml_yield_the_same_fields() {
        assert_eq!(fields("---\nTitle: 标题\n---\nbody\n"), Ok((one("title", "标题"), "body\n")));
        assert_eq!(fields("+++\ntitle = '标题'\n+++\nbody\n"), Ok((one("title", "标题"), "body\n")));
        assert_eq!(fields("---\ndate: 2026-11-01\n---\n"), Ok((one("date", "2026-11-01"), "")));
        assert_eq!(fields("+++\ndate = 2026-11-01\n+++\n"), Ok((one("date", "2026-11-01"), "")));
    }

    #[test]
    fn a_fence_may_be_longer_or_have_a_comment_or_end_the_document() {
        for (text, body) in [
            ("---\ntitle: a\n-----\nb\n\n---\nc\n", "b\n\n---\nc\n"),
            ("---\ntitle: a\n--- \nb", "b"),
            ("--- # ours\ntitle: a\n--- # end\r\nb", "b"),
            ("---\ntitle: a\n---#b\n", "#b\n"),
            ("---\ntitle: a\n--- b\n", " b\n"),
            ("---\ntitle: a\n-----", ""),
            ("+++\ntitle = 'a'\n++++\nb", "b"),
            ("---\ntitle: a\n...\nb\n\n---\nc\n", "b\n\n---\nc\n"),
            ("---\ntitle: a\n... \r\n", ""),
            ("---\ntitle: a\n...\n\n---\nb\n", "b\n"),
        ] {
            assert_eq!(fields(text), Ok((one("title", "a"), body)), "{text}");
        }
        for text in ["--- a\ntitle: a\n---\n", "---#\ntitle: a\n---\n"] {
            assert!(fields(text).unwrap_err().contains("front-matter-missing"), "{text}");
        }
    }

    #[test]
    fn json_is_front_matter_too() {
        assert_eq!(fields("{\"Title\": \"标题\"}\nbody\n"), Ok((one("title", "标题"), "body\n")));
        assert_eq!(fields("{\n  \"title\": \"a }\"\n}\r\n\nbody"), Ok((one("title", "a }"), "\nbody")));
        assert_eq!(fields("\u{feff}\u{feff}{\"a\": {\"b\": \"}\"}} body").map(|(_, body)| body), Ok(" body"));
        assert_eq!(fields("{\n  \"title\": \"a\",\n}\n"), Err("a.md:3:1 front-matter-syntax: trailing comma".into()));
        assert_eq!(
            fields("\n{\n\"title\": \"a\",\n\"title\": \"b\"\n}\n"),
            Err("a.md:4:1 front-matter-syntax: the field `title` appears twice".into())
        );
        assert_eq!(
            fields("{\"title\": \"a\"\n"),
            Err("a.md:1:1 front-matter-unclosed: the front matter has no closing `}`".into())
        );
        for text in ["{{< figure >}}\n", "{.lead}\nText\n", "{% raw %}\n"] {
            let missing = "a.md front-matter-missing: the file does not begin with front matter";
            assert_eq!(fields(text), Err(missing.into()), "{text}");
        }
        assert!(!is_complete(b"{\"title\": \"a") && is_complete(b"{\"title\": \"a\"}"));
    }

    #[test]
    fn merge_keys_are_merged_and_written_keys_win() {
        let yaml = "---\nshared: &shared {draft: true, tags: [wip]}\nmore: &more {draft: false, mood: calm}\n<<: [*shared, *more]\n\
                    tags: own\nnested:\n  <<: *more\n  mood: loud\n---\n";
        let fields = serde_json::Value::Object(fields(yaml).unwrap().0.into_iter().collect());
        let (shared, more) =
            (serde_json::json!({"draft": true, "tags": ["wip"]}), serde_json::json!({"draft": false, "mood": "calm"}));
        let expected = serde_json::json!({
            "shared": shared, "more": more, "tags": "own", "nested": {"mood": "loud", "draft": false}, "draft": true, "mood": "calm"
        });
        assert_eq!(fields, expected);
    }

    #[test]
    fn odd_values_cost_no_issue() {
        for (yaml, value) in [
            ("! 'Issue #1'", "Issue #1"),
            ("!!str 2026", "2026"),
            ("!note text", "text"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("-12345678901234567890123", "-12345678901234567890123"),
            ("\"\\uD83C\\uDF0A \\u00e9\"", "🌊 é"),
            ("'\\uD83C'", "\\uD83C"),
        ] {
            assert_eq!(fields(&format!("---\ntitle: {yaml}\n---\n")), Ok((one("title", value), "")), "{yaml}");
        }
        assert_eq!(fields("---\n1: a\n~: b\n---\n").map(|(fields, _)| fields.len()), Ok(2));
        assert_eq!(fields("---\nx: .inf\n---\n").map(|(fields, _)| fields.len()), Ok(1));
    }

    #[test]
    fn a_header_needs_no_fence() {
        let header = "Title: a: b\nDate: 2026-01-02\n";
        let both = vec![("title".to_owned(), Value::from("a: b")), ("date".to_owned(), Value::from("2026-01-02"))];
        for (text, body) in [
            (format!("{header}\nText\n"), "Text\n"),
            (format!("\u{feff}\n{header}\nText\n"), "Text\n"),
            (format!("---\n{header}\nText\n"), "Text\n"),
            (header.to_owned(), ""),
        ] {
            assert_eq!(fields(&text), Ok((both.clone(), body)), "{text}");
        }
        let text = "\ntitle: a\nTags: b\nLang: x\n\nText\n";
        let block = split("a.md", text.as_bytes()).unwrap();
        let at = |field: &str| block.place("a.md", field).to_string();
        assert_eq!((at("tags"), at("lang"), at("slug")), ("a.md:3:7".into(), "a.md:4:7".into(), "a.md".into()));
        assert_eq!(block.body.line, 6);
        for text in ["Note: a\n\nText\n", ": a\n", "Title: a,\nb\n"] {
            let missing = "a.md front-matter-missing: the file does not begin with front matter";
            assert_eq!(fields(text), Err(missing.into()), "{text}");
        }
        let invalid = split("a.md", b"---\ntitle: a: b\ntags: [c, 'd']\ndraft: \"x\"\n---\n").unwrap();
        let read = invalid.or_key_values().fields("a.md").unwrap().rest();
        assert_eq!(Value::Object(read), serde_json::json!({"title": "a: b", "tags": ["c", "d"], "draft": "x"}));
        for text in ["---\ntitle: a: b\n - c\n---\n", "---\ntitle: 'a\nb\n---\n"] {
            let block = split("a.md", text.as_bytes()).unwrap();
            assert_eq!(block.or_key_values(), block, "{text}");
        }
        let unclosed = "a.md:1:1 front-matter-unclosed: the front matter has no closing `---`";
        assert_eq!(fields("---\ntitle: a\n\nText\n"), Err(unclosed.into()));
        assert!(!is_complete(b"Title: a\nDate: b\n") && is_complete(b"Title: a\n\n") && is_complete(b"Title: a\nb\n"));
        let long = format!("Title: a\nFoo: {}", "b".repeat(MAX_BYTES));
        assert!(is_complete(long.as_bytes()) && fields(&long).is_err());
    }

    #[test]
    fn sloppy_files_are_accepted() {
        assert_eq!(fields("\u{feff}---\r\ntitle: a\r\n--- \t\r\nbody"), Ok((one("title", "a"), "body")));
        assert_eq!(fields("\n\n---\ntitle: a\n---"), Ok((one("title", "a"), "")));
        assert_eq!(fields("---\n---\nbody"), Ok((vec![], "body")));
        assert_eq!(fields("---\n# nothing\n---\n"), Ok((vec![], "")));
    }

    #[test]
    fn problems_are_reported_with_their_place() {
        assert_eq!(
            fields("# Title\n"),
            Err("a.md front-matter-missing: the file does not begin with front matter".into())
        );
        assert_eq!(fields(""), Err("a.md front-matter-missing: the file does not begin with front matter".into()));
        assert_eq!(
            fields("---\ntitle: a\n"),
            Err("a.md:1:1 front-matter-unclosed: the front matter has no closing `---`".into())
        );
        assert_eq!(
            fields("---\ntitle: a\ntitle: b\n---\n"),
            Err("a.md:3:1 front-matter-syntax: the field `title` appears twice".into())
        );
        assert_eq!(
            fields("---\ntitle: a\nparams:\n  title: c\n\"Title\" : b\n---\n"),
            Err("a.md:5:1 front-matter-syntax: the field `title` appears twice".into())
        );
        let lenient = split("a.md", b"---\ntitle: a\nmood: c\nTitle: b\n---\n").unwrap().allowing_repeats();
        let expected = vec![("title".to_owned(), Value::from("b")), ("mood".to_owned(), Value::from("c"))];
        assert_eq!(lenient.fields("a.md").unwrap().entries, expected);
        assert_eq!(
            fields("+++\ntitle = 'a'\ntitle = 'b'\n+++\n"),
            Err("a.md:3:1 front-matter-syntax: the field `title` appears twice".into())
        );
        assert_eq!(
            fields("---\ntitle: a: b\n---\n"),
            Err("a.md:2:9 front-matter-syntax: the value contains `: `, but is not in quotes".into())
        );
        assert_eq!(
            fields("+++\ntitle = a\n+++\n"),
            Err("a.md:2:9 front-matter-syntax: string values must be quoted, expected literal string".into())
        );
        let error = split("a.md", b"---\na: b\ntitle: \xff\n---\n").unwrap_err();
        assert_eq!((error.rule, error.place.unwrap().to_string()), ("not-utf8", "a.md:3".to_owned()));
    }

    #[test]
    fn reading_stops_at_the_end_of_the_front_matter() {
        assert!(!is_complete(b"---\ntitle: a\n"));
        assert!(is_complete(b"---\ntitle: a\n---\n"));
        assert!(is_complete(b"plain text\n"));
        assert!(!is_complete(b"\n"));
        assert!(is_complete(&[b"---\n".as_slice(), &[b'['; MAX_BYTES]].concat()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(block) = split("a.md", &bytes) {
                prop_assert!(block.body.offset <= bytes.len());
                let _ = block.fields("a.md");
            }
        }

        #[test]
        fn any_title_round_trips(title in "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,40}") {
            let text = format!("---\ntitle: {}\n---\n", serde_json::to_string(&title).unwrap());
            prop_assert_eq!(fields(&text).unwrap().0, one("title", &title));
        }
    }
}

//! Turns an error of the template engine into a finding: the place, the undefined name, and the nearest defined one.
//!
//! Takes the error, the source of the template and its variables.

use std::ops::Range;

use minijinja::{ErrorKind, Value};

use crate::finding::{Finding, Place, nearest};
use crate::templates::DEFAULT_PREFIX;

/// The original error, below those of the including templates.
pub(super) fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<minijinja::Error>());
    source.map_or(error, innermost)
}

/// The path of a template to show.
pub(super) fn path(name: &str) -> String {
    if name.starts_with(DEFAULT_PREFIX) { name.to_owned() } else { format!("templates/{name}") }
}

/// The engine's message, without the place.
pub fn message(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// The finding for an error in the template at `path`.
pub(super) fn finding(error: &minijinja::Error, path: &str, source: &str, context: &Value) -> Box<Finding> {
    let range = error.range().and_then(|range| as_written(source, range));
    let (place, length) = match (&range, error.line()) {
        (Some(range), _) => (Place::in_text(path, source, range.start), length_in_line(&source[range.clone()])),
        (None, Some(line)) => (Place::at_line(path, source, line, 1), 0),
        (None, None) => (Place::file(path), 0),
    };
    let message = message(error);
    let finding = match error.kind() {
        ErrorKind::UndefinedError => {
            let written = range.and_then(|range| source.get(range)).unwrap_or_default();
            missing_name(written, context)
        }
        ErrorKind::OutOfFuel => Finding::error("template", "the template takes too many steps")
            .help("look for a loop over a list that is far too long"),
        ErrorKind::TemplateNotFound => Finding::error("template", message)
            .help("put it into `templates`, or extend a default one, such as `default/edition.html`"),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => {
            Finding::error("template", message).help("use those of MiniJinja, or the filters `heading` and `paragraph`")
        }
        ErrorKind::SyntaxError => Finding::error("template", message).help("fix the Jinja syntax"),
        _ => Finding::error("template", message),
    };
    Box::new(finding.at(place).over(length))
}

/// The range from the start of the name: for `a.b.c` the engine may report only `.b.c`.
fn as_written(source: &str, range: Range<usize>) -> Option<Range<usize>> {
    let is_cut = source.get(range.clone())?.starts_with('.');
    let before = &source[..range.start];
    let name =
        before.trim_end_matches(|character: char| is_cut && (character.is_alphanumeric() || "_.".contains(character)));
    Some(name.len()..range.end)
}

/// The number of characters in its first line.
fn length_in_line(text: &str) -> usize {
    text.lines().next().unwrap_or_default().chars().count()
}

/// Walks along a path such as `issue.titel` until a name is undefined.
fn missing_name(written: &str, context: &Value) -> Finding {
    let is_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let path: String = written.trim_start_matches(['{', ' ', '-']).chars().take_while(|one| is_path(*one)).collect();
    let (mut value, mut walked) = (context.clone(), 0);
    for name in path.split('.') {
        let known = names(&value);
        if known.iter().any(|other| other == name) {
            value = value.get_attr(name).unwrap_or_default();
            walked += name.len() + 1;
            continue;
        }
        let message = match path[..walked].strip_suffix('.') {
            Some(before) => format!("`{before}` has no `{name}`"),
            None => format!("there is no `{name}` here"),
        };
        let finding = Finding::error("template", message);
        let every_name = if known.is_empty() || name == path { all_names(context) } else { known };
        return match nearest(name, every_name.iter().map(String::as_str)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("if it may be missing, add `default(\"\")` or test `is defined`"),
        };
    }
    Finding::error("template", format!("`{path}` is not defined here"))
}

fn names(value: &Value) -> Vec<String> {
    let keys = value.try_iter().into_iter().flatten();
    if value.kind() != minijinja::value::ValueKind::Map {
        return Vec::new();
    }
    keys.filter_map(|key| key.as_str().map(str::to_owned)).collect()
}

/// Names of the top two levels, for variables of a loop.
fn all_names(context: &Value) -> Vec<String> {
    let mut all = names(context);
    for name in names(context) {
        all.extend(names(&context.get_attr(&name).unwrap_or_default()));
    }
    all
}

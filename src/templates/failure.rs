//! What went wrong in a template, as a finding: where, which name is missing, and the nearest that is not.
//!
//! Takes an error of the engine, the source of the template and what it was rendered with.

use std::ops::Range;

use minijinja::{ErrorKind, Value};

use crate::finding::{Finding, Place, nearest};
use crate::templates::DEFAULT;

/// The error that those of the templates round it come from.
pub(super) fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<minijinja::Error>());
    source.map_or(error, innermost)
}

/// Where a template is, for people.
pub(super) fn path(name: &str) -> String {
    if name.starts_with(DEFAULT) { name.to_owned() } else { format!("templates/{name}") }
}

/// What the engine says of an error, without its place.
pub fn said(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// What went wrong in the template at `path`, with the name that is missing and the nearest that is not.
pub(super) fn finding(error: &minijinja::Error, path: &str, source: &str, context: &Value) -> Box<Finding> {
    let range = error.range().and_then(|range| as_written(source, range));
    let (place, length) = match (&range, error.line()) {
        (Some(range), _) => (Place::in_text(path, source, range.start), length_in_line(&source[range.clone()])),
        (None, Some(line)) => (Place::at_line(path, source, line, 1), 0),
        (None, None) => (Place::file(path), 0),
    };
    let said = said(error);
    let finding = match error.kind() {
        ErrorKind::UndefinedError => {
            let written = range.and_then(|range| source.get(range)).unwrap_or_default();
            missing_name(written, context)
        }
        ErrorKind::OutOfFuel => Finding::error("template", "the template takes too many steps")
            .help("look for a loop over something far too long"),
        ErrorKind::TemplateNotFound => Finding::error("template", said)
            .help("put it into `templates`, or extend a default one, such as `default/edition.html`"),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => {
            Finding::error("template", said)
                .help("there are those of MiniJinja, and the filters `heading` and `paragraph`")
        }
        ErrorKind::SyntaxError => Finding::error("template", said).help("the syntax is that of Jinja"),
        _ => Finding::error("template", said),
    };
    Box::new(finding.at(place).over(length))
}

/// The range from the begin of the name that it is about: of `a.b.c` the engine may name `.b.c` alone.
fn as_written(source: &str, range: Range<usize>) -> Option<Range<usize>> {
    let is_cut = source.get(range.clone())?.starts_with('.');
    let before = &source[..range.start];
    let name =
        before.trim_end_matches(|character: char| is_cut && (character.is_alphanumeric() || "_.".contains(character)));
    Some(name.len()..range.end)
}

/// How many characters of it are in its first line.
fn length_in_line(text: &str) -> usize {
    text.lines().next().unwrap_or_default().chars().count()
}

/// Walks the context along the names as written, such as `issue.titel`, until one is not there.
fn missing_name(written: &str, context: &Value) -> Finding {
    let is_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let path: String = written.trim_start_matches(['{', ' ', '-']).chars().take_while(|one| is_path(*one)).collect();
    let mut value = context.clone();
    for name in path.split('.') {
        let known = names(&value);
        if known.iter().any(|other| other == name) {
            value = value.get_attr(name).unwrap_or_default();
            continue;
        }
        let finding = Finding::error("template", format!("there is no `{name}` in `{path}`"));
        let every_name = if known.is_empty() || name == path { all_names(context) } else { known };
        return match nearest(name, every_name.iter().map(String::as_str)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("where it may be missing, write `default(\"\")` behind it or ask `is defined`"),
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

/// Names at the top and one below, for names that a loop gives.
fn all_names(context: &Value) -> Vec<String> {
    let mut all = names(context);
    for name in names(context) {
        all.extend(names(&context.get_attr(&name).unwrap_or_default()));
    }
    all
}

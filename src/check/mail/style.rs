//! Rules for the styles of an edition: what Gmail and Outlook ignore, and what inlining leaves without effect.

use std::collections::BTreeSet;

use crate::check::rule::Rule;
use crate::content::html::tag::Tag;
use crate::edition::style_sheet::{Statement, declarations, statements};
use crate::finding::Finding;

const STYLE_DROPPED: Rule = Rule::warning(
    "mail-style",
    "An edition relies on a style that mail programs ignore",
    "Gmail or Outlook ignore flex, grid, positioning, generated content, nested rules and computed values; use tables for \
     layout, and write values out. What cannot be inlined (`:hover`, `[data-ogsc]`) needs `!important`, because inlined \
     styles win",
);

pub(super) const RULES: [&Rule; 1] = [&STYLE_DROPPED];

/// Layout properties that Gmail or Outlook ignore.
const LAYOUT: [&str; 7] = [
    "display:flex",
    "display:inline-flex",
    "display:grid",
    "display:inline-grid",
    "position:absolute",
    "position:fixed",
    "position:sticky",
];

/// Functions in values that Gmail or Outlook do not compute (caniemail.com).
const FUNCTIONS: [&str; 5] = ["var(", "calc(", "min(", "max(", "clamp("];

/// Selectors of parts that only browsers and Apple Mail show.
const PSEUDO_ELEMENTS: [&str; 5] = ["::", ":before", ":after", ":first-letter", ":first-line"];

/// At-rules that mail programs know.
const AT_RULES: [&str; 4] = ["@media", "@font-face", "@keyframes", "@charset"];

/// Returns the findings about the `tags` of an edition and its `styles` before they were inlined.
pub(super) fn check(tags: &[Tag<'_>], styles: &str) -> Vec<Finding> {
    let statements = statements(styles);
    let defined = custom_properties(&statements);
    let inlined: BTreeSet<&str> = tags.iter().flat_map(declared).map(|(name, _)| name).collect();
    let mut messages: Vec<String> = tags.iter().find_map(layout).into_iter().collect();
    messages.extend(tags.iter().find_map(computed));
    for statement in &statements {
        messages.extend(match statement.is_at_rule() {
            true => at_rule(statement, &defined),
            false => rule(statement, &defined, &inlined),
        });
    }
    messages.into_iter().map(|message| STYLE_DROPPED.found(message)).collect()
}

/// The declarations of an element.
fn declared<'t>(tag: &Tag<'t>) -> impl Iterator<Item = (&'t str, &'t str)> + use<'t> {
    declarations(tag.attribute("style").unwrap_or_default())
}

fn layout(tag: &Tag<'_>) -> Option<String> {
    let found = declared(tag).find_map(|(name, value)| {
        let written = format!("{name}:{value}").to_lowercase();
        LAYOUT.iter().find(|property| written.starts_with(**property))
    })?;
    Some(format!("a `<{}>` has `{found}`", tag.name))
}

fn computed(tag: &Tag<'_>) -> Option<String> {
    let (name, value) = declared(tag).find(|(_, value)| FUNCTIONS.iter().any(|function| value.contains(function)))?;
    Some(format!("a `<{}>` has `{name}: {value}`", tag.name))
}

fn at_rule(statement: &Statement<'_>, defined: &BTreeSet<&str>) -> Option<String> {
    let name = statement.prelude.split_whitespace().next().unwrap_or_default();
    if !AT_RULES.iter().any(|known| name.ends_with(&known[1..])) {
        return Some(format!("`{name}` is ignored"));
    }
    let inside = statements(statement.block.unwrap_or_default());
    let changed = inside.iter().flat_map(Statement::declarations).find(|(name, _)| defined.contains(name));
    changed.map(|(changed, _)| format!("`{name}` cannot change `{changed}`: its values are inlined"))
}

fn rule(statement: &Statement<'_>, defined: &BTreeSet<&str>, inlined: &BTreeSet<&str>) -> Option<String> {
    let (selector, block) = (statement.prelude, statement.block.unwrap_or_default());
    if block.contains('{') {
        return Some(format!("rules nested in `{selector}` are ignored"));
    }
    if let Some(name) = undefined(block, defined) {
        return Some(format!("`{selector}` uses `{name}`, which is not defined"));
    }
    if PSEUDO_ELEMENTS.iter().any(|pseudo| selector.contains(pseudo)) {
        return Some(format!("`{selector}` is ignored"));
    }
    let mut losing =
        statement.declarations().filter(|(name, value)| inlined.contains(name) && !value.contains("!important"));
    let (name, _) = losing.next().filter(|_| statement.selectors().into_iter().any(is_for_programs))?;
    Some(format!("`{name}` of `{selector}` has no effect without `!important`"))
}

/// Whether a selector depends on what only the mail program adds: a state of a link, or an attribute or element of its own.
fn is_for_programs(selector: &str) -> bool {
    [":hover", ":active", ":focus", ":visited", "[data-og", "u + ", "u+"].iter().any(|part| selector.contains(part))
}

/// The custom properties that the style sheet defines.
fn custom_properties<'c>(statements: &[Statement<'c>]) -> BTreeSet<&'c str> {
    let declarations = statements.iter().filter(|one| !one.is_at_rule()).flat_map(Statement::declarations);
    declarations.map(|(name, _)| name).filter(|name| name.starts_with("--")).collect()
}

/// The first custom property of a block that is not defined and has no value to fall back on.
fn undefined<'c>(block: &'c str, defined: &BTreeSet<&str>) -> Option<&'c str> {
    let uses = block.split("var(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(name, _)| name.trim());
    uses.filter(|name| !name.contains(',')).find(|name| !defined.contains(name))
}

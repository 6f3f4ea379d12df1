//! Editions by the default templates against what mail programs support.
//!
//! The rules are taken from the data of caniemail.com for Gmail, Outlook, Apple Mail and Yahoo: what Gmail or Outlook on
//! Windows drop must not be needed. Anything that is not named here as safe fails.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::letters;

/// Gmail drops a longer `<style>`.
const MOST_OF_STYLE: usize = 8192;

/// Gmail hides what is beyond.
const MOST_OF_ALL: usize = 102_000;

/// Elements that every mail program shows: no form, script, frame, link to a style sheet or player.
const ELEMENTS: [&str; 44] = [
    "a", "blockquote", "body", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "figcaption", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "html", "img", "kbd", "li", "meta", "ol", "p", "pre", "span",
    "strong", "style", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
];

/// Properties with support in all of them, as far as the values below go. `padding` outside of table cells, `border` and
/// `background-color` of blocks look plainer in Outlook and harm nothing.
const SAFE: [&str; 32] = [
    "background-color",
    "border",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-top",
    "color",
    "direction",
    "display",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "width",
    "word-break",
];

/// Properties that only make it better where they are known.
const ENHANCEMENTS: [&str; 12] = [
    // Without it the rows of a table are as wide as they need.
    "table-layout",
    "min-width",
    "overflow-x",
    // Without it long words break by `word-break`, and code by `<pre>`.
    "overflow-wrap",
    "word-wrap",
    "white-space",
    // Corners; how phones scale text; day and night, which the `<meta>` says too.
    "border-radius",
    "-webkit-text-size-adjust",
    "color-scheme",
    // The preheader is hidden by `display: none`; these are for those who heed that in part.
    "max-height",
    "overflow",
    "opacity",
];

const UNITS: [&str; 2] = ["px", "%"];

#[test]
fn editions_use_what_mail_programs_show() {
    let folder = tempfile::tempdir().unwrap();
    letters::project(folder.path());
    for letter in letters::all(folder.path()) {
        let mut faults = BTreeSet::new();
        let mut all = vec![parse_document(RcDom::default(), ParseOpts::default()).one(letter.html.as_str()).document];
        while let Some(node) = all.pop() {
            judge_element(&node, &mut faults);
            all.extend(node.children.borrow().iter().cloned());
        }
        judge_whole(&letter.html, &mut faults);
        assert_eq!(faults, BTreeSet::new(), "{}", letter.name);
    }
}

fn judge_element(node: &Handle, faults: &mut BTreeSet<String>) {
    let NodeData::Element { name, attrs, .. } = &node.data else { return };
    let element = name.local.as_ref();
    let attributes = attrs.borrow();
    let value = |key: &str| attributes.iter().find(|one| &*one.name.local == key).map(|one| one.value.to_string());
    if !ELEMENTS.contains(&element) {
        faults.insert(format!("<{element}> is not shown everywhere"));
    }
    for declaration in value("style").unwrap_or_default().split(';').filter(|one| !one.trim().is_empty()) {
        if declaration.contains('!') {
            faults.insert(format!("{declaration}: a media query could not override it"));
        }
        faults.extend(fault_of(declaration));
    }
    if attributes.iter().any(|one| one.name.local.starts_with("on")) {
        faults.insert(format!("<{element}> has a script"));
    }
    match element {
        "img" => judge_picture(&value, faults),
        "table" if value("role").is_some() => {
            let shell = ["cellpadding", "cellspacing", "border"].map(|key| value(key).unwrap_or_default());
            if shell != ["0", "0", "0"] {
                faults.insert(format!("a table of the layout with {shell:?}"));
            }
        }
        "a" if value("href").is_some_and(|href| {
            !["https://", "http://", "mailto:", "#"].iter().any(|scheme| href.starts_with(scheme))
        }) =>
        {
            faults.insert(format!("a link to {:?}", value("href")));
        }
        _ => {}
    }
}

fn judge_picture(value: &dyn Fn(&str) -> Option<String>, faults: &mut BTreeSet<String>) {
    let source = value("src").unwrap_or_default();
    let width: Option<u32> = value("width").and_then(|width| width.parse().ok());
    if value("alt").is_none() || !source.starts_with("https://") {
        faults.insert(format!("a picture without words or address: {source}"));
    }
    // Outlook heeds nothing else; one of a pixel counts readers.
    if !width.is_some_and(|width| (2..=600).contains(&width)) {
        faults.insert(format!("a picture as wide as {width:?}: {source}"));
    }
    let style = value("style").unwrap_or_default();
    if !style.contains("max-width: 100%") || !style.contains("height: auto") {
        faults.insert(format!("a picture that does not shrink: {style}"));
    }
}

/// Why a mail program may drop the declaration.
fn fault_of(declaration: &str) -> Option<String> {
    let (property, value) = declaration.split_once(':')?;
    let (property, value) = (property.trim(), value.trim_end_matches("!important").trim());
    let fault = |why: &str| Some(format!("{property}: {value}: {why}"));
    if property.starts_with("mso-") {
        return None;
    }
    if !SAFE.contains(&property) && !ENHANCEMENTS.contains(&property) {
        return fault("not supported everywhere");
    }
    if property == "display" && !["block", "none"].contains(&value) {
        return fault("a layout that is not supported everywhere");
    }
    if property == "text-align" && !["left", "right", "center"].contains(&value) {
        return fault("Gmail and Outlook do not know it");
    }
    if property == "font-family" {
        return None;
    }
    if value.contains(['(', '!']) {
        return fault("functions are not supported everywhere");
    }
    for word in value.split_whitespace() {
        let number = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if word.starts_with('-') {
            return fault("Gmail drops what is negative");
        }
        if number.len() < word.len() && !number.is_empty() && !UNITS.contains(&number) {
            return fault("a unit that is not supported everywhere");
        }
        if word.starts_with('#') && word.len() != 7 {
            return fault("a colour that is not supported everywhere");
        }
        if word == "auto" && property.starts_with("margin") {
            return fault("Outlook does not know it");
        }
        if ["#000000", "transparent"].contains(&word) {
            return fault("unreadable where a mail program turns colours over");
        }
    }
    None
}

fn judge_whole(html: &str, faults: &mut BTreeSet<String>) {
    let mut fault = |is_wrong: bool, what: &str| {
        if is_wrong {
            faults.insert(what.to_owned());
        }
    };
    let lower = html.to_ascii_lowercase();
    fault(html.len() > MOST_OF_ALL, "Gmail cuts it");
    fault(!lower.starts_with("<!doctype html>"), "no doctype");
    fault(["@import", "@font-face", "url("].iter().any(|what| lower.contains(what)), "something is loaded");
    fault(!html.contains("<meta name=\"color-scheme\" content=\"light dark\">"), "no colour scheme");
    let count = |what: &str| html.matches(what).count();
    fault(count("<!--[if mso]>") != count("<![endif]-->"), "a conditional comment is open");
    let conditional: String =
        html.split("<!--[if mso]>").skip(1).filter_map(|rest| rest.split("<![endif]-->").next()).collect();
    for tag in ["table", "tr", "td"] {
        let opened =
            conditional.matches(&format!("<{tag}>")).count() + conditional.matches(&format!("<{tag} ")).count();
        fault(opened == 0 || opened != conditional.matches(&format!("</{tag}>")).count(), "Outlook's table is open");
    }
    fault(count("<style") != 1, "not one style sheet");
    let style = html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap_or_default();
    fault(style.len() > MOST_OF_STYLE, "Gmail drops the style sheet");
    judge_style(style, faults);
}

/// Only media queries are left: all else stands in the elements. In them no selector of attributes or states, which
/// Gmail and Outlook drop with all that follows.
fn judge_style(style: &str, faults: &mut BTreeSet<String>) {
    let queries: BTreeSet<&str> =
        style.split("@media").skip(1).filter_map(|rest| rest.split('{').next()).map(str::trim).collect();
    if queries != BTreeSet::from(["(max-width: 480px)", "(prefers-color-scheme: dark)"]) {
        faults.insert(format!("media queries: {queries:?}"));
    }
    let before = style.split("@media").next().unwrap_or_default();
    if !before.trim().is_empty() {
        faults.insert(format!("a rule that is no enhancement: {before}"));
    }
    for query in style.split("@media").skip(1) {
        let rules = query.split_once('{').map_or("", |(_, rules)| rules);
        for rule in rules.split('}').filter(|rule| rule.contains('{')) {
            let (selectors, declarations) = rule.split_once('{').unwrap();
            if selectors.contains(['[', ':', '>', '+', '~', '*', '@']) {
                faults.insert(format!("selector {}", selectors.trim()));
            }
            for declaration in declarations.split(';').filter(|one| !one.trim().is_empty()) {
                faults.extend(fault_of(declaration));
                if !declaration.trim_end().ends_with("!important") {
                    faults.insert(format!("{declaration}: inline styles win over it"));
                }
            }
        }
    }
}

#[test]
fn what_is_not_supported_is_found() {
    for declaration in [
        "display: flex",
        "display: inline-block",
        "position: absolute",
        "float: left",
        "gap: 4px",
        "width: calc(1px + 2px)",
        "color: var(--x)",
        "margin: 0 auto",
        "margin: -4px",
        "font-size: 1rem",
        "width: 50vw",
        "color: #123",
        "color: #000000",
        "background: #ffffff",
        "text-align: start",
        "margin-inline-start: 4px",
        "color: rgba(0,0,0,.5)",
    ] {
        assert!(fault_of(declaration).is_some(), "{declaration}");
    }
    for declaration in
        ["display: none", "margin: 0 0 16px", "width: 100%", "color: #24292f", "font-family: -apple-system, 'x y'"]
    {
        assert_eq!(fault_of(declaration), None, "{declaration}");
    }
    let mut faults = BTreeSet::new();
    judge_style("p { color: #111111 } @media (max-width: 480px) { a[href] { color: #111111 } }", &mut faults);
    assert_eq!(faults.len(), 4, "{faults:?}");
    judge_whole("<style></style><style>@import url(x)</style><!--[if mso]><table>", &mut faults);
    assert!(faults.len() > 9, "{faults:?}");
}

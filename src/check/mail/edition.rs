//! Rules for an edition as it would arrive: its HTML and plain text, whichever templates made them.

use std::collections::BTreeSet;
use std::iter;

use crate::check::mail::style;
use crate::check::rule::Rule;
use crate::content::html::tag::{Tag, Tags};
use crate::finding::{Finding, Place};

const TAG_DROPPED: Rule = Rule::warning(
    "mail-tag",
    "An edition contains an element that mail programs drop",
    "Gmail or Outlook remove forms, players, frames, scripts and SVG; use a picture or a link instead",
);
const LINK_RELATIVE: Rule = Rule::error(
    "mail-link-relative",
    "An edition contains a relative link or picture address",
    "a message has no base address; write the full address in the template, such as `{{ publication.url }}`",
);
const UNSUBSCRIBE_HIDDEN: Rule = Rule::error(
    "mail-unsubscribe",
    "An edition does not show the unsubscribe link",
    "recipients look for it at the foot of the message; add `{% if unsubscribe %}{{ unsubscribe.link }}{% endif %}` \
     to the template",
);
const LANGUAGE_MISSING: Rule = Rule::warning(
    "mail-language",
    "The HTML of an edition does not declare its language",
    "fonts and screen readers depend on it; write `<html lang=\"{{ issue.language }}\">`",
);
const TEXT_LOST: Rule = Rule::warning(
    "mail-text",
    "The plain text of an edition lacks words of the HTML",
    "some subscribers read only the text, and spam filters compare the two; put `{{ body }}` into \
     `templates/edition.txt`",
);
const PICTURES_ONLY: Rule = Rule::warning(
    "mail-pictures",
    "An edition contains pictures and hardly any text",
    "many mail programs block pictures at first, and spam filters distrust such mail; describe in words what they show",
);

pub(in crate::check) const RULES: [&Rule; 6] =
    [&TAG_DROPPED, &LINK_RELATIVE, &UNSUBSCRIBE_HIDDEN, &LANGUAGE_MISSING, &TEXT_LOST, &PICTURES_ONLY];

/// Elements that Gmail or Outlook drop (caniemail.com).
const DROPPED: [&str; 14] = [
    "audio", "button", "canvas", "embed", "form", "iframe", "input", "link", "object", "script", "select", "svg",
    "textarea", "video",
];

/// An edition with pictures should contain at least this many letters and digits.
const MIN_TEXT_CHARACTERS: usize = 80;

/// An edition as one reader gets it.
pub struct RenderedEdition<'a> {
    /// The HTML part.
    pub html: &'a str,
    /// Its style sheets before they were inlined.
    pub styles: &'a str,
    /// The plain text.
    pub text: &'a str,
    /// The unsubscribe link that it must show, if there is one.
    pub unsubscribe: Option<&'a str>,
}

/// Returns the findings about the edition of the issue at `path`.
pub fn check(path: &str, edition: &RenderedEdition<'_>) -> Vec<Finding> {
    let tags: Vec<Tag<'_>> = Tags::of(edition.html).map(|(_, tag)| tag).filter(|tag| !tag.closes).collect();
    let mut findings = Vec::new();
    findings.extend(first(&tags, dropped));
    findings.extend(style::check(&tags, edition.styles));
    findings.extend(first(&tags, relative));
    if let Some(unsubscribe) = edition.unsubscribe {
        let is_shown = |text: &str| text.contains(unsubscribe) || text.contains(&unsubscribe.replace('&', "&amp;"));
        let parts = [("HTML", edition.html), ("plain text", edition.text)];
        let hidden = parts.into_iter().find(|(_, part)| !is_shown(part));
        findings.extend(
            hidden.map(|(part, _)| UNSUBSCRIBE_HIDDEN.found(format!("the {part} does not show the unsubscribe link"))),
        );
    }
    if !tags.iter().any(|tag| tag.name == "html" && tag.attribute("lang").is_some_and(|lang| !lang.is_empty())) {
        findings.push(LANGUAGE_MISSING.found("the HTML does not declare its language"));
    }
    let shown = visible(edition.html);
    let has_picture = tags.iter().any(|tag| tag.name == "img");
    findings.extend(text_lost(&shown, edition.text));
    if has_picture && shown.chars().filter(|c| c.is_alphanumeric()).count() < MIN_TEXT_CHARACTERS {
        findings.push(PICTURES_ONLY.found("the edition contains pictures and hardly any text"));
    }
    findings.into_iter().map(|finding| finding.at(Place::file(path))).collect()
}

fn first(tags: &[Tag<'_>], check: fn(&Tag<'_>) -> Option<Finding>) -> Option<Finding> {
    tags.iter().find_map(check)
}

fn dropped(tag: &Tag<'_>) -> Option<Finding> {
    DROPPED.contains(&tag.name.as_str()).then(|| TAG_DROPPED.found(format!("the edition contains `<{}>`", tag.name)))
}

fn relative(tag: &Tag<'_>) -> Option<Finding> {
    let address = ["href", "src"].iter().find_map(|name| tag.attribute(name))?.trim();
    let has_scheme = address.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let is_absolute = has_scheme || address.starts_with('#');
    (!is_absolute).then(|| LINK_RELATIVE.found(format!("a `<{}>` has the address `{address}`", tag.name)))
}

/// The visible text of a page, without head, comments (in which Outlook finds its own HTML) and hidden elements.
fn visible(html: &str) -> String {
    let body = without_comments(html.find("<body").map_or(html, |at| &html[at..]));
    let (mut text, mut at, mut hidden) = (String::new(), 0, None);
    for (start, tag) in Tags::of(&body) {
        if hidden.is_none() {
            text.push_str(&body[at..start]);
            text.push(' ');
        }
        let is_hidden = |tag: &Tag<'_>| {
            tag.attribute("style").is_some_and(|style| style.replace(' ', "").contains("display:none"))
                || tag.name == "style"
        };
        match &hidden {
            None if !tag.closes && is_hidden(&tag) => hidden = Some(tag.name.clone()),
            Some(name) if tag.closes && *name == tag.name => hidden = None,
            _ => {}
        }
        at = start + tag.source.len();
    }
    html_escape::decode_html_entities(&text).into_owned()
}

fn without_comments(html: &str) -> String {
    let mut parts = html.split("<!--");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once("-->").map_or("", |(_, shown)| shown));
    iter::once(first).chain(rest).collect()
}

/// At most a third of the HTML's words may be missing from the text. For Chinese and Japanese, characters are counted.
fn text_lost(shown: &str, text: &str) -> Option<Finding> {
    const MIN_WORDS: usize = 20;
    let (html, text) = (words(shown), words(text));
    let lost = html.difference(&text).count();
    (html.len() >= MIN_WORDS && lost * 3 > html.len())
        .then(|| TEXT_LOST.found(format!("{lost} of {} words of the HTML are not in the text", html.len())))
}

fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if word.chars().any(crate::content::cjk::is_cjk) {
            words.extend(word.chars().map(String::from));
        } else {
            words.insert(word.to_lowercase());
        }
    }
    words
}

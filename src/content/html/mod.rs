//! Reader-proof HTML, the same for feed and mail: clean, well-formed, every URL absolute.
//!
//! Takes a document and the permalink it is read at; gives HTML that no reader has to guess at. Raw HTML is mended by
//! `raw` first, addresses by `urls`; an allow-list over a real HTML parser has the last word.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::UrlRelative;
use pulldown_cmark::{CowStr, Event, Tag, TagEnd};
use url::Url;

use crate::content::html::urls::Rewriter;
use crate::content::markdown::Document;

pub(super) mod raw;
pub mod urls;

/// Who will read the HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A feed reader: every URL absolute, links to the issue's own fragments too.
    Feed,
    /// A mail program: links to the issue's own fragments stay fragments.
    Mail,
}

/// The HTML of a document whose relative URLs are relative to `permalink`. Footnote and heading ids begin with
/// `prefix`, so that they stay unique where several issues share a page.
pub fn render(document: &Document<'_>, permalink: &Url, prefix: &str, reader: Reader) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events(document));
    let html = aligned(&html);
    let html = legal(&html);
    clean(&html, permalink, prefix, reader)
}

/// The alignment of table columns as an attribute: no style passes the allow-list, and feed validators warn of it.
fn aligned(html: &str) -> Cow<'_, str> {
    if !html.contains(" style=\"text-align: ") {
        return Cow::Borrowed(html);
    }
    let mut aligned = html.to_owned();
    for side in ["left", "center", "right"] {
        for cell in ["td", "th"] {
            let style = format!("<{cell} style=\"text-align: {side}\"");
            aligned = aligned.replace(&style, &format!("<{cell} align=\"{side}\""));
        }
    }
    Cow::Owned(aligned)
}

/// The events with raw HTML mended, task marks as text that every reader shows, and code without classes to keep.
fn events<'a>(document: &'a Document<'_>) -> impl Iterator<Item = Event<'a>> {
    let mut deep = 0_usize;
    document.events().iter().filter_map(move |event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::InlineHtml(mended(html))),
        Event::TaskListMarker(done) => Some(Event::Text(if *done { "☑ " } else { "☐ " }.into())),
        Event::Start(Tag::BlockQuote(_)) => {
            deep += 1;
            (deep <= MAX_DEPTH).then_some(Event::Start(Tag::BlockQuote(None)))
        }
        Event::End(TagEnd::BlockQuote(_)) => {
            deep -= 1;
            (deep < MAX_DEPTH).then_some(Event::End(TagEnd::BlockQuote(None)))
        }
        other => Some(other.clone()),
    })
}

/// Nobody quotes deeper, and the time an HTML parser takes grows with the square of the depth.
const MAX_DEPTH: usize = 32;

fn mended<'a>(html: &'a CowStr<'_>) -> CowStr<'a> {
    match raw::mended(html) {
        Cow::Borrowed(html) => html.into(),
        Cow::Owned(html) => html.into(),
    }
}

/// The text without characters that XML 1.0 forbids (section 2.2), or that validators take for damage: C1 controls,
/// U+FFFD and noncharacters.
pub fn legal(text: &str) -> Cow<'_, str> {
    let is_legal = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffd}'..='\u{ffff}' | '\u{fdd0}'..='\u{fdef}' => false,
        _ => u32::from(c) & 0xfffe != 0xfffe,
    };
    if text.chars().all(is_legal) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_legal(*c)).collect())
}

/// Elements that readers show as their author meant, and that validators know.
const TAGS: [&str; 62] = [
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "kbd", "li", "mark", "ol", "p", "picture", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small",
    "source", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul", "wbr",
];

/// Elements that go with all they hold.
const DROPPED: [&str; 9] = ["script", "style", "template", "noscript", "svg", "math", "object", "select", "textarea"];

fn clean(html: &str, permalink: &Url, prefix: &str, reader: Reader) -> String {
    let rewriter = Rewriter::new(permalink, prefix, reader);
    let schemes = HashSet::from(["http", "https", "mailto", "tel"]);
    let attributes = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("img", HashSet::from(["src", "srcset", "alt", "width", "height"])),
        ("source", HashSet::from(["srcset", "media", "type", "sizes"])),
        ("td", HashSet::from(["align", "colspan", "rowspan"])),
        ("th", HashSet::from(["align", "colspan", "rowspan", "scope"])),
        ("ol", HashSet::from(["start", "type"])),
        ("blockquote", HashSet::from(["cite"])),
        ("q", HashSet::from(["cite"])),
        ("del", HashSet::from(["cite", "datetime"])),
        ("ins", HashSet::from(["cite", "datetime"])),
        ("col", HashSet::from(["span"])),
        ("colgroup", HashSet::from(["span"])),
    ]);
    let cleaned = ammonia::Builder::empty()
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(DROPPED))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["title", "lang", "dir", "id"]))
        .id_prefix(Some(prefix))
        .link_rel(None)
        .url_schemes(schemes)
        .url_relative(UrlRelative::PassThrough)
        .attribute_filter(move |element, attribute, value| rewriter.attribute(element, attribute, value))
        .clean(html)
        .to_string();
    without_empty_images(cleaned)
}

/// An image whose address was no address shows nothing: its text is all that is left of it.
fn without_empty_images(html: String) -> String {
    let mut rest = html.as_str();
    let mut kept = String::new();
    while let Some(at) = rest.find("<img") {
        let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
        let tag = &rest[at..end];
        kept.push_str(&rest[..at]);
        if tag.contains(" src=\"") || tag.contains(" srcset=\"") {
            kept.push_str(tag);
        } else if let Some(alt) = tag.split(" alt=\"").nth(1).and_then(|alt| alt.split('"').next()) {
            kept.push_str(alt);
        }
        rest = &rest[end..];
    }
    if kept.is_empty() && rest.len() == html.len() {
        return html;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests;

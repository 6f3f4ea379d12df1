//! Renders HTML that every feed reader and mail program understands: sanitized, well-formed, all URLs absolute.
//!
//! Takes a document and its permalink. `raw` repairs raw HTML and `urls` resolves URLs before an allow-list over a real
//! HTML parser has the final say. Output of plain Markdown takes a faster path, `fast`, to the same bytes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use ammonia::UrlRelative;
use pulldown_cmark::Event;
use url::Url;

use crate::content::html::urls::Rewriter;
use crate::content::markdown::Document;

mod depth;
pub(crate) mod dropped_elements;
mod fast;
mod finish;
mod footnotes;
pub(super) mod raw;
pub(crate) mod tag;
pub mod urls;

/// The kind of program that will display the HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A feed reader: every URL is absolute, including links to the issue's own fragments.
    Feed,
    /// A mail program: links to the issue's own fragments stay fragments.
    Mail,
}

/// Renders a document whose relative URLs are relative to `permalink`. Ids of footnotes and headings start with
/// `prefix`, so that they stay unique when several issues share a page.
pub fn render(document: &Document<'_>, permalink: &Url, prefix: &str, reader: Reader) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, footnotes::with_footnotes_last(document.events()).into_iter());
    let kind = document.events().iter().map(fast::kind).max().unwrap_or(fast::Kind::Simple);
    if kind != fast::Kind::Html {
        let repaired = if kind == fast::Kind::Text { raw::repair(&html) } else { Cow::Borrowed(html.as_str()) };
        let ids = if repaired.contains(" id=") { raw::ids(&repaired) } else { BTreeSet::new() };
        let rewriter = Rewriter::new(permalink, prefix, reader, ids);
        if let Some(clean) = fast::clean(&repaired, prefix, &rewriter) {
            return clean;
        }
    }
    render_parsed(document, &html, permalink, prefix, reader)
}

/// Renders through a real HTML parser.
fn render_parsed(document: &Document<'_>, html: &str, permalink: &Url, prefix: &str, reader: Reader) -> String {
    let html = raw::repair(html);
    let rewriter = Rewriter::new(permalink, prefix, reader, raw::ids(&html));
    let mut sanitized = sanitize(&html, reader, Some((prefix, rewriter)));
    if document.events().iter().any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_))) {
        // Misnested tags (`<a><table><a>`) form a tree that parses differently once serialized.
        sanitized = sanitize(&sanitized, reader, None);
    }
    // Last, because the parser decodes references such as `&#1;`. A carriage return (`&#13;`) would become a line feed
    // in XML but not in JSON.
    finish::finish(&without_illegal_chars(&sanitized).replace('\r', "\n"))
}

/// Removes characters that XML 1.0 forbids (section 2.2) or that validators treat as corruption: C1 controls, U+FFFD
/// and noncharacters.
pub fn without_illegal_chars(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_legal_char) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| is_legal_char(*c)).collect())
}

fn is_legal_char(c: char) -> bool {
    match c {
        // Nearly all there are.
        '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{fdcf}' => true,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffd}'..='\u{ffff}' | '\u{fdd0}'..='\u{fdef}' => false,
        _ => u32::from(c) & 0xfffe != 0xfffe,
    }
}

/// Elements that readers render as intended and validators accept.
const TAGS: [&str; 61] = [
    "a", "abbr", "b", "bdi", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "details",
    "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "ins", "kbd", "li", "mark", "ol", "p", "picture", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "source",
    "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "wbr",
];

/// Elements removed together with their content.
pub(super) const DROPPED: [&str; 9] =
    ["script", "style", "template", "noscript", "svg", "math", "object", "select", "textarea"];

/// Sanitizes by the allow-lists; ids and URLs are rewritten only on the first pass.
fn sanitize(html: &str, reader: Reader, rewritten: Option<(&str, Rewriter)>) -> String {
    let mut schemes = HashSet::from(["http", "https", "mailto", "tel"]);
    if reader == Reader::Mail {
        schemes.extend(["cid", "data"]);
    }
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(DROPPED))
        .tag_attributes(attributes(reader))
        .generic_attributes(HashSet::from(["title", "lang", "dir", "id"]))
        .link_rel(None)
        .url_schemes(schemes)
        .url_relative(UrlRelative::PassThrough);
    if let Some((prefix, rewriter)) = rewritten {
        builder.id_prefix(Some(prefix));
        builder.attribute_filter(move |_, attribute, value| rewriter.attribute(attribute, value));
    }
    builder.clean(html).to_string()
}

/// Allowed attributes by element. Emails keep the language of code blocks.
fn attributes(reader: Reader) -> HashMap<&'static str, HashSet<&'static str>> {
    let code = if reader == Reader::Mail { HashSet::from(["class"]) } else { HashSet::new() };
    HashMap::from([
        ("code", code),
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
    ])
}

#[cfg(test)]
mod tests;

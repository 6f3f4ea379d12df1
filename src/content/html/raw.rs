//! Repairs pasted HTML before it is parsed, so that content which needs a browser with scripts is shown.
//!
//! Takes a complete text, since a tag may span several lines. An unknown tag (`<dataInfoId>`, `Map<String>`) becomes
//! text; an `iframe` or `video` becomes a link to its source; a lazy image gets its URL in `src`; the alignment of a
//! cell becomes an attribute, which needs no style. The allow-list does the rest.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::content::html::depth::Depth;
use crate::content::html::tag::{Tag, Tags};
use crate::content::html::{DROPPED, TAGS};

/// Names of HTML elements; a tag with any other name was meant as text.
pub(super) const ELEMENTS: [&str; 128] = [
    "a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "base", "bdi", "bdo", "big",
    "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data",
    "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset",
    "figcaption", "figure", "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head",
    "header", "hgroup", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li", "link",
    "main", "map", "mark", "marquee", "math", "menu", "meta", "meter", "nav", "nobr", "noframes", "noscript", "object",
    "ol", "optgroup", "option", "output", "p", "param", "picture", "pre", "progress", "q", "rb", "rp", "rt", "rtc",
    "ruby", "s", "samp", "script", "search", "section", "select", "slot", "small", "source", "span", "strike",
    "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th",
    "thead", "time", "title", "tr", "track", "tt", "u", "ul", "var", "video",
];

/// Replacements by elements that every reader knows.
const SYNONYMS: [(&str, &str); 20] = [
    ("acronym", "abbr"),
    ("address", "div"),
    ("article", "div"),
    ("aside", "div"),
    ("center", "div"),
    ("dialog", "div"),
    ("dir", "ul"),
    ("fieldset", "div"),
    ("footer", "div"),
    ("form", "div"),
    ("header", "div"),
    ("hgroup", "div"),
    ("legend", "div"),
    ("main", "div"),
    ("menu", "ul"),
    ("nav", "div"),
    ("section", "div"),
    ("strike", "s"),
    ("tt", "code"),
    ("var", "i"),
];

/// Elements that play media, which readers do not.
pub(in crate::content) const PLAYERS: [&str; 4] = ["audio", "embed", "iframe", "video"];

/// Whether a lower-case name is that of an HTML element.
pub(in crate::content) fn is_element(name: &str) -> bool {
    ELEMENTS.binary_search(&name).is_ok()
}

/// Repairs the HTML; borrows it if no tag needs repair.
pub(in crate::content) fn repair(html: &str) -> Cow<'_, str> {
    let mut repaired = String::new();
    let mut copied = 0;
    let mut depth = Depth::default();
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        if let Some(text) = tags.repair(&tag, &mut depth) {
            repaired.push_str(&html[copied..start]);
            repaired.push_str(&text);
            copied = tags.at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    repaired.push_str(&html[copied..]);
    Cow::Owned(repaired)
}

/// Every id in the HTML, decoded: the possible targets of its own links.
pub(super) fn ids(html: &str) -> BTreeSet<String> {
    let tags = Tags::of(html);
    let id =
        |(_, tag): (usize, Tag<'_>)| tag.plain_attribute("id").map(|id| html_escape::decode_html_entities(id).into());
    tags.filter_map(id).collect()
}

impl Tags<'_> {
    /// The replacement for a tag, and for its content if this skips it; `None` keeps the tag.
    fn repair(&mut self, tag: &Tag<'_>, depth: &mut Depth) -> Option<String> {
        let name = tag.name.as_str();
        if !is_element(name) {
            return Some(tag.source.replace('<', "&lt;").replace('>', "&gt;"));
        }
        if PLAYERS.contains(&name) {
            return Some(if tag.closes { String::new() } else { self.player(tag) });
        }
        if !depth.admits(tag) {
            return Some(String::new());
        }
        match name {
            "img" if self.is_placeholder() => Some(String::new()),
            "img" => lazy_image(tag),
            "source" => lazy_source(tag),
            "noscript" if !tag.closes => self.picture_without_script(),
            "td" | "th" => aligned_cell(tag),
            _ if TAGS.contains(&name) || DROPPED.contains(&name) => None,
            _ => Some(rename_tag(tag)),
        }
    }

    /// Whether the same picture follows for browsers without scripts, which have its real address.
    fn is_placeholder(&mut self) -> bool {
        const NOSCRIPT: &str = "<noscript";
        let rest = self.html[self.at..].trim_start();
        let is_next = rest.get(..NOSCRIPT.len()).is_some_and(|start| start.eq_ignore_ascii_case(NOSCRIPT));
        is_next && rest.find("</").is_some_and(|end| contains_image(&rest[..end]))
    }

    /// The content of `noscript` if it contains a picture; other content says that scripts are needed.
    fn picture_without_script(&mut self) -> Option<String> {
        // No picture needs more; a search for the end of each of many would take quadratic time.
        const MAX_BYTES: usize = 4096;
        let rest = &self.html[self.at..];
        let length = (0..=rest.len().min(MAX_BYTES)).rfind(|at| rest.is_char_boundary(*at)).unwrap_or(0);
        let end = rest[..length].to_ascii_lowercase().find("</noscript")?;
        contains_image(&rest[..end]).then(|| {
            self.at += end;
            repair(&rest[..end]).into_owned()
        })
    }

    /// Replaces a player by a link to its source, shown as its poster if it has one. Its content is a fallback.
    fn player(&mut self, tag: &Tag<'_>) -> String {
        let end = self.at + self.before_end_of(&tag.name);
        let content = &self.html[self.at..end];
        self.at += content.len();
        let source = || Tags::of(content).find_map(|(_, inner)| source_url(&inner));
        let Some(url) = source_url(tag).or_else(source) else { return content.to_owned() };
        let text = tag.plain_attribute("title").filter(|title| !title.trim().is_empty());
        let text = text.unwrap_or_else(|| url.trim_start_matches('/'));
        match tag.plain_attribute("poster").filter(|poster| !poster.trim().is_empty()) {
            Some(poster) => format!("<a href=\"{url}\"><img src=\"{poster}\" alt=\"{text}\"></a>"),
            None => format!("<a href=\"{url}\">{text}</a>"),
        }
    }
}

fn contains_image(html: &str) -> bool {
    Tags::of(html).any(|(_, tag)| tag.name == "img" && source_url(&tag).is_some())
}

/// Renames or removes a tag that no reader supports. Done before parsing: the parser must see the resulting tree, or it
/// would nest paragraphs.
fn rename_tag(tag: &Tag<'_>) -> String {
    let Some((_, synonym)) = SYNONYMS.iter().find(|(name, _)| *name == tag.name) else { return String::new() };
    match (tag.closes, tag.plain_attribute("id")) {
        (true, _) => format!("</{synonym}>"),
        (false, Some(id)) => format!("<{synonym} id=\"{id}\">"),
        (false, None) => format!("<{synonym}>"),
    }
}

/// The source of an element; lazy players have it in `data-src`.
pub(super) fn source_url<'a>(tag: &Tag<'a>) -> Option<&'a str> {
    ["src", "data-src"].iter().filter_map(|name| tag.plain_attribute(name)).find(|address| !address.trim().is_empty())
}

/// An image that a script would load later.
fn lazy_image(tag: &Tag<'_>) -> Option<String> {
    const LAZY: [&str; 4] = ["data-src", "data-original", "data-lazy-src", "data-actualsrc"];
    let attribute = |name: &str| tag.plain_attribute(name).filter(|value| !value.trim().is_empty());
    let lazy = LAZY.iter().find_map(|name| attribute(name));
    let (set, own) = (attribute("data-srcset"), attribute("src").filter(|url| !url.trim_start().starts_with("data:")));
    let first = || set.and_then(|set| set.split(|c: char| c == ',' || c.is_whitespace()).find(|url| !url.is_empty()));
    if lazy.is_none() && set.is_none() {
        return None;
    }
    let mut image = format!("<img src=\"{}\"", lazy.or(own).or_else(first)?);
    for (name, value) in [
        ("alt", tag.plain_attribute("alt")),
        ("title", attribute("title")),
        ("width", attribute("width")),
        ("height", attribute("height")),
        ("srcset", set.or(attribute("srcset"))),
    ] {
        if let Some(value) = value {
            image.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    Some(image + ">")
}

/// A source of a `picture` that a script would load later.
fn lazy_source(tag: &Tag<'_>) -> Option<String> {
    let set = tag.plain_attribute("data-srcset").filter(|set| !set.trim().is_empty())?;
    let mut source = format!("<source srcset=\"{set}\"");
    for name in ["media", "type", "sizes"] {
        if let Some(value) = tag.plain_attribute(name) {
            source.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    Some(source + ">")
}

/// A cell of a Markdown table, whose alignment is a style.
fn aligned_cell(tag: &Tag<'_>) -> Option<String> {
    let side = tag.plain_attribute("style")?.trim().strip_prefix("text-align:")?.trim().trim_end_matches(';');
    let known = matches!(side, "left" | "right" | "center");
    known.then(|| tag.source.replacen("style=", &format!("align=\"{side}\" style="), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(ELEMENTS.is_sorted());
    }

    #[test]
    fn unknown_tags_become_text() {
        assert_eq!(repair("<dataInfoId> and </eBPF>"), "&lt;dataInfoId&gt; and &lt;/eBPF&gt;");
        assert_eq!(repair("Map<String, List<b>>"), "Map&lt;String, List&lt;b&gt;>");
        assert_eq!(repair("<x a=\"<b>\">"), "&lt;x a=\"&lt;b&gt;\"&gt;");
        for html in ["<b>1 < 2</b><!-- <x> -->", "<script>if (a<x && b=='</p>') <y></script>"] {
            assert!(matches!(repair(html), Cow::Borrowed(_)), "{html}");
        }
    }

    #[test]
    fn players_become_links() {
        for (html, expected) in [
            (
                "<iframe src='//a.example.org/1?a=b' width=1></iframe>",
                "<a href=\"//a.example.org/1?a=b\">a.example.org/1?a=b</a>",
            ),
            (
                "<video poster=\"p.png\" src=\"v.mp4\" title=\"Tide\">",
                "<a href=\"v.mp4\"><img src=\"p.png\" alt=\"Tide\"></a>",
            ),
            ("<video\n controls>\n<source\n src=\"v.mp4\">Sorry!\n</video>", "<a href=\"v.mp4\">v.mp4</a>"),
            ("<video>See <b>this</b></video>", "See <b>this</b>"),
            ("<audio></audio>", ""),
        ] {
            assert_eq!(repair(html), expected);
        }
    }

    #[test]
    fn elements_are_renamed_to_common_ones() {
        assert_eq!(repair("<section id=a class=b>x</section>"), "<div id=\"a\">x</div>");
        assert_eq!(repair("<p><button><font color=red>x</font></button></p>"), "<p>x</p>");
    }

    #[test]
    fn lazy_images_are_shown() {
        assert_eq!(
            repair("<img class=lazy\n src=\"blank.gif\" data-src=\"a.png\" alt=\"A\" width=20 />"),
            "<img src=\"a.png\" alt=\"A\" width=\"20\">"
        );
        for (html, expected) in [
            ("<img src=\"a.png\">", "<img src=\"a.png\">"),
            (
                "<img data-srcset=\"a.png 1x, b.png 2x\" alt=\"\">",
                "<img src=\"a.png\" alt=\"\" srcset=\"a.png 1x, b.png 2x\">",
            ),
            ("<img src=\"s.png\" data-srcset=\"a.png 2x\">", "<img src=\"s.png\" srcset=\"a.png 2x\">"),
            ("<source data-srcset=\"a.webp\" type=\"image/webp\">", "<source srcset=\"a.webp\" type=\"image/webp\">"),
            (
                "<img src=\"blank.gif\"> <noscript><img src=\"a.png\" alt=\"A\"></noscript>",
                " <img src=\"a.png\" alt=\"A\"></noscript>",
            ),
            ("<noscript>Enable scripts</noscript>", "<noscript>Enable scripts</noscript>"),
        ] {
            assert_eq!(repair(html), expected, "{html}");
        }
    }

    #[test]
    fn ids_are_found_decoded() {
        let expected = ["a&b", "c"].map(str::to_owned).into();
        assert_eq!(ids("<p id='a&amp;b'><script>'<p id=x>'</script><!-- <p id=y> --><h2 id=c>"), expected);
    }
}

//! HTML as people paste it, mended before it is parsed: what only a browser with scripts would show is shown.
//!
//! Takes a whole text, for a tag may stand on several lines. An unknown tag (`<dataInfoId>`, `Map<String>`) is text; an
//! `iframe` or `video` is a link to what it plays; a lazy image has its address in `src`; the alignment of a cell is an
//! attribute, which needs no style. Everything else is left to the allow-list.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::content::html::depth::Depth;
use crate::content::html::tag::{Tag, Tags};
use crate::content::html::{DROPPED, TAGS};

/// Names of HTML elements; a tag with another name was meant as text.
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

/// What means the same as an element that every reader knows.
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

/// What plays something, where a reader knows only words and pictures.
pub(super) const PLAYERS: [&str; 4] = ["audio", "embed", "iframe", "video"];

/// Whether a name, in lower case, is that of an HTML element.
pub(in crate::content) fn is_element(name: &str) -> bool {
    ELEMENTS.binary_search(&name).is_ok()
}

/// The HTML mended; itself where nothing is to mend.
pub(in crate::content) fn mended(html: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut depth = Depth::default();
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        if let Some(text) = tags.mended(&tag, &mut depth) {
            mended.push_str(&html[copied..start]);
            mended.push_str(&text);
            copied = tags.at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    mended.push_str(&html[copied..]);
    Cow::Owned(mended)
}

/// Every id in the HTML, decoded: what links inside it can lead to.
pub(super) fn ids(html: &str) -> BTreeSet<String> {
    let tags = Tags::of(html);
    let id =
        |(_, tag): (usize, Tag<'_>)| tag.plain_attribute("id").map(|id| html_escape::decode_html_entities(id).into());
    tags.filter_map(id).collect()
}

impl Tags<'_> {
    /// What to write in place of a tag, and of all it holds where this moves on; `None` leaves it as it is.
    fn mended(&mut self, tag: &Tag<'_>, depth: &mut Depth) -> Option<String> {
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
            "img" => awake_image(tag),
            "td" | "th" => aligned(tag),
            _ if TAGS.contains(&name) || DROPPED.contains(&name) => None,
            _ => Some(renamed(tag)),
        }
    }

    /// A player as a link to what it plays, by its poster where it has one. What it holds is for those who cannot play.
    fn player(&mut self, tag: &Tag<'_>) -> String {
        let end = self.at + self.before_end_of(&tag.name);
        let held = &self.html[self.at..end];
        self.at += held.len();
        let source = || Tags::of(held).find_map(|(_, inner)| address(&inner));
        let Some(address) = address(tag).or_else(source) else { return held.to_owned() };
        let text = tag.plain_attribute("title").filter(|title| !title.trim().is_empty());
        let text = text.unwrap_or_else(|| address.trim_start_matches('/'));
        match tag.plain_attribute("poster").filter(|poster| !poster.trim().is_empty()) {
            Some(poster) => format!("<a href=\"{address}\"><img src=\"{poster}\" alt=\"{text}\"></a>"),
            None => format!("<a href=\"{address}\">{text}</a>"),
        }
    }
}

/// A tag that no reader gets under its name. It goes before the text is parsed: the parser must see the tree that is
/// left, or it would leave paragraphs inside paragraphs.
fn renamed(tag: &Tag<'_>) -> String {
    let Some((_, synonym)) = SYNONYMS.iter().find(|(name, _)| *name == tag.name) else { return String::new() };
    match (tag.closes, tag.plain_attribute("id")) {
        (true, _) => format!("</{synonym}>"),
        (false, Some(id)) => format!("<{synonym} id=\"{id}\">"),
        (false, None) => format!("<{synonym}>"),
    }
}

/// Where what a tag shows is; players that wait for a script have it elsewhere, as lazy images do.
pub(super) fn address<'a>(tag: &Tag<'a>) -> Option<&'a str> {
    ["src", "data-src"].iter().filter_map(|name| tag.plain_attribute(name)).find(|address| !address.trim().is_empty())
}

/// An image that a script would have loaded later.
fn awake_image(tag: &Tag<'_>) -> Option<String> {
    const LAZY: [&str; 4] = ["data-src", "data-original", "data-lazy-src", "data-actualsrc"];
    let lazy = LAZY.iter().filter_map(|name| tag.plain_attribute(name)).find(|address| !address.trim().is_empty())?;
    let mut image = format!("<img src=\"{lazy}\"");
    for (name, lazy_name) in [("alt", ""), ("title", ""), ("width", ""), ("height", ""), ("srcset", "data-srcset")] {
        if let Some(value) = tag.plain_attribute(lazy_name).or_else(|| tag.plain_attribute(name)) {
            image.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    Some(image + ">")
}

/// A cell of a Markdown table: its alignment comes as a style.
fn aligned(tag: &Tag<'_>) -> Option<String> {
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
    fn unknown_tags_are_text() {
        assert_eq!(mended("<dataInfoId> and </eBPF>"), "&lt;dataInfoId&gt; and &lt;/eBPF&gt;");
        assert_eq!(mended("Map<String, List<b>>"), "Map&lt;String, List&lt;b&gt;>");
        assert_eq!(mended("<x a=\"<b>\">"), "&lt;x a=\"&lt;b&gt;\"&gt;");
        for html in ["<b>1 < 2</b><!-- <x> -->", "<script>if (a<x && b=='</p>') <y></script>"] {
            assert!(matches!(mended(html), Cow::Borrowed(_)), "{html}");
        }
    }

    #[test]
    fn players_are_links() {
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
            assert_eq!(mended(html), expected);
        }
    }

    #[test]
    fn other_names_of_a_thing_are_its_usual_name() {
        assert_eq!(mended("<section id=a class=b>x</section>"), "<div id=\"a\">x</div>");
        assert_eq!(mended("<p><button><font color=red>x</font></button></p>"), "<p>x</p>");
    }

    #[test]
    fn lazy_images_wake_up() {
        assert_eq!(
            mended("<img class=lazy\n src=\"blank.gif\" data-src=\"a.png\" alt=\"A\" width=20 />"),
            "<img src=\"a.png\" alt=\"A\" width=\"20\">"
        );
        assert_eq!(mended("<img src=\"a.png\">"), "<img src=\"a.png\">");
    }

    #[test]
    fn ids_are_found_decoded() {
        let expected = ["a&b", "c"].map(str::to_owned).into();
        assert_eq!(ids("<p id='a&amp;b'><script>'<p id=x>'</script><!-- <p id=y> --><h2 id=c>"), expected);
    }
}

//! Raw HTML as people paste it, mended before it is parsed: what only a browser with scripts would show is shown.
//!
//! An unknown tag (`<dataInfoId>`, `Map<String>`) is text; an `iframe` or `video` is a link to what it plays; a lazy
//! image has its address in `src`. Everything else is left to the allow-list.

use std::borrow::Cow;

/// Names of HTML elements; a tag with another name was meant as text.
const ELEMENTS: [&str; 126] = [
    "a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "base", "bdi", "bdo", "big",
    "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data",
    "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset",
    "figcaption", "figure", "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head",
    "header", "hgroup", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li", "link",
    "main", "map", "mark", "marquee", "math", "menu", "meta", "meter", "nav", "nobr", "noframes", "noscript", "object",
    "ol", "optgroup", "option", "output", "p", "param", "picture", "pre", "progress", "q", "rp", "rt", "ruby", "s",
    "samp", "script", "search", "section", "select", "slot", "small", "source", "span", "strike", "strong", "style",
    "sub", "summary", "sup", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "time",
    "title", "tr", "track", "tt", "u", "ul", "var", "video",
];

/// What of these there is, is text to a reader that knows only words and pictures.
const PLAYERS: [&str; 4] = ["iframe", "video", "audio", "embed"];

/// The HTML mended; itself where nothing is to mend.
pub(in crate::content) fn mended(html: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = html[at..].find('<') {
        let start = at + found;
        if html[start..].starts_with("<!--") {
            at = html[start..].find("-->").map_or(html.len(), |end| start + end + 3);
            continue;
        }
        let tag = Tag::at(&html[start..]);
        at = start + tag.as_ref().map_or(1, |tag| tag.length);
        if let Some(text) = tag.and_then(|tag| tag.mended()) {
            mended.push_str(&html[copied..start]);
            mended.push_str(&text);
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    mended.push_str(&html[copied..]);
    Cow::Owned(mended)
}

/// One tag of raw HTML.
struct Tag<'a> {
    source: &'a str,
    length: usize,
    name: String,
    closes: bool,
}

impl<'a> Tag<'a> {
    /// The tag at the begin of `html`, which is a `<`; `None` when that begins no tag.
    fn at(html: &'a str) -> Option<Self> {
        let closes = html[1..].starts_with('/');
        let from = if closes { 2 } else { 1 };
        let rest = &html[from..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(rest.len());
        let length = tag_length(html);
        Some(Self { source: &html[..length], length, name: rest[..end].to_ascii_lowercase(), closes })
    }

    /// What to write in its place; `None` leaves it as it is.
    fn mended(&self) -> Option<String> {
        let name = self.name.as_str();
        if ELEMENTS.binary_search(&name).is_err() {
            return Some(self.source.replacen('<', "&lt;", 1).replace('>', "&gt;"));
        }
        if PLAYERS.contains(&name) {
            return Some(if self.closes { String::new() } else { self.link() });
        }
        if name == "img" && !self.closes {
            return self.awake_image();
        }
        None
    }

    /// A player as a link to what it plays, by its poster where it has one.
    fn link(&self) -> String {
        let Some(address) = self.attribute("src").filter(|address| !address.is_empty()) else { return String::new() };
        let text = self.attribute("title").unwrap_or(address);
        match self.attribute("poster") {
            Some(poster) => format!("<a href=\"{address}\"><img src=\"{poster}\" alt=\"{text}\"></a>"),
            None => format!("<a href=\"{address}\">{text}</a>"),
        }
    }

    /// An image that a script would have loaded later.
    fn awake_image(&self) -> Option<String> {
        let address = ["data-src", "data-original", "data-lazy-src"].iter().find_map(|name| self.attribute(name))?;
        let alt = self.attribute("alt").unwrap_or_default();
        Some(format!("<img src=\"{address}\" alt=\"{alt}\">"))
    }

    /// The value of an attribute, if it can be written between double quotes and in text as it is.
    fn attribute(&self, name: &str) -> Option<&'a str> {
        attribute(self.source, name).filter(|value| !value.contains(['"', '<', '>']))
    }
}

/// The value of an attribute of the tag `tag` as written, without its quotes.
pub(in crate::content) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = &tag[tag.find(char::is_whitespace)?..];
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).next_back()?;
        let after = after.trim_start();
        let (value, following) = match after.chars().next()? {
            quote @ ('"' | '\'') => after[1..].split_once(quote)?,
            _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = following;
    }
    None
}

/// Length of the tag at the begin of `html`; a `>` between quotes does not end it.
pub(in crate::content) fn tag_length(html: &str) -> usize {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') if html[..at].ends_with('=') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
    }
    html.len()
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
        assert_eq!(mended("Map<String, List<b>>"), "Map&lt;String, List<b&gt;>");
        assert_eq!(mended("<b>1 < 2</b><!-- <x> -->"), "<b>1 < 2</b><!-- <x> -->");
    }

    #[test]
    fn players_are_links() {
        assert_eq!(
            mended("<iframe src='https://v.example.org/1?a=b' width=1></iframe>"),
            "<a href=\"https://v.example.org/1?a=b\">https://v.example.org/1?a=b</a>"
        );
        assert_eq!(
            mended("<video controls poster=\"p.png\" src=\"v.mp4\" title=\"Tide\">"),
            "<a href=\"v.mp4\"><img src=\"p.png\" alt=\"Tide\"></a>"
        );
        assert_eq!(mended("<audio></audio>"), "");
    }

    #[test]
    fn lazy_images_wake_up() {
        assert_eq!(
            mended("<img class=lazy src=\"blank.gif\" data-src=\"a.png\" alt=\"A\"/>"),
            "<img src=\"a.png\" alt=\"A\">"
        );
        assert_eq!(mended("<img src=\"a.png\">"), "<img src=\"a.png\">");
    }
}

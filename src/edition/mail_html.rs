//! The body of an issue for mail programs: pictures that fit into the column, code in colours, directions.
//!
//! Takes sanitized HTML, whose tags have one spelling each (`content::html`); returns it with what only mail needs. The style
//! sheet of the template decides how it looks.

use url::Url;

use crate::content::direction::Direction;
use crate::content::html::tag::{Tag, Tags};
use crate::content::html::{self, Reader};
use crate::content::markdown::Document;
use crate::edition::direction::with_directions;
use crate::edition::highlight::highlighted;

/// Width of the text. Outlook respects only the attribute `width`, and shows a picture without one at its full width.
const COLUMN_PIXELS: u32 = 544;

/// Returns the width in pixels of the picture at a URL, if it is known.
pub type PictureWidth<'a> = &'a dyn Fn(&Url) -> Option<u32>;

/// The HTML of a document for an edition in a language of this direction. Ids begin with `prefix`.
pub fn body(
    document: &Document<'_>,
    permalink: &Url,
    prefix: &str,
    direction: Direction,
    width: PictureWidth<'_>,
) -> String {
    with_directions(&adapted(document, permalink, prefix, Some(width)), direction).into_owned()
}

/// The HTML of a document for a page of the web archive, where pictures need no help.
pub fn page(document: &Document<'_>, permalink: &Url, prefix: &str, direction: Direction) -> String {
    with_directions(&adapted(document, permalink, prefix, None), direction).into_owned()
}

fn adapted(document: &Document<'_>, permalink: &Url, prefix: &str, pictures: Option<PictureWidth<'_>>) -> String {
    let html = html::render(document, permalink, prefix, Reader::Mail);
    let mut adapted = String::with_capacity(html.len() + html.len() / 4);
    let mut copied = 0;
    for (at, tag) in Tags::of(&html) {
        if at < copied || tag.closes {
            continue;
        }
        let replacement = match (tag.name.as_str(), pictures) {
            ("img", Some(width)) => picture(&tag, width),
            ("code", _) => code(&html[at..], &tag).unwrap_or_else(|| Replacement::of_tag("<code>".to_owned(), &tag)),
            _ => continue,
        };
        adapted.push_str(&html[copied..at]);
        adapted.push_str(&replacement.html);
        copied = at + replacement.bytes;
    }
    adapted.push_str(&html[copied..]);
    adapted
}

/// What replaces this many bytes of the source.
struct Replacement {
    html: String,
    bytes: usize,
}

impl Replacement {
    fn of_tag(html: String, tag: &Tag<'_>) -> Self {
        Self { html, bytes: tag.source.len() }
    }
}

/// A picture with an alternative text, a width that fits into the column, and styles that shrink it on a phone: the width that
/// the author wrote, else that of the picture. If neither is known, only Outlook uses the column's; all others respect the style.
fn picture(tag: &Tag<'_>, own_width: PictureWidth<'_>) -> Replacement {
    let number = |name| tag.attribute(name).and_then(|value| value.parse::<u32>().ok()).filter(|number| *number > 0);
    let own_width = || own_width(&Url::parse(&html_escape::decode_html_entities(tag.attribute("src")?)).ok()?);
    let width = number("width").or_else(own_width);
    let mut html = String::from("<img");
    for name in ["src", "srcset", "title"] {
        if let Some(value) = tag.attribute(name) {
            html.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    html.push_str(&format!(
        " alt=\"{}\" width=\"{}\"",
        tag.attribute("alt").unwrap_or(""),
        width.unwrap_or(COLUMN_PIXELS).min(COLUMN_PIXELS)
    ));
    if let Some(height) = number("height").filter(|_| width.is_some_and(|width| width <= COLUMN_PIXELS)) {
        html.push_str(&format!(" height=\"{height}\""));
    }
    let auto = if width.is_none() { "width: auto; " } else { "" };
    html.push_str(&format!(" style=\"{auto}max-width: 100%; height: auto\">"));
    Replacement::of_tag(html, tag)
}

/// A code block in colours, up to its end tag; `None` if it has no known language.
fn code(html: &str, tag: &Tag<'_>) -> Option<Replacement> {
    let language = tag.attribute("class")?.strip_prefix("language-")?;
    let inside = &html[tag.source.len()..];
    let inside = &inside[..inside.find("</code></pre>")?];
    if inside.contains('<') {
        return None;
    }
    let highlighted = highlighted(&html_escape::decode_html_entities(inside), language)?;
    Some(Replacement { html: format!("<code>{highlighted}"), bytes: tag.source.len() + inside.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(markdown: &str) -> String {
        let width = |url: &Url| url.path().ends_with("badge.png").then_some(20);
        body(&Document::parse(markdown), &"https://example.org/one/".parse().unwrap(), "note-", Direction::Ltr, &width)
    }

    #[test]
    fn every_picture_has_a_width_and_an_alternative_text() {
        let style = "max-width: 100%; height: auto";
        assert_eq!(
            mail("![a \"b\"](c.png \"T\")\n"),
            format!(
                "<p><img src=\"https://example.org/one/c.png\" title=\"T\" alt=\"a &quot;b&quot;\" width=\"544\" \
                 style=\"width: auto; {style}\"></p>\n"
            )
        );
        assert_eq!(
            mail("![a](badge.png) <img src=\"badge.png\" width=\"40\">\n"),
            format!(
                "<p><img src=\"https://example.org/one/badge.png\" alt=\"a\" width=\"20\" style=\"{style}\"> \
                 <img src=\"https://example.org/one/badge.png\" alt=\"\" width=\"40\" style=\"{style}\"></p>\n"
            )
        );
        for (written, sizes) in [
            ("width=\"100\" height=\"50\"", "width=\"100\" height=\"50\""),
            ("width=\"2000\" height=\"50\"", "width=\"544\""),
            ("width=\"0\"", "width=\"544\""),
        ] {
            let html = mail(&format!("<img src=\"https://example.org/d.png\" {written}>\n"));
            let auto = if written.contains("\"0\"") { "width: auto; " } else { "" };
            let expected =
                format!("<img src=\"https://example.org/d.png\" alt=\"\" {sizes} style=\"{auto}{style}\">\n");
            assert_eq!(html, expected);
        }
    }

    #[test]
    fn code_of_a_known_language_is_coloured_and_classes_of_the_author_are_dropped() {
        assert_eq!(
            mail("```rust\nlet a = 1 < 2;\n```\n\n```console\n$ a\n```\n\n`let` <code class=\"body\">b</code>\n"),
            "<pre><code><span class=\"hl-k\">let</span> a = <span class=\"hl-n\">1</span> &lt; \
             <span class=\"hl-n\">2</span>;\n</code></pre>\n<pre><code>$ a\n</code></pre>\n\
             <p><code>let</code> <code>b</code></p>\n"
        );
    }
}

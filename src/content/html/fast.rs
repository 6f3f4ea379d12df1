//! Sanitizes HTML that comes from Markdown alone: well-formed, balanced, with known elements. It needs no parser.
//!
//! Takes the output of pulldown-cmark, which spells each tag and reference in one way; returns the same bytes as the
//! parser and allow-list at a fifth of the cost. Returns `None` for anything else, which is left to them.

use std::borrow::Cow;

use memchr::memchr;
use pulldown_cmark::Event;
use url::{ParseError, Url};

use crate::content::html::raw::is_element;
use crate::content::html::tag::Tag;
use crate::content::html::urls::{Rewriter, is_canonical_web_address};
use crate::content::html::{Reader, TAGS, is_legal_char};

/// How an event may affect the HTML around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Not at all: it is Markdown or a line break.
    Simple,
    /// It looks like a tag but is not one: `raw` turns it into text.
    Text,
    /// It needs a parser.
    Html,
}

pub(super) fn kind(event: &Event<'_>) -> Kind {
    let is_text = |html: &str| !html.contains('&') && Tag::at(html).is_some_and(|tag| !is_element(&tag.name));
    match event {
        Event::Html(html) | Event::InlineHtml(html)
            if !matches!(html.trim(), "<br>" | "<br/>" | "<br />" | "</br>" | "<!--more-->") =>
        {
            let is_text = matches!(event, Event::InlineHtml(_)) && is_text(html);
            if is_text { Kind::Text } else { Kind::Html }
        }
        _ => Kind::Simple,
    }
}

/// The sanitized HTML; `None` if it needs a parser.
pub(super) fn clean(html: &str, prefix: &str, rewriter: &Rewriter) -> Option<String> {
    if !html.chars().all(|c| is_legal_char(c) && c != '\r') {
        return None;
    }
    let mut clean = String::with_capacity(html.len() + html.len() / 8);
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = memchr(b'<', rest.as_bytes()) {
        push_text(&mut clean, &rest[..start]);
        let end = start + memchr(b'>', &rest.as_bytes()[start..])?;
        push_tag(&mut clean, &rest[start + 1..end], &mut open, prefix, rewriter)?;
        rest = &rest[end + 1..];
    }
    push_text(&mut clean, rest);
    open.is_empty().then_some(clean)
}

/// Text as serialized from a tree, with `="` escaped like in `finish`.
fn push_text(clean: &mut String, text: &str) {
    // 0xC2 is the first byte of a no-break space.
    if !text.bytes().any(|byte| matches!(byte, b'&' | b'"' | 0xc2)) {
        return clean.push_str(text);
    }
    clean.push_str(&text.replace("&quot;", "\"").replace('\u{a0}', "&nbsp;").replace("=\"", "=&quot;"));
}

/// `tag` is the text between `<` and `>`.
fn push_tag<'a>(
    clean: &mut String,
    tag: &'a str,
    open: &mut Vec<&'a str>,
    prefix: &str,
    rewriter: &Rewriter,
) -> Option<()> {
    const MAX_OPEN: usize = 60;
    const VOID: [&str; 3] = ["br", "hr", "img"];
    if tag == "!--more--" {
        return Some(());
    }
    if tag == "/br" {
        clean.push_str("<br>");
        return Some(());
    }
    if let Some(name) = tag.strip_prefix('/') {
        clean.push_str("</");
        clean.push_str(name);
        clean.push('>');
        return (open.pop()? == name).then_some(());
    }
    let tag = tag.trim_end_matches('/').trim_end();
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    // Parsers split nested links, which footnotes can produce.
    if TAGS.binary_search(&name).is_err() || (name == "a" && open.contains(&"a")) || open.len() > MAX_OPEN {
        return None;
    }
    clean.push('<');
    clean.push_str(name);
    push_attributes(clean, name, attributes, prefix, rewriter)?;
    clean.push('>');
    if !VOID.contains(&name) {
        open.push(name);
    }
    Some(())
}

/// The attributes that pulldown-cmark writes, always double-quoted.
fn push_attributes(clean: &mut String, name: &str, attributes: &str, prefix: &str, rewriter: &Rewriter) -> Option<()> {
    let mut rest = attributes;
    let mut shown = name != "img";
    while !rest.is_empty() {
        let (attribute, following) = rest.split_once("=\"")?;
        let (value, following) = following.split_once('"')?;
        rest = following.trim_start();
        let value = html_escape::decode_html_entities(value);
        match (name, attribute) {
            ("a", "href") | ("img", "src") => {
                // The allow-list drops malformed URLs before they are resolved.
                let is_valid = || matches!(Url::parse(&value), Ok(_) | Err(ParseError::RelativeUrlWithoutBase));
                let address = match is_canonical_web_address(&value) {
                    true => Some(Cow::Borrowed(&*value)),
                    false if is_valid() => rewriter.attribute(attribute, &value),
                    false => return None,
                };
                if let Some(address) = address {
                    push_attribute(clean, attribute, &address);
                    shown = true;
                }
            }
            ("a" | "img", "title") | ("img", "alt") | ("ol", "start") => push_attribute(clean, attribute, &value),
            (_, "id") if value.starts_with(prefix) => push_attribute(clean, attribute, &value),
            (_, "id") => push_attribute(clean, attribute, &format!("{prefix}{value}")),
            ("td" | "th", "align") => push_attribute(clean, attribute, &value),
            ("td" | "th", "style") if attributes.starts_with("align=") => {}
            ("td" | "th", "style") => push_attribute(clean, "align", value.strip_prefix("text-align: ")?),
            ("code", "class") if rewriter.reader() == Reader::Mail => push_attribute(clean, attribute, &value),
            ("code", "class") => {}
            _ => return None,
        }
    }
    // An image without a URL is replaced by its alternative text.
    shown.then_some(())
}

fn push_attribute(clean: &mut String, name: &str, value: &str) {
    clean.push(' ');
    clean.push_str(name);
    clean.push_str("=\"");
    if value.contains(['&', '"', '<', '>', '\u{a0}']) {
        let value = value.replace('&', "&amp;").replace('\u{a0}', "&nbsp;").replace('"', "&quot;");
        clean.push_str(&value.replace('<', "&lt;").replace('>', "&gt;"));
    } else {
        clean.push_str(value);
    }
    clean.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::html::{render, render_parsed};
    use crate::content::markdown::Document;

    /// The HTML from `render` and from the parser.
    fn both(markdown: &str, reader: Reader) -> (String, String) {
        let permalink = Url::parse("https://example.org/a/").unwrap();
        let document = Document::parse(markdown);
        let mut html = String::new();
        let events = crate::content::html::footnotes::with_footnotes_last(document.events());
        pulldown_cmark::html::push_html(&mut html, events.into_iter());
        let slow = render_parsed(&document, &html, &permalink, "a-", reader);
        (render(&document, &permalink, "a-", reader), slow)
    }

    fn is_fast(markdown: &str) -> bool {
        let permalink = Url::parse("https://example.org/a/").unwrap();
        let document = Document::parse(markdown);
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, document.events().iter().cloned());
        let rewriter = Rewriter::new(&permalink, "a-", Reader::Feed, std::collections::BTreeSet::new());
        document.events().iter().all(|event| kind(event) == Kind::Simple) && clean(&html, "a-", &rewriter).is_some()
    }

    #[test]
    fn common_markdown_takes_the_fast_path_to_the_same_bytes() {
        for markdown in [
            "# T \"q\" & <\n\n**a** *b* ~~c~~ `d=\"e\"`<br/>x</br>y\n\n- [l](../x?a=1&b=2 \"t <i>\")\n- ![i'm](b c.png)\n",
            "| a | b |\n|:--|--:|\n| 1 | =\"2\" |\n\n```rust\nlet a = \"b\" && c;\n```\n\n> q\n\n3. x\n4. y\n\n---\n",
            "T\n: M\n\n## 潮 {#tide}\n\n[to](#tide) [away](#no) <mailto:a@example.org> [x](javascript:1)\n\n<!--more-->\n\nb\u{a0}c",
        ] {
            for reader in [Reader::Feed, Reader::Mail] {
                let (html, slow) = both(markdown, reader);
                assert_eq!(html, slow);
            }
            assert!(is_fast(markdown), "{markdown}");
        }
    }

    #[test]
    fn names_are_in_order() {
        assert!(TAGS.is_sorted());
    }

    #[test]
    fn other_html_is_left_to_the_parser() {
        for markdown in
            ["a <b>b</b>", "a\u{1}", "![](javascript:1)", "[a](https:/%3C!)", "# a {title=x}", "<br>b<br\n/>"]
        {
            assert!(!is_fast(markdown), "{markdown}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn both_paths_produce_the_same_bytes(
            markdown in "(\\PC|[<>&\"'=\\[\\]()`*_~|\n#!:{}^-]|<br/?>|</br>|<x>|</y z=\"1\">|<b>|</b>|\\[\\^1\\]|\n\\[\\^1\\]: |\n- |\n1\\. |\n> |\n\n|    |\\]\\(#?[a-z:/ ]{0,9}\\)|!\\[|&nbsp;|&#0;){0,40}",
        ) {
            for reader in [Reader::Feed, Reader::Mail] {
                let (html, slow) = both(&markdown, reader);
                prop_assert_eq!(html, slow);
            }
        }
    }
}

//! Addresses in HTML: absolute, percent-encoded ASCII, or gone.

use std::borrow::Cow;

use url::{Position, Url};

use crate::content::html::Reader;

/// An address as it stands in an attribute, made absolute against `base`; `None` when it is none that a reader can
/// follow. What a URL may not hold (RFC 3986) is percent-encoded, what is encoded already stays.
pub fn absolute(base: &Url, written: &str) -> Option<String> {
    let url = base.join(written.trim()).ok()?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Some(encoded(&url)),
        "mailto" | "tel" => Some(encoded(&url)),
        _ => None,
    }
}

/// The URL with the characters percent-encoded that browsers let pass and RFC 3986 forbids.
pub fn encoded(url: &Url) -> String {
    let mut text = url[..Position::BeforePath].to_owned();
    for c in url[Position::BeforePath..].chars() {
        match c {
            '|' | '\\' | '^' | '`' | '{' | '}' | '[' | ']' | '"' | '<' | '>' | ' ' => {
                text.push_str(&format!("%{:02X}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

/// Rewrites the addresses of one issue.
pub(super) struct Rewriter {
    permalink: Url,
    prefix: String,
    reader: Reader,
}

impl Rewriter {
    pub fn new(permalink: &Url, prefix: &str, reader: Reader) -> Self {
        Self { permalink: permalink.clone(), prefix: prefix.to_owned(), reader }
    }

    /// The value an attribute gets; `None` takes the attribute away.
    pub fn attribute<'v>(&self, _element: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match attribute {
            "href" | "src" | "cite" => self.address(value).map(Cow::Owned),
            "srcset" => self.source_set(value).map(Cow::Owned),
            "width" | "height" | "colspan" | "rowspan" | "span" | "start" => {
                value.trim().parse::<u32>().ok().map(|number| Cow::Owned(number.to_string()))
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn address(&self, value: &str) -> Option<String> {
        match value.trim().strip_prefix('#') {
            // The ids themselves get the prefix too.
            Some(fragment) if !fragment.is_empty() => {
                let own = format!("#{}{fragment}", self.prefix);
                let address = absolute(&self.permalink, &own)?;
                match self.reader {
                    Reader::Feed => Some(address),
                    Reader::Mail => address.find('#').map(|at| address[at..].to_owned()),
                }
            }
            _ => absolute(&self.permalink, value),
        }
    }

    /// `srcset`: addresses with a width or density each, separated by commas that a blank follows.
    fn source_set(&self, value: &str) -> Option<String> {
        let mut candidates = Vec::new();
        for candidate in value.split(", ").flat_map(|part| part.split(",\n")) {
            let mut words = candidate.trim().trim_end_matches(',').split_whitespace();
            let address = words.next().and_then(|address| absolute(&self.permalink, address))?;
            candidates.push(match words.next() {
                Some(size) => format!("{} {size}", address.replace(',', "%2C")),
                None => address.replace(',', "%2C"),
            });
        }
        (!candidates.is_empty()).then(|| candidates.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://example.org/blog/seven/").unwrap()
    }

    #[test]
    fn every_address_becomes_absolute_ascii() {
        for (written, expected) in [
            ("a b.png", Some("https://example.org/blog/seven/a%20b.png")),
            ("../six/", Some("https://example.org/blog/six/")),
            ("/图.png?a|b", Some("https://example.org/%E5%9B%BE.png?a%7Cb")),
            ("//cdn.example.org/x{1}.png", Some("https://cdn.example.org/x%7B1%7D.png")),
            ("https://例え.jp/%E5%9B%BE[1]", Some("https://xn--r8jz45g.jp/%E5%9B%BE%5B1%5D")),
            ("http://[::1]:80/", Some("http://[::1]/")),
            ("mailto:a@example.org", Some("mailto:a@example.org")),
            ("javascript:alert(1)", None),
            (" JaVaScRiPt:alert(1)", None),
            ("data:image/png;base64,AA", None),
            ("http://", None),
        ] {
            assert_eq!(absolute(&base(), written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn own_fragments_follow_their_ids() {
        let rewriter = |reader| Rewriter::new(&base(), "i7-", reader);
        let href = |reader, value| rewriter(reader).attribute("a", "href", value).unwrap().into_owned();
        assert_eq!(href(Reader::Feed, "#注"), "https://example.org/blog/seven/#i7-%E6%B3%A8");
        assert_eq!(href(Reader::Mail, "#注"), "#i7-%E6%B3%A8");
        assert_eq!(href(Reader::Mail, "/a#b"), "https://example.org/a#b");
    }

    #[test]
    fn a_source_set_is_rewritten_whole() {
        let rewriter = Rewriter::new(&base(), "", Reader::Feed);
        let srcset = |value| rewriter.attribute("img", "srcset", value).map(Cow::into_owned);
        assert_eq!(
            srcset("a.png 1x, /w_1,h_2/b.png 2x").as_deref(),
            Some("https://example.org/blog/seven/a.png 1x, https://example.org/w_1%2Ch_2/b.png 2x")
        );
        assert_eq!(srcset("javascript:1 1x"), None);
    }
}

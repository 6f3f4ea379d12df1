//! URLs in HTML: made absolute and percent-encoded, or removed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use url::{Host, Position, Url};

use crate::content::byte_set::ByteSet;
use crate::content::html::Reader;

/// Resolves the URL in an attribute against `base`; `None` if readers could not follow it. Percent-encodes what a URL
/// may not contain (RFC 3986); existing escapes stay.
pub fn resolve(base: &Url, written: &str) -> Option<String> {
    let written = written.trim();
    if is_canonical_web_address(written) {
        return Some(written.to_owned());
    }
    let url = base.join(written).ok()?;
    match url.scheme() {
        "http" | "https" if is_web_address(&url) => Some(encode(&url)),
        "mailto" | "tel" => Some(encode(&url)),
        _ => None,
    }
}

/// Whether other programs accept this as a web URL too: http or https, with a host of ordinary characters.
pub fn is_web_address(url: &Url) -> bool {
    let host = match url.host() {
        Some(Host::Domain(domain)) => domain.strip_suffix('.').unwrap_or(domain).split('.').all(is_usual_label),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    host && matches!(url.scheme(), "http" | "https")
}

/// Whether a text is such a URL, written as resolving and encoding would write it. Most are, and parsing all would take long.
pub fn is_canonical_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some((host, path)) = rest.and_then(|rest| rest.split_once('/')) else { return false };
    static USUAL: ByteSet = ByteSet::alphanumeric_and(b"-._~/?#=&+,:;@!$()*%");
    // A number at the end makes the host an IP address, and an encoded label may be invalid.
    let top = host.rsplit('.').next().unwrap_or_default();
    top.starts_with(|c: char| c.is_ascii_alphabetic())
        && host.split('.').all(is_usual_label)
        && !host.contains("--")
        && !host.bytes().any(|byte| byte.is_ascii_uppercase())
        && USUAL.contains_all(path)
        // Segments of dots are resolved.
        && !text.contains("/.")
        && !(path.contains('%') && path.to_ascii_lowercase().contains("%2e"))
}

fn is_usual_label(label: &str) -> bool {
    static USUAL: ByteSet = ByteSet::alphanumeric_and(b"-_");
    (1..=63).contains(&label.len()) && USUAL.contains_all(label)
}

/// The URL with those characters percent-encoded that browsers accept and RFC 3986 forbids.
pub fn encode(url: &Url) -> String {
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

/// Rewrites the URLs of one issue.
pub(super) struct Rewriter {
    permalink: Url,
    prefix: String,
    reader: Reader,
    ids: BTreeSet<String>,
}

impl Rewriter {
    /// `ids` are those of the issue, without prefix.
    pub fn new(permalink: &Url, prefix: &str, reader: Reader, ids: BTreeSet<String>) -> Self {
        Self { permalink: permalink.clone(), prefix: prefix.to_owned(), reader, ids }
    }

    /// The kind of program that will display the HTML.
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// The new value of an attribute; `None` removes the attribute.
    pub fn attribute<'v>(&self, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match attribute {
            "src" if self.reader == Reader::Mail && is_embedded(value) => Some(Cow::Borrowed(value.trim())),
            "href" | "src" | "cite" => self.address(value).map(Cow::Owned),
            "srcset" => self.source_set(value).map(Cow::Owned),
            "width" | "height" | "colspan" | "rowspan" | "span" | "start" => {
                value.trim().parse::<u32>().ok().map(|number| Cow::Owned(number.to_string()))
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn address(&self, value: &str) -> Option<String> {
        let fragment = value.trim().strip_prefix('#').filter(|fragment| !fragment.is_empty());
        match fragment.and_then(|fragment| self.own_fragment(fragment)) {
            Some(address) if self.reader == Reader::Mail => address.find('#').map(|at| address[at..].to_owned()),
            Some(address) => Some(address),
            None => resolve(&self.permalink, value),
        }
    }

    /// A link to an id in the same HTML, with the same prefix as the id. A link to any other fragment, such as a
    /// heading that has an id only on the web site, leads to the page.
    fn own_fragment(&self, fragment: &str) -> Option<String> {
        let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
        let id = [fragment, &decoded].into_iter().find(|id| self.ids.contains(*id))?;
        let prefix = if id.starts_with(&self.prefix) { "" } else { &self.prefix };
        resolve(&self.permalink, &format!("#{prefix}{id}"))
    }

    /// Rewrites a `srcset` as HTML's section "Parsing a srcset attribute" defines it: white space ends a URL, a comma
    /// ends its descriptor.
    fn source_set(&self, value: &str) -> Option<String> {
        let mut candidates = Vec::new();
        let mut rest = value;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if rest.is_empty() {
                break;
            }
            let (written, following) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            let (size, following) = match written.ends_with(',') {
                true => ("", following),
                false => following.split_once(',').unwrap_or((following, "")),
            };
            let (more, size) = rest_and_descriptor(size);
            let address = resolve(&self.permalink, &format!("{}{more}", written.trim_end_matches(',')))?;
            candidates.push(format!("{} {size}", address.replace(',', "%2C")).trim_end().to_owned());
            rest = following;
        }
        (!candidates.is_empty()).then(|| candidates.join(", "))
    }
}

/// The URLs of a rewritten `srcset`, each with its descriptor.
pub fn srcset_candidates(source_set: &str) -> impl Iterator<Item = (&str, &str)> {
    source_set.split(", ").map(|one| one.split_once(' ').unwrap_or((one, "")))
}

/// What follows the first space of a candidate: the rest of a URL with unescaped spaces, and the descriptor.
fn rest_and_descriptor(text: &str) -> (&str, &str) {
    let text = text.trim_end();
    let (more, last) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    let number = last.strip_suffix(['w', 'x', 'h']).and_then(|number| number.parse::<f32>().ok());
    if number.is_some_and(|number| number > 0.0 && number.is_finite()) { (more.trim_end(), last) } else { (text, "") }
}

/// A picture sent along in the email: as an attachment or a data URL.
fn is_embedded(address: &str) -> bool {
    const SCHEMES: [&str; 5] = ["cid:", "data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp"];
    let address = address.trim();
    SCHEMES.iter().any(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Url {
        Url::parse("https://example.org/blog/seven/").unwrap()
    }

    #[test]
    fn every_url_becomes_absolute_ascii() {
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
            assert_eq!(resolve(&base(), written).as_deref(), expected, "{written}");
        }
    }

    fn rewritten(reader: Reader, attribute: &str, value: &str) -> Option<String> {
        let rewriter = Rewriter::new(&base(), "i7-", reader, ["注", "i7-b", "a b"].map(str::to_owned).into());
        rewriter.attribute(attribute, value).map(Cow::into_owned)
    }

    #[test]
    fn links_to_own_ids_get_their_prefix() {
        for (value, feed, mail) in [
            ("#注", "https://example.org/blog/seven/#i7-%E6%B3%A8", "#i7-%E6%B3%A8"),
            ("#%E6%B3%A8", "https://example.org/blog/seven/#i7-%E6%B3%A8", "#i7-%E6%B3%A8"),
            ("#a b", "https://example.org/blog/seven/#i7-a%20b", "#i7-a%20b"),
            ("#i7-b", "https://example.org/blog/seven/#i7-b", "#i7-b"),
            ("#other", "https://example.org/blog/seven/#other", "https://example.org/blog/seven/#other"),
            ("/a#注", "https://example.org/a#%E6%B3%A8", "https://example.org/a#%E6%B3%A8"),
        ] {
            assert_eq!(rewritten(Reader::Feed, "href", value).as_deref(), Some(feed), "{value}");
            assert_eq!(rewritten(Reader::Mail, "href", value).as_deref(), Some(mail), "{value}");
        }
    }

    #[test]
    fn every_srcset_candidate_is_rewritten() {
        for (value, expected) in [
            (
                "a.png 1x,b.png 2x",
                Some("https://example.org/blog/seven/a.png 1x, https://example.org/blog/seven/b.png 2x"),
            ),
            (
                " /w_1,h_2/b.png\t640w , /c.png, ",
                Some("https://example.org/w_1%2Ch_2/b.png 640w, https://example.org/c.png"),
            ),
            (
                "a b.png 2x, c  d.png",
                Some("https://example.org/blog/seven/a%20b.png 2x, https://example.org/blog/seven/c%20%20d.png"),
            ),
            ("javascript:1 1x", None),
            (" , ", None),
        ] {
            assert_eq!(rewritten(Reader::Feed, "srcset", value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn only_emails_embed_pictures() {
        for value in ["cid:a@example.org", "data:image/png;base64,AA"] {
            assert_eq!(rewritten(Reader::Mail, "src", value).as_deref(), Some(value));
            assert_eq!(rewritten(Reader::Feed, "src", value), None);
            assert_eq!(rewritten(Reader::Mail, "href", value), None);
        }
        assert_eq!(rewritten(Reader::Mail, "src", "data:text/html,x"), None);
    }

    #[test]
    fn usual_addresses_are_canonical() {
        for text in ["https://example.org/", "http://a-b.example.org/A*b/c_(d)?e=f%20g&h#i", "https://example.org/a..b"]
        {
            assert!(is_canonical_web_address(text), "{text}");
        }
        for text in
            ["https://example.org", "https://EXAMPLE.org/", "https://example.org/../", "https://1.2/", "https://xn--a/"]
        {
            assert!(!is_canonical_web_address(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn canonical_addresses_are_written_as_parsing_writes_them(
            text in "https?://[a-cA-B0-1x_.-]{0,8}(xn--)?[a-c0x.]{0,4}[:/]?[a/.?#'%2eE&*|\\\\é \\[-]{0,12}",
        ) {
            if is_canonical_web_address(&text) {
                let url = base().join(&text).unwrap();
                prop_assert!(is_web_address(&url));
                prop_assert_eq!(encode(&url), text);
            }
        }
    }
}

//! Addresses in HTML: absolute, percent-encoded ASCII, or gone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use url::{Host, Position, Url};

use crate::content::html::Reader;

/// An address as it stands in an attribute, made absolute against `base`; `None` when it is none that a reader can
/// follow. What a URL may not hold (RFC 3986) is percent-encoded, what is encoded already stays.
pub fn absolute(base: &Url, written: &str) -> Option<String> {
    let url = base.join(written.trim()).ok()?;
    match url.scheme() {
        "http" | "https" if is_web_address(&url) => Some(encoded(&url)),
        "mailto" | "tel" => Some(encoded(&url)),
        _ => None,
    }
}

/// Whether this is an address on the web that other programs take for one as well: with a host of the usual letters.
pub fn is_web_address(url: &Url) -> bool {
    let usual = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let host = match url.host() {
        Some(Host::Domain(domain)) => domain.strip_suffix('.').unwrap_or(domain).split('.').all(usual),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    host && matches!(url.scheme(), "http" | "https")
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
    ids: BTreeSet<String>,
}

impl Rewriter {
    /// `ids` are those of the issue, before they get their prefix.
    pub fn new(permalink: &Url, prefix: &str, reader: Reader, ids: BTreeSet<String>) -> Self {
        Self { permalink: permalink.clone(), prefix: prefix.to_owned(), reader, ids }
    }

    /// Who will read the HTML.
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// The value an attribute gets; `None` takes the attribute away.
    pub fn attribute<'v>(&self, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match attribute {
            "src" if self.reader == Reader::Mail && is_enclosed(value) => Some(Cow::Borrowed(value.trim())),
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
            None => absolute(&self.permalink, value),
        }
    }

    /// A link to an id in the same HTML, which gets the same prefix as the id. To anything else on its page, such as a
    /// heading to which only the web site gives an id, a link leads to the page.
    fn own_fragment(&self, fragment: &str) -> Option<String> {
        let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
        let id = [fragment, &decoded].into_iter().find(|id| self.ids.contains(*id))?;
        let prefix = if id.starts_with(&self.prefix) { "" } else { &self.prefix };
        absolute(&self.permalink, &format!("#{prefix}{id}"))
    }

    /// `srcset` as HTML's section "Parsing a srcset attribute" reads it: an address ends at a blank, what describes it
    /// at a comma.
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
            let (more, size) = blanks_and_size(size);
            let address = absolute(&self.permalink, &format!("{}{more}", written.trim_end_matches(',')))?;
            candidates.push(format!("{} {size}", address.replace(',', "%2C")).trim_end().to_owned());
            rest = following;
        }
        (!candidates.is_empty()).then(|| candidates.join(", "))
    }
}

/// The addresses of a `srcset` that was rewritten, each with its size.
pub fn candidates(source_set: &str) -> impl Iterator<Item = (&str, &str)> {
    source_set.split(", ").map(|one| one.split_once(' ').unwrap_or((one, "")))
}

/// What follows the first blank of a candidate: the rest of an address with blanks in it, which nobody escaped, and the size.
fn blanks_and_size(text: &str) -> (&str, &str) {
    let text = text.trim_end();
    let (more, last) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    let number = last.strip_suffix(['w', 'x', 'h']).and_then(|number| number.parse::<f32>().ok());
    if number.is_some_and(|number| number > 0.0 && number.is_finite()) { (more.trim_end(), last) } else { (text, "") }
}

/// A picture that travels with the mail: in a part of its own, or in the address itself.
fn is_enclosed(address: &str) -> bool {
    const SCHEMES: [&str; 5] = ["cid:", "data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp"];
    let address = address.trim();
    SCHEMES.iter().any(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
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

    fn rewritten(reader: Reader, attribute: &str, value: &str) -> Option<String> {
        let rewriter = Rewriter::new(&base(), "i7-", reader, ["注", "i7-b", "a b"].map(str::to_owned).into());
        rewriter.attribute(attribute, value).map(Cow::into_owned)
    }

    #[test]
    fn own_fragments_follow_their_ids() {
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
    fn a_source_set_is_rewritten_whole() {
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
    fn only_a_mail_carries_its_pictures() {
        for value in ["cid:a@example.org", "data:image/png;base64,AA"] {
            assert_eq!(rewritten(Reader::Mail, "src", value).as_deref(), Some(value));
            assert_eq!(rewritten(Reader::Feed, "src", value), None);
            assert_eq!(rewritten(Reader::Mail, "href", value), None);
        }
        assert_eq!(rewritten(Reader::Mail, "src", "data:text/html,x"), None);
    }
}

//! Rules for links in mailed issues: what spam filters and careful readers distrust.

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use url::{Host, Url};

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::finding::Finding;

const LINK_SHORTENED: Rule = Rule::warning(
    "link-shortened",
    "A link uses a URL shortener",
    "spam filters distrust shorteners because spam hides behind them; link to the page itself",
);
const LINK_DECEIVES: Rule = Rule::warning(
    "link-misleading",
    "The text of a link is a different address from the one it leads to",
    "spam filters take it for phishing; write what the page is, or the address the link leads to",
);
const LINK_NUMBER: Rule = Rule::warning(
    "link-ip-address",
    "A link leads to a bare IP address",
    "spam filters take it for an attack; link to a host name",
);
const LINK_INSECURE: Rule = Rule::warning(
    "link-insecure",
    "A link uses http",
    "some mail programs warn about it; use the https address if there is one",
);

pub(in crate::check) const RULES: [&Rule; 4] = [&LINK_SHORTENED, &LINK_DECEIVES, &LINK_NUMBER, &LINK_INSECURE];

/// Hosts of URL shorteners.
const SHORTENERS: [&str; 20] = [
    "bit.ly", "buff.ly", "cutt.ly", "dwz.cn", "goo.gl", "is.gd", "j.mp", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly",
    "shorturl.at", "suo.im", "t.cn", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "url.cn", "v.gd",
];

pub(super) fn check(source: &IssueSource<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, (event, range)) in source.events.iter().enumerate() {
        let Event::Start(Tag::Link { dest_url, link_type, .. }) = event else { continue };
        let Some(url) = Url::parse(dest_url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            continue;
        };
        let is_bare = matches!(link_type, LinkType::Autolink | LinkType::Email);
        let text = if is_bare { None } else { text_of(&source.events[at + 1..]) };
        findings.extend(suspicious(&url, text.as_deref()).map(|finding| source.at(finding, range.clone())));
    }
    findings
}

/// The worst reason to distrust a link, if there is one.
fn suspicious(url: &Url, text: Option<&str>) -> Option<Finding> {
    let host = name_of(url);
    if let Some(shown) = text.and_then(host_in).filter(|shown| !is_same_site(shown, host)) {
        return Some(LINK_DECEIVES.found(format!("the text says `{shown}`, but the link leads to `{host}`")));
    }
    if SHORTENERS.contains(&host) {
        return Some(LINK_SHORTENED.found(format!("the link uses the shortener `{host}`")));
    }
    if !matches!(url.host(), Some(Host::Domain(_))) {
        return Some(LINK_NUMBER.found(format!("the link leads to `{host}`")));
    }
    (url.scheme() == "http").then(|| LINK_INSECURE.found(format!("the link to `{host}` uses http")))
}

/// The plain text of a link.
fn text_of(events: &[(Event<'static>, std::ops::Range<usize>)]) -> Option<String> {
    let mut text = String::new();
    for (event, _) in events {
        match event {
            Event::End(TagEnd::Link) => return Some(text),
            Event::Text(words) => text.push_str(words),
            _ => {}
        }
    }
    None
}

/// The host of a text that is nothing but an address, with a scheme or `www.`.
fn host_in(text: &str) -> Option<String> {
    let text = text.trim();
    let address = match text.strip_prefix("www.") {
        Some(_) => format!("https://{text}"),
        None => text.to_owned(),
    };
    let is_address = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
    let url = Url::parse(&address).ok().filter(|_| is_address && !text.contains(char::is_whitespace))?;
    Some(name_of(&url).to_owned())
}

/// The host without `www.` and trailing dot.
fn name_of(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches("www.").trim_end_matches('.')
}

/// Whether one is the other or a subdomain of it.
fn is_same_site(one: &str, other: &str) -> bool {
    let is_below = |host: &str, above: &str| host.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'));
    one == other || is_below(one, other) || is_below(other, one)
}

//! A request and its response, without the network.

use core::net::IpAddr;

use url::Url;

/// A request, as far as a response depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path below `serve.url`, with a slash in front, not decoded.
    pub path: String,
    /// What follows the question mark, not decoded.
    pub query: Option<String>,
    /// The header field Content-Type.
    pub content_type: Option<String>,
    /// The header field Origin.
    pub origin: Option<String>,
    /// The header field Referer.
    pub referer: Option<String>,
    /// The address of the reader: that of the connection, or the one that a trusted proxy names.
    pub from: IpAddr,
    /// The body, of at most 16 KiB.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, the security headers among them; not Content-Length and Date.
    pub headers: Vec<(&'static str, String)>,
    /// The body; a response to HEAD has that of GET, and `web` leaves it out.
    pub body: String,
    /// What happened, for the log: no address and no token.
    pub log: &'static str,
    /// Whether a message was queued, which is to be sent at once.
    pub queued: bool,
    /// Why the store or a template failed, if one did, for the log: no address and no token.
    pub failure: Option<String>,
}

/// Lets a page use only its own styles, and send forms only here.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// The header fields of every response.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("x-robots-tag", "noindex"),
    ("cross-origin-resource-policy", "same-origin"),
];

impl Response {
    /// A page.
    pub(super) fn page(status: u16, html: String, log: &'static str) -> Self {
        Self::of_type("text/html; charset=utf-8", status, html, log)
    }

    /// A line of text, for programs.
    pub(super) fn line(status: u16, text: &str, log: &'static str) -> Self {
        Self::of_type("text/plain; charset=utf-8", status, format!("{text}\n"), log)
    }

    /// Leads a browser to another page after a form (RFC 9110 section 15.4.4).
    pub(super) fn see_other(url: &str, log: &'static str) -> Self {
        Self::line(303, url, log).with("location", url)
    }

    /// The same with another header field.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same for a page whose form leads on to this one: browsers apply the policy to redirects, too (CSP 3, `form-action`).
    pub(super) fn leading_to(mut self, page: &Url) -> Self {
        let origin = page.origin().ascii_serialization();
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| *name == SECURITY_HEADERS[0].0) {
            *value = value.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
        }
        self
    }

    /// The same after a message was queued.
    pub(super) fn queued(self) -> Self {
        Self { queued: true, ..self }
    }

    fn of_type(content_type: &str, status: u16, body: String, log: &'static str) -> Self {
        let security = SECURITY_HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let headers = std::iter::once(("content-type", content_type.to_owned())).chain(security).collect();
        Self { status, headers, body, log, queued: false, failure: None }
    }
}

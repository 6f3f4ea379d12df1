//! Whether a request is meant for the pages: another site may let its own name lead here (DNS rebinding), and a name that is
//! believed may end up in links.

use hyper::HeaderMap;
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{StatusCode, Uri};
use url::Url;

/// Refuses a request for another host than that of `serve.url`: its status.
pub(super) fn check(uri: &Uri, headers: &HeaderMap, url: &Url) -> Result<(), StatusCode> {
    let mut named = headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return Err(StatusCode::BAD_REQUEST) };
    // A target with a host in it takes precedence (RFC 9112 section 3.2.2).
    let host = uri.authority().map_or(host.as_bytes(), |authority| authority.as_str().as_bytes());
    let host = Authority::try_from(host).map_err(|_| StatusCode::BAD_REQUEST)?;
    if is_ours(&host, url) { Ok(()) } else { Err(StatusCode::MISDIRECTED_REQUEST) }
}

/// A proxy may leave the port out, as nginx does with `$host`.
fn is_ours(host: &Authority, url: &Url) -> bool {
    let is_same_port = match host.port() {
        Some(port) => port.as_str().parse().ok() == url.port_or_known_default(),
        None => true,
    };
    let name = url.host_str().unwrap_or_default();
    !host.as_str().contains('@') && host.host().eq_ignore_ascii_case(name) && is_same_port
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(target: &str, hosts: &[&str], url: &str) -> u16 {
        let mut headers = HeaderMap::new();
        hosts.iter().for_each(|host| {
            headers.append(HOST, host.parse().unwrap());
        });
        let refused = check(&target.parse().unwrap(), &headers, &Url::parse(url).unwrap());
        refused.map_or_else(|status| status.as_u16(), |()| 200)
    }

    #[test]
    fn only_the_host_of_the_pages_is_answered() {
        for (host, expected) in [
            ("news.example.org", 200),
            ("NEWS.example.org", 200),
            ("news.example.org:443", 200),
            ("news.example.org:80", 421),
            ("news.example.org:", 200),
            ("example.org", 421),
            ("news.example.org.evil.example", 421),
            ("evil@news.example.org", 421),
            ("127.0.0.1:8420", 421),
            ("", 400),
            ("a b", 400),
        ] {
            assert_eq!(status("/leave/a", &[host], "https://news.example.org/"), expected, "{host}");
        }
        let url = "https://news.example.org:8443/";
        assert_eq!(status("/", &["news.example.org:8443"], url), 200);
        assert_eq!(status("/", &["news.example.org"], url), 200);
        assert_eq!(status("/", &["news.example.org:443"], url), 421);
        assert_eq!(status("/", &["[::1]:80"], "http://[::1]/"), 200);
    }

    #[test]
    fn a_request_names_one_host() {
        let url = "https://news.example.org/";
        assert_eq!(status("/", &[], url), 400);
        assert_eq!(status("/", &["news.example.org", "news.example.org"], url), 400);
        assert_eq!(status("http://evil.example/", &["news.example.org"], url), 421);
        assert_eq!(status("https://news.example.org/", &["evil.example"], url), 200);
    }
}

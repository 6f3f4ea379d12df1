//! A custom id in the front matter: accepted if feeds can use it.
//!
//! Atom requires an IRI as id (RFC 4287, section 4.2.6), and validators check the syntax of its scheme. Other programs
//! also write numbers and words into `id`, which mean nothing outside them.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

/// Characters not allowed in a URI; `%` stays because it may be an escape.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// The id as a URI, percent-encoded where necessary; `None` if validators would reject it.
pub fn custom_id(written: &str) -> Option<String> {
    let id = utf8_percent_encode(written.trim(), ESCAPED).to_string();
    let (scheme, rest) = id.split_once(':')?;
    let is_valid = match scheme {
        "http" | "https" => Url::parse(&id).is_ok_and(|url| url.has_host()) && rest.starts_with("//"),
        "tag" => is_tag(rest),
        "urn" => is_urn(rest),
        _ => false,
    };
    is_valid.then_some(id)
}

/// RFC 4151: `example.org,2026-11-23:anything`.
fn is_tag(rest: &str) -> bool {
    let Some((entity, specific)) = rest.split_once(':') else { return false };
    let Some((authority, date)) = entity.split_once(',') else { return false };
    let is_host =
        |host: &str| host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_name)) && host.contains('.');
    let host = authority.split_once('@').map_or(authority, |(_, host)| host);
    let lengths: Vec<usize> = date.split('-').map(str::len).collect();
    let is_date = matches!(*lengths, [4] | [4, 2] | [4, 2, 2]) && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_host(host) && is_date && !specific.is_empty()
}

/// RFC 8141: a namespace and a name in it; RFC 9562 for UUIDs.
fn is_urn(rest: &str) -> bool {
    let Some((space, specific)) = rest.split_once(':') else { return false };
    if space == "uuid" {
        let lengths: Vec<usize> = specific.split('-').map(str::len).collect();
        return lengths == [8, 4, 4, 4, 12] && specific.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    }
    (2..=31).contains(&space.len()) && space.bytes().all(is_name) && !space.starts_with('-') && !specific.is_empty()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_feeds_accept_are_kept() {
        for (written, expected) in [
            ("https://example.org/?p=12", Some("https://example.org/?p=12")),
            (" https://example.org/潮 汐", Some("https://example.org/%E6%BD%AE%20%E6%B1%90")),
            ("tag:example.org,2026-11:潮", Some("tag:example.org,2026-11:%E6%BD%AE")),
            ("tag:crew@example.org,2026:a", Some("tag:crew@example.org,2026:a")),
            ("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", Some("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
            ("urn:isbn:9780306406157", Some("urn:isbn:9780306406157")),
        ] {
            assert_eq!(custom_id(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn other_ids_are_rejected() {
        for written in [
            "42",
            "neap-2026",
            "neap:1",
            "https:/a",
            "tag:example.org:a",
            "tag:x,2026:a",
            "urn:uuid:1",
            "urn:x:1",
            "/a",
            "",
        ] {
            assert_eq!(custom_id(written), None, "{written}");
        }
    }
}

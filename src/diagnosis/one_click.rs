//! The one-click button of mail programs (RFC 8058): whether our own page answers it as they need, and whether a signature covers
//! the header fields that lead there.

use url::Url;

use crate::diagnosis::Step;
use crate::http::{Client, Error};

const PAGE: &str = "one-click";
const SIGNATURE: &str = "signature";

/// The fields that a signature must cover (RFC 8058 section 4).
const FIELDS: [&str; 2] = ["List-Unsubscribe", "List-Unsubscribe-Post"];

/// Asks the page as a mail program does; `url` has a token that no one has, so that no one is unsubscribed.
pub fn page(client: &Client, url: &Url) -> Step {
    of_answer(url, client.post_form(url, "List-Unsubscribe=One-Click"))
}

fn of_answer(url: &Url, answered: Result<u16, Error>) -> Step {
    let host = url.host_str().unwrap_or_default();
    let status = match answered {
        Ok(200) => return Step::ok(PAGE, format!("`{host}` answers a POST with 200, without a redirect")),
        Ok(status) => status,
        Err(error) => {
            let remedy = "start `slugline serve`, and let the web server of that host pass readers on to it";
            return Step::error(PAGE, format!("`{host}` does not answer a POST: {error}"), remedy);
        }
    };
    let remedy = match status {
        300..400 => "answer these paths without a redirect: mail programs follow none when they unsubscribe a reader",
        404 | 405 => "let the web server pass the paths below `serve.url` on to `slugline serve`, POST included",
        421 => "let the web server pass on the `Host` of the request, or set `serve.url` to the host that it passes on",
        500.. => "start `slugline serve`, and look at its log",
        _ => "let the web server pass the request on as it is: mail programs send neither cookies nor a login",
    };
    Step::error(PAGE, format!("`{host}` answers a POST with {status}; mail programs expect 200"), remedy)
}

/// Whether the signatures of a message cover the fields; `None` if it is not signed, or has no one-click button.
pub fn signature(message: &[u8]) -> Option<Step> {
    let text = String::from_utf8_lossy(message);
    let header = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields: Vec<(&str, &str)> = header.split("\r\n").filter_map(|line| line.split_once(':')).collect();
    let is_there = |name: &str| fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let signatures: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("DKIM-Signature"))
        .map(|(_, value)| *value)
        .collect();
    if signatures.is_empty() || !FIELDS.into_iter().all(is_there) {
        return None;
    }
    let covers = |signature: &&str| FIELDS.into_iter().all(|field| covers(signature, field));
    Some(match signatures.iter().all(covers) {
        true => Step::ok(SIGNATURE, "it covers `List-Unsubscribe` and `List-Unsubscribe-Post`"),
        false => Step::error(
            SIGNATURE,
            "a signature leaves out `List-Unsubscribe` or `List-Unsubscribe-Post`: mail programs show no button",
            "report this fault of slugline",
        ),
    })
}

/// Whether the tag `h=` of a signature names the field.
fn covers(signature: &str, field: &str) -> bool {
    let tags = signature.split(';').filter_map(|tag| tag.split_once('='));
    let mut names = tags.filter(|(name, _)| name.trim() == "h").flat_map(|(_, names)| names.split(':'));
    names.any(|name| name.trim().eq_ignore_ascii_case(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::StepOutcome;

    #[test]
    fn every_answer_but_200_has_a_remedy() {
        let url = Url::parse("https://news.example.org/leave/0").unwrap();
        let step = |answered| of_answer(&url, answered);
        assert_eq!(
            step(Ok(200)),
            Step::ok("one-click", "`news.example.org` answers a POST with 200, without a redirect")
        );
        for (answered, seen, remedy) in [
            (Ok(301), "`news.example.org` answers a POST with 301; mail programs expect 200", "without a redirect"),
            (Ok(404), "`news.example.org` answers a POST with 404; mail programs expect 200", "POST included"),
            (Ok(421), "`news.example.org` answers a POST with 421; mail programs expect 200", "`Host` of the request"),
            (Ok(502), "`news.example.org` answers a POST with 502; mail programs expect 200", "look at its log"),
            (Ok(401), "`news.example.org` answers a POST with 401; mail programs expect 200", "neither cookies nor"),
            (
                Err(Error::NoSuchHost),
                "`news.example.org` does not answer a POST: there is no such host",
                "start `slugline serve`",
            ),
        ] {
            let step = step(answered);
            assert_eq!((step.outcome, step.seen.as_str()), (StepOutcome::Error, seen));
            assert!(step.remedy.as_ref().unwrap().contains(remedy), "{step:?}");
        }
    }

    #[test]
    fn a_signature_must_name_both_fields() {
        let message = |signed: &str| {
            format!(
                "DKIM-Signature: v=1; a=ed25519-sha256;\r\n h=From:To\r\n :{signed}; b=h=List-Unsubscribe-Post\r\n\
                 From: a@example.org\r\nList-Unsubscribe: <https://example.org/>\r\n\
                 List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nDKIM-Signature: h=From\r\n"
            )
        };
        let outcome = |message: &str| signature(message.as_bytes()).map(|step| step.outcome);
        assert_eq!(outcome(&message("list-unsubscribe: List-Unsubscribe-Post")), Some(StepOutcome::Ok));
        for signed in ["List-Unsubscribe", "List-Unsubscribe-Post", "Subject"] {
            assert_eq!(outcome(&message(signed)), Some(StepOutcome::Error), "{signed}");
        }
        assert_eq!(outcome("List-Unsubscribe: <a>\r\nList-Unsubscribe-Post: b\r\n\r\n"), None);
        assert_eq!(outcome("DKIM-Signature: h=From\r\nFrom: a\r\n\r\n"), None);
    }
}

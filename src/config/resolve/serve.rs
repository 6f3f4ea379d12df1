//! `serve` and `consent`: the pages for readers, where the program listens, and whom it believes.

use chrono::TimeDelta;
use url::{Host, Url};

use crate::config::MailConfig;
use crate::config::duration::duration;
use crate::config::raw::serve::{RawConsent, RawListen, RawServe, RawSwitch};
use crate::config::raw::{OneOrMany, RawConfig};
use crate::config::resolve::Problems;
use crate::content::languages::Languages;
use crate::serve::{Listen, Network, Options};

/// How readers are served, if they are.
pub(super) fn serve(raw: &RawConfig, problems: &mut Problems<'_>) -> Option<Options> {
    let keep_ip = raw.consent.as_ref().and_then(|consent| keep_ip(consent, raw.serve.is_some(), problems));
    let written = raw.serve.as_ref()?;
    let listen = written.listen.as_ref().and_then(|listen| address(listen, problems)).unwrap_or_default();
    let trusted_proxies = trusted_proxies(written.trusted_proxies.as_ref(), problems);
    let thanks = thanks(written.thanks.as_ref(), problems);
    let subscribe = subscribe(written.subscribe.as_ref(), problems);
    let url = url(written, problems)?;
    if raw.mail.is_none() {
        let why = "readers confirm by mail, but the project does not mail";
        problems.value(&["serve", "url"], why, "add `mail:`, and `from: My Weekly <weekly@example.org>` below it");
    }
    Some(Options { url, listen, trusted_proxies, thanks, subscribe, keep_ip })
}

/// The mail of a project whose readers are served: it links to the pages, unless the project file says otherwise. The link names
/// the language of the mail if there are several.
pub(super) fn with_links(mut mail: MailConfig, serve: Option<&Options>, languages: &Languages) -> MailConfig {
    let Some(serve) = serve else { return mail };
    let query = if languages.others().is_empty() { "" } else { "?language={language}" };
    if !mail.unsubscribe_by_provider {
        mail.edition.unsubscribe_url.get_or_insert_with(|| serve.leave_page() + query);
    }
    mail.edition.subscribe_url = serve.subscribe.then(|| serve.subscribe_link());
    mail
}

fn url(raw: &RawServe, problems: &mut Problems<'_>) -> Option<Url> {
    const KEYS: [&str; 2] = ["serve", "url"];
    const HELP: &str = "write the address at which readers reach the pages, such as `https://news.example.org/`";
    let Some(text) = raw.url.as_deref() else {
        problems.missing("serve.url", "url: https://news.example.org/");
        return None;
    };
    let mut url = problems.check(Url::parse(text.trim()), &KEYS, "not a valid URL", HELP)?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_this_machine(&url)) {
        let why = format!("`{text}` is not an https URL, which mail programs require to unsubscribe (RFC 8058)");
        problems.value(&KEYS, why, &format!("{HELP}; only an address of this machine, for a trial, may be http"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.value(&KEYS, "it has a query or a fragment", "remove everything from the `?` or `#` on");
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.value(&KEYS, "it has a user name or password", "remove what is before the `@`, and the `@`");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn address(raw: &RawListen, problems: &mut Problems<'_>) -> Option<Listen> {
    let text = match raw {
        RawListen::Port(port) => port.to_string(),
        RawListen::Address(text) => text.clone(),
    };
    let parsed = text.parse::<Listen>();
    parsed.map_err(|error| problems.value(&["serve", "listen"], error.why, &error.help)).ok()
}

/// Proxies on this machine, unless others are named.
fn trusted_proxies(raw: Option<&OneOrMany>, problems: &mut Problems<'_>) -> Vec<Network> {
    const KEYS: [&str; 2] = ["serve", "trusted_proxies"];
    let Some(raw) = raw else { return Network::LOOPBACK.to_vec() };
    let mut networks = Vec::new();
    for text in raw.items() {
        match text.parse::<Network>() {
            Ok(everyone) if everyone.prefix == 0 => {
                let why = format!("`{text}` is every address, so that anyone could name any address as theirs");
                problems.value(&KEYS, why, "write the addresses of your proxies, such as `10.0.0.7`");
            }
            Ok(network) => networks.push(network),
            Err(error) => problems.value(&KEYS, error.why, &error.help),
        }
    }
    networks
}

fn thanks(raw: Option<&OneOrMany>, problems: &mut Problems<'_>) -> Vec<Url> {
    const HELP: &str = "write the whole address of the page, such as `https://www.example.org/thanks/`";
    let mut pages = Vec::new();
    for text in raw.map(OneOrMany::items).unwrap_or_default() {
        match Url::parse(text.trim()) {
            Ok(page) if matches!(page.scheme(), "https" | "http") => pages.push(page),
            _ => problems.value(&["serve", "thanks"], format!("`{text}` is not an http or https URL"), HELP),
        }
    }
    pages
}

fn subscribe(raw: Option<&RawSwitch>, problems: &mut Problems<'_>) -> bool {
    match raw {
        None | Some(RawSwitch::Truth(true)) => true,
        Some(RawSwitch::Truth(false)) => false,
        Some(RawSwitch::Word(word)) => match word.trim() {
            "on" => true,
            "off" => false,
            other => {
                let why = format!("there is no `{other}`");
                problems.value(&["serve", "subscribe"], why, "write `on` or `off`");
                true
            }
        },
    }
}

fn keep_ip(raw: &RawConsent, is_served: bool, problems: &mut Problems<'_>) -> Option<TimeDelta> {
    const KEYS: [&str; 2] = ["consent", "ip"];
    let text = raw.ip.as_deref()?;
    if !is_served {
        problems.value(&KEYS, "only `slugline serve` takes requests", "remove `consent`, or add `serve: {url: …}`");
    }
    let span = duration(text).filter(|span| *span > TimeDelta::zero());
    if span.is_none() {
        problems.value(&KEYS, format!("`{text}` is not a valid time span"), "write one such as `90d`");
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const START: &str = "title: T\nbase_url: https://example.org\n";
    const MAIL: &str = "mail:\n  from: a@example.org\n";

    fn parsed(keys: &str) -> Config {
        Config::parse("slugline.yaml", &format!("{START}{keys}")).unwrap()
    }

    /// Line and column, message and remedy of each finding.
    fn findings(keys: &str) -> Vec<(usize, usize, String, String)> {
        let findings = Config::parse("slugline.yaml", &format!("{START}{keys}")).unwrap_err();
        let row = |finding: crate::finding::Finding| {
            let place = finding.place.unwrap();
            (place.line, place.column, finding.message, finding.help.unwrap_or_default())
        };
        findings.into_iter().map(row).collect()
    }

    #[test]
    fn all_but_the_address_has_a_default() {
        assert_eq!(parsed(MAIL).serve, None);
        let served = parsed(&format!("{MAIL}serve:\n  url: https://news.example.org\n")).serve.unwrap();
        let expected = Options {
            url: Url::parse("https://news.example.org/").unwrap(),
            listen: Listen::default(),
            trusted_proxies: Network::LOOPBACK.to_vec(),
            thanks: Vec::new(),
            subscribe: true,
            keep_ip: None,
        };
        assert_eq!(served, expected);
    }

    #[test]
    fn every_key_is_read() {
        let keys = "serve:\n  url: https://example.org/news\n  listen: unix:run/s.sock\n  trusted_proxies: [10.0.0.0/8, '::1']\n  \
                    thanks: https://example.org/thanks/\n  subscribe: off\nconsent:\n  ip: 90d\n";
        let served = parsed(&format!("{MAIL}{keys}")).serve.unwrap();
        assert_eq!(served.url.as_str(), "https://example.org/news/");
        assert_eq!(served.listen, Listen::Unix("run/s.sock".into()));
        let proxies: Vec<String> = served.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
        assert_eq!(served.thanks, [Url::parse("https://example.org/thanks/").unwrap()]);
        assert!(!served.subscribe);
        assert_eq!(served.keep_ip, Some(TimeDelta::days(90)));
    }

    #[test]
    fn mail_links_to_the_pages_unless_it_has_a_link() {
        let link = |mail: &str| {
            let config = parsed(&format!("{MAIL}{mail}serve:\n  url: https://example.org/news\n"));
            config.mail.unwrap().edition.unsubscribe_url
        };
        assert_eq!(link("").unwrap(), "https://example.org/news/leave/{token}");
        assert_eq!(
            link("  unsubscribe_url: https://example.org/go/{token}\n").unwrap(),
            "https://example.org/go/{token}"
        );
        assert_eq!(link("  unsubscribe: none\n"), None);
        let several = format!("{MAIL}content: {{en: en, zh: zh}}\nserve:\n  url: https://example.org/news\n");
        let several = parsed(&several).mail.unwrap().edition.unsubscribe_url;
        assert_eq!(several.unwrap(), "https://example.org/news/leave/{token}?language={language}");
    }

    #[test]
    fn an_address_of_this_machine_may_do_without_tls() {
        for url in ["http://localhost:8420", "http://news.localhost/", "http://127.0.0.2/", "http://[::1]:80/a"] {
            assert!(parsed(&format!("{MAIL}serve:\n  url: {url}\n")).serve.is_some(), "{url}");
        }
    }

    #[test]
    fn a_wrong_value_is_found_at_its_place() {
        for (key, value, why, help) in [
            ("url", "example.org", "not a valid URL: relative URL without a base", "write the address at which"),
            ("url", "http://example.org/", "`http://example.org/` is not an https URL", "write the address at which"),
            ("url", "https://example.org/?a", "it has a query or a fragment", "remove everything from the `?`"),
            ("url", "https://example.org/#a", "it has a query or a fragment", "remove everything from the `?`"),
            ("url", "https://a:b@example.org/", "it has a user name or password", "remove what is before the `@`"),
            ("listen", "8420", "`8420` has no address in it", "write `127.0.0.1:8420`, or `unix:PATH`"),
            ("trusted_proxies", "10.0.0.7/8", "the network of `10.0.0.7/8` begins at", "write `10.0.0.0/8`"),
            ("trusted_proxies", "0.0.0.0/0", "`0.0.0.0/0` is every address", "write the addresses of your proxies"),
            ("trusted_proxies", "nginx", "`nginx` is not an IP address", "write an address or a network"),
            ("thanks", "/thanks/", "`/thanks/` is not an http or https URL", "write the whole address"),
            ("subscribe", "maybe", "there is no `maybe`", "write `on` or `off`"),
        ] {
            let url = if key == "url" { "" } else { "  url: https://example.org/\n" };
            let found = findings(&format!("{MAIL}serve:\n  {key}: {value}\n{url}"));
            let [(line, column, message, remedy)] = found.as_slice() else { panic!("{value}: {found:?}") };
            assert_eq!((*line, *column), (6, key.len() + 5), "{value}");
            assert!(message.starts_with(&format!("`serve.{key}`: {why}")), "{message}");
            assert!(remedy.starts_with(help), "{remedy}");
        }
    }

    #[test]
    fn keys_that_need_others_say_so() {
        let found = findings(&format!("{MAIL}serve:\n  subscribe: off\n"));
        assert_eq!(found[0].2, "`serve.url` is missing");
        let found = findings("serve:\n  url: https://example.org/\n");
        assert_eq!(found[0].2, "`serve.url`: readers confirm by mail, but the project does not mail");
        let found = findings(&format!("{MAIL}consent:\n  ip: 90d\n"));
        assert_eq!(found[0].2, "`consent.ip`: only `slugline serve` takes requests");
        let found = findings(&format!("{MAIL}serve:\n  url: https://example.org/\nconsent:\n  ip: soon\n"));
        assert_eq!((found[0].0, found[0].3.as_str()), (8, "write one such as `90d`"));
        let found = findings(&format!("{MAIL}serve:\n  urls: https://example.org/\n"));
        assert_eq!((found[0].2.as_str(), found[0].3.as_str()), ("unknown key `serve.urls`", "write `url`"));
    }
}

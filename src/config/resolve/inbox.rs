//! `inbox`: where mail comes in, and the addresses at which readers ask for something.

use std::path::PathBuf;

use url::Url;

use crate::config::raw::RawConfig;
use crate::config::raw::inbox::RawInbox;
use crate::config::resolve::unsubscribe::has_only_fields_at;
use crate::config::resolve::{Problems, address};
use crate::inbox::{Account, Options, Source};
use crate::token;

/// The port of IMAP over TLS.
const PORT: u16 = 993;

/// Where mail comes in, if it is read.
pub(super) fn inbox(raw: &RawConfig, problems: &mut Problems<'_>) -> Option<Options> {
    let written = raw.inbox.as_ref()?;
    let subscribe = written.subscribe.as_deref().and_then(|text| address(text, &["inbox", "subscribe"], problems));
    let confirm = written.confirm.as_deref().and_then(|text| confirm(text, problems));
    if written.subscribe.is_some() && written.confirm.is_none() && raw.serve.is_none() {
        let why = "a subscription must be confirmed, and there is neither `inbox.confirm` nor `serve.url`";
        let help = "add `confirm: confirm+{token}@example.org` below `inbox`, an address of yours";
        problems.value(&["inbox", "subscribe"], why, help);
    }
    if raw.mail.is_none() {
        let key = if written.subscribe.is_some() { "subscribe" } else { "confirm" };
        if written.subscribe.is_some() || written.confirm.is_some() {
            let help = "add `mail:`, and `from: My Weekly <weekly@example.org>` below it";
            problems.value(&["inbox", key], "readers are answered by mail, but the project does not mail", help);
        }
    }
    Some(Options { source: source(written, problems), subscribe, confirm })
}

/// An address that must contain `{token}`.
fn confirm(text: &str, problems: &mut Problems<'_>) -> Option<String> {
    const KEYS: [&str; 2] = ["inbox", "confirm"];
    if !has_only_fields_at(text, &KEYS, &["token"], problems) {
        return None;
    }
    if !text.split('@').next().unwrap_or_default().contains("{token}") {
        let help = "write an address such as `confirm+{token}@example.org`: the token shows who confirms";
        problems.value(&KEYS, "there is no `{token}` before the `@`", help);
        return None;
    }
    // A token may make the part before the `@` too long (RFC 5321 section 4.5.3.1.1).
    let sample = text.replace("{token}", &"0".repeat(token::TOKEN_DIGITS));
    address(&sample, &KEYS, problems).map(|_| text.to_owned())
}

fn source(raw: &RawInbox, problems: &mut Problems<'_>) -> Option<Source> {
    if raw.path.is_some() && raw.imap.is_some() {
        problems.value(&["inbox", "imap"], "there is `inbox.path`, too", "remove one: a single mailbox is read");
    }
    if raw.imap.is_some() {
        return imap(raw, problems).map(Source::Imap);
    }
    for (key, value) in [
        ("user", &raw.user),
        ("password_file", &raw.password_file),
        ("tls_ca_file", &raw.tls_ca_file),
        ("folder", &raw.folder),
    ] {
        if value.is_some() {
            let help = "add `imap: imaps://mail.example.org`, or remove it";
            problems.value(&["inbox", key], "it belongs to `inbox.imap`, which is missing", help);
        }
    }
    raw.path.as_deref().map(|path| Source::Path(PathBuf::from(path)))
}

fn imap(raw: &RawInbox, problems: &mut Problems<'_>) -> Option<Account> {
    const KEYS: [&str; 2] = ["inbox", "imap"];
    let (host, port) =
        problems.check(server(raw.imap.as_deref()?), &KEYS, "not a server", "write `imaps://mail.example.org`")?;
    let Some(user) = raw.user.clone() else {
        problems.missing("inbox.user", "user: bounces@example.org");
        return None;
    };
    Some(Account {
        host,
        port,
        user,
        password_file: raw.password_file.as_deref().map(PathBuf::from),
        tls_ca_file: raw.tls_ca_file.as_deref().map(PathBuf::from),
        folder: raw.folder.clone().unwrap_or_else(|| "INBOX".to_owned()),
    })
}

/// Host and port of `imaps://HOST[:PORT]`.
fn server(text: &str) -> Result<(String, u16), &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "it is not a URL")?;
    match url.scheme() {
        "imaps" => {}
        "imap" => return Err("without TLS, the password would be readable on its way"),
        _ => return Err("it does not begin with `imaps://`"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a login does not belong in the URL, but in `inbox.user` and `inbox.password_file`");
    }
    if !matches!(url.path(), "" | "/") {
        return Err("a folder does not belong in the URL, but in `inbox.folder`");
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
    Ok((host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(PORT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const START: &str = "title: T\nbase_url: https://example.org\nmail:\n  from: a@example.org\ninbox:\n";

    fn parsed(keys: &str) -> Options {
        Config::parse("slugline.yaml", &format!("{START}{keys}")).unwrap().inbox.unwrap()
    }

    #[test]
    fn a_mailbox_is_a_path_or_an_account() {
        assert_eq!(parsed("  path: Maildir\n").source, Some(Source::Path("Maildir".into())));
        let account = |keys: &str| match parsed(keys).source {
            Some(Source::Imap(account)) => account,
            other => panic!("{other:?}"),
        };
        let plain = Account {
            host: "mail.example.org".to_owned(),
            port: 993,
            user: "bounces".to_owned(),
            password_file: None,
            tls_ca_file: None,
            folder: "INBOX".to_owned(),
        };
        assert_eq!(account("  imap: imaps://mail.example.org\n  user: bounces\n"), plain);
        let full = "  imap: imaps://[::1]:1993/\n  user: bounces\n  password_file: p.txt\n  tls_ca_file: ca.pem\n  folder: 退信\n";
        let expected = Account {
            host: "::1".to_owned(),
            port: 1993,
            password_file: Some("p.txt".into()),
            tls_ca_file: Some("ca.pem".into()),
            folder: "退信".to_owned(),
            ..plain
        };
        assert_eq!(account(full), expected);
    }

    #[test]
    fn readers_may_ask_by_mail() {
        let options = parsed("  subscribe: subscribe@example.org\n  confirm: confirm+{token}@example.org\n");
        assert_eq!(options.subscribe, Some("subscribe@example.org".parse().unwrap()));
        assert_eq!(options.confirm.as_deref(), Some("confirm+{token}@example.org"));
        assert_eq!(options.source, None);
    }

    #[test]
    fn a_wrong_value_is_found_with_its_remedy() {
        for (keys, message, help) in [
            ("  imap: mail.example.org\n", "`inbox.imap`: not a server: it is not a URL", "write `imaps://"),
            (
                "  imap: imap://a\n  user: a\n",
                "`inbox.imap`: not a server: without TLS, the password",
                "write `imaps://",
            ),
            ("  imap: https://a\n  user: a\n", "`inbox.imap`: not a server: it does not begin with", "write `imaps://"),
            (
                "  imap: imaps://a/INBOX\n  user: a\n",
                "`inbox.imap`: not a server: a folder does not",
                "write `imaps://",
            ),
            ("  imap: imaps://a\n", "`inbox.user` is missing", "add `user: bounces@example.org`"),
            ("  imap: imaps://a\n  user: a\n  path: b\n", "`inbox.imap`: there is `inbox.path`, too", "remove one"),
            ("  path: b\n  user: a\n", "`inbox.user`: it belongs to `inbox.imap`", "add `imap: imaps://"),
            ("  confirm: confirm@example.org\n", "`inbox.confirm`: there is no `{token}`", "write an address such as"),
            ("  confirm: c+{tokn}@example.org\n", "`inbox.confirm`: there is no `{tokn}`", "write `{token}`"),
            ("  subscribe: a@example.org\n", "`inbox.subscribe`: a subscription must be confirmed", "add `confirm: "),
            ("  subscribe: a\n  confirm: c+{token}@example.org\n", "`inbox.subscribe`: not a valid email", "write one"),
        ] {
            let findings = Config::parse("slugline.yaml", &format!("{START}{keys}")).unwrap_err();
            let [finding] = findings.as_slice() else { panic!("{keys}: {findings:?}") };
            assert!(finding.message.starts_with(message), "{}", finding.message);
            assert!(finding.help.as_ref().unwrap().starts_with(help), "{:?}", finding.help);
        }
        let text = "title: T\nbase_url: https://example.org\ninbox:\n  confirm: c+{token}@example.org\n";
        let findings = Config::parse("slugline.yaml", text).unwrap_err();
        assert_eq!(findings[0].message, "`inbox.confirm`: readers are answered by mail, but the project does not mail");
    }
}

//! `mail.via`, `mail.due_for`, `mail.rate` and `store`: small languages of the project file, each parsed in one place.

use std::path::PathBuf;

use chrono::Duration;
use url::{Host, Url};

use crate::config::{Database, Server, StorePlace, TlsMode};
use crate::rate::Rate;

/// A way out as one text names it.
#[derive(Debug, PartialEq)]
pub(super) enum WayOut {
    /// A folder.
    Outbox(PathBuf),
    /// A mail server.
    Server(Server),
}

/// Parses `outbox`, `outbox:DIR`, `smtp://host[:port]`, `smtp+plain://host[:port]` or `smtps://host[:port]`.
pub(super) fn via(text: &str) -> Result<WayOut, String> {
    let text = text.trim();
    if let Some(folder) = text.strip_prefix("outbox") {
        let folder = folder.strip_prefix(':').unwrap_or(folder);
        return Ok(WayOut::Outbox(PathBuf::from(if folder.is_empty() { "outbox" } else { folder })));
    }
    let url = Url::parse(text).map_err(|_| "it is neither `outbox` nor a URL".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a login does not belong into the URL".to_owned());
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
    let (tls, port) = match url.scheme() {
        "smtps" => (TlsMode::Implicit, 465),
        "smtp" if is_loopback(host) => (TlsMode::None, 25),
        "smtp" => (TlsMode::StartTls, 587),
        "smtp+starttls" => (TlsMode::StartTls, 587),
        "smtp+plain" => (TlsMode::None, 25),
        other => return Err(format!("`{other}` is not a way to send mail")),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(WayOut::Server(Server { host, port: url.port().unwrap_or(port), tls }))
}

/// Whether mail to this host stays on this machine.
fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Err(_) => false,
    }
}

/// Parses a time span such as `90m`, `48h`, `3d` or `2w`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let number: i64 = text[..text.len() - unit.len_utf8()].trim().parse().ok()?;
    if number < 0 {
        return None;
    }
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        'w' => 7 * 24 * 60,
        _ => return None,
    };
    Duration::try_minutes(number.checked_mul(minutes)?)
}

/// Parses a rate such as `10/s`, `300/min`, `5000/h` or `20000/d`.
pub(super) fn rate(text: &str) -> Option<Rate> {
    let (number, unit) = text.split_once('/')?;
    let messages: u32 = number.trim().parse().ok().filter(|messages| *messages > 0)?;
    let seconds = match unit.trim() {
        "s" => 1,
        "min" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Rate { name: "mail".to_owned(), messages, per: std::time::Duration::from_secs(seconds) })
}

/// Parses `sqlite:FILE` or `postgres://…`. What a URL says beside its password is judged where it is connected to.
pub(super) fn store(text: &str) -> Result<StorePlace, String> {
    let text = text.trim();
    if let Some(file) = text.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
        return Ok(StorePlace::Sqlite(PathBuf::from(file)));
    }
    let url = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    let url = url.ok_or_else(|| format!("`{text}`"))?;
    let (authority, query) = url.split_once('?').unwrap_or((url, ""));
    let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
    let names_password = |pair: &str| pair.split('=').next().is_some_and(|key| key.eq_ignore_ascii_case("password"));
    if login.contains(':') || query.split('&').any(names_password) {
        let places = "the environment variable SLUGLINE_STORE_PASSWORD, or a file named by `store_password_file`";
        return Err(format!("a password does not belong into the URL, but into {places}"));
    }
    Ok(StorePlace::Postgres(Database { url: text.to_owned(), password_file: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, port: u16, tls: TlsMode) -> Result<WayOut, String> {
        Ok(WayOut::Server(Server { host: host.to_owned(), port, tls }))
    }

    #[test]
    fn reads_ways_to_send() {
        assert_eq!(via("outbox"), Ok(WayOut::Outbox(PathBuf::from("outbox"))));
        assert_eq!(via("outbox:target/mail"), Ok(WayOut::Outbox(PathBuf::from("target/mail"))));
        assert_eq!(via("smtp://mail.example.org"), server("mail.example.org", 587, TlsMode::StartTls));
        assert_eq!(via("smtps://mail.example.org:4465"), server("mail.example.org", 4465, TlsMode::Implicit));
        assert_eq!(via("smtp://127.0.0.1:2525"), server("127.0.0.1", 2525, TlsMode::None));
        assert_eq!(via("smtp://[::1]"), server("::1", 25, TlsMode::None));
        assert_eq!(via("smtp+starttls://localhost:25"), server("localhost", 25, TlsMode::StartTls));
        assert!(via("http://example.org").unwrap_err().contains("`http`"));
        assert!(via("smtp://me:secret@example.org").unwrap_err().contains("login"));
    }

    #[test]
    fn reads_rates() {
        for text in ["10/s", "300/min", "5000/h", "20000/d"] {
            assert_eq!(rate(text).unwrap().to_string(), text);
        }
        assert_eq!(rate(" 7 / min ").unwrap().to_string(), "7/min");
        for wrong in ["", "10", "/s", "0/s", "-1/s", "10/m", "1.5/s", "99999999999/s"] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_time_spans() {
        assert_eq!(duration("48h"), Some(Duration::hours(48)));
        assert_eq!(duration("2w"), Some(Duration::weeks(2)));
        for wrong in ["", "h", "48", "-1h", "1y", "99999999999999999999h", "9223372036854775807w"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_stores() {
        assert_eq!(store("sqlite:readers.db"), Ok(StorePlace::Sqlite(PathBuf::from("readers.db"))));
        for url in
            ["postgres://weekly@db.example.org/weekly", "postgresql:///weekly?host=/run/postgresql&sslmode=disable"]
        {
            let database = Database { url: url.to_owned(), password_file: None };
            assert_eq!(store(url), Ok(StorePlace::Postgres(database)));
        }
        for wrong in ["", "sqlite:", "readers.db", "mysql://db.example.org"] {
            assert!(store(wrong).is_err(), "{wrong}");
        }
        for url in
            ["postgres://me:hunter2@db.example.org/weekly", "postgres://db.example.org/weekly?a=b&Password=hunter2"]
        {
            let why = store(url).unwrap_err();
            assert!(why.contains("SLUGLINE_STORE_PASSWORD") && !why.contains("hunter2"), "{why}");
        }
    }
}

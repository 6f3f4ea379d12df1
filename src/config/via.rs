//! `mail.via`, `mail.due_for`, `mail.rate` and `store`: small languages of the project file, each parsed in one place.

use std::path::PathBuf;

use chrono::Duration;

use crate::config::{Database, StorePlace};
use crate::rate::Rate;

/// The folder that `outbox` or `outbox:DIR` names; `None` where the text names something else.
pub(super) fn outbox(text: &str) -> Option<PathBuf> {
    let folder = text.strip_prefix("outbox")?;
    let folder = folder.strip_prefix(':').unwrap_or(folder);
    Some(PathBuf::from(if folder.is_empty() { "outbox" } else { folder }))
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

    #[test]
    fn reads_outboxes() {
        assert_eq!(outbox("outbox"), Some(PathBuf::from("outbox")));
        assert_eq!(outbox("outbox:target/mail"), Some(PathBuf::from("target/mail")));
        assert_eq!(outbox("smtp://mail.example.org"), None);
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

//! `mail.via`, `mail.due_for` and `mail.rate`: small languages of the project file, each parsed in one place.

use std::path::PathBuf;

use chrono::Duration;

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
}

//! Time spans in the project file, such as `mail.due_for`.

use chrono::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_time_spans() {
        assert_eq!(duration("48h"), Some(Duration::hours(48)));
        assert_eq!(duration("2w"), Some(Duration::weeks(2)));
        for wrong in ["", "h", "48", "-1h", "1y", "99999999999999999999h", "9223372036854775807w"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}

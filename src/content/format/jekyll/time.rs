//! Dates as Ruby reads them for Jekyll: in YAML a time without an offset is UTC, any other is in the time zone of the site.
//!
//! Takes text; returns a time with the offset of the site, from which Jekyll makes permalinks.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::content::date;

/// The time of a field in a site in this zone; `None` if it is not a date.
pub fn parse(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    let found = match Written::parse(text.trim()) {
        Some(Written { day, time, rest }) => {
            let offset = offset(rest).or((rest.is_empty() && is_yaml_time(text.trim())).then_some("+0000"));
            date::parse(&format!("{} {}", day.and_time(time), offset.unwrap_or_default()), zone)?
        }
        None => date::parse(text.trim(), zone)?,
    };
    Some(found.with_timezone(&zone).fixed_offset())
}

/// The date at the beginning of the name of a file, as `YYYY-MM-DD`; `None` if it is not in the calendar.
pub fn of_name(written: &str) -> Option<String> {
    day(written).map(|day| day.to_string())
}

/// Whether YAML reads it as a time: its seconds make the difference.
fn is_yaml_time(text: &str) -> bool {
    let Some((day, time)) = text.split_once(['T', 't', ' ', '\t']) else { return false };
    let is_clock = |clock: &str| clock.split(':').map(str::len).collect::<Vec<_>>() == [2, 2, 2];
    let clock = time.trim_start().split('.').next().unwrap_or_default();
    day.starts_with(|c: char| c.is_ascii_digit()) && day.split('-').map(str::len).next() == Some(4) && is_clock(clock)
}

/// A date that begins with numbers: `2026-1-2 9:05 pm +0100`.
struct Written<'t> {
    day: NaiveDate,
    time: NaiveTime,
    /// What follows.
    rest: &'t str,
}

impl<'t> Written<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '/' | '.')).unwrap_or(text.len());
        let day = day(&text[..end])?;
        let rest = text[end..].trim_start_matches(['T', 't', ' ', '\t', ',']);
        let (hour, rest) = number(rest);
        let (minute, rest) = rest.strip_prefix(':').map_or((None, rest), number);
        let (second, rest) = match rest.strip_prefix(':').map(number) {
            Some((Some(second), rest)) => (Some(second), rest),
            _ => (None, rest),
        };
        let rest = rest.strip_prefix('.').map_or(rest, |fraction| number(fraction).1).trim_start();
        let half = rest.get(..2).map(str::to_ascii_lowercase).filter(|half| half == "am" || half == "pm");
        let rest = if half.is_some() { rest[2..].trim_start() } else { rest };
        let hour = match (hour.unwrap_or(0), half.as_deref()) {
            (12, Some("am")) => 0,
            (hour @ 1..12, Some("pm")) => hour + 12,
            (hour, _) => hour,
        };
        let (day, hour) = if hour == 24 { (day + Duration::days(1), 0) } else { (day, hour) };
        let time = NaiveTime::from_hms_opt(hour, minute.unwrap_or(0), second.unwrap_or(0).min(59))?;
        Some(Self { day, time, rest })
    }
}

/// The number at the beginning, and what follows it.
fn number(text: &str) -> (Option<u32>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), &text[end..])
}

/// `2026-1-2`, `2026/01/02`, `26-1-2`, `2-1-2026` or `20260102`.
fn day(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let (year, month, day) = match parts[..] {
        [all] if all.len() == 8 => (all.get(..4)?, all.get(4..6)?, all.get(6..)?),
        [day, month, year] if day.len() <= 2 && year.len() == 4 => (year, month, day),
        [year, month, day] => (year, month, day),
        _ => return None,
    };
    let year: i32 = year.parse().ok()?;
    let year = match year {
        69..100 => 1900 + year,
        0..69 => 2000 + year,
        year => year,
    };
    NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)
}

/// The offset that a text begins with, as a number; Ruby knows the zones of RFC 822, and takes others for that of the site.
fn offset(text: &str) -> Option<&str> {
    const NAMED: [(&str, &str); 12] = [
        ("UTC", "+0000"),
        ("GMT", "+0000"),
        ("Z", "+0000"),
        ("UT", "+0000"),
        ("EST", "-0500"),
        ("EDT", "-0400"),
        ("CST", "-0600"),
        ("CDT", "-0500"),
        ("MST", "-0700"),
        ("MDT", "-0600"),
        ("PST", "-0800"),
        ("PDT", "-0700"),
    ];
    let word = text.split_whitespace().next()?;
    let digits = word.strip_prefix(['+', '-']).map(|rest| rest.replace(':', ""));
    if digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(word);
    }
    NAMED.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, offset)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_by_ruby() {
        for (text, expected) in [
            ("2026-01-02", "2026-01-02T00:00:00+08:00"),
            ("2026-1-2", "2026-01-02T00:00:00+08:00"),
            ("2026/01/02 9:05", "2026-01-02T09:05:00+08:00"),
            // YAML's times are UTC, and others local.
            ("2026-01-02 22:00:00", "2026-01-03T06:00:00+08:00"),
            ("2026-01-02T22:00:00", "2026-01-03T06:00:00+08:00"),
            ("2026-01-02 22:00", "2026-01-02T22:00:00+08:00"),
            ("2026-01-02 22:00:00 +0100", "2026-01-03T05:00:00+08:00"),
            ("2026-01-02 22:00 -05:00", "2026-01-03T11:00:00+08:00"),
            ("2026-01-02T22:00:00Z", "2026-01-03T06:00:00+08:00"),
            ("2026-01-02 22:00:00 UTC", "2026-01-03T06:00:00+08:00"),
            ("2026-01-02 22:00:00.5 +0800", "2026-01-02T22:00:00+08:00"),
            ("2026-01-02 9:05 PM", "2026-01-02T21:05:00+08:00"),
            ("2026-01-02 12:05am", "2026-01-02T00:05:00+08:00"),
            ("2026-01-02 24:00", "2026-01-03T00:00:00+08:00"),
            ("2026-01-02 22:00:00 PST", "2026-01-03T14:00:00+08:00"),
            ("2026-01-02 22:00:00 XYZ", "2026-01-02T22:00:00+08:00"),
            ("2026-01-02 22:00::00 -03:00", "2026-01-02T22:00:00+08:00"),
            ("2026-01-02 22:00:30 2026 -0800", "2026-01-02T22:00:30+08:00"),
            ("2-1-2026", "2026-01-02T00:00:00+08:00"),
            ("20260102", "2026-01-02T00:00:00+08:00"),
            ("2026.01.02, 10:00", "2026-01-02T10:00:00+08:00"),
            ("2 January 2026", "2026-01-02T00:00:00+08:00"),
        ] {
            let found = parse(text, Tz::Asia__Shanghai).map(|date| date.to_rfc3339());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "soon", "2026-02-30", "2026-01-02 25:00", "2026-01"] {
            assert_eq!(parse(text, Tz::UTC), None, "{text}");
        }
    }

    #[test]
    fn names_have_short_years() {
        assert_eq!(of_name("26-1-2").as_deref(), Some("2026-01-02"));
        assert_eq!(of_name("99-12-31").as_deref(), Some("1999-12-31"));
        assert_eq!(of_name("2026-02-30"), None);
    }
}

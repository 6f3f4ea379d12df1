//! Parses the dates in front matter: `date`, `lastmod`, `publishDate` and `expiryDate`.
//!
//! Takes text and the publication's time zone, which applies to dates without an offset; returns a time with its
//! offset. Accepts RFC 3339, RFC 2822 and Hugo's other formats; a date without a time means midnight. `assemble`
//! decides which field is the date of an issue, `feed::rss` writes it as `pubDate`.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
use chrono_tz::{OffsetName, Tz};

/// Hugo's formats, without the day of the week, and those of git, Ruby and `date`.
const WITH_OFFSET: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M%:z",
    "%Y-%m-%d %H:%M %z",
    "%b %d %H:%M:%S %z %Y",
    "%b %d %H:%M:%S %Y %z",
    "%d %b %y %H:%M %z",
];

const WITHOUT_OFFSET: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%b %d %H:%M:%S %Y",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %I:%M:%S %p",
    "%d %b %y %H:%M",
    "%d-%b-%y %H:%M:%S",
];

const DAY_ONLY: [&str; 4] = ["%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y"];

/// Parses a date to the second; `None` if it is malformed or not in the calendar.
pub fn parse(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    // A timestamp in milliseconds is a year that no feed can express.
    parse_any_format(text.trim(), zone).map(normalize).filter(|date| date.year() <= 9999)
}

/// Truncates to seconds, with an offset in whole minutes, which all feed formats can express. Local mean time, used
/// before time zones existed, has offsets with seconds and becomes UTC.
fn normalize(date: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
    let date = date.with_nanosecond(0).unwrap_or(date);
    if date.offset().local_minus_utc() % 60 == 0 { date } else { date.to_utc().fixed_offset() }
}

fn parse_any_format(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Some(date);
    }
    if let Some(seconds) = unix_seconds(text) {
        return Some(DateTime::from_timestamp(seconds, 0)?.fixed_offset());
    }
    let (text, named_zone) = without_zone_name(without_week_day(text));
    let text = as_chrono_reads_it(text);
    if let Some(date) = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(&text, format).ok()) {
        return Some(date);
    }
    let naive = parse_without_offset(&text)?;
    let in_own = in_zone(naive, zone)?;
    match named_zone {
        None => Some(in_own),
        Some(name) if zone.offset_from_utc_datetime(&in_own.naive_utc()).abbreviation() == Some(&name) => Some(in_own),
        // Like Go, which does not know what other names mean.
        Some(_) => in_zone(naive, Tz::UTC),
    }
}

/// A number of ten digits or more: fewer are more likely a date such as 20261120.
fn unix_seconds(text: &str) -> Option<i64> {
    (text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The text after a day of the week, which no one has to write correctly.
fn without_week_day(text: &str) -> &str {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let Some((first, rest)) = text.split_once(' ') else { return text };
    let name = first.trim_end_matches(',').to_ascii_lowercase();
    let is_day = name.len() >= 3 && DAYS.iter().any(|day| *day == name || day[..3] == name);
    if is_day { rest.trim_start() } else { text }
}

/// The text without a word such as `CST`, with single spaces, and the word.
fn without_zone_name(text: &str) -> (String, Option<String>) {
    let is_name = |word: &&str| {
        let is_half = ["AM", "PM"].contains(word);
        (2..=5).contains(&word.len()) && !is_half && word.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    let name = text.split_whitespace().find(is_name).map(str::to_owned);
    let others = text.split_whitespace().filter(|word| !is_name(word));
    (others.collect::<Vec<_>>().join(" "), name)
}

/// What Go reads and chrono's formats do not: `Z` as an offset, and a comma before fractions of a second.
fn as_chrono_reads_it(text: String) -> String {
    let has_digit_before = |at: usize| text[..at].ends_with(|c: char| c.is_ascii_digit());
    let text = match text.strip_suffix(['Z', 'z']) {
        Some(rest) if has_digit_before(rest.len()) => format!("{rest}+00:00"),
        _ => text,
    };
    match text.rfind(',') {
        Some(comma) if text[..comma].contains(':') => format!("{}.{}", &text[..comma], &text[comma + 1..]),
        _ => text,
    }
}

fn parse_without_offset(text: &str) -> Option<NaiveDateTime> {
    let with_time = WITHOUT_OFFSET.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || DAY_ONLY.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    let time = with_time.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))?;
    // `26-11-20` is not a date of the first century.
    (time.year() >= 1000 || text.starts_with("00")).then_some(time)
}

/// A time skipped by a clock change uses the offset before it; an ambiguous time is the earlier one.
fn in_zone(naive: NaiveDateTime, zone: Tz) -> Option<DateTime<FixedOffset>> {
    if let Some(time) = zone.from_local_datetime(&naive).earliest() {
        return Some(time.fixed_offset());
    }
    let before = zone.from_local_datetime(&(naive - chrono::TimeDelta::hours(3))).earliest()?;
    before.offset().fix().from_local_datetime(&naive).earliest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shanghai(text: &str) -> Option<String> {
        parse(text, Tz::Asia__Shanghai).map(|date| date.to_rfc3339())
    }

    #[test]
    fn common_formats_are_parsed() {
        for (text, expected) in [
            ("2020-08-14T15:00:00+08:00", "2020-08-14T15:00:00+08:00"),
            ("2016-12-31T23:59:60.9Z", "2016-12-31T23:59:59+00:00"),
            ("1900-01-01", "1899-12-31T15:54:17+00:00"),
            ("2020-08-14T15:00:00.000Z", "2020-08-14T15:00:00+00:00"),
            ("2020-08-14t15:00:00z", "2020-08-14T15:00:00+00:00"),
            ("2020-08-14 15:00:00 +0100", "2020-08-14T15:00:00+01:00"),
            ("2020-08-14T15:00:00+0800", "2020-08-14T15:00:00+08:00"),
            ("2020-08-14 15:00:00 UTC", "2020-08-14T15:00:00+00:00"),
            ("2020-08-14 15:00", "2020-08-14T15:00:00+08:00"),
            ("2020-08-14", "2020-08-14T00:00:00+08:00"),
            (" 2020/08/14 ", "2020-08-14T00:00:00+08:00"),
            ("14 August 2020", "2020-08-14T00:00:00+08:00"),
            ("Fri, 14 Aug 2020 15:00:00 +0800", "2020-08-14T15:00:00+08:00"),
            // Go, git, Ruby and `date`; the day of the week may be wrong.
            ("2020-08-14 15:00:00 +0000 UTC", "2020-08-14T15:00:00+00:00"),
            ("2020-08-14 15:00:00.5 +0800 CST", "2020-08-14T15:00:00+08:00"),
            ("2020-08-14 15:00:00 CST", "2020-08-14T15:00:00+08:00"),
            ("2020-08-14 15:00:00 XYZ", "2020-08-14T15:00:00+00:00"),
            ("Fri Aug 14 15:00:00 2020", "2020-08-14T15:00:00+08:00"),
            ("Fri Aug  4 15:00:00 UTC 2020", "2020-08-04T15:00:00+00:00"),
            ("Sat Aug 14 15:00:00 +0100 2020", "2020-08-14T15:00:00+01:00"),
            ("Fri Aug 14 15:00:00 2020 -0330", "2020-08-14T15:00:00-03:30"),
            ("Fri, 14 Aug 2020 15:00:00 UTC", "2020-08-14T15:00:00+00:00"),
            ("Friday, 14-Aug-20 15:00:00 UTC", "2020-08-14T15:00:00+00:00"),
            ("14 Aug 20 15:00 +0800", "2020-08-14T15:00:00+08:00"),
            ("14 Aug 20 15:00 UTC", "2020-08-14T15:00:00+00:00"),
            ("Fri 14 Aug 2020 03:00:00 PM UTC", "2020-08-14T15:00:00+00:00"),
            ("1597417200", "2020-08-14T15:00:00+00:00"),
            ("2020-08-14T8:45:00Z", "2020-08-14T08:45:00+00:00"),
            ("2020-08-14 8:45:00 +0100", "2020-08-14T08:45:00+01:00"),
            ("2020-08-14T08:45Z", "2020-08-14T08:45:00+00:00"),
            ("2020-08-14T08:45:00,5Z", "2020-08-14T08:45:00+00:00"),
            ("2020-08-14 08:45:00,25 +0900", "2020-08-14T08:45:00+09:00"),
        ] {
            assert_eq!(shanghai(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in [
            "",
            "soon",
            "2020-02-30",
            "2020-13-01",
            "2020-08-14T25:00:00Z",
            "20200814",
            "20-08-14",
            "3:04PM",
            "Z",
            ",",
            "2020-08-14T08:45:00,Z",
            "1597417200000",
            "12020-01-01",
        ] {
            assert_eq!(shanghai(text), None, "{text}");
        }
    }

    #[test]
    fn skipped_and_ambiguous_times_are_resolved() {
        let berlin = |text| parse(text, Tz::Europe__Berlin).map(|date| date.to_rfc3339());
        assert_eq!(berlin("2026-03-29 02:30").as_deref(), Some("2026-03-29T02:30:00+01:00"));
        assert_eq!(berlin("2026-10-25 02:30").as_deref(), Some("2026-10-25T02:30:00+02:00"));
    }
}

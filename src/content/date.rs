//! Parses the dates in front matter: `date`, `lastmod`, `publishDate` and `expiryDate`.
//!
//! Takes text and the publication's time zone, which applies to dates without an offset; returns a time with its
//! offset. Accepts RFC 3339, RFC 2822 and Hugo's other formats; a date without a time means midnight. `assemble`
//! decides which field is the date of an issue, `feed::rss` writes it as `pubDate`.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

const WITH_OFFSET: [&str; 6] = [
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M%:z",
    "%Y-%m-%d %H:%M %z",
];

const WITHOUT_OFFSET: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

const DAY_ONLY: [&str; 4] = ["%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y"];

/// Parses a date to the second; `None` if it is malformed or not in the calendar.
pub fn parse(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    parse_any_format(text.trim(), zone).map(normalize)
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
    if let Some(date) = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return Some(date);
    }
    let utc = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" +0000 UTC"));
    let naive = parse_without_offset(utc.unwrap_or(text))?;
    if utc.is_some() { in_zone(naive, Tz::UTC) } else { in_zone(naive, zone) }
}

fn parse_without_offset(text: &str) -> Option<NaiveDateTime> {
    let with_time = WITHOUT_OFFSET.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || DAY_ONLY.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    with_time.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))
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
        ] {
            assert_eq!(shanghai(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in ["", "soon", "2020-02-30", "2020-13-01", "2020-08-14T25:00:00Z", "20200814"] {
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

//! Dates as people write them in front matter.
//!
//! Takes text and the publication's time zone; gives an instant with its offset. RFC 3339 comes first, then what Hugo
//! also accepts. A date without a time is that day's midnight.

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

/// Reads a date, to the second; `None` when it is none, or no day of the calendar.
pub fn parse(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    written(text.trim(), zone).map(whole)
}

/// To the second, with an offset in whole minutes: what all formats can say. Local time before there were time zones had
/// offsets of seconds, which becomes UTC.
fn whole(date: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
    let date = date.with_nanosecond(0).unwrap_or(date);
    if date.offset().local_minus_utc() % 60 == 0 { date } else { date.to_utc().fixed_offset() }
}

fn written(text: &str, zone: Tz) -> Option<DateTime<FixedOffset>> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Some(date);
    }
    if let Some(date) = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return Some(date);
    }
    let utc = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" +0000 UTC"));
    let naive = naive(utc.unwrap_or(text))?;
    if utc.is_some() { in_zone(naive, Tz::UTC) } else { in_zone(naive, zone) }
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    let with_time = WITHOUT_OFFSET.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || DAY_ONLY.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    with_time.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))
}

/// A time that the clocks skipped is read with the offset before the skip; one that they showed twice is the first.
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
    fn reads_what_people_write() {
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
    fn what_is_no_date_is_none() {
        for text in ["", "soon", "2020-02-30", "2020-13-01", "2020-08-14T25:00:00Z", "20200814"] {
            assert_eq!(shanghai(text), None, "{text}");
        }
    }

    #[test]
    fn hours_that_do_not_exist_or_exist_twice_have_one_answer() {
        let berlin = |text| parse(text, Tz::Europe__Berlin).map(|date| date.to_rfc3339());
        assert_eq!(berlin("2026-03-29 02:30").as_deref(), Some("2026-03-29T02:30:00+01:00"));
        assert_eq!(berlin("2026-10-25 02:30").as_deref(), Some("2026-10-25T02:30:00+02:00"));
    }
}

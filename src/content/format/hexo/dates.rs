//! Dates as Hexo understands them, and their parts in addresses.
//!
//! Takes dates as written; returns what they are in the time zone of the site.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeDelta, Timelike};

/// A date as Hexo understands it, in the time zone of the site. Its YAML reads an offset in the forms of YAML only, and then keeps
/// the time of day in UTC and forgets the offset. Slashes separate a day too.
pub(super) fn local_date(written: &str) -> Option<String> {
    let (day, time) = written.trim().split_once([' ', 'T', 't']).unwrap_or((written.trim(), ""));
    if day.contains('/') {
        let starts_with_year = day.split('/').next().is_some_and(|year| year.len() == 4);
        return starts_with_year.then(|| format!("{} {time}", day.replace('/', "-")).trim().to_owned());
    }
    let at = time.find(['Z', '+', '-'])?;
    let (time, offset) = (time[..at].trim(), &time[at..]);
    let (hours, minutes) = match offset {
        "Z" => ("+0", "0"),
        offset => offset.split_once(':').unwrap_or((offset, "0")),
    };
    let is_yaml = (2..=3).contains(&hours.len()) && time.matches(':').count() == 2;
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    let minutes = if offset.starts_with('-') { -minutes } else { minutes };
    let local = NaiveDateTime::parse_from_str(&format!("{day} {time}"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    let utc = local.checked_sub_signed(TimeDelta::try_minutes(i64::from(hours) * 60 + i64::from(minutes))?)?;
    is_yaml.then(|| utc.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// What a name in a pattern stands for, if it is a part of the date.
pub(super) fn part_of_date(name: &str, date: DateTime<FixedOffset>) -> Option<String> {
    Some(match name {
        "year" => format!("{:04}", date.year()),
        "month" => format!("{:02}", date.month()),
        "i_month" => date.month().to_string(),
        "day" => format!("{:02}", date.day()),
        "i_day" => date.day().to_string(),
        "hour" => format!("{:02}", date.hour()),
        "minute" => format!("{:02}", date.minute()),
        "second" => format!("{:02}", date.second()),
        "timestamp" => date.timestamp().to_string(),
        _ => return None,
    })
}

//! Dates as people write them for Pelican, whose parser reads nearly anything: `May 6, 2014 10:20 PM`, `20140506`, `06.05.2014`.
//!
//! Takes a text; returns the same date as RFC 3339 has it, with an offset if the text has one.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::content::date;

/// The date in words that slugline reads, or the text itself if it is one already, or none at all.
pub(super) fn normalized(text: &str) -> String {
    let text = text.replace('_', " ");
    match date::parse(&text, Tz::UTC) {
        Some(_) => text,
        None => parsed(&text).unwrap_or(text),
    }
}

fn parsed(text: &str) -> Option<String> {
    let (text, offset) = offset(text.trim());
    let (text, time) = time(text)?;
    let day = day(&text)?;
    Some(format!("{day}T{}{offset}", time.unwrap_or_default()))
}

/// The offset at the end of a text with a time: `Z`, `+0800`, `+08:00`.
fn offset(text: &str) -> (&str, String) {
    let is_offset = |offset: &str| {
        let digits = offset.replace(':', "");
        digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    for name in ["Z", "UTC", "GMT"] {
        if let Some(before) = text.strip_suffix(name) {
            return (before.trim_end(), "Z".to_owned());
        }
    }
    match text.rfind(['+', '-']) {
        Some(at) if text[..at].contains(':') && is_offset(&text[at + 1..]) => {
            let digits = text[at + 1..].replace(':', "");
            (text[..at].trim_end(), format!("{}{}:{}", &text[at..=at], &digits[..2], &digits[2..]))
        }
        _ => (text, String::new()),
    }
}

/// The text without its time, and the time: `10:20`, `10:20:30.5`, `10 pm`. `None` if there is no such time.
fn time(text: &str) -> Option<(String, Option<NaiveTime>)> {
    let lower = text.to_lowercase().replace("a.m.", "am").replace("p.m.", "pm");
    let spaced = lower.replace("am", " am ").replace("pm", " pm ");
    let words: Vec<&str> = spaced.split([' ', 't', ',']).filter(|word| !word.is_empty()).collect();
    let half = words.iter().position(|word| matches!(*word, "am" | "pm"));
    let clock = words.iter().position(|word| word.contains(':')).or_else(|| half?.checked_sub(1));
    let Some(clock) = clock else { return Some((lower, None)) };
    let mut parts = words[clock].split(':').map(|part| part.split('.').next().unwrap_or_default().parse::<u32>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    let hour = match half.map(|at| words[at]) {
        Some("am") if hour == 12 => 0,
        Some("pm") if hour < 12 => hour + 12,
        _ => hour,
    };
    let others = words.iter().enumerate().filter(|(at, _)| *at != clock && Some(*at) != half).map(|(_, word)| *word);
    Some((others.collect::<Vec<_>>().join(" "), Some(NaiveTime::from_hms_opt(hour, minute, second)?)))
}

/// The day, with the month first unless it cannot be a month.
fn day(text: &str) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (mut numbers, mut month) = (Vec::new(), None);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let named = word.get(..3).and_then(|name| MONTHS.iter().position(|month| *month == name));
        match (digits.parse::<u32>(), named) {
            (Ok(number), _) => numbers.push((number, digits.len())),
            (Err(_), Some(at)) => month = Some(u32::try_from(at + 1).ok()?),
            // A day of the week, or another word that says nothing.
            (Err(_), None) if word.is_ascii() => {}
            (Err(_), None) => return None,
        }
    }
    let year = |(number, length): (u32, usize)| {
        if length > 2 { number } else { number + if number < 69 { 2000 } else { 1900 } }
    };
    let is_year = |(number, length): (u32, usize)| length == 4 || number > 31;
    let (year, month, day) = match (month, numbers.as_slice()) {
        (None, [(number, 8)]) => (number / 10_000, number / 100 % 100, number % 100),
        (Some(month), [a, b]) if is_year(*a) => (year(*a), month, b.0),
        (Some(month), [a, b]) => (year(*b), month, a.0),
        (None, [a, b, c]) if is_year(*a) => (year(*a), b.0, c.0),
        (None, [a, b, c]) if a.0 > 12 => (year(*c), b.0, a.0),
        (None, [a, b, c]) => (year(*c), a.0, b.0),
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok().filter(|year| (1000..10_000).contains(year))?, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_those_of_pelican() {
        for (text, expected) in [
            ("2014-05-06 10:20", "2014-05-06 10:20"),
            ("2014_05_06", "2014-05-06T00:00:00"),
            ("20140506", "2014-05-06T00:00:00"),
            ("May 6, 2014 10:20 PM", "2014-05-06T22:20:00"),
            ("6th May 2014 12:05am", "2014-05-06T00:05:00"),
            ("Tue, 6 May 2014", "Tue, 6 May 2014"),
            ("05/06/2014", "2014-05-06T00:00:00"),
            ("16.05.2014 7:08:09", "2014-05-16T07:08:09"),
            ("2014.5.6", "2014-05-06T00:00:00"),
            ("2014-5-6 7:08:09 +0200", "2014-5-6 7:08:09 +0200"),
            ("2014/5/6 07:08+02:00", "2014-05-06T07:08:00+02:00"),
            ("05/06/14 3 pm", "2014-05-06T15:00:00"),
            ("2014-05-06T10:20:30.123Z", "2014-05-06T10:20:30.123Z"),
            ("soon", "soon"),
            ("2014-02-30", "2014-02-30"),
            ("2014年5月6日", "2014年5月6日"),
        ] {
            let found = normalized(text);
            let is_date = found == expected || date::parse(&found, Tz::UTC) == date::parse(expected, Tz::UTC);
            assert!(is_date, "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([0-9]{1,4}|[-/:. ,T+]|May|am|pm|Z|潮|[a-z]){0,12}") {
            normalized(&text);
        }
    }
}

//! Dates at the beginning of file names, where Hugo's configuration says that they count (`frontmatter.date: [":filename"]`),
//! and outside Hugo also those of folders.
//!
//! Takes the path of a file or bundle; returns its date, and the rest as the slug.

use chrono::{DateTime, FixedOffset};
use chrono_tz::Tz;

use crate::content::date;
use crate::content::path::{base_name, container};

/// Whether a date in the file name counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileDate {
    /// Never.
    #[default]
    Ignored,
    /// Rather than that of the front matter.
    First,
    /// If the front matter has none.
    Last,
    /// The same, also of the folders `2026/03/05` around the file, as generators other than Hugo read it.
    OfPath,
}

impl FileDate {
    /// The date and the slug in the path of a page whose front matter has this date, or none.
    pub fn of(
        self,
        path: &str,
        written: Option<DateTime<FixedOffset>>,
        zone: Tz,
    ) -> Option<(DateTime<FixedOffset>, &str)> {
        match self {
            Self::Ignored => None,
            Self::Last | Self::OfPath if written.is_some() => None,
            Self::First | Self::Last => date_and_slug(base_name(path), zone),
            Self::OfPath => date_and_slug(base_name(path), zone).or_else(|| date_of_folders(path, zone)),
        }
    }
}

/// `2026-03-05-ebb`, or `2026-03-05-06-07-08-ebb`, the time after any character.
fn date_and_slug(name: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, &str)> {
    let (day, rest) = name.split_at_checked(10)?;
    let is_day = day
        .bytes()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let parsed = |text: &str| date::parse(text, zone);
    let timed =
        rest.get(1..9).and_then(|time| Some((parsed(&format!("{day}T{}", time.replace('-', ":")))?, &rest[9..])));
    let (date, slug) = timed.filter(|_| is_day).or_else(|| is_day.then(|| Some((parsed(day)?, rest)))?)?;
    Some((date, slug.trim_matches([' ', '-', '_'])))
}

/// `2026/03/05/ebb.md`, or `2026/03/05-ebb.md`: the page keeps the name of the file.
fn date_of_folders(path: &str, zone: Tz) -> Option<(DateTime<FixedOffset>, &str)> {
    let mut parts = container(path).rsplit('/');
    let name = base_name(path);
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let in_name = name.split_at_checked(2).filter(|(day, rest)| digits(day, 2) && rest.starts_with(['-', '_']));
    let day = in_name.map_or_else(|| parts.next(), |(day, _)| Some(day))?;
    let (month, year) = (parts.next()?, parts.next()?);
    let is_date = digits(day, 2) && digits(month, 2) && digits(year, 4);
    let date = is_date.then(|| date::parse(&format!("{year}-{month}-{day}"), zone))??;
    Some((date, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_with_a_date() {
        let of = |name: &str| {
            let found = FileDate::First.of(name, None, Tz::Europe__Amsterdam);
            found.map(|(date, slug)| (date.to_rfc3339(), slug.to_owned()))
        };
        let is = |date: &str, slug: &str| Some((date.to_owned(), slug.to_owned()));
        assert_eq!(of("2026-03-05-ebb-tide"), is("2026-03-05T00:00:00+01:00", "ebb-tide"));
        assert_eq!(of("2026-03-05 06-07-08_ebb"), is("2026-03-05T06:07:08+01:00", "ebb"));
        assert_eq!(of("2026-03-05"), is("2026-03-05T00:00:00+01:00", ""));
        assert_eq!(of("2026-03-05-潮汐表面"), is("2026-03-05T00:00:00+01:00", "潮汐表面"));
        assert_eq!(of("2026-13-05-ebb"), None);
        assert_eq!(of("ebb-2026-03-05"), None);
        assert_eq!(of("潮汐潮汐"), None);
        let written = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").ok();
        assert_eq!(FileDate::Last.of("2026-03-05-ebb", written, Tz::UTC), None);
        assert!(FileDate::Last.of("2026-03-05-ebb", None, Tz::UTC).is_some());
        assert!(FileDate::First.of("2026-03-05-ebb", written, Tz::UTC).is_some());
        assert_eq!(FileDate::Ignored.of("2026-03-05-ebb", None, Tz::UTC), None);
    }

    #[test]
    fn outside_hugo_folders_are_dates_too() {
        let of = |path: &str| {
            let found = FileDate::OfPath.of(path, None, Tz::UTC);
            found.map(|(date, slug)| (date.format("%F").to_string(), slug.to_owned()))
        };
        let is = |slug: &str| Some(("2026-03-05".to_owned(), slug.to_owned()));
        assert_eq!(of("blog/2026/03/05/ebb.md"), is(""));
        assert_eq!(of("2026/03/05/ebb/index.md"), is(""));
        assert_eq!(of("2026/03/05-ebb.md"), is(""));
        assert_eq!(of("2026/03/2026-03-05-ebb.mdx"), is("ebb"));
        assert_eq!(of("2026/03/ebb.md"), None);
        assert_eq!(of("2026/13/05/ebb.md"), None);
        assert_eq!(of("05/ebb.md"), None);
        let written = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").ok();
        assert_eq!(FileDate::OfPath.of("2026/03/05/ebb.md", written, Tz::UTC), None);
    }
}

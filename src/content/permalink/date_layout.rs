//! Go's layouts of dates, such as `2006` and `Jan`, as far as a token of a permalink can contain them.
//!
//! Takes a layout; returns its pieces, or a date in that layout.

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

/// Each element of a date as it looks in Go's reference time, longest first where one begins like another.
const ELEMENTS: [&str; 22] = [
    "January", "Jan", "Monday", "Mon", "2006", "002", "01", "02", "03", "04", "05", "06", "15", "__2", "_2", "1", "2",
    "3", "4", "5", "PM", "pm",
];

/// A date in this layout; `None` if the layout contains no element of a date.
pub(super) fn formatted(layout: &str, date: DateTime<FixedOffset>) -> Option<String> {
    let (mut text, mut rest, mut found) = (String::new(), layout, false);
    while let Some(c) = rest.chars().next() {
        match element(rest) {
            Some(element) => {
                found = true;
                text.push_str(&value(element, date));
                rest = &rest[element.len()..];
            }
            None => {
                text.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    found.then_some(text)
}

/// The element at the beginning of the text. `Month` does not begin with `Mon`.
fn element(text: &str) -> Option<&'static str> {
    let follows = |element: &str| text[element.len()..].starts_with(|c: char| c.is_ascii_lowercase());
    let is_here = |element: &&str| match *element {
        "_2" if text.starts_with("_2006") => false,
        "Jan" | "Mon" => text.starts_with(*element) && !follows(element),
        element => text.starts_with(element),
    };
    ELEMENTS.into_iter().find(is_here)
}

fn value(element: &str, date: DateTime<FixedOffset>) -> String {
    let hour = date.hour12().1;
    match element {
        "January" => date.format("%B").to_string(),
        "Jan" => date.format("%b").to_string(),
        "Monday" => date.format("%A").to_string(),
        "Mon" => date.format("%a").to_string(),
        "2006" => format!("{:04}", date.year()),
        "06" => format!("{:02}", date.year().rem_euclid(100)),
        "002" => format!("{:03}", date.ordinal()),
        "__2" => format!("{:>3}", date.ordinal()),
        "01" => format!("{:02}", date.month()),
        "1" => date.month().to_string(),
        "02" => format!("{:02}", date.day()),
        "_2" => format!("{:>2}", date.day()),
        "2" => date.day().to_string(),
        "15" => format!("{:02}", date.hour()),
        "03" => format!("{hour:02}"),
        "3" => hour.to_string(),
        "04" => format!("{:02}", date.minute()),
        "4" => date.minute().to_string(),
        "05" => format!("{:02}", date.second()),
        "5" => date.second().to_string(),
        half => match (date.hour() < 12, half) {
            (true, "pm") => "am".to_owned(),
            (false, "pm") => "pm".to_owned(),
            (true, _) => "AM".to_owned(),
            (false, _) => "PM".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_formatted_like_go() {
        let date = DateTime::parse_from_rfc3339("2026-03-05T16:07:08+02:00").unwrap();
        for (layout, expected) in [
            ("2006", Some("2026")),
            ("20060102", Some("20260305")),
            ("Jan2", Some("Mar5")),
            ("January", Some("March")),
            ("Monday", Some("Thursday")),
            ("Mon", Some("Thu")),
            ("Month", None),
            ("06", Some("26")),
            ("_2", Some(" 5")),
            ("_2006", Some("_2026")),
            ("002", Some("064")),
            ("1504", Some("1607")),
            ("03PM", Some("04PM")),
            ("x2", Some("x5")),
            ("yaer", None),
        ] {
            assert_eq!(formatted(layout, date).as_deref(), expected, "{layout}");
        }
    }
}

//! A day anywhere in the name of a file: `weekly-2026-01-02`, `tide_20260102`.

use chrono::NaiveDate;

/// The first day in a name, which no other digit touches.
pub(super) fn in_name(name: &str) -> Option<NaiveDate> {
    let bytes = name.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let number = |from: usize, length: usize| {
        let digits = (from..from + length).all(is_digit).then(|| name.get(from..from + length))??;
        digits.parse::<u32>().ok()
    };
    let day = |at: usize| {
        let year = number(at, 4).filter(|year| (1990..2100).contains(year))?;
        let gap = usize::from(matches!(bytes.get(at + 4), Some(b'-' | b'_' | b'.')));
        let end = at + 8 + 2 * gap;
        let is_whole = (at == 0 || !is_digit(at - 1)) && !is_digit(end);
        let same = gap == 0 || bytes.get(at + 4) == bytes.get(at + 6 + gap);
        let (month, day) = (number(at + 4 + gap, 2)?, number(at + 6 + 2 * gap, 2)?);
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| is_whole && same)
    };
    (0..bytes.len()).find_map(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_found() {
        for (name, day) in [
            ("weekly-2026-01-02", "2026-01-02"),
            ("潮20260102期", "2026-01-02"),
            ("2026.01.02", "2026-01-02"),
            ("a_2026_01_02-2026_01_08", "2026-01-02"),
        ] {
            assert_eq!(in_name(name).map(|day| day.to_string()).as_deref(), Some(day), "{name}");
        }
        for name in
            ["issue-20260102345", "2026-13-01", "2026-01-2", "2026", "12026-01-02", "1926-01-02", "", "2026-01_02"]
        {
            assert_eq!(in_name(name), None, "{name}");
        }
    }
}

//! Scales: round numbers for ticks, the unit of a rate, durations and shares in words.
//!
//! Where they are drawn is up to `plot`.

use chrono::TimeDelta;

/// Ticks at round numbers from 0 to at least `max`: four to six of them, whole numbers if `whole`.
pub(super) fn ticks(max: f64, whole: bool) -> Vec<f64> {
    let max = if max > 0.0 { max } else { 1.0 };
    // Powers of ten by multiplication: the platform's `powi` may differ in the last bit.
    let mut unit = 1.0;
    while max / unit > 50.0 {
        unit *= 10.0;
    }
    while max / unit <= 5.0 && !whole {
        unit /= 10.0;
    }
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * unit);
    let step = steps.into_iter().find(|step| max / step <= 5.0 + 1e-9).unwrap_or(unit * 10.0);
    let count = (max / step - 1e-9).ceil().max(1.0) as u32;
    (0..=count).map(|number| f64::from(number) * step).collect()
}

/// The unit in which a rate up to this maximum is readable: its length in seconds, and its name.
pub(super) fn rate_unit(max_per_second: f64) -> (f64, &'static str) {
    match max_per_second {
        fast if fast >= 1.0 => (1.0, "second"),
        slow if slow * 60.0 >= 1.0 => (60.0, "minute"),
        _ => (3600.0, "hour"),
    }
}

/// A rate, such as `1,234/s` or `12/min`.
pub(super) fn rate(per_second: f64) -> String {
    let (seconds, word) = rate_unit(per_second);
    let short = match word {
        "second" => "s",
        "minute" => "min",
        _ => "h",
    };
    format!("{}/{short}", number(per_second * seconds))
}

/// A number with its significant digits and thousands separators.
pub(super) fn number(number: f64) -> String {
    match number {
        large if large >= 9.95 || (large - large.round()).abs() < 1e-9 => grouped(large.round() as u64),
        small => {
            let text = format!("{small:.2}");
            let text = if small >= 1.0 { format!("{small:.1}") } else { text };
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// A whole number with thousands separators.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A short number for an axis, such as `50k` or `1.5M`.
pub(super) fn short(value: f64) -> String {
    match value {
        large if large >= 1e6 => format!("{}M", number(large / 1e6)),
        large if large >= 1e4 => format!("{}k", number(large / 1e3)),
        _ => number(value),
    }
}

/// A share in percent; 0 % and 100 % only if exact.
pub(super) fn share(part: u64, all: u64) -> String {
    if part == 0 || all == 0 {
        return "0 %".to_owned();
    }
    let percent = part as f64 * 100.0 / all as f64;
    match percent {
        _ if part == all => "100 %".to_owned(),
        little if little < 0.1 => "< 0.1 %".to_owned(),
        much if much > 99.9 => "> 99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// A duration in its two largest units, such as `2 h 5 min`.
pub(super) fn duration(time: TimeDelta) -> String {
    let all = time.num_seconds().max(0);
    if all == 0 {
        return "less than a second".to_owned();
    }
    let parts = [(all / 86_400, "d"), (all / 3600 % 24, "h"), (all / 60 % 60, "min"), (all % 60, "s")];
    let from = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[from..].iter().take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(7.0, true), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(1.0, true), [0.0, 1.0]);
        assert_eq!(ticks(1.0, false), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(1234.0, true), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(0.0, true), [0.0, 1.0]);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0.0, 0.25, 1.5, 2.0, 9.99, 1234.4].map(number), ["0", "0.25", "1.5", "2", "10", "1,234"]);
        assert_eq!([0.0, 900.0, 5000.0, 12_500.0, 2e6].map(short), ["0", "900", "5,000", "13k", "2M"]);
        assert_eq!([0.01, 0.5, 12.0].map(rate), ["36/h", "30/min", "12/s"]);
        assert_eq!(
            [(0, 9), (9, 9), (1, 3), (1, 10_000), (9_999, 10_000)].map(|(part, all)| share(part, all)),
            ["0 %", "100 %", "33.3 %", "< 0.1 %", "> 99.9 %"]
        );
        assert_eq!(
            [0, 59, 60, 3725, 90_000].map(|time| duration(TimeDelta::seconds(time))),
            ["less than a second", "59 s", "1 min", "1 h 2 min", "1 d 1 h"]
        );
    }

    proptest! {
        #[test]
        fn ticks_span_everything_and_are_few(max in 0.001f64..1e9) {
            let ticks = ticks(max, false);
            prop_assert!((2..=7).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(*ticks.last().unwrap() >= max * 0.999_999);
        }
    }
}

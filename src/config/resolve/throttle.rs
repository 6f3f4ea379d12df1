//! `mail.rate`, `mail.warm_up`, `mail.canary` and `mail.most_failures`: rate limit, daily limit of a new sender, the first
//! recipients, and how much of a mailing may fail.

use std::fmt::Display;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::config::duration::duration;
use crate::config::raw::{RawCanary, RawWarmUp};
use crate::config::resolve::Problems;
use crate::delivery::policy::{Canary, USUAL_MAX_FAILURE_SHARE, Wave};
use crate::rate::{Rate, WarmUp};

/// Parses a rate with that name. `report` takes the problem and the remedy.
pub(super) fn rate(text: &str, name: &str, report: &mut dyn FnMut(&dyn Display, &str)) -> Option<Rate> {
    let rate = Rate::parse(name, text);
    if rate.is_none() {
        report(&format!("`{text}` is not a valid rate"), "write one such as `10/s`, `300/min` or `5000/h`");
    }
    rate
}

/// Parses a warm-up with that name. `report` takes the key, the problem and the remedy.
pub(super) fn warm_up(
    raw: &RawWarmUp,
    name: &str,
    zone: Tz,
    report: &mut dyn FnMut(&str, &dyn Display, &str),
) -> Option<WarmUp> {
    let since = match raw.since.as_deref().map(|text| (text, text.trim().parse::<NaiveDate>())) {
        Some((_, Ok(since))) => Some(since),
        Some((text, Err(_))) => {
            report("since", &format!("`{text}` is not a valid date"), "write one such as `2026-11-20`");
            None
        }
        None => {
            report("since", &"the first day is missing", "add `since: 2026-11-20`, the first day of mailing");
            None
        }
    };
    let first_day = raw.first_day.unwrap_or(50);
    if first_day == 0 {
        report("first_day", &"nothing can be sent with 0 on the first day", "write a number such as 50");
    }
    let factor = raw.factor.unwrap_or(1.5);
    if !(1.0..=10.0).contains(&factor) {
        report(
            "factor",
            &format!("`{factor}` is not a valid growth factor"),
            "write a number from 1 to 10, such as 1.5",
        );
    }
    Some(WarmUp { name: name.to_owned(), since: since?, first_day, factor, zone })
}

/// The canary: the recipients that get an edition before the others.
pub(super) fn canary(raw: &RawCanary, problems: &mut Problems<'_>) -> Canary {
    let keys = |key| ["mail", "canary", key];
    let share = percentage(raw.share.as_deref(), &keys("share"), 0.01, problems);
    let max_failures = percentage(raw.max_failures.as_deref(), &keys("max_failures"), 0.05, problems);
    if raw.share.is_some() && raw.to.is_some() {
        problems.value(&keys("share"), "`to` already names the first recipients", "write either `share` or `to`");
    } else if share == 0.0 {
        problems.value(
            &keys("share"),
            "0 % selects no recipients",
            "write a percentage such as `1%`, or remove `canary`",
        );
    }
    let wait = duration(raw.wait.as_deref().unwrap_or("30m")).unwrap_or_else(|| {
        let text = raw.wait.as_deref().unwrap_or_default();
        problems.value(&keys("wait"), format!("not a valid time span: `{text}`"), "write one such as `30m` or `2h`");
        chrono::Duration::zero()
    });
    let wave = match &raw.to {
        None => Wave::Share(share),
        Some(to) => {
            Wave::To(to.items().into_iter().filter_map(|text| super::address(text, &keys("to"), problems)).collect())
        }
    };
    if raw.to.as_ref().is_some_and(|to| to.items().is_empty()) {
        problems.value(
            &keys("to"),
            "the list of addresses is empty",
            "list at least one address, or write `share: 1%`",
        );
    }
    Canary { wave, wait, max_failure_share: max_failures }
}

/// The share of a mailing that may fail.
pub(super) fn most_failures(text: Option<&str>, problems: &mut Problems<'_>) -> f64 {
    percentage(text, &["mail", "most_failures"], USUAL_MAX_FAILURE_SHARE, problems)
}

fn percentage(text: Option<&str>, keys: &[&str], usual: f64, problems: &mut Problems<'_>) -> f64 {
    let Some(text) = text else { return usual };
    share(text).unwrap_or_else(|| {
        problems.value(keys, format!("`{text}` is not a valid percentage"), "write one such as `1%`");
        usual
    })
}

/// Parses a percentage such as `1%` or `0.5 %`.
fn share(text: &str) -> Option<f64> {
    let number: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_percentages() {
        assert_eq!([share("1%"), share(" 0.5 %"), share("100%")], [Some(0.01), Some(0.005), Some(1.0)]);
        for problems in ["", "%", "1", "-1%", "101%", "nan%", "one %"] {
            assert_eq!(share(problems), None, "{problems}");
        }
    }
}

//! Keys below `mail.digest`.

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::Wrong;
use crate::config::raw::{RawDigest, RawFeedContent};
use crate::config::schedule::{Every, Schedule};
use crate::config::{DigestConfig, Extent};

/// Turns every value into what it means.
pub(super) fn digest(raw: &RawDigest, zone: Tz, wrong: &mut Wrong<'_>) -> DigestConfig {
    const EVERY: &str = "write `week`, `month`, or a cron expression such as `0 8 * * MON`";
    let keys = |key| ["mail", "digest", key];
    let every = Every::parse(raw.every.as_deref().unwrap_or("week"));
    let every = wrong.check(every, &keys("every"), "it is no period", EVERY).unwrap_or(Every::Week);
    if raw.at.is_some() && matches!(every, Every::Cron(_)) {
        wrong.value(&keys("at"), "a cron expression says at what time", "remove `at`");
    }
    let at = raw.at.as_deref().map(|text| time_of_day(text).ok_or_else(|| format!("`{text}`")));
    let at = at.and_then(|at| wrong.check(at, &keys("at"), "it is no time of day", "write one such as `\"08:00\"`"));
    DigestConfig {
        schedule: Schedule::new(every, at.unwrap_or(NaiveTime::MIN), zone),
        content: match raw.content {
            None | Some(RawFeedContent::Full) => Extent::Full,
            Some(RawFeedContent::Summary) => Extent::Summary,
        },
        subject: raw.subject.clone().unwrap_or_else(|| "{{ publication.title }}: {{ digest.period }}".to_owned()),
    }
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()
}

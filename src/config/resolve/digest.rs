//! Keys below `mail.digest`.

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::Problems;
use crate::config::raw::RawDigest;
use crate::delivery::digest_schedule::{DigestSchedule, Every};

/// The schedule of digests.
pub(super) fn schedule(raw: &RawDigest, zone: Tz, problems: &mut Problems<'_>) -> DigestSchedule {
    const EVERY: &str = "write `week`, `month`, or a cron expression such as `0 8 * * MON`";
    let keys = |key| ["mail", "digest", key];
    let every = Every::parse(raw.every.as_deref().unwrap_or("week"));
    let every = problems.check(every, &keys("every"), "not a valid period", EVERY).unwrap_or(Every::Week);
    if raw.at.is_some() && matches!(every, Every::Cron(_)) {
        problems.value(&keys("at"), "a cron expression already sets the time", "remove `at`");
    }
    let at = raw.at.as_deref().map(|text| time_of_day(text).ok_or_else(|| format!("`{text}`")));
    let at =
        at.and_then(|at| problems.check(at, &keys("at"), "not a valid time of day", "write one such as `\"08:00\"`"));
    DigestSchedule::new(every, at.unwrap_or(NaiveTime::MIN), zone)
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()
}

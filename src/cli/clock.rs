//! The only reader of the clock: `--now`, then SOURCE_DATE_EPOCH, then the system.

use std::env;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::finding::Finding;

/// Tells the time at which the program acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// The time that was asked for.
    Fixed(DateTime<Utc>),
    /// The system's.
    System,
}

impl Clock {
    /// The clock for the value of `--now`.
    pub fn new(now: Option<&str>) -> anyhow::Result<Self> {
        if let Some(text) = now {
            return Ok(Self::Fixed(parse(text)?));
        }
        match env::var("SOURCE_DATE_EPOCH") {
            Ok(seconds) => Ok(Self::Fixed(epoch(&seconds)?)),
            Err(_) => Ok(Self::System),
        }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Fixed(time) => time,
            Self::System => Utc::now(),
        }
    }
}

fn parse(text: &str) -> anyhow::Result<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|error| {
        Finding::error("usage", format!("`--now {text}` is no time: {error}"))
            .help("write one such as `2026-11-23T08:00:00Z`")
            .into()
    })
}

fn epoch(seconds: &str) -> anyhow::Result<DateTime<Utc>> {
    let time = seconds.trim().parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.with_context(|| format!("the environment variable SOURCE_DATE_EPOCH holds `{seconds}`, no number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_asked_for_stands_still() {
        let clock = Clock::new(Some("2026-11-23T16:00:00+08:00")).unwrap();
        assert_eq!(clock.now().to_rfc3339(), "2026-11-23T08:00:00+00:00");
        assert!(Clock::new(Some("today")).is_err());
    }

    #[test]
    fn an_epoch_counts_seconds() {
        assert_eq!(epoch("86400").unwrap().to_rfc3339(), "1970-01-02T00:00:00+00:00");
        assert!(epoch("soon").is_err());
    }
}

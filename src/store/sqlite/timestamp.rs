//! Times in the database: UTC in milliseconds, so that text order is time order.

use chrono::{DateTime, SecondsFormat, Utc};

use super::Result;

pub(super) fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn parse_time(text: &str) -> Result<DateTime<Utc>> {
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}

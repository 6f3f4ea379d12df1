//! `mail.digest.every` and `at`: where one digest period ends and the next begins.
//!
//! Takes a time; returns the periods around it, in the publication's time zone. A local time skipped by a clock change
//! becomes the next one that exists; of one that occurs twice, the first counts.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono::{LocalResult, Weekday};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::digest::{Period, PeriodName};

/// The digest periods of a publication.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestSchedule {
    every: Every,
    /// For weeks and months: time of the following day at which the digest is due.
    at: NaiveTime,
    zone: Tz,
}

/// Length of a period.
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    /// Monday to Sunday, ISO 8601.
    Week,
    /// A calendar month.
    Month,
    /// From one time matched by the expression to the next.
    Cron(Box<Cron>),
}

impl Every {
    /// Parses `week`, `month` or a cron expression with five fields.
    ///
    /// # Errors
    /// A description of the problem.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "week" => return Ok(Self::Week),
            "month" => return Ok(Self::Month),
            _ => {}
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|_| format!("`{text}`"))?;
        let any_time = DateTime::UNIX_EPOCH;
        match cron.find_next_occurrence(&any_time, false) {
            Ok(_) => Ok(Self::Cron(Box::new(cron))),
            Err(_) => Err(format!("`{text}` never occurs")),
        }
    }
}

impl Default for DigestSchedule {
    /// Weeks in UTC.
    fn default() -> Self {
        Self { every: Every::Week, at: NaiveTime::MIN, zone: Tz::UTC }
    }
}

impl DigestSchedule {
    /// Periods of this length; the digest of a week or month is due at the time `at` of the following day.
    pub fn new(every: Every, at: NaiveTime, zone: Tz) -> Self {
        Self { every, at, zone }
    }

    /// The last period whose digest is due at `now`, and since when it is.
    pub fn closed(&self, now: DateTime<Utc>) -> Option<(Period, DateTime<Utc>)> {
        let local = now.with_timezone(&self.zone);
        let mut period = match &self.every {
            Every::Cron(cron) => self.ending(cron, cron.find_previous_occurrence(&local, true).ok()?)?,
            Every::Week | Every::Month => self.before(&self.of_day(local.date_naive())?)?,
        };
        while self.due_at(&period) > now {
            period = self.before(&period)?;
        }
        let due_at = self.due_at(&period);
        Some((period, due_at))
    }

    /// The period that contains `time`.
    pub fn around(&self, time: DateTime<Utc>) -> Option<Period> {
        let local = time.with_timezone(&self.zone);
        match &self.every {
            Every::Cron(cron) => self.ending(cron, cron.find_next_occurrence(&local, false).ok()?),
            Every::Week | Every::Month => self.of_day(local.date_naive()),
        }
    }

    /// The period that ends where `period` begins.
    pub fn before(&self, period: &Period) -> Option<Period> {
        match &self.every {
            Every::Cron(cron) => self.ending(cron, period.start.with_timezone(&self.zone)),
            Every::Week | Every::Month => self.of_day(self.day_before(period.start)?),
        }
    }

    /// The period that begins where `period` ends.
    pub fn after(&self, period: &Period) -> Option<Period> {
        self.around(period.end)
    }

    /// The period with this name, if the schedule has it.
    pub fn named(&self, name: &str) -> Option<Period> {
        let found = match &self.every {
            Every::Week => {
                let (year, week) = name.split_once("-W").or_else(|| name.split_once("-w"))?;
                self.of_day(NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)?)
            }
            Every::Month => {
                let (year, month) = name.split_once('-')?;
                self.of_day(NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?)
            }
            Every::Cron(cron) => {
                let end = self.end_named(name)?;
                (cron.find_previous_occurrence(&end, true).ok()? == end).then(|| self.ending(cron, end)).flatten()
            }
        };
        found.filter(|period| period.name.as_str().eq_ignore_ascii_case(name))
    }

    /// When the digest of a period is due.
    pub fn due_at(&self, period: &Period) -> DateTime<Utc> {
        match self.every {
            Every::Cron(_) => period.end,
            Every::Week | Every::Month => {
                let day_after = period.end.with_timezone(&self.zone).date_naive();
                self.first_moment(day_after.and_time(self.at)).max(period.end)
            }
        }
    }

    /// The week or month of a day.
    fn of_day(&self, day: NaiveDate) -> Option<Period> {
        let (first, next, name) = match self.every {
            Every::Week => {
                let monday = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))?;
                let week = monday.iso_week();
                (monday, monday.checked_add_days(Days::new(7))?, format!("{:04}-W{:02}", week.year(), week.week()))
            }
            Every::Month | Every::Cron(_) => {
                let first = day.with_day(1)?;
                (first, first.checked_add_months(Months::new(1))?, first.format("%Y-%m").to_string())
            }
        };
        let [start, end] = [first, next].map(|day| self.first_moment(day.and_time(NaiveTime::MIN)));
        Some(Period { name: PeriodName::new(&name)?, start, end })
    }

    fn day_before(&self, start: DateTime<Utc>) -> Option<NaiveDate> {
        Some((start - TimeDelta::seconds(1)).with_timezone(&self.zone).date_naive())
    }

    /// The period that ends at a time matched by a cron expression.
    fn ending(&self, cron: &Cron, end: DateTime<Tz>) -> Option<Period> {
        let start = cron.find_previous_occurrence(&end, false).ok()?;
        let is_ambiguous = matches!(self.zone.from_local_datetime(&end.naive_local()), LocalResult::Ambiguous(..));
        let name = end.format(if is_ambiguous { "%Y-%m-%dT%H%M%z" } else { "%Y-%m-%dT%H%M" }).to_string();
        Some(Period { name: PeriodName::new(&name)?, start: start.to_utc(), end: end.to_utc() })
    }

    fn end_named(&self, name: &str) -> Option<DateTime<Tz>> {
        if let Ok(end) = DateTime::parse_from_str(name, "%Y-%m-%dT%H%M%z") {
            return Some(end.with_timezone(&self.zone));
        }
        let local = NaiveDateTime::parse_from_str(name, "%Y-%m-%dT%H%M").ok()?;
        Some(self.first_moment(local).with_timezone(&self.zone))
    }

    /// The first moment at which clocks show `local` or, if it is skipped, a later time.
    fn first_moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        const STEP: TimeDelta = TimeDelta::minutes(15);
        // Samoa once skipped a complete day.
        const STEPS: i32 = 4 * 24 + 4;
        let times = (0..=STEPS).filter_map(|steps| local.checked_add_signed(STEP * steps));
        let first = times.filter_map(|local| self.zone.from_local_datetime(&local).earliest()).next();
        first.map_or_else(|| local.and_utc(), |first| first.to_utc())
    }
}

#[cfg(test)]
mod tests {
    //! Periods at the edges of the calendar and at clock changes.

    use super::*;

    fn schedule(every: &str, at: &str, zone: &str) -> DigestSchedule {
        let at = NaiveTime::parse_from_str(at, "%H:%M").unwrap();
        DigestSchedule::new(Every::parse(every).unwrap(), at, zone.parse().unwrap())
    }

    /// Name, start and end, in the time zone of the schedule.
    fn describe(schedule: &DigestSchedule, period: &Period) -> String {
        let [start, end] =
            [period.start, period.end].map(|time| time.with_timezone(&schedule.zone).format("%Y-%m-%dT%H:%M%:z"));
        format!("{} {start} {end}", period.name.as_str())
    }

    fn closed(schedule: &DigestSchedule, now: &str) -> String {
        let now = DateTime::parse_from_rfc3339(now).unwrap().to_utc();
        let (period, due_at) = schedule.closed(now).unwrap();
        assert!(due_at <= now && due_at >= period.end);
        let after = schedule.after(&period).unwrap();
        assert_eq!((after.start, schedule.before(&after)), (period.end, Some(period.clone())));
        assert_eq!(schedule.before(&period).unwrap().end, period.start);
        assert_eq!(schedule.named(period.name.as_str()), Some(period.clone()));
        assert!(schedule.due_at(&after) > now, "the next one is not due yet");
        describe(schedule, &period)
    }

    #[test]
    fn weeks_are_in_the_time_zone() {
        let week = schedule("week", "00:00", "Asia/Shanghai");
        let forty_six = "2026-W46 2026-11-09T00:00+08:00 2026-11-16T00:00+08:00";
        let forty_seven = "2026-W47 2026-11-16T00:00+08:00 2026-11-23T00:00+08:00";
        assert_eq!(closed(&week, "2026-11-22T23:59:59+08:00"), forty_six);
        assert_eq!(closed(&week, "2026-11-22T16:00:00Z"), forty_seven);
        assert_eq!(closed(&week, "2026-11-29T15:59:59Z"), forty_seven);
    }

    #[test]
    fn a_digest_waits_for_its_time() {
        let week = schedule("week", "08:30", "Europe/Berlin");
        assert!(closed(&week, "2026-11-23T08:29:59+01:00").starts_with("2026-W46"));
        assert!(closed(&week, "2026-11-23T08:30:00+01:00").starts_with("2026-W47"));
    }

    #[test]
    fn a_year_may_have_fifty_three_weeks_and_start_in_the_last_one() {
        let week = schedule("week", "00:00", "UTC");
        assert_eq!(closed(&week, "2027-01-04T00:00:00Z"), "2026-W53 2026-12-28T00:00+00:00 2027-01-04T00:00+00:00");
        assert_eq!(closed(&week, "2027-01-03T23:59:59Z"), "2026-W52 2026-12-21T00:00+00:00 2026-12-28T00:00+00:00");
        assert_eq!(closed(&week, "2025-01-06T00:00:00Z"), "2025-W01 2024-12-30T00:00+00:00 2025-01-06T00:00+00:00");
    }

    #[test]
    fn weeks_and_months_follow_clock_changes() {
        let week = schedule("week", "00:00", "Europe/Berlin");
        assert_eq!(closed(&week, "2026-03-30T12:00:00Z"), "2026-W13 2026-03-23T00:00+01:00 2026-03-30T00:00+02:00");
        let month = schedule("month", "00:00", "America/New_York");
        assert_eq!(closed(&month, "2026-12-01T05:00:00Z"), "2026-11 2026-11-01T00:00-04:00 2026-12-01T00:00-05:00");
        assert_eq!(closed(&month, "2026-12-01T04:59:59Z"), "2026-10 2026-10-01T00:00-04:00 2026-11-01T00:00-04:00");
        assert_eq!(closed(&month, "2024-03-01T05:00:00Z"), "2024-02 2024-02-01T00:00-05:00 2024-03-01T00:00-05:00");
    }

    #[test]
    fn a_skipped_midnight_becomes_the_next_moment() {
        // Beirut: the clocks went from 00:00 to 01:00 on Sunday, 31 March 2024. Apia: there was no 30 December 2011.
        let month = schedule("month", "00:00", "Asia/Beirut");
        assert!(
            closed(&month, "2024-04-01T12:00:00Z").starts_with("2024-03 2024-03-01T00:00+02:00 2024-04-01T00:00+03:00")
        );
        let sunday = schedule("0 0 * * SUN", "00:00", "Asia/Beirut");
        assert!(closed(&sunday, "2024-04-02T12:00:00Z").contains("2024-03-31T0"));
        let apia = schedule("week", "00:00", "Pacific/Apia");
        assert_eq!(closed(&apia, "2012-01-02T12:00:00Z"), "2011-W52 2011-12-26T00:00-10:00 2012-01-02T00:00+14:00");
    }

    #[test]
    fn each_time_of_a_cron_expression_ends_a_period() {
        let friday = schedule("0 17 * * FRI", "00:00", "Europe/Berlin");
        let period = "2026-10-30T1700 2026-10-23T17:00+02:00 2026-10-30T17:00+01:00";
        assert_eq!(closed(&friday, "2026-10-30T17:00:00+01:00"), period);
        assert_eq!(closed(&friday, "2026-11-06T16:59:59+01:00"), period);
        assert_eq!(friday.named("2026-10-30T1800"), None);
    }

    #[test]
    fn an_hour_that_is_ambiguous_has_two_names() {
        let hourly = schedule("0 * * * *", "00:00", "Europe/Berlin");
        let first = "2026-10-25T0200+0200 2026-10-25T01:00+02:00 2026-10-25T02:00+02:00";
        let second = "2026-10-25T0200+0100 2026-10-25T02:00+02:00 2026-10-25T02:00+01:00";
        assert_eq!(closed(&hourly, "2026-10-25T00:30:00Z"), first);
        assert_eq!(closed(&hourly, "2026-10-25T01:30:00Z"), second);
    }

    #[test]
    fn names_of_other_schedules_are_unknown() {
        let [week, month] = ["week", "month"].map(|every| schedule(every, "00:00", "UTC"));
        assert_eq!(week.named("2026-w47"), week.named("2026-W47"));
        for name in ["2026-W54", "2026-W00", "2026-11", "2026-W7", "", "-W", "99999999-W01"] {
            assert_eq!(week.named(name), None, "{name}");
        }
        for name in ["2026-13", "2026-W47", "2026-1", "2026"] {
            assert_eq!(month.named(name), None, "{name}");
        }
    }

    #[test]
    fn invalid_and_impossible_expressions_are_refused() {
        for text in ["weekly", "0 8 * *", "0 0 8 * * MON", "61 * * * *", "0 0 31 2 *", ""] {
            assert!(Every::parse(text).is_err(), "{text}");
        }
    }
}

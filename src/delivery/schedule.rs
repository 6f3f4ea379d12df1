//! `mail.digest.every` and `at`: where one period of digests ends and the next begins.
//!
//! Takes a time; gives the periods before and after it, on the clocks of the publication's time zone. A local time that a
//! change of clocks leaves out becomes the next that there is; of one that comes twice the first counts.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono::{LocalResult, Weekday};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::digest::{Period, PeriodName};

/// The periods of a publication's digests.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    every: Every,
    /// For weeks and months: when, on the day after, a digest is mailed.
    at: NaiveTime,
    zone: Tz,
}

/// How long a period is.
#[derive(Debug, Clone, PartialEq)]
pub enum Every {
    /// From Monday to Sunday, ISO 8601.
    Week,
    /// A month of the calendar.
    Month,
    /// From one time that the expression means to the next.
    Cron(Box<Cron>),
}

impl Every {
    /// Takes `week`, `month` or a cron expression of five fields.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "week" => return Ok(Self::Week),
            "month" => return Ok(Self::Month),
            _ => {}
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|_| format!("`{text}`"))?;
        let some_day = DateTime::UNIX_EPOCH;
        match cron.find_next_occurrence(&some_day, false) {
            Ok(_) => Ok(Self::Cron(Box::new(cron))),
            Err(_) => Err(format!("`{text}` is a time that never comes")),
        }
    }
}

impl Default for Schedule {
    /// Weeks by UTC.
    fn default() -> Self {
        Self { every: Every::Week, at: NaiveTime::MIN, zone: Tz::UTC }
    }
}

impl Schedule {
    /// Periods of this length; digests of weeks and months are mailed at the time `at` of the day after.
    pub fn new(every: Every, at: NaiveTime, zone: Tz) -> Self {
        Self { every, at, zone }
    }

    /// The last period whose digest may be mailed at `now`, and since when it may.
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

    /// The period that a moment is in.
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

    /// The period of that name, if this schedule has one.
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

    /// When the digest of a period may be mailed.
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

    /// The period of a cron expression that ends at one of its times.
    fn ending(&self, cron: &Cron, end: DateTime<Tz>) -> Option<Period> {
        let start = cron.find_previous_occurrence(&end, false).ok()?;
        let comes_twice = matches!(self.zone.from_local_datetime(&end.naive_local()), LocalResult::Ambiguous(..));
        let name = end.format(if comes_twice { "%Y-%m-%dT%H%M%z" } else { "%Y-%m-%dT%H%M" }).to_string();
        Some(Period { name: PeriodName::new(&name)?, start: start.to_utc(), end: end.to_utc() })
    }

    fn end_named(&self, name: &str) -> Option<DateTime<Tz>> {
        if let Ok(end) = DateTime::parse_from_str(name, "%Y-%m-%dT%H%M%z") {
            return Some(end.with_timezone(&self.zone));
        }
        let local = NaiveDateTime::parse_from_str(name, "%Y-%m-%dT%H%M").ok()?;
        Some(self.first_moment(local).with_timezone(&self.zone))
    }

    /// The first moment at which the clocks show `local` or, where they leave it out, something later.
    fn first_moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        const STEP: TimeDelta = TimeDelta::minutes(15);
        // Samoa left out a whole day.
        const STEPS: i32 = 4 * 24 + 4;
        let times = (0..=STEPS).filter_map(|steps| local.checked_add_signed(STEP * steps));
        let first = times.filter_map(|local| self.zone.from_local_datetime(&local).earliest()).next();
        first.map_or_else(|| local.and_utc(), |first| first.to_utc())
    }
}

#[cfg(test)]
mod tests;

//! Selects the issues of a digest, and the digest meant by a name.
//!
//! Takes the issues, the schedule and what was mailed before. A digest already mailed contains what it contained then; any
//! other contains the unmailed issues of its period, and those too late for earlier digests.

use chrono::{DateTime, TimeDelta, Utc};

use crate::delivery::digest_schedule::DigestSchedule;
use crate::delivery::eligibility::ineligible;
use crate::delivery::history::History;
use crate::digest::{Digest, DigestContents, PREFIX, Period, PeriodName};
use crate::finding::Finding;
use crate::issue::{Issue, IssueId};

/// An issue that is late by more than this and more than one period is in no digest: restoring an old folder or losing
/// `feeds.lock` must not mail an archive.
const MAX_LATENESS: TimeDelta = TimeDelta::weeks(2);

/// What determines the contents of a digest.
#[derive(Debug, Clone, Copy)]
pub struct DigestSelection<'a, 'p> {
    /// All issues of the project, newest first.
    pub issues: &'a [Issue],
    /// The digest periods.
    pub schedule: &'p DigestSchedule,
    /// What was mailed before.
    pub history: &'p History,
    /// The current time.
    pub now: DateTime<Utc>,
}

impl<'a> DigestSelection<'a, '_> {
    /// The digest of a period, perhaps empty.
    pub fn digest(&self, period: &Period) -> Digest<'a> {
        match self.history.mailing(&period.id()).and_then(|mailing| mailing.digest.as_ref()) {
            Some(frozen) => {
                let find = |id: &IssueId| self.issues.iter().find(|issue| issue.id.as_str() == id.edition().0);
                let mailable =
                    frozen.issues.iter().filter_map(find).filter(|issue| ineligible(issue, self.now).is_none());
                Digest { period: frozen.period.clone(), issues: mailable.collect() }
            }
            None => Digest { period: period.clone(), issues: self.select(period) },
        }
    }

    /// The digest with this name, with or without `digest:`. `next` is the one being collected, `latest` the newest before
    /// it; any other name is that of a period.
    ///
    /// # Errors
    /// A finding if there is none with this name.
    pub fn named(&self, name: &str) -> anyhow::Result<Digest<'a>> {
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        let digest = match name {
            "latest" => self.latest(),
            "next" => self.next(),
            name => self.period(name).map(|period| self.digest(&period)),
        };
        digest.ok_or_else(|| self.no_such(name).into())
    }

    fn select(&self, period: &Period) -> Vec<&'a Issue> {
        let since = self.since(period);
        let is_selected = |issue: &&Issue| {
            (since..period.end).contains(&issue.date.to_utc())
                && !issue.is_backfilled
                && ineligible(issue, self.now).is_none()
                && !self.history.contains(&issue.ledger_key())
        };
        self.issues.iter().rev().filter(is_selected).collect()
    }

    /// The issues that would be in a new digest of the period unless they are mailed ones under new names.
    pub fn possible_renames(&self, period: &Period) -> Vec<&'a Issue> {
        let since = self.since(period);
        let is_open = |issue: &&Issue| {
            issue.possible_rename.is_some()
                && (since..period.end).contains(&issue.date.to_utc())
                && ineligible(issue, self.now).is_none()
        };
        self.issues.iter().rev().filter(is_open).collect()
    }

    /// The start of the period; if digests were mailed before it, an earlier time, for issues too late for them.
    fn since(&self, period: &Period) -> DateTime<Utc> {
        let first = self.history.first_digest().filter(|first| *first < period.start);
        let Some(first) = first else { return period.start };
        let before = self.schedule.before(period).map_or(period.start, |before| before.start);
        before.min(period.end - MAX_LATENESS).max(first)
    }

    /// The digest of the last period that is over; if it is empty, the newest one mailed.
    fn latest(&self) -> Option<Digest<'a>> {
        let (closed, _) = self.schedule.closed(self.now)?;
        let digest = self.digest(&closed);
        let newest = self.history.digests().max_by_key(|digest| digest.period.end);
        match newest {
            Some(newest) if digest.issues.is_empty() => Some(self.digest(&newest.period)),
            _ => Some(digest),
        }
    }

    /// The next digest, without the issues that the one before it still collects.
    fn next(&self) -> Option<Digest<'a>> {
        let (closed, _) = self.schedule.closed(self.now)?;
        let before = self.digest(&closed);
        let mut digest = self.digest(&self.schedule.after(&closed)?);
        digest.issues.retain(|issue| before.issues.iter().all(|other| other.id != issue.id));
        Some(digest)
    }

    /// The period with this name: one whose digest was mailed, else one of the schedule.
    pub fn period(&self, name: &str) -> Option<Period> {
        let mailed = |digest: &&DigestContents| digest.period.name.as_str().eq_ignore_ascii_case(name);
        let mailed = self.history.digests().find(mailed).map(|digest| digest.period.clone());
        mailed.or_else(|| self.schedule.named(name))
    }

    fn no_such(&self, name: &str) -> Finding {
        let finding = Finding::error("no-such-digest", format!("there is no digest `{PREFIX}{name}`"));
        let closed = self.schedule.closed(self.now).map(|(period, _)| period.name);
        let example = closed.as_ref().map_or("2026-W47", PeriodName::as_str);
        finding.help(format!("use a name such as `{PREFIX}{example}`; `{PREFIX}next` is the one being collected"))
    }
}

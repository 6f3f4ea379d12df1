//! Why nothing is due: the reason for each of the newest issues.
//!
//! Takes what the plan takes; asked only after a plan turned out empty. Of issues with a date in the future only the next
//! one is named, so that a stock of them does not hide the issue that was expected to be mailed.

use std::fmt;

use chrono::{DateTime, Duration, Utc};

use crate::delivery::digest_selection::DigestSelection;
use crate::delivery::eligibility::ineligible;
use crate::delivery::history::History;
use crate::delivery::plan::DueTerms;
use crate::delivery::policy::EditionKind;
use crate::digest::Period;
use crate::issue::{Issue, IssueId, Slug};
use crate::ledger::State;
use crate::store::{Store, StoreError};

/// Number of issues named.
const MAX_ISSUES: usize = 3;

/// Why an issue is not due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDue {
    /// The issue's short name.
    pub issue: Slug,
    /// Why it is not due.
    pub reason: String,
    /// How to mail it nevertheless, if there is a way.
    pub help: Option<String>,
}

impl fmt::Display for NotDue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.help.iter().try_for_each(|help| write!(f, ": {help}"))
    }
}

/// The reasons for the newest issues.
///
/// # Errors
/// When the store cannot be read.
pub fn reasons(issues: &[Issue], terms: &DueTerms<'_>, store: &dyn Store) -> Result<Vec<NotDue>, StoreError> {
    let history = History::read(store)?;
    let next = issues.iter().rposition(|issue| issue.date > terms.now).unwrap_or(0);
    let newest = issues[next..].iter().take(MAX_ISSUES);
    newest.map(|issue| reason(issue, issues, terms, store, &history)).collect()
}

fn reason(
    issue: &Issue,
    issues: &[Issue],
    terms: &DueTerms<'_>,
    store: &dyn Store,
    history: &History,
) -> Result<NotDue, StoreError> {
    let (id, slug) = (issue.ledger_key(), &issue.slug);
    let (reason, help) = if let Some(digest) = history.digest_of(&id) {
        mailed(issue, digest, store, history)?
    } else if history.mailing(&id).is_some() {
        mailed(issue, &id, store, history)?
    } else if let Some((_, reason, help)) = ineligible(issue, terms.now) {
        (reason, Some(help.to_owned()))
    } else if issue.is_backfilled {
        let reason = format!("`{slug}` was there before this version of slugline could read it");
        (reason, Some(format!("`slugline send {slug}` mails it")))
    } else if terms.policy.edition == EditionKind::Digest {
        let selection = DigestSelection { issues, schedule: &terms.policy.schedule, history, now: terms.now };
        in_a_digest(issue, terms, &selection)
    } else {
        let (age, date) = (span(terms.policy.due_for), issue.date.format("%Y-%m-%d"));
        let reason = format!("`{slug}` is dated {date}, more than {age} ago (`mail.due_for`)");
        (reason, Some(format!("`slugline send {slug}` mails it")))
    };
    Ok(NotDue { issue: slug.clone(), reason, help })
}

/// What became of the mailing of an issue, which may be that of a digest.
fn mailed(
    issue: &Issue,
    mailing: &IssueId,
    store: &dyn Store,
    history: &History,
) -> Result<(String, Option<String>), StoreError> {
    let (slug, counts) = (&issue.slug, store.counts(mailing)?);
    let is_digest = *mailing != issue.ledger_key();
    let name = if is_digest { mailing.as_str() } else { slug.as_str() };
    let within = if is_digest { format!(" in `{mailing}`") } else { String::new() };
    let on = history.mailing(mailing).map(|mailing| format!(" on {}", date(issue, mailing.frozen_at)));
    let mut reason = format!("`{slug}` was mailed{within}{}", on.unwrap_or_default());
    if counts.total() == 0 {
        return Ok((reason + ", from a store that was lost", None));
    }
    reason.push_str(&format!("; {} of {} have it", counts.of(State::Sent), counts.total()));
    let unknown = counts.of(State::Unknown);
    let help = if counts.open() > 0 {
        reason.push_str(&format!(", and {} have waited for long", counts.open()));
        Some(format!("`slugline send {name}` mails them"))
    } else if unknown > 0 {
        reason.push_str(&format!(", and {unknown} may have it"));
        Some(format!("`slugline resolve {name} --sent` or `--resend` decides"))
    } else if counts.of(State::Failed) > 0 {
        reason.push_str(&format!(", and {} failed", counts.of(State::Failed)));
        Some(format!("`slugline retry {name} --failed` queues them again"))
    } else {
        None
    };
    Ok((reason, help))
}

/// The digest that an unmailed issue waits for, or that was not mailed in time.
fn in_a_digest(issue: &Issue, terms: &DueTerms<'_>, selection: &DigestSelection<'_, '_>) -> (String, Option<String>) {
    let (slug, schedule) = (&issue.slug, &terms.policy.schedule);
    let closed = schedule.closed(terms.now).map(|(period, _)| period);
    let next = closed.as_ref().and_then(|closed| schedule.after(closed));
    let selects = |period: &Period| selection.digest(period).issues.iter().any(|other| other.id == issue.id);
    let late = next.filter(|next| selects(next) && !closed.as_ref().is_some_and(selects));
    match late.or_else(|| schedule.around(issue.date.to_utc())) {
        Some(period) if schedule.due_at(&period) > terms.now => {
            let due_at = date(issue, schedule.due_at(&period));
            (format!("`{slug}` waits for `{}`, which is due on {due_at}", period.id()), None)
        }
        Some(period) => {
            let (id, age) = (period.id(), span(terms.policy.due_for));
            let reason = format!("`{slug}` belongs to `{id}`, which was due more than {age} ago (`mail.due_for`)");
            (reason, Some(format!("`slugline send {id}` mails it")))
        }
        None => (format!("`{slug}` belongs to no digest"), None),
    }
}

/// A time as the issue writes its date.
fn date(issue: &Issue, time: DateTime<Utc>) -> String {
    time.with_timezone(issue.date.offset()).format("%Y-%m-%d %H:%M").to_string()
}

/// A length of time in its largest unit that is exact.
fn span(span: Duration) -> String {
    let minutes = span.num_minutes();
    let (number, unit) = match minutes {
        _ if minutes % (24 * 60) == 0 => (minutes / (24 * 60), "day"),
        _ if minutes % 60 == 0 => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;
    use crate::delivery::digest_schedule::{DigestSchedule, Every};
    use crate::delivery::policy::Policy;
    use crate::ledger::{AttemptOutcome, LedgerEntry, Run};
    use crate::send::tests::issue;
    use crate::store::memory::Memory;
    use crate::subscriber::NewSubscriber;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap()
    }

    fn dated(slug: &str, days_ago: i64) -> Issue {
        issue(slug, now() - Duration::days(days_ago))
    }

    fn said(issues: &[Issue], policy: &Policy, store: &Memory) -> Vec<String> {
        let reasons = reasons(issues, &DueTerms { now: now(), policy }, store).unwrap();
        reasons.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_newest_three_have_a_reason_each() {
        let mut issues = vec![dated("later", -9), dated("next", -1), dated("draft", 0), dated("old", 3), dated("x", 4)];
        issues[2].draft = true;
        assert_eq!(
            said(&issues, &Policy::default(), &Memory::default()),
            [
                "`next` is dated 2026-05-02 12:00:00 +00:00, which is in the future: wait until then, or change its `date`",
                "`draft` is a draft: remove `draft: true` from its front matter to publish it",
                "`old` is dated 2026-04-28, more than 2 days ago (`mail.due_for`): `slugline send old` mails it",
            ]
        );
        issues.truncate(2);
        assert_eq!(said(&issues, &Policy::default(), &Memory::default()).len(), 1);
        assert_eq!(said(&[], &Policy::default(), &Memory::default()).len(), 0);
    }

    #[test]
    fn what_was_mailed_says_when_and_who_has_it() {
        let (mut store, issues) = (Memory::default(), [dated("spring", 1)]);
        let reader = NewSubscriber::new("reader@example.org".parse().unwrap(), "");
        store.add_subscribers(&mut std::iter::once(reader), now()).unwrap();
        let mailing = store.freeze(&issues[0].id, "hash", None, now() - Duration::days(20)).unwrap();
        assert_eq!(
            said(&issues, &Policy::default(), &store),
            ["`spring` was mailed on 2026-04-11 12:00; 0 of 1 have it, and 1 have waited for long: \
              `slugline send spring` mails them"]
        );
        let run = Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 1 };
        store.begin_run(&run, now()).unwrap();
        let claim = store.claim(&mailing.issue, 1, now()).unwrap().remove(0);
        let sent = AttemptOutcome::Sent("250 ok".to_owned());
        store.record(&mailing.issue, &[(claim.subscriber.id, LedgerEntry::Settled(sent))], now()).unwrap();
        assert_eq!(
            said(&issues, &Policy::default(), &store),
            ["`spring` was mailed on 2026-04-11 12:00; 1 of 1 have it"]
        );
    }

    #[test]
    fn a_digest_waits_for_its_time_of_day() {
        let at = chrono::NaiveTime::from_hms_opt(18, 0, 0).unwrap();
        let schedule = DigestSchedule::new(Every::Month, at, chrono_tz::UTC);
        let policy = Policy { edition: EditionKind::Digest, schedule, ..Policy::default() };
        assert_eq!(
            said(&[dated("april", 1)], &policy, &Memory::default()),
            ["`april` waits for `digest:2026-04`, which is due on 2026-05-01 18:00"]
        );
    }

    #[test]
    fn an_issue_of_a_digest_waits_for_it_or_missed_it() {
        let policy = Policy { edition: EditionKind::Digest, schedule: DigestSchedule::default(), ..Policy::default() };
        // 1 May 2026 is a Friday.
        assert_eq!(
            said(&[dated("new", 1), dated("old", 8)], &policy, &Memory::default()),
            [
                "`new` waits for `digest:2026-W18`, which is due on 2026-05-04 00:00",
                "`old` belongs to `digest:2026-W17`, which was due more than 2 days ago (`mail.due_for`): \
                 `slugline send digest:2026-W17` mails it",
            ]
        );
    }
}

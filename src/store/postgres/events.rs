//! What mail that came in changed, and which messages were handled.
//!
//! A bounce may arrive before the run has recorded the server's reply. It then waits in the row, and decides what the run's entry
//! makes of it (`claims`).

use chrono::{DateTime, Utc};
use postgres::Transaction;

use super::claims::storable;
use super::connection::Session;
use super::digest::issue_id;
use super::{
    Postgres, Result, StoreResult, deliveries, handled, mailings, messages, readers, requests, subscribers,
    unsubscriptions,
};
use crate::bounce::Class;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::store::EventStore;
use crate::store::events::{COMPLAINED, EventOutcome, MAY_HAVE_LEFT, MailEvent};
use crate::subscriber::{Status, SubscriberId};
use crate::unsubscription::Channel;

impl EventStore for Postgres {
    fn is_handled(&self, digest: &str) -> StoreResult<bool> {
        self.connection.retried("find a handled message", |session, _| handled::is_in(session, digest))
    }

    /// If the reply is lost after the commit, the message is found handled.
    fn handle(
        &mut self,
        digest: &str,
        events: &[MailEvent],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Vec<EventOutcome>>> {
        self.repeatable("record a message that came in", |transaction| {
            if !handled::add(transaction, digest, now)? {
                return Ok(None);
            }
            events.iter().map(|event| record(transaction, event, now)).collect::<Result<_>>().map(Some)
        })
    }

    fn deliveries_since(
        &self,
        subscriber: SubscriberId,
        since: DateTime<Utc>,
    ) -> StoreResult<Vec<(IssueId, DateTime<Utc>)>> {
        let read = |session: &mut Session, _| deliveries_since(session, subscriber, since);
        self.connection.retried("find what was mailed to a subscriber", read)
    }

    fn bounces(&self, issue: &IssueId) -> StoreResult<Vec<(Class, u64)>> {
        self.connection.retried("count bounces", |session, _| bounces(session, issue))
    }

    fn accept_failures(&mut self, issue: &IssueId, failures: u64) -> StoreResult<()> {
        self.repeatable("accept the failures of a mailing", |transaction| {
            mailings::accept_failures(transaction, issue, failures)
        })
    }

    fn accepted_failures(&self, issue: &IssueId) -> StoreResult<u64> {
        self.connection.retried("read which failures were accepted", |session, _| {
            let sql = "SELECT coalesce(accepted_failures, 0) FROM mailing WHERE issue = $1";
            let rows = session.query(sql, &[&issue.as_str()])?;
            rows.first().map_or(Ok(0), |row| Ok(u64::try_from(row.try_get::<_, i64>(0)?)?))
        })
    }
}

fn record(transaction: &mut Transaction<'_>, event: &MailEvent, now: DateTime<Utc>) -> Result<EventOutcome> {
    let before = match event {
        MailEvent::Bounced { issue, subscriber, class, reply, suppress } => {
            return bounced(transaction, (issue, *subscriber), (*class, reply), *suppress, now);
        }
        MailEvent::Complained { subscriber } => return complained(transaction, *subscriber, now),
        MailEvent::Left { subscriber, channel, message } => {
            let before = readers::leave(transaction, *subscriber, *channel, message.as_deref(), now)?;
            return Ok(match before {
                Some(Status::Active | Status::Unconfirmed) => EventOutcome::Recorded(before),
                _ => EventOutcome::Unchanged,
            });
        }
        MailEvent::Requested { request, tag } => {
            readers::note_request(transaction, request, *tag)?;
            status(transaction, &request.address)?
        }
        MailEvent::Confirmed { request } => readers::confirm(transaction, request, now)?,
        MailEvent::Answered { kind, address, language } => {
            messages::queue(transaction, *kind, address, language, now)?;
            status(transaction, address)?
        }
    };
    Ok(EventOutcome::Recorded(before))
}

fn status(transaction: &mut Transaction<'_>, address: &EmailAddress) -> Result<Option<Status>> {
    Ok(subscribers::lock(transaction, address)?.map(|(_, status)| status))
}

const BOUNCED: &str = "
UPDATE delivery SET class = $3, reply = $4,
    state = CASE WHEN state IN ('sent', 'unknown') THEN 'bounced' ELSE state END,
    run = CASE WHEN state IN ('sent', 'unknown') THEN NULL ELSE run END,
    changed = CASE WHEN state IN ('sent', 'unknown') THEN $5 ELSE changed END
WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) AND subscriber = $2 AND class IS NULL
    AND state IN ('sent', 'unknown', 'claimed', 'sending')";

/// The delivery is locked before the subscriber, as by a run that claims or records.
fn bounced(
    transaction: &mut Transaction<'_>,
    (issue, id): (&IssueId, SubscriberId),
    (class, reply): (Class, &str),
    suppress: bool,
    now: DateTime<Utc>,
) -> Result<EventOutcome> {
    let is_there = "SELECT FROM subscriber WHERE id = $1";
    // The reply may name a person who was forgotten.
    if transaction.query_opt(is_there, &[&id.0])?.is_none() {
        return Ok(EventOutcome::Unchanged);
    }
    let reply = storable(reply);
    if transaction.execute(BOUNCED, &[&issue.as_str(), &id.0, &class.as_str(), &reply, &now])? == 0 {
        return Ok(EventOutcome::Unchanged);
    }
    let before = subscribers::lock_by_id(transaction, id)?;
    if let Some((address, Status::Active | Status::Unconfirmed)) = before.as_ref().filter(|_| suppress) {
        subscribers::set_status(transaction, address, Status::Suppressed, now)?;
    }
    Ok(EventOutcome::Recorded(before.map(|(_, status)| status)))
}

fn complained(transaction: &mut Transaction<'_>, id: SubscriberId, now: DateTime<Utc>) -> Result<EventOutcome> {
    let before = subscribers::lock_by_id(transaction, id)?.filter(|(_, status)| *status != Status::Complained);
    let Some((address, status)) = before else { return Ok(EventOutcome::Unchanged) };
    subscribers::set_status(transaction, &address, Status::Complained, now)?;
    unsubscriptions::note(transaction, id, Channel::Complaint, now)?;
    requests::delete(transaction, &address)?;
    messages::drop_queued(transaction, &address, COMPLAINED, now)?;
    Ok(EventOutcome::Recorded(Some(status)))
}

fn deliveries_since(
    session: &mut Session,
    subscriber: SubscriberId,
    since: DateTime<Utc>,
) -> Result<Vec<(IssueId, DateTime<Utc>)>> {
    let states = MAY_HAVE_LEFT.map(|state| state.as_str()).to_vec();
    let rows = session.query(
        "SELECT issue, changed FROM mailing JOIN delivery ON delivery.mailing = mailing.id
         WHERE subscriber = $1 AND changed >= $2 AND state = ANY($3::text[]) ORDER BY changed DESC, mailing.id DESC",
        &[&subscriber.0, &since, &states],
    )?;
    rows.iter().map(|row| Ok((issue_id(row.try_get(0)?)?, row.try_get(1)?))).collect()
}

fn bounces(session: &mut Session, issue: &IssueId) -> Result<Vec<(Class, u64)>> {
    let rows = session.query(
        "SELECT class, count(*) FROM delivery
         WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) AND state = 'bounced' GROUP BY class",
        &[&issue.as_str()],
    )?;
    let mut counts = Vec::new();
    for row in rows {
        let class = deliveries::class(row.try_get(0)?)?.unwrap_or(Class::Unknown);
        counts.push((class, u64::try_from(row.try_get::<_, i64>(1)?)?));
    }
    counts.sort_unstable();
    Ok(counts)
}

//! What mail that came in changed, and which messages were handled.
//!
//! A run records what it sent in its log first, so that another process may see a delivery as claimed that was sent, and has
//! bounced. The bounce then waits in the row, and decides what the run's entry makes of it (`ledger::apply`).

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{
    Result, Sqlite, StoreResult, digest, format_time, handled, ledger, messages, parse_time, readers, requests,
    subscribers, unsubscriptions,
};
use crate::bounce::Class;
use crate::issue::IssueId;
use crate::store::EventStore;
use crate::store::events::{COMPLAINED, EventOutcome, MAY_HAVE_LEFT, MailEvent};
use crate::subscriber::{Status, SubscriberId};
use crate::unsubscription::Channel;

impl EventStore for Sqlite {
    fn is_handled(&self, digest: &str) -> StoreResult<bool> {
        self.reading("find a handled message", |connection| handled::is_in(connection, digest))
    }

    fn handle(
        &mut self,
        digest: &str,
        events: &[MailEvent],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Vec<EventOutcome>>> {
        self.write_log()?;
        self.changing("record a message that came in", |transaction| {
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
        self.write_log()?;
        self.reading("find what was mailed to a subscriber", |connection| {
            deliveries_since(connection, subscriber, since)
        })
    }

    fn bounces(&self, issue: &IssueId) -> StoreResult<Vec<(Class, u64)>> {
        self.write_log()?;
        self.reading("count bounces", |connection| bounces(connection, issue))
    }

    fn accept_failures(&mut self, issue: &IssueId, failures: u64) -> StoreResult<()> {
        self.changing("accept the failures of a mailing", |transaction| {
            let (number, failures) = (ledger::number(transaction, issue)?, i64::try_from(failures)?);
            transaction.execute("UPDATE mailing SET accepted_failures = ?2 WHERE id = ?1", [number, failures])?;
            Ok(())
        })
    }

    fn accepted_failures(&self, issue: &IssueId) -> StoreResult<u64> {
        self.reading("read which failures were accepted", |connection| {
            let mut select = connection.prepare("SELECT accepted_failures FROM mailing WHERE issue = ?1")?;
            let accepted: Option<Option<i64>> = select.query_row([issue.as_str()], |row| row.get(0)).optional()?;
            Ok(u64::try_from(accepted.flatten().unwrap_or(0))?)
        })
    }
}

fn record(transaction: &Transaction<'_>, event: &MailEvent, now: DateTime<Utc>) -> Result<EventOutcome> {
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
            subscribers::find(transaction, &request.address)?.map(|subscriber| subscriber.status)
        }
        MailEvent::Confirmed { request } => readers::confirm(transaction, request, now)?,
        MailEvent::Answered { kind, address, language } => {
            messages::queue(transaction, *kind, address, language, now)?;
            subscribers::find(transaction, address)?.map(|subscriber| subscriber.status)
        }
    };
    Ok(EventOutcome::Recorded(before))
}

fn bounced(
    transaction: &Transaction<'_>,
    (issue, id): (&IssueId, SubscriberId),
    (class, reply): (Class, &str),
    suppress: bool,
    now: DateTime<Utc>,
) -> Result<EventOutcome> {
    // The reply may name a person who was forgotten.
    let Some(subscriber) = subscribers::by_id(transaction, id)? else { return Ok(EventOutcome::Unchanged) };
    let mut update = transaction.prepare_cached(
        "UPDATE delivery SET class = ?3, reply = ?4,
             state = CASE WHEN state IN ('sent', 'unknown') THEN 'bounced' ELSE state END,
             run = CASE WHEN state IN ('sent', 'unknown') THEN NULL ELSE run END,
             changed = CASE WHEN state IN ('sent', 'unknown') THEN ?5 ELSE changed END
         WHERE mailing = (SELECT id FROM mailing WHERE issue = ?1) AND subscriber = ?2 AND class IS NULL
             AND state IN ('sent', 'unknown', 'claimed', 'sending')",
    )?;
    let now = format_time(now);
    if update.execute(params![issue.as_str(), id.0, class.as_str(), reply, now])? == 0 {
        return Ok(EventOutcome::Unchanged);
    }
    if suppress && matches!(subscriber.status, Status::Active | Status::Unconfirmed) {
        subscribers::suppress(transaction, id, &now)?;
    }
    Ok(EventOutcome::Recorded(Some(subscriber.status)))
}

fn complained(transaction: &Transaction<'_>, id: SubscriberId, now: DateTime<Utc>) -> Result<EventOutcome> {
    let subscriber = subscribers::by_id(transaction, id)?.filter(|it| it.status != Status::Complained);
    let Some(subscriber) = subscriber else { return Ok(EventOutcome::Unchanged) };
    let address = &subscriber.address;
    subscribers::set_status(transaction, address, Status::Complained, now)?;
    unsubscriptions::note(transaction, id, Channel::Complaint, now)?;
    requests::delete(transaction, address)?;
    messages::drop_queued(transaction, address, COMPLAINED, now)?;
    Ok(EventOutcome::Recorded(Some(subscriber.status)))
}

fn deliveries_since(
    connection: &Connection,
    subscriber: SubscriberId,
    since: DateTime<Utc>,
) -> Result<Vec<(IssueId, DateTime<Utc>)>> {
    let states = MAY_HAVE_LEFT.map(|state| format!("'{state}'")).join(", ");
    let sql = format!(
        "SELECT mailing.issue, delivery.changed FROM mailing CROSS JOIN delivery ON delivery.mailing = mailing.id
         WHERE delivery.subscriber = ?1 AND delivery.changed >= ?2 AND delivery.state IN ({states})
         ORDER BY delivery.changed DESC, mailing.id DESC"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![subscriber.0, format_time(since)])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push((digest::issue_id(&row.get::<_, String>(0)?)?, parse_time(&row.get::<_, String>(1)?)?));
    }
    Ok(deliveries)
}

fn bounces(connection: &Connection, issue: &IssueId) -> Result<Vec<(Class, u64)>> {
    let mut select = connection.prepare_cached(
        "SELECT class, count(*) FROM delivery
         WHERE mailing = (SELECT id FROM mailing WHERE issue = ?1) AND state = 'bounced' GROUP BY class",
    )?;
    let mut rows = select.query([issue.as_str()])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        let class = ledger::class(row.get(0)?)?.unwrap_or(Class::Unknown);
        counts.push((class, u64::try_from(row.get::<_, i64>(1)?)?));
    }
    counts.sort_unstable();
    Ok(counts)
}

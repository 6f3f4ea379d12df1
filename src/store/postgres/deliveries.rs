//! The table of deliveries as `status` reads it; runs write it in `claims`, the user in `decisions`.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, GenericClient, Row};

use super::Result;
use super::connection::Session;
use super::digest::issue_id;
use crate::bounce::Class;
use crate::email::EmailAddress;
use crate::issue::IssueId;
use crate::ledger::{Delivery, State, StateCounts};
use crate::subscriber::SubscriberId;

pub(super) fn counts(session: &mut Session, issue: &IssueId) -> Result<StateCounts> {
    let sql = "SELECT state, count(*) FROM delivery WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) \
               GROUP BY state";
    let mut counts = StateCounts::default();
    for row in session.query(sql, &[&issue.as_str()])? {
        counts.set(state(row.try_get(0)?)?, u64::try_from(row.try_get::<_, i64>(1)?)?);
    }
    Ok(counts)
}

pub(super) fn next_retry(session: &mut Session, issue: &IssueId) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT min(retry_at) FROM delivery WHERE mailing = (SELECT id FROM mailing WHERE issue = $1) \
               AND state = 'deferred'";
    let rows = session.query(sql, &[&issue.as_str()])?;
    rows.first().map_or(Ok(None), |row| Ok(row.try_get(0)?))
}

/// Indexes show which mailings have pending recipients; only the rows of those are read.
pub(super) fn open_mailings(session: &mut Session) -> Result<Vec<(IssueId, DateTime<Utc>)>> {
    let rows = session.query(
        "SELECT issue, (SELECT max(changed) FROM delivery WHERE mailing = one.id) FROM mailing AS one
         WHERE EXISTS (SELECT 1 FROM delivery WHERE mailing = one.id AND state IN ('queued', 'deferred'))
             OR id IN (SELECT mailing FROM delivery WHERE state IN ('claimed', 'sending'))
         ORDER BY id",
        &[],
    )?;
    rows.iter().map(|row| Ok((issue_id(row.try_get(0)?)?, row.try_get(1)?))).collect()
}

pub(super) fn each(
    client: &mut Client,
    issue: &IssueId,
    state: Option<State>,
    each: &mut dyn FnMut(Delivery) -> anyhow::Result<()>,
) -> Result<()> {
    let sql = "SELECT issue, subscriber, address, state, attempts, reply, changed, class
               FROM delivery JOIN mailing ON mailing.id = delivery.mailing
               WHERE issue = $1 AND ($2::text IS NULL OR state = $2) ORDER BY subscriber";
    let (issue, state) = (issue.as_str(), state.map(State::as_str));
    let parameters: [&(dyn ToSql + Sync); 2] = [&issue, &state];
    let mut rows = client.query_raw(sql, parameters)?;
    while let Some(row) = rows.next()? {
        each(from_row(&row)?)?;
    }
    Ok(())
}

pub(super) fn to(session: &mut Session, issue: &IssueId, recipients: &[SubscriberId]) -> Result<Vec<Delivery>> {
    let numbers: Vec<i64> = recipients.iter().map(|id| id.0).collect();
    let rows = session.query(
        "SELECT issue, subscriber, address, state, attempts, reply, changed, class
         FROM delivery JOIN mailing ON mailing.id = delivery.mailing
         WHERE issue = $1 AND subscriber = ANY($2) ORDER BY subscriber",
        &[&issue.as_str(), &numbers],
    )?;
    rows.iter().map(from_row).collect()
}

/// All deliveries to one person, oldest first.
pub(super) fn to_person(client: &mut impl GenericClient, id: SubscriberId) -> Result<Vec<Delivery>> {
    let sql = "SELECT issue, subscriber, address, state, attempts, reply, changed, class
               FROM mailing JOIN delivery ON delivery.mailing = mailing.id
               WHERE subscriber = $1 ORDER BY frozen_at, mailing.id";
    client.query(sql, &[&id.0])?.iter().map(from_row).collect()
}

/// Reads a delivery from issue, subscriber, address, state, attempts, reply, changed and class.
pub(super) fn from_row(row: &Row) -> Result<Delivery> {
    let subscriber: i64 = row.try_get(1)?;
    delivery(row, subscriber).with_context(|| format!("the delivery to subscriber {subscriber} cannot be read"))
}

fn delivery(row: &Row, subscriber: i64) -> Result<Delivery> {
    Ok(Delivery {
        issue: issue_id(row.try_get(0)?)?,
        subscriber: SubscriberId(subscriber),
        address: address(row.try_get(2)?)?,
        state: state(row.try_get(3)?)?,
        attempts: u32::try_from(row.try_get::<_, i32>(4)?)?,
        reply: row.try_get(5)?,
        changed: Some(row.try_get(6)?),
        class: class(row.try_get(7)?)?,
    })
}

/// Parses a stored address; a forgotten one is an empty text.
fn address(text: &str) -> Result<Option<EmailAddress>> {
    if text.is_empty() { Ok(None) } else { Ok(Some(text.parse()?)) }
}

pub(super) fn class(word: Option<&str>) -> Result<Option<Class>> {
    let class = |word| Class::from_word(word).ok_or_else(|| anyhow!("there is no class of bounces `{word}`"));
    word.map(class).transpose()
}

fn state(word: &str) -> Result<State> {
    State::from_word(word).ok_or_else(|| anyhow!("there is no state `{word}`"))
}

//! Whose delivery a report is about, and what it means: bounces (RFC 3464) and complaints (RFC 5965).
//!
//! A token that only our message to the reader contained is a proof; without one, the recipient and the Message-ID of the returned
//! message must agree. Either way the ledger must have mailed the reader lately.

use chrono::{DateTime, TimeDelta, Utc};

use crate::bounce::Class;
use crate::edition::message_id;
use crate::email::EmailAddress;
use crate::inbox::{Decision, Inbox, Letter};
use crate::incoming::{Action, Incoming, Report};
use crate::issue::IssueId;
use crate::store::events::MailEvent;
use crate::store::{Store, StoreError};
use crate::subscriber::Subscriber;
use crate::subscription::subscriber_by_token;
use crate::token::Purpose;
use crate::token::envelope_id::EnvelopeId;

/// How long after a mailing a report may come.
const MAILED_WITHIN: TimeDelta = TimeDelta::days(30);

/// Addresses of a message that are looked up, and the length of a reply in the ledger: a message may have any number of either.
const MAX_ADDRESSES: usize = 50;
const MAX_REPLY_CHARS: usize = 500;

/// The beginning of the Message-IDs of messages to single readers.
const TRANSACTIONAL: &str = "transactional.";

const NOT_PROVEN: &str = "it has no token of ours, and its recipient and Message-ID are not those of a message of ours";
const NOT_MAILED: &str = "nothing was mailed to its recipient within 30 days";

/// The reader whom a report is about, and what was mailed to them lately, newest first.
struct Owner {
    subscriber: Subscriber,
    deliveries: Vec<(IssueId, DateTime<Utc>)>,
    /// The mailing by the Message-ID, if that is one of ours.
    issue: Option<IssueId>,
}

impl Inbox<'_> {
    /// Decides about a bounce: a reader's delivery bounced, and an address that will never work is not mailed again.
    pub(super) fn bounce(&self, letter: &Letter<'_>, store: &dyn Store) -> Result<Decision, StoreError> {
        let says = letter.says;
        let failed: Vec<&Report> = says.recipients.iter().filter(|report| report.action == Action::Failed).collect();
        if let Some(subscriber) = self.reader_of_envelope(says, store)? {
            if says.returned_id.as_ref().is_some_and(|id| id.starts_with(TRANSACTIONAL)) {
                return Ok(Decision::unchanged("it is about a message to a single reader"));
            }
            // The reader may forward mail, and the report may be about the address behind.
            let names_reader = |report: &&&Report| is_address(report.address.as_ref(), &subscriber.address);
            let report = failed.iter().find(names_reader).or(failed.first()).copied();
            let owner = self.owner(subscriber, says, letter.now, store)?;
            let Some(issue) = owner.issue_or_newest(says) else { return Ok(Decision::not_ours(NOT_MAILED)) };
            return Ok(Decision::Record(vec![bounced(issue, &owner.subscriber, report)]));
        }
        let mut events = Vec::new();
        for report in failed.into_iter().take(MAX_ADDRESSES) {
            let Some(address) = &report.address else { continue };
            let Some(subscriber) = store.subscriber(address)? else { continue };
            let owner = self.owner(subscriber, says, letter.now, store)?;
            events.extend(owner.issue.map(|issue| bounced(issue, &owner.subscriber, Some(report))));
        }
        Ok(if events.is_empty() { Decision::not_ours(NOT_PROVEN) } else { Decision::Record(events) })
    }

    /// Decides about a complaint.
    pub(super) fn complaint(&self, letter: &Letter<'_>, store: &dyn Store) -> Result<Decision, StoreError> {
        Ok(match self.owner_of_report(letter, store)? {
            None => Decision::not_ours(NOT_PROVEN),
            Some(owner) if owner.deliveries.is_empty() => Decision::not_ours(NOT_MAILED),
            Some(owner) => Decision::Record(vec![MailEvent::Complained { subscriber: owner.subscriber.id }]),
        })
    }

    /// Decides about a report that changes nothing if it is about our mail.
    pub(super) fn noted(
        &self,
        letter: &Letter<'_>,
        store: &dyn Store,
        what: &'static str,
    ) -> Result<Decision, StoreError> {
        let owner = self.owner_of_report(letter, store)?;
        Ok(owner.map_or(Decision::not_ours(NOT_PROVEN), |_| Decision::unchanged(what)))
    }

    fn owner_of_report(&self, letter: &Letter<'_>, store: &dyn Store) -> Result<Option<Owner>, StoreError> {
        let says = letter.says;
        let reader = match self.reader_of_envelope(says, store)? {
            None => self.reader_of_links(says, store)?,
            reader => reader,
        };
        if let Some(subscriber) = reader {
            return self.owner(subscriber, says, letter.now, store).map(Some);
        }
        let named = says.recipients.iter().filter_map(|report| report.address.as_ref());
        for address in named.chain(&says.delivered_to).take(MAX_ADDRESSES) {
            let Some(subscriber) = store.subscriber(address)? else { continue };
            let owner = self.owner(subscriber, says, letter.now, store)?;
            if owner.issue.is_some() {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    /// The reader whose token is in the address that the bounce came to, or in the envelope id.
    fn reader_of_envelope(&self, says: &Incoming, store: &dyn Store) -> Result<Option<Subscriber>, StoreError> {
        let of_envelope = envelope_id(says).map(|id| id.token.to_string());
        let tokens = self.addresses.bounce_tokens(says).chain(of_envelope.as_deref());
        self.reader_of_any(Purpose::Bounce, tokens, store)
    }

    /// The reader whose token is in the links of the returned message.
    fn reader_of_links(&self, says: &Incoming, store: &dyn Store) -> Result<Option<Subscriber>, StoreError> {
        let words = says.returned_links.iter().flat_map(|link| link.split(|c: char| !c.is_ascii_alphanumeric()));
        self.reader_of_any(Purpose::Unsubscribe, words, store)
    }

    fn reader_of_any<'t>(
        &self,
        purpose: Purpose,
        tokens: impl Iterator<Item = &'t str>,
        store: &dyn Store,
    ) -> Result<Option<Subscriber>, StoreError> {
        let Some(secrets) = &self.secrets else { return Ok(None) };
        for token in tokens.take(MAX_ADDRESSES) {
            if let Some(subscriber) = subscriber_by_token(store, secrets, purpose, token)? {
                return Ok(Some(subscriber));
            }
        }
        Ok(None)
    }

    fn owner(
        &self,
        subscriber: Subscriber,
        says: &Incoming,
        now: DateTime<Utc>,
        store: &dyn Store,
    ) -> Result<Owner, StoreError> {
        let deliveries = store.deliveries_since(subscriber.id, now - MAILED_WITHIN)?;
        let returned = says.returned_id.as_deref().unwrap_or_default();
        let is_of = |issue: &IssueId| self.is_message_of(returned, issue, &subscriber.address);
        let issue = deliveries.iter().map(|(issue, _)| issue).find(|issue| is_of(issue)).cloned();
        Ok(Owner { subscriber, deliveries, issue })
    }

    /// Whether this is the Message-ID of the message with this issue or digest to this address.
    fn is_message_of(&self, id: &str, issue: &IssueId, address: &EmailAddress) -> bool {
        let local = |id: &str| id.split('@').next().unwrap_or_default().to_ascii_lowercase();
        // The id of a digest is that of its period, behind the address of the publication.
        let contents = self.publications.iter().map(|it| format!("{}{}", it.base_url, issue.as_str()));
        let mut contents = contents.chain([issue.as_str().to_owned()]);
        !id.is_empty() && contents.any(|content| local(&message_id(&content, address, "")) == local(id))
    }
}

impl Owner {
    /// The mailing by the Message-ID, or else by the envelope id, or else the newest.
    fn issue_or_newest(&self, says: &Incoming) -> Option<IssueId> {
        let envelope = envelope_id(says);
        let is_of = |(issue, _): &&(IssueId, DateTime<Utc>)| envelope.as_ref().is_some_and(|id| id.is_of(issue));
        let by_envelope = || self.deliveries.iter().find(is_of).or(self.deliveries.first());
        self.issue.clone().or_else(|| by_envelope().map(|(issue, _)| issue.clone()))
    }
}

fn envelope_id(says: &Incoming) -> Option<EnvelopeId> {
    EnvelopeId::parse(says.envelope_id.as_deref()?)
}

fn bounced(issue: IssueId, subscriber: &Subscriber, report: Option<&Report>) -> MailEvent {
    let class = report.map_or(Class::Unknown, |report| report.class);
    let said = report.and_then(|report| report.diagnostic.as_ref().or(report.status.as_ref()));
    let reply = said.map_or_else(|| "it bounced, without a reason".to_owned(), |said| one_line(said));
    MailEvent::Bounced { issue, subscriber: subscriber.id, class, reply, suppress: class == Class::BadAddress }
}

fn one_line(text: &str) -> String {
    let line = text.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_REPLY_CHARS).collect()
}

fn is_address(address: Option<&EmailAddress>, other: &EmailAddress) -> bool {
    address.is_some_and(|address| address.key() == other.key())
}

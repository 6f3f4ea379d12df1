//! `slugline subscribers show`: everything stored about one person.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::consent::{Consent, SubscriptionRequest};
use crate::email::EmailAddress;
use crate::ledger::Delivery;
use crate::store::{PersonalData, Store};
use crate::transactional_message::MessageRecord;

use document::Document;

mod document;

/// Show everything stored about one person
///
/// The answer to a person's request for their data: address, name, status, attributes, what they agreed to and when, how they
/// left, and every email with its time, state and the server's reply.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline subscribers show reader@example.org\n  \
                        slugline --json subscribers show reader@example.org > reader.json")]
pub(in crate::cli) struct Args {
    /// Email address
    address: EmailAddress,
}

pub(super) fn run(context: &Context, store: &dyn Store, args: &Args) -> anyhow::Result<Exit> {
    let address = &args.address;
    let Some(person) = store.personal_data(address)? else {
        let word = if store.are_forgotten(&[address])?.contains(&true) { "forgotten" } else { "not known" };
        let document = Unknown { address: address.as_str(), result: word };
        context.report.result(&format!("{address}  {word}"), &document)?;
        return Ok(Exit::Attention);
    };
    let is_blocked = store.is_blocked(address)?;
    if context.report.json {
        context.report.document(&Document::of(address, &person, is_blocked))?;
        return Ok(Exit::Done);
    }
    context.report.table(&rows(address, &person, is_blocked))?;
    section(context, CONSENTS, person.consents.iter().map(consent).chain(person.request.iter().map(request)))?;
    section(context, MAILS, person.deliveries.iter().map(mail))?;
    section(context, MESSAGES, person.messages.iter().map(message))?;
    Ok(Exit::Done)
}

const CONSENTS: &[&str] = &["asked", "confirmed", "language", "page", "network address", "agreed to"];
const MAILS: &[&str] = &["issue", "state", "tries", "when", "reply"];
const MESSAGES: &[&str] = &["message", "language", "state", "tries", "when", "reply"];

/// A table with this head, after an empty line, unless it is empty.
fn section(context: &Context, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> anyhow::Result<()> {
    let mut table = vec![head.iter().map(|cell| (*cell).to_owned()).collect()];
    table.extend(rows);
    if table.len() > 1 {
        context.report.text("\n")?;
        context.report.table(&table)?;
    }
    Ok(())
}

fn rows(address: &EmailAddress, person: &PersonalData, is_blocked: bool) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let spelled = person.subscriber.as_ref().map_or(address, |subscriber| &subscriber.address);
    let mut rows = vec![row("address", spelled.to_string())];
    match &person.subscriber {
        None => rows.push(row("status", "not subscribed".to_owned())),
        Some(subscriber) => {
            if !subscriber.name.is_empty() {
                rows.push(row("name", subscriber.name.clone()));
            }
            rows.push(row("status", subscriber.status.to_string()));
            rows.push(row("since", time(subscriber.created)));
            if let Some(changed) = person.changed.filter(|changed| *changed != subscriber.created) {
                rows.push(row("changed", time(changed)));
            }
            if let Some(left) = person.unsubscription {
                rows.push(row("left", format!("{}, {}", time(left.at), left.channel)));
            }
            rows.push(row("in `mail.subscribers`", if person.listed { "yes" } else { "no" }.to_owned()));
            for (name, value) in &subscriber.attributes {
                rows.push(row(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
    }
    if is_blocked {
        rows.push(row("never to be asked again", "yes".to_owned()));
    }
    rows
}

/// In UTC.
fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

fn consent(consent: &Consent) -> Vec<String> {
    let Consent { requested, confirmed, language, page, wording, ip } = consent;
    vec![
        time(*requested),
        time(*confirmed),
        language.clone(),
        page.clone().unwrap_or_default(),
        ip.clone().unwrap_or_default(),
        one_line(wording.text()),
    ]
}

fn request(request: &SubscriptionRequest) -> Vec<String> {
    let SubscriptionRequest { requested, language, page, wording, ip, .. } = request;
    vec![
        time(*requested),
        "not yet".to_owned(),
        language.clone(),
        page.clone().unwrap_or_default(),
        ip.clone().unwrap_or_default(),
        one_line(wording.text()),
    ]
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mail(delivery: &Delivery) -> Vec<String> {
    vec![
        delivery.issue.to_string(),
        delivery.state_in_words(),
        delivery.attempts.to_string(),
        delivery.changed.map(time).unwrap_or_default(),
        delivery.reply.clone().unwrap_or_default(),
    ]
}

fn message(message: &MessageRecord) -> Vec<String> {
    vec![
        message.kind.to_string(),
        message.language.clone(),
        message.state.to_string(),
        message.attempts.to_string(),
        time(message.changed),
        message.reply.clone().unwrap_or_default(),
    ]
}

/// What `subscribers show` writes for an address of which nothing is stored.
#[derive(Serialize)]
struct Unknown<'a> {
    address: &'a str,
    /// `forgotten` or `not known`.
    result: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Wording;
    use crate::ledger::State;
    use crate::subscriber::{NewSubscriber, Status, SubscriberId};
    use crate::transactional_message::MessageKind;
    use crate::unsubscription::{Channel, Unsubscription};

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-23T{hour:02}:00:00Z").parse().unwrap()
    }

    /// Someone who subscribed, left, and asked again.
    fn person() -> PersonalData {
        let (language, page) = ("en".to_owned(), Some("https://example.org/subscribe/".to_owned()));
        let wording = Wording::new("One mail a week.\nLeave any time.");
        let new = NewSubscriber::new("Maren@example.org".parse().unwrap(), "Maren");
        let mut subscriber = new.into_subscriber(SubscriberId(1), at(8));
        subscriber.status = Status::Unsubscribed;
        PersonalData {
            consents: vec![Consent {
                requested: at(7),
                confirmed: at(8),
                language: language.clone(),
                page,
                wording: wording.clone(),
                ip: Some("192.0.2.7".into()),
            }],
            request: Some(SubscriptionRequest {
                address: subscriber.address.clone(),
                name: "M".into(),
                language: language.clone(),
                page: None,
                return_to: None,
                wording,
                ip: None,
                requested: at(10),
            }),
            messages: vec![MessageRecord {
                kind: MessageKind::Goodbye,
                language,
                created: at(9),
                state: State::Sent,
                attempts: 1,
                reply: Some("250 ok".into()),
                changed: at(9),
            }],
            unsubscription: Some(Unsubscription { channel: Channel::Page, at: at(9) }),
            changed: Some(at(9)),
            subscriber: Some(subscriber),
            ..PersonalData::default()
        }
    }

    fn joined(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
        rows.into_iter().map(|row| row.join(" | ")).collect()
    }

    #[test]
    fn everything_about_a_reader_is_shown() {
        let (person, asked) = (person(), "maren@example.org".parse().unwrap());
        let expected = [
            "address | Maren@example.org",
            "name | Maren",
            "status | unsubscribed",
            "since | 2026-11-23 08:00",
            "changed | 2026-11-23 09:00",
            "left | 2026-11-23 09:00, page",
            "in `mail.subscribers` | no",
        ];
        assert_eq!(joined(rows(&asked, &person, false)), expected);
        let page = "https://example.org/subscribe/";
        let words = "One mail a week. Leave any time.";
        assert_eq!(
            joined(person.consents.iter().map(consent).chain(person.request.iter().map(request))),
            [
                format!("2026-11-23 07:00 | 2026-11-23 08:00 | en | {page} | 192.0.2.7 | {words}"),
                format!("2026-11-23 10:00 | not yet | en |  |  | {words}"),
            ]
        );
        assert_eq!(
            joined(person.messages.iter().map(message)),
            ["goodbye | en | sent | 1 | 2026-11-23 09:00 | 250 ok"]
        );
        let only_asked = PersonalData { request: person.request, ..PersonalData::default() };
        assert_eq!(
            joined(rows(&asked, &only_asked, true)),
            ["address | maren@example.org", "status | not subscribed", "never to be asked again | yes"]
        );
    }

    #[test]
    fn everything_about_a_reader_is_in_the_document() {
        let (person, asked) = (person(), "maren@example.org".parse().unwrap());
        let wording = "One mail a week.\nLeave any time.";
        let expected = serde_json::json!({
            "address": "Maren@example.org", "name": "Maren", "status": "unsubscribed",
            "created": "2026-11-23T08:00:00+00:00", "changed": "2026-11-23T09:00:00+00:00",
            "left": {"channel": "page", "at": "2026-11-23T09:00:00+00:00"},
            "listed": false, "blocked": false, "attributes": {},
            "consents": [{
                "requested": "2026-11-23T07:00:00+00:00", "confirmed": "2026-11-23T08:00:00+00:00", "language": "en",
                "page": "https://example.org/subscribe/", "wording": wording, "ip": "192.0.2.7",
            }],
            "request": {
                "requested": "2026-11-23T10:00:00+00:00", "name": "M", "language": "en", "page": null,
                "wording": wording, "ip": null,
            },
            "deliveries": [],
            "messages": [{
                "kind": "goodbye", "language": "en", "created": "2026-11-23T09:00:00+00:00", "state": "sent",
                "attempts": 1, "reply": "250 ok", "changed": "2026-11-23T09:00:00+00:00",
            }],
        });
        assert_eq!(serde_json::to_value(Document::of(&asked, &person, false)).unwrap(), expected);
    }
}

//! The pages for readers: whether the one-click button in mail works.

use std::time::Duration;

use url::Url;

use crate::cli::Context;
use crate::config::{Config, MailConfig};
use crate::diagnosis::{Step, one_click};
use crate::digest::MailingContent;
use crate::http::{Client, Limits, Reach};
use crate::load;
use crate::subscriber::{NewSubscriber, SubscriberId};
use crate::token::TOKEN_DIGITS;

/// A person waits for the answer, and no mail program waits longer.
const LIMITS: Limits =
    Limits { bytes: 64 * 1024, connect: Duration::from_secs(10), total: Duration::from_secs(15), redirects: 0 };

/// The address of the pages and the steps about them, if mail links to them.
pub(super) fn steps(context: &Context, config: &Config, mail: &MailConfig) -> Option<(String, Vec<Step>)> {
    let serve = config.serve.as_ref()?;
    let link = mail.edition.unsubscribe_url.as_ref().filter(|link| **link == serve.leave_link())?;
    let url = Url::parse(&link.replace("{token}", &"0".repeat(TOKEN_DIGITS))).ok()?;
    let mut steps = vec![one_click::page(&Client::new(LIMITS, Reach::Anywhere), &url)];
    let signed =
        message(context, config, mail).map(|message| message.and_then(|message| one_click::signature(&message)));
    steps.extend(signed.unwrap_or_else(|error| {
        let remedy = "fix this first; `slugline edition latest --eml` shows the message";
        Some(Step::error("signature", format!("no message can be signed: {error:#}"), remedy))
    }));
    Some((serve.url.to_string(), steps))
}

/// The newest issue as the sender would receive it, signed; `None` if nothing signs it, or there is no issue.
fn message(context: &Context, config: &Config, mail: &MailConfig) -> anyhow::Result<Option<Vec<u8>>> {
    let loaded = load::issues(&context.project, config, context.clock.now())?;
    let now = context.build_clock.now();
    let newest = loaded.issues.iter().find(|issue| issue.email && issue.is_published(now));
    let Some(newest) = newest.filter(|_| !mail.dkim.is_empty()) else { return Ok(None) };
    let composer = context.composer(config, &loaded.issues)?;
    let edition = composer.compose(&MailingContent::Issue(newest)).edition?;
    let sender = NewSubscriber::new(mail.edition.from.address.clone(), "").into_subscriber(SubscriberId(0), now);
    Ok(Some(composer.letters(edition, now)?.write(&sender)?.content))
}

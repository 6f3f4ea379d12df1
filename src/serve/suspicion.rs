//! Whether a request to subscribe looks like that of a program. It is then asked for an extra step, never refused.

use chrono::{DateTime, TimeDelta, Utc};
use url::{Origin, Url};

use crate::serve::Request;
use crate::serve::form::Form;
use crate::token::Secrets;

/// No person fills in a form faster.
const MIN_FORM_AGE: TimeDelta = TimeDelta::seconds(2);

/// How long the extra step can be taken.
const STEP_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// The hidden field of a form that says when its page was made.
pub(super) fn made(secrets: &Secrets, now: DateTime<Utc>) -> String {
    sealed(secrets, "made", "", now)
}

/// The hidden field of the extra step for an address.
pub(super) fn step(secrets: &Secrets, email: &str, now: DateTime<Utc>) -> String {
    sealed(secrets, "step", email, now)
}

/// Whether the form has been through the extra step for its address.
pub(super) fn is_step_taken(secrets: &Secrets, form: &Form, now: DateTime<Utc>) -> bool {
    let age = age(secrets, "step", form.get("email"), form.get("step"), now);
    age.is_some_and(|age| age >= TimeDelta::zero() && age <= STEP_LIFETIME)
}

/// Whether a program seems to have filled in the form: in a field that people do not see, faster than anyone types, or on a page
/// of a site that is not `known`. A form without age or origin is no hint, because a static page has none.
pub(super) fn is_suspicious(
    secrets: &Secrets,
    request: &Request,
    form: &Form,
    known: &[&Url],
    now: DateTime<Utc>,
) -> bool {
    let is_foreign = |origin: &str| {
        let origin = Url::parse(origin).map(|url| url.origin());
        origin.is_ok_and(|origin: Origin| !known.iter().any(|url| url.origin() == origin))
    };
    let made = form.get("made");
    let is_fast = || age(secrets, "made", "", made, now).is_none_or(|age| age < MIN_FORM_AGE);
    !form.get("website").is_empty()
        || !made.is_empty() && is_fast()
        || request.origin.as_deref().is_some_and(is_foreign)
}

fn sealed(secrets: &Secrets, what: &str, about: &str, time: DateTime<Utc>) -> String {
    let time = time.timestamp_millis();
    format!("{time}.{}", secrets.seal(&format!("{what} {time} {about}")))
}

/// The age of a sealed time; `None` if the seal is not ours.
fn age(secrets: &Secrets, what: &str, about: &str, text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let (time, seal) = text.split_once('.')?;
    let made = DateTime::from_timestamp_millis(time.parse().ok()?)?;
    secrets.is_seal(seal, &format!("{what} {time} {about}")).then(|| now - made)
}

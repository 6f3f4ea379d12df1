//! The addresses to which mail for the program comes, and what an address says about a message.

use crate::email::EmailAddress;
use crate::incoming::{Incoming, Kind};

/// Placeholder for a reader's token in the project file.
const TOKEN: &str = "{token}";

/// The addresses of a publication.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    bounces: Option<Pattern>,
    leave: Option<Pattern>,
    confirm: Option<Pattern>,
    subscribe: Option<Pattern>,
    /// Further addresses from which mail is our own.
    own: Vec<EmailAddress>,
}

/// The addresses as the project file writes them, with `{token}` where a reader's token is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Templates<'a> {
    /// `mail.bounce_address`.
    pub bounces: Option<&'a str>,
    /// `mail.unsubscribe_mailto`.
    pub leave: Option<&'a str>,
    /// `inbox.confirm`.
    pub confirm: Option<&'a str>,
    /// `inbox.subscribe`.
    pub subscribe: Option<&'a str>,
}

/// What mail to an address is for, with the token in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'a> {
    Bounces(Option<&'a str>),
    Leave(Option<&'a str>),
    Confirm(&'a str),
    Subscribe,
}

/// An address of the project file, perhaps with a token in the part before the `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// The part before the token, or all before the `@`; lower case.
    before: String,
    /// The part behind the token, if there is a token.
    after: Option<String>,
    domain: String,
}

impl Addresses {
    /// The addresses of the project file; `own` are the sender and where replies go.
    pub fn new(templates: &Templates<'_>, own: Vec<EmailAddress>) -> Self {
        let pattern = |template: Option<&str>| template.and_then(Pattern::new);
        let Templates { bounces, leave, confirm, subscribe } = *templates;
        Self {
            bounces: pattern(bounces),
            leave: pattern(leave),
            confirm: pattern(confirm),
            subscribe: pattern(subscribe),
            own,
        }
    }

    /// What a message is, by what it says and the address it came to: a report is one wherever it comes.
    pub fn kind(&self, says: &Incoming) -> Kind {
        match (says.kind, self.role(says)) {
            (Kind::Bounce | Kind::Delay | Kind::Complaint | Kind::NotSpam, _) => says.kind,
            (_, Some(Role::Leave(Some(_)))) => Kind::Leave,
            (Kind::AutoReply, _) => Kind::AutoReply,
            (_, Some(Role::Leave(None))) => Kind::Leave,
            (_, Some(Role::Confirm(_))) => Kind::Confirm,
            (_, Some(Role::Subscribe)) => Kind::Subscribe,
            (kind, _) => kind,
        }
    }

    /// What the addresses of a message say: one with a token says more than one without.
    pub(super) fn role<'a>(&self, says: &'a Incoming) -> Option<Role<'a>> {
        let roles = || says.delivered_to.iter().filter_map(|address| self.role_of(address));
        let has_token =
            |role: &Role<'_>| matches!(role, Role::Bounces(Some(_)) | Role::Leave(Some(_)) | Role::Confirm(_));
        roles().find(has_token).or_else(|| roles().next())
    }

    /// The tokens in the bounce addresses of a message.
    pub(super) fn bounce_tokens<'a>(&self, says: &'a Incoming) -> impl Iterator<Item = &'a str> {
        says.delivered_to.iter().filter_map(|address| match self.role_of(address)? {
            Role::Bounces(token) => token,
            _ => None,
        })
    }

    /// Whether readers can leave by mail.
    pub(super) fn can_leave(&self) -> bool {
        self.leave.is_some()
    }

    /// Whether readers can confirm and undo by mail.
    pub(super) fn can_confirm(&self) -> bool {
        self.confirm.is_some()
    }

    /// Whether mail from this address is our own.
    pub(super) fn is_own(&self, address: &EmailAddress) -> bool {
        self.role_of(address).is_some() || self.own.iter().any(|own| own.key() == address.key())
    }

    fn role_of<'a>(&self, address: &'a EmailAddress) -> Option<Role<'a>> {
        let token = |pattern: &Option<Pattern>| pattern.as_ref()?.token(address);
        if let Some(Some(token)) = token(&self.confirm) {
            return Some(Role::Confirm(token));
        }
        let leave = || token(&self.leave).map(Role::Leave);
        let subscribe = || token(&self.subscribe).map(|_| Role::Subscribe);
        token(&self.bounces).map(Role::Bounces).or_else(leave).or_else(subscribe)
    }
}

impl Pattern {
    /// Reads an address as the project file writes it; `None` if it is not one.
    fn new(template: &str) -> Option<Self> {
        let (local, domain) = template.trim().rsplit_once('@')?;
        // The domain as addresses have it: lower-case A-labels.
        let domain = format!("a@{domain}").parse::<EmailAddress>().ok()?.domain().to_owned();
        let (before, after) = match local.split_once(TOKEN) {
            Some((before, after)) => (before, Some(after.to_lowercase())),
            None => (local, None),
        };
        Some(Self { before: before.to_lowercase(), after, domain })
    }

    /// The token in an address of this pattern, or `Some(None)` for the address without one: `leave@` for `leave+{token}@`.
    fn token<'a>(&self, address: &'a EmailAddress) -> Option<Option<&'a str>> {
        if address.domain() != self.domain {
            return None;
        }
        let local = address.local_part();
        let is = |part: &str, other: &str| part.eq_ignore_ascii_case(other);
        let Some(after) = &self.after else { return is(local, &self.before).then_some(None) };
        let plain = format!("{}{after}", self.before.trim_end_matches(['+', '-', '=', '_', '.']));
        if is(local, &plain) {
            return Some(None);
        }
        let token = local.get(self.before.len()..local.len().checked_sub(after.len())?)?;
        let is_around =
            is(local.get(..self.before.len())?, &self.before) && is(local.get(local.len() - after.len()..)?, after);
        (is_around && !token.is_empty()).then_some(Some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(template: &str, address: &str) -> Option<Option<String>> {
        let address: EmailAddress = address.parse().unwrap();
        Pattern::new(template).unwrap().token(&address).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn a_token_is_found_at_any_place_and_in_any_case() {
        let found = |token: &str| Some(Some(token.to_owned()));
        assert_eq!(role("leave+{token}@example.org", "leave+0a1B@example.org"), found("0a1B"));
        assert_eq!(role("Leave+{token}@例え.jp", "LEAVE+ff@xn--r8jz45g.jp"), found("ff"));
        assert_eq!(role("{token}-leave@example.org", "ff-leave@example.org"), found("ff"));
        assert_eq!(role("bye.{token}.weekly@example.org", "bye.ff.weekly@example.org"), found("ff"));
        assert_eq!(role("leave+{token}@example.org", "leave@example.org"), Some(None));
        assert_eq!(role("leave@example.org", "Leave@example.org"), Some(None));
        for (template, address) in [
            ("leave+{token}@example.org", "leave+ff@else.example.org"),
            ("leave+{token}@example.org", "leaves@example.org"),
            ("leave+{token}@example.org", "l@example.org"),
            ("leave@example.org", "leave+ff@example.org"),
            ("bye.{token}.weekly@example.org", "bye.ff@example.org"),
            ("léave+{token}@example.org", "l@example.org"),
        ] {
            assert_eq!(role(template, address), None, "{address}");
        }
    }
}

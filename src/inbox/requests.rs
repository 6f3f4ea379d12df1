//! What readers ask for by mail: to leave, to come back, to be subscribed, to confirm, to have their links.
//!
//! A token in the address is the proof, whoever sent the message. Without one only mail is sent, to the address it came from and
//! within the limits of the form, and nothing else changes.

use chrono::SubsecRound as _;

use crate::consent::{SubscriptionRequest, Wording};
use crate::email::EmailAddress;
use crate::inbox::automatic::is_automatic;
use crate::inbox::{Decision, Inbox, Letter, Outcome};
use crate::rate::Rate;
use crate::serve;
use crate::serve::limits::{rate_of_all, rates_of_address};
use crate::store::events::MailEvent;
use crate::store::{Store, StoreError};
use crate::subscriber::{Status, Subscriber};
use crate::subscription::confirmation::{Found, find};
use crate::subscription::subscriber_by_token;
use crate::token::{Purpose, Secrets};
use crate::transactional_message::MessageKind;
use crate::unsubscription::Channel;

const AUTOMATIC: &str = "a program sent it, so it is not answered";
const TOO_MANY: &str = "the address has been asked too often";
const NO_SENDER: &str = "it does not say from whom it is";

impl Inbox<'_> {
    /// Decides about a message to the address with this token: its reader leaves, and is told how to undo it.
    pub(super) fn leave(&self, token: &str, store: &dyn Store) -> Result<Decision, StoreError> {
        let Some(subscriber) = self.reader(Purpose::Unsubscribe, token, store)? else {
            return Ok(Decision::unchanged("no reader has this token"));
        };
        if !matches!(subscriber.status, Status::Active | Status::Unconfirmed) {
            return Ok(Decision::unchanged("the reader is not subscribed"));
        }
        let can_undo = self.has_pages || self.addresses.can_confirm();
        let message = if can_undo { Some(self.language(&subscriber, store)?) } else { None };
        Ok(Decision::Record(vec![MailEvent::Left { subscriber: subscriber.id, channel: Channel::Mail, message }]))
    }

    /// Decides about a wish to leave without a token: the sender, who may be anyone, is mailed their links.
    pub(super) fn send_links(&self, letter: &Letter<'_>, store: &mut dyn Store) -> Result<Decision, StoreError> {
        if !self.has_pages && !self.addresses.can_leave() {
            return Ok(Decision::Nothing(Outcome::Other));
        }
        let (secrets, address) = match self.sender(letter) {
            Ok(sender) => sender,
            Err(decision) => return Ok(decision),
        };
        if !take(secrets, address, letter, store)? {
            return Ok(Decision::Drop(TOO_MANY));
        }
        let language = match store.subscriber(address)? {
            Some(subscriber) => self.language(&subscriber, store)?,
            None => self.main_language(),
        };
        let (kind, address) = (MessageKind::Links, address.clone());
        Ok(Decision::Record(vec![MailEvent::Answered { kind, address, language }]))
    }

    /// Decides about a wish to be subscribed: the sender is asked to confirm. Nothing of the message gets into that mail.
    pub(super) fn subscribe(&self, letter: &Letter<'_>, store: &mut dyn Store) -> Result<Decision, StoreError> {
        let (secrets, address) = match self.sender(letter) {
            Ok(sender) => sender,
            Err(decision) => return Ok(decision),
        };
        if !take(secrets, address, letter, store)? {
            return Ok(Decision::Drop(TOO_MANY));
        }
        let Some(publication) = self.publications.first() else { return Ok(Decision::Nothing(Outcome::Other)) };
        let request = SubscriptionRequest {
            address: address.clone(),
            name: String::new(),
            language: publication.language.clone(),
            page: None,
            return_to: None,
            wording: Wording::new(serve::consent_text(publication)),
            ip: None,
            requested: letter.now.trunc_subsecs(3),
        };
        Ok(Decision::Record(vec![MailEvent::Requested { request, tag: secrets.tag(address) }]))
    }

    /// Decides about a message to the address with this token: it confirms a request, undoes an unsubscription, or asks that the
    /// address be asked no more. An automatic reply is not consent.
    pub(super) fn confirm(
        &self,
        token: &str,
        letter: &Letter<'_>,
        store: &mut dyn Store,
    ) -> Result<Decision, StoreError> {
        let Some(secrets) = &self.secrets else { return Ok(Decision::Nothing(Outcome::Other)) };
        if is_automatic(letter.bytes) {
            return Ok(Decision::unchanged("a program sent it, which is not consent"));
        }
        match find(store, secrets, token, letter.now)? {
            Found::Request(request) => return Ok(Decision::Record(vec![MailEvent::Confirmed { request: *request }])),
            Found::Confirmed(_) => return Ok(Decision::unchanged("the reader is subscribed already")),
            Found::Block(request) => {
                store.block(&request.address, letter.now)?;
                return Ok(Decision::Record(Vec::new()));
            }
            Found::Nothing => {}
        }
        let Some(subscriber) = self.reader(Purpose::Return, token, store)? else {
            return Ok(Decision::unchanged("the token is not valid, or not any more"));
        };
        if subscriber.status != Status::Unsubscribed {
            return Ok(Decision::unchanged("the reader has not left"));
        }
        Ok(match store.come_back(subscriber.id, letter.now)? {
            true => Decision::Record(Vec::new()),
            false => Decision::unchanged("the reader left more than 30 days ago"),
        })
    }

    /// Whom to answer, or why nobody is.
    fn sender<'s>(&'s self, letter: &Letter<'s>) -> Result<(&'s Secrets, &'s EmailAddress), Decision> {
        let secrets = self.secrets.as_deref().ok_or(Decision::Nothing(Outcome::Other))?;
        let address = letter.says.from.as_ref().ok_or(Decision::unchanged(NO_SENDER))?;
        let is_daemon = address.local_part().eq_ignore_ascii_case("mailer-daemon");
        if is_daemon || self.addresses.is_own(address) || is_automatic(letter.bytes) {
            return Err(Decision::unchanged(AUTOMATIC));
        }
        Ok((secrets, address))
    }

    fn reader(&self, purpose: Purpose, token: &str, store: &dyn Store) -> Result<Option<Subscriber>, StoreError> {
        match &self.secrets {
            Some(secrets) => subscriber_by_token(store, secrets, purpose, token),
            None => Ok(None),
        }
    }

    /// The language in which a reader subscribed, or else that of the publication.
    fn language(&self, subscriber: &Subscriber, store: &dyn Store) -> Result<String, StoreError> {
        let consent = store.consents(subscriber.id)?.pop();
        Ok(consent.map_or_else(|| self.main_language(), |consent| consent.language))
    }

    fn main_language(&self) -> String {
        self.publications.first().map(|publication| publication.language.clone()).unwrap_or_default()
    }
}

/// Takes what a message to this address takes of the limits that the form has, too.
fn take(
    secrets: &Secrets,
    address: &EmailAddress,
    letter: &Letter<'_>,
    store: &mut dyn Store,
) -> Result<bool, StoreError> {
    let rates: Vec<Rate> = rates_of_address(secrets, address).into_iter().chain([rate_of_all()]).collect();
    store.take_one_of_each(&rates, letter.now)
}

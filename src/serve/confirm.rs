//! `/confirm/{token}`: begins a subscription that was requested, or has the address never asked again.

use crate::consent::SubscriptionRequest;
use crate::serve::pages::Answer;
use crate::serve::words::Words;
use crate::serve::{Context, Failure, Response, Service};
use crate::store::StoreError;
use crate::subscriber::Status;
use crate::token::{Purpose, Tag, Token};

/// What a token at this page is good for.
enum Found {
    /// To confirm this request.
    Request(Box<SubscriptionRequest>),
    /// To block the address of this request.
    Block(Box<SubscriptionRequest>),
    /// It confirmed a request; the language of it.
    Confirmed(String),
    /// Nothing.
    Nothing,
}

impl Service {
    pub(super) fn show_confirm(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let ask = |language: &str, texts| self.question(language, &format!("confirm/{token}"), texts, "confirm page");
        match self.find(token, context)? {
            Found::Request(request) => {
                let words = Words::of_language(&request.language);
                ask(&request.language, [words.confirm_title, words.confirm, words.subscribe])
            }
            Found::Block(request) => {
                let words = Words::of_language(&request.language);
                ask(&request.language, [words.block_title, words.block, words.block_title])
            }
            Found::Confirmed(language) => self.subscribed(&language, None, "confirmed"),
            Found::Nothing => self.expired(language),
        }
    }

    pub(super) fn confirm(&self, token: &str, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        match self.find(token, context)? {
            Found::Request(request) => match context.store.confirm(&request, context.now)? {
                Some(Status::Complained) => self.refused(&request.language),
                _ => self.subscribed(&request.language, request.return_to.as_deref(), "confirmed"),
            },
            Found::Block(request) => {
                context.store.block(&request.address, context.now)?;
                Ok(self.fallback(&request.language, 200, |words| (words.blocked_title, words.blocked), "blocked"))
            }
            Found::Confirmed(language) => self.subscribed(&language, None, "confirmed"),
            Found::Nothing => self.expired(language),
        }
    }

    fn find(&self, token: &str, context: &mut Context<'_>) -> Result<Found, StoreError> {
        let Some((token, tag)) = Token::parse(token).and_then(|token| Some((token, token.tag()?))) else {
            return Ok(Found::Nothing);
        };
        let Context { store, now, .. } = context;
        if let Some(request) = store.request_by_tag(tag, *now)? {
            if self.secrets.belongs_to_time(&token, Purpose::Confirm, &request.address, request.requested) {
                return Ok(Found::Request(Box::new(request)));
            }
            if self.secrets.claim(&token, Purpose::Block).is_some() {
                return Ok(Found::Block(Box::new(request)));
            }
        }
        self.confirmed_by(&token, tag, context)
    }

    /// Pressing twice is no error.
    fn confirmed_by(&self, token: &Token, tag: Tag, context: &mut Context<'_>) -> Result<Found, StoreError> {
        for secret in self.secrets.all() {
            let Some(subscriber) = context.store.subscriber_by_tag(secret, tag)? else { continue };
            if subscriber.status != Status::Active {
                continue;
            }
            let consents = context.store.consents(subscriber.id)?;
            let is_of = |time| self.secrets.belongs_to_time(token, Purpose::Confirm, &subscriber.address, time);
            if let Some(consent) = consents.into_iter().find(|consent| is_of(consent.requested)) {
                return Ok(Found::Confirmed(consent.language));
            }
        }
        Ok(Found::Nothing)
    }

    pub(super) fn subscribed(
        &self,
        language: &str,
        return_to: Option<&str>,
        log: &'static str,
    ) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let home = self.home(words);
        let links = vec![(return_to.unwrap_or(home.0), home.1)];
        let answer = Answer { title: words.subscribed_title, text: words.subscribed, links, ..Answer::default() };
        self.page(200, language, &answer, log)
    }

    fn expired(&self, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        self.subscribe_again(404, language, [words.expired_title, words.expired], "not a valid token")
    }

    /// A page that leads to the form.
    pub(super) fn subscribe_again(
        &self,
        status: u16,
        language: &str,
        [title, text]: [&str; 2],
        log: &'static str,
    ) -> Result<Response, Failure> {
        let form = self.options.subscribe_link();
        let links = vec![(form.as_str(), Words::of_language(language).subscribe_title)];
        self.page(status, language, &Answer { title, text, links, ..Answer::default() }, log)
    }

    fn refused(&self, language: &str) -> Result<Response, Failure> {
        Ok(self.fallback(language, 403, |words| (words.refused_title, words.refused), "complained"))
    }
}

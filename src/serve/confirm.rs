//! `/confirm/{token}`: begins a subscription that was requested, or has the address never asked again.

use crate::serve::pages::Answer;
use crate::serve::words::Words;
use crate::serve::{Context, Failure, Response, Service};
use crate::subscriber::Status;
use crate::subscription::confirmation::{Found, find};

impl Service {
    pub(super) fn show_confirm(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let ask = |language: &str, texts| self.question(language, &format!("confirm/{token}"), texts, "confirm page");
        match find(context.store, &self.secrets, token, context.now)? {
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
        match find(context.store, &self.secrets, token, context.now)? {
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

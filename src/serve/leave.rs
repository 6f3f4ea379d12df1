//! `/leave/{token}` and `/return/{token}`: unsubscribing, by one click (RFC 8058) or on a page, and undoing it.

use crate::serve::form::Form;
use crate::serve::pages::{Answer, Button, FROM_PAGE};
use crate::serve::words::Words;
use crate::serve::{Context, Failure, Response, Service};
use crate::store::StoreError;
use crate::subscriber::Subscriber;
use crate::subscription::subscriber_by_token;
use crate::token::Purpose;
use crate::unsubscription::Channel;

impl Service {
    pub(super) fn show_leave(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let Some((_, language)) = self.subscriber(Purpose::Unsubscribe, token, language, context)? else {
            return self.invalid(404, language);
        };
        let words = Words::of_language(&language);
        let texts = [words.leave_title, words.leave, words.leave_button];
        self.question(&language, &format!("leave/{token}?language={language}"), texts, "leave page")
    }

    /// Whatever the token: 200, so that no mail program tries again, and no one learns who is subscribed.
    pub(super) fn leave(&self, token: &str, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        let is_page = Form::of_body(context.request).get(FROM_PAGE.0) == FROM_PAGE.1;
        let Some((subscriber, language)) = self.subscriber(Purpose::Unsubscribe, token, language, context)? else {
            return if is_page { self.invalid(200, language) } else { Ok(one_click("left, unknown token")) };
        };
        let Context { store, now, .. } = context;
        if !is_page {
            store.leave(subscriber.id, Channel::OneClick, None, *now)?;
            return Ok(one_click("left by one click"));
        }
        store.leave(subscriber.id, Channel::Page, Some(&language), *now)?;
        Ok(self.left(&subscriber, &language)?.queued())
    }

    pub(super) fn show_return(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let Some((_, language)) = self.subscriber(Purpose::Return, token, language, context)? else {
            return self.invalid(404, language);
        };
        let words = Words::of_language(&language);
        let texts = [words.return_title, words.return_, words.return_button];
        self.question(&language, &format!("return/{token}?language={language}"), texts, "return page")
    }

    pub(super) fn come_back(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let Some((subscriber, language)) = self.subscriber(Purpose::Return, token, language, context)? else {
            return self.invalid(404, language);
        };
        if context.store.come_back(subscriber.id, context.now)? {
            return self.subscribed(&language, None, "came back");
        }
        let words = Words::of_language(&language);
        self.subscribe_again(410, &language, [words.invalid_title, words.too_late], "too late to return")
    }

    /// The subscriber of a token, and the language of the page: that of the mail, which the link names, or that of the form, or else
    /// `otherwise`.
    fn subscriber(
        &self,
        purpose: Purpose,
        token: &str,
        otherwise: &str,
        context: &mut Context<'_>,
    ) -> Result<Option<(Subscriber, String)>, StoreError> {
        let Some(subscriber) = subscriber_by_token(context.store, &self.secrets, purpose, token)? else {
            return Ok(None);
        };
        let is_named = !Form::of_query(context.request).get("language").is_empty();
        let consent = if is_named { None } else { context.store.consents(subscriber.id)?.pop() };
        let language = consent.map_or_else(|| otherwise.to_owned(), |consent| consent.language);
        Ok(Some((subscriber, language)))
    }

    fn left(&self, subscriber: &Subscriber, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let action = self
            .url(&format!("return/{}?language={language}", self.secrets.token(Purpose::Return, &subscriber.address)));
        let button = Some(Button { label: words.undo, action: &action, ..Button::default() });
        let links = vec![self.home(words)];
        let answer = Answer { title: words.left_title, text: words.left, button, links };
        self.page(200, language, &answer, "left on the page")
    }

    fn invalid(&self, status: u16, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let link = self.url("link");
        let links = vec![(link.as_str(), words.links_title), self.home(words)];
        let answer = Answer { title: words.invalid_title, text: words.invalid, links, ..Answer::default() };
        self.page(status, language, &answer, "not a valid token")
    }
}

/// The answer to a mail program (RFC 8058 section 3.2): the same for every token.
fn one_click(log: &'static str) -> Response {
    Response::line(200, "unsubscribed", log)
}

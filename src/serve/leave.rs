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
        let Some(subscriber) = self.subscriber(Purpose::Unsubscribe, token, context)? else {
            return self.invalid(404, language);
        };
        let language = self.language_of(context.store, subscriber.id, language)?;
        let words = Words::of_language(&language);
        let action = self.url(&format!("leave/{token}"));
        let button = Button { label: words.leave_button, action: &action, ..Button::default() };
        let answer = Answer { title: words.leave_title, text: words.leave, button: Some(button), links: Vec::new() };
        Ok(Response::page(200, self.pages.answer(&language, &answer)?, "leave page"))
    }

    /// Whatever the token: 200, so that no mail program tries again, and no one learns who is subscribed.
    pub(super) fn leave(&self, token: &str, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        let is_page = Form::of_body(context.request).get(FROM_PAGE.0) == FROM_PAGE.1;
        let Some(subscriber) = self.subscriber(Purpose::Unsubscribe, token, context)? else {
            return if is_page { self.invalid(200, language) } else { Ok(one_click("left, unknown token")) };
        };
        let language = self.language_of(context.store, subscriber.id, language)?;
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
        let Some(subscriber) = self.subscriber(Purpose::Return, token, context)? else {
            return self.invalid(404, language);
        };
        let language = self.language_of(context.store, subscriber.id, language)?;
        let words = Words::of_language(&language);
        let action = self.url(&format!("return/{token}"));
        let button = Button { label: words.return_button, action: &action, ..Button::default() };
        let answer = Answer { title: words.return_title, text: words.return_, button: Some(button), links: Vec::new() };
        Ok(Response::page(200, self.pages.answer(&language, &answer)?, "return page"))
    }

    pub(super) fn come_back(
        &self,
        token: &str,
        language: &str,
        context: &mut Context<'_>,
    ) -> Result<Response, Failure> {
        let Some(subscriber) = self.subscriber(Purpose::Return, token, context)? else {
            return self.invalid(404, language);
        };
        let language = self.language_of(context.store, subscriber.id, language)?;
        let words = Words::of_language(&language);
        let again = self.options.subscribe_link();
        let is_back = context.store.come_back(subscriber.id, context.now)?;
        let (status, title, text, links, log) = match is_back {
            true => (200, words.subscribed_title, words.subscribed, self.home(words), "came back"),
            false => (
                410,
                words.invalid_title,
                words.too_late,
                (again.as_str(), words.subscribe_title),
                "too late to return",
            ),
        };
        let answer = Answer { title, text, links: vec![links], ..Answer::default() };
        Ok(Response::page(status, self.pages.answer(&language, &answer)?, log))
    }

    fn subscriber(
        &self,
        purpose: Purpose,
        token: &str,
        context: &mut Context<'_>,
    ) -> Result<Option<Subscriber>, StoreError> {
        subscriber_by_token(context.store, &self.secrets, purpose, token)
    }

    fn left(&self, subscriber: &Subscriber, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let action = self.url(&format!("return/{}", self.secrets.token(Purpose::Return, &subscriber.address)));
        let button = Button { label: words.undo, action: &action, ..Button::default() };
        let links = vec![self.home(words)];
        let answer = Answer { title: words.left_title, text: words.left, button: Some(button), links };
        Ok(Response::page(200, self.pages.answer(language, &answer)?, "left on the page"))
    }

    fn invalid(&self, status: u16, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let link = self.url("link");
        let links = vec![(link.as_str(), words.links_title), self.home(words)];
        let answer = Answer { title: words.invalid_title, text: words.invalid, links, ..Answer::default() };
        Ok(Response::page(status, self.pages.answer(language, &answer)?, "not a valid token"))
    }
}

/// The answer to a mail program (RFC 8058 section 3.2): the same for every token.
fn one_click(log: &'static str) -> Response {
    Response::line(200, "unsubscribed", log)
}

//! `/link`: sends subscribers their links. The answer is the same for every address.

use crate::email::EmailAddress;
use crate::serve::form::Form;
use crate::serve::limits::rates;
use crate::serve::pages::{Answer, Button};
use crate::serve::words::Words;
use crate::serve::{Context, Failure, Response, Service};
use crate::transactional_message::MessageKind;

impl Service {
    pub(super) fn show_links(&self, language: &str) -> Result<Response, Failure> {
        self.links_page(language, None)
    }

    pub(super) fn send_links(&self, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        let form = Form::of_body(context.request);
        let language = match form.get("language") {
            "" => language.to_owned(),
            tag => self.language(tag),
        };
        let words = Words::of_language(&language);
        let Ok(address) = form.get("email").parse::<EmailAddress>() else {
            return self.links_page(&language, Some(form.get("email")));
        };
        let Context { request, store, now } = context;
        if store.take_one_of_each(&rates(&self.secrets, &address, request.from), *now)? {
            store.queue_message(MessageKind::Links, &address, &language, *now)?;
        }
        let links = vec![self.home(words)];
        let answer = Answer { title: words.sent_title, text: words.links_sent, links, ..Answer::default() };
        Ok(self.page(200, &language, &answer, "links requested")?.queued())
    }

    /// The page with the form; `invalid` is what was typed, if it is not an address.
    fn links_page(&self, language: &str, invalid: Option<&str>) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let action = self.url("link");
        let button = Button {
            label: words.links_button,
            action: &action,
            email: Some(invalid.unwrap_or_default()),
            is_invalid: invalid.is_some(),
            fields: vec![("language", language)],
        };
        let answer = Answer { title: words.links_title, text: words.links, button: Some(button), links: Vec::new() };
        let status = if invalid.is_some() { 422 } else { 200 };
        self.page(status, language, &answer, "links page")
    }
}

//! `/subscribe`: the form, and what becomes of it. The answer, and the work for it, are the same for every address.

use html_escape::{encode_double_quoted_attribute, encode_text};
use url::Url;

use crate::consent::{SubscriptionRequest, Wording};
use crate::edition::unsubscribe::mailto_uri;
use crate::email::EmailAddress;
use crate::publication::Publication;
use crate::serve::form::Form;
use crate::serve::limits::{rate_of_all, rates};
use crate::serve::options::Options;
use crate::serve::pages::{Answer, Button, Pages, SubscribeForm};
use crate::serve::suspicion::{is_step_taken, is_suspicious, made, step};
use crate::serve::words::Words;
use crate::serve::{Context, Failure, Response, Service};

/// Longer names are cut.
const MAX_NAME_CHARS: usize = 100;

/// The form to subscribe to a publication, in its language, for other pages: plain HTML. `return_to` is the page of `thanks` that
/// it leads to. `own` returns the project's template of a name, if it has one. Without pages for readers, a link that opens an
/// email to `address`; `None` without either.
///
/// # Errors
/// An error of `own`; a finding if a template is malformed or fails.
pub fn static_form(
    options: Option<&Options>,
    address: Option<&EmailAddress>,
    publication: &Publication,
    return_to: Option<&Url>,
    own: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
) -> anyhow::Result<Option<String>> {
    let Some(options) = options else { return Ok(address.map(|address| mailto_form(address, publication))) };
    let action = options.subscribe_link();
    let form = SubscribeForm { action: &action, return_to, ..SubscribeForm::default() };
    let html = Pages::new(publication, own)?.form_alone(&publication.language, &form);
    html.map(Some).map_err(|finding| (*finding).into())
}

/// What a person agrees to who subscribes to a publication, in its language.
pub fn consent_text(publication: &Publication) -> String {
    Words::of_language(&publication.language).consent.replace("{publication}", &publication.title)
}

/// A link to subscribe by mail, with what a person agrees to by it, for any page: plain HTML.
fn mailto_form(address: &EmailAddress, publication: &Publication) -> String {
    let words = Words::of_language(&publication.language);
    let title = words.subscribe_title.replace("{publication}", &publication.title);
    let [consent, title] = [&consent_text(publication), &title].map(|text| encode_text(text).into_owned());
    let link = encode_double_quoted_attribute(&mailto_uri(address, "subscribe")).into_owned();
    format!("<p>{consent}<br>\n<a href=\"{link}\">{title}</a></p>\n")
}

impl Service {
    pub(super) fn show_form(&self, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        if !self.options.subscribe {
            return Ok(self.paused(200, language));
        }
        let query = Form::of_query(context.request);
        let form = SubscribeForm { return_to: self.return_to(&query), ..SubscribeForm::default() };
        self.form_page(200, language, form, context)
    }

    pub(super) fn subscribe(&self, context: &mut Context<'_>) -> Result<Response, Failure> {
        let form = Form::of_body(context.request);
        let language = self.language(form.get("language"));
        if !self.options.subscribe {
            return Ok(self.paused(503, &language));
        }
        let return_to = self.return_to(&form);
        let Ok(address) = form.get("email").parse::<EmailAddress>() else {
            let (email, name) = (form.get("email"), form.get("name"));
            let typed = SubscribeForm { email, name, return_to, is_invalid: true, ..SubscribeForm::default() };
            return self.form_page(422, &language, typed, context);
        };
        let Context { request, store, now } = context;
        let taken = is_step_taken(&self.secrets, &form, *now);
        if !taken {
            let suspicious = is_suspicious(&self.secrets, request, &form, &self.known_sites(), *now);
            if suspicious || !store.take_one_of_each(&[rate_of_all()], *now)? {
                return self.extra_step(&form, &language, context);
            }
        }
        if store.take_one_of_each(&rates(&self.secrets, &address, request.from), *now)? {
            let request = self.request(&form, &language, address, context);
            context.store.note_request(&request, self.secrets.tag(&request.address))?;
        }
        let response = match return_to {
            Some(page) => Response::see_other(page.as_str(), "subscription requested"),
            None => self.sent(&language)?,
        };
        Ok(response.queued())
    }

    fn request(
        &self,
        form: &Form,
        language: &str,
        address: EmailAddress,
        context: &Context<'_>,
    ) -> SubscriptionRequest {
        let Context { request, now, .. } = context;
        let name: String = form.get("name").split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
        let without_query =
            |page: &String| page.split(['?', '#']).next().unwrap_or_default().chars().take(500).collect();
        let own = || (!form.get("made").is_empty()).then(|| self.options.subscribe_link());
        let origin = || request.origin.as_ref().filter(|origin| *origin != "null");
        SubscriptionRequest {
            address,
            name,
            language: language.to_owned(),
            page: request.referer.as_ref().or_else(origin).map(without_query).or_else(own),
            return_to: self.return_to(form).map(Url::to_string),
            wording: Wording::new(self.pages.text(Words::of_language(language).consent)),
            ip: self.options.keep_ip.map(|_| request.from.to_canonical().to_string()),
            requested: chrono::SubsecRound::trunc_subsecs(*now, 3),
        }
    }

    /// The page to return to, if the project file names it.
    fn return_to(&self, form: &Form) -> Option<&Url> {
        let wanted = form.get("return");
        self.options.thanks.iter().find(|page| page.as_str() == wanted)
    }

    /// A page whose form leads on to another one, if the form says so.
    fn leading_on(&self, response: Response, return_to: Option<&Url>) -> Response {
        match return_to {
            Some(page) => response.leading_to(page),
            None => response,
        }
    }

    fn form_page(
        &self,
        status: u16,
        language: &str,
        form: SubscribeForm<'_>,
        context: &Context<'_>,
    ) -> Result<Response, Failure> {
        let (action, links) = (self.options.subscribe_link(), self.url("link"));
        let made = Some(made(&self.secrets, context.now));
        let shown = SubscribeForm { action: &action, links: &links, made: made.as_deref(), ..form.clone() };
        let html = self.pages.subscribe(language, &shown)?;
        let response = Response::page(status, html, if status == 200 { "form" } else { "invalid address" });
        Ok(self.leading_on(response, form.return_to))
    }

    fn extra_step(&self, form: &Form, language: &str, context: &Context<'_>) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let (action, step) = (self.options.subscribe_link(), step(&self.secrets, form.get("email"), context.now));
        let typed = ["email", "name", "return"].map(|name| (name, form.get(name)));
        let fields = typed.into_iter().chain([("language", language), ("step", step.as_str())]).collect();
        let button = Button { label: words.continue_, action: &action, fields, ..Button::default() };
        let answer = Answer { title: words.step_title, text: words.step, button: Some(button), links: Vec::new() };
        let response = self.page(200, language, &answer, "extra step")?;
        Ok(self.leading_on(response, self.return_to(form)))
    }

    fn sent(&self, language: &str) -> Result<Response, Failure> {
        let words = Words::of_language(language);
        let links = vec![self.home(words)];
        let answer = Answer { title: words.sent_title, text: words.sent, links, ..Answer::default() };
        self.page(200, language, &answer, "subscription requested")
    }

    fn paused(&self, status: u16, language: &str) -> Response {
        self.fallback(language, status, |words| (words.paused_title, words.paused), "subscriptions are paused")
    }
}

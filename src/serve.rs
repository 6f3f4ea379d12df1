//! Answers the requests of readers: subscribe, confirm, leave, come back, my links.
//!
//! One function from a request to a response. Takes what `web` has received, and a store; only POST changes it. Nothing is
//! mailed here: messages are queued in the store, and `transactional` sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use url::Url;

use crate::finding::Finding;
use crate::publication::Publication;
use crate::serve::form::Form;
use crate::serve::pages::{Answer, Button, Pages};
use crate::serve::words::Words;
use crate::store::{Store, StoreError};
use crate::templates::language::Language;
use crate::token::Secrets;

mod confirm;
mod form;
mod leave;
pub mod limits;
mod links;
mod message;
mod network;
mod options;
mod pages;
mod subscribe;
mod suspicion;
#[cfg(test)]
mod tests;
mod unreadable;
mod words;

pub use message::{Request, Response};
pub use network::Network;
pub use options::{Listen, Options};
pub use subscribe::{consent_text, static_form};

/// Answers requests.
#[derive(Debug)]
pub struct Service {
    options: Options,
    /// The languages of the publication.
    languages: Vec<String>,
    secrets: Arc<Secrets>,
    pages: Pages,
    is_open: AtomicBool,
}

/// The pages, by the first segment of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Subscribe,
    Confirm(&'a str),
    Leave(&'a str),
    Return(&'a str),
    Link,
}

/// Why there is no proper response.
#[derive(Debug)]
enum Failure {
    Store(StoreError),
    Page(Box<Finding>),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Box<Finding>> for Failure {
    fn from(finding: Box<Finding>) -> Self {
        Self::Page(finding)
    }
}

/// What a request is answered with.
struct Context<'a> {
    request: &'a Request,
    store: &'a mut dyn Store,
    now: DateTime<Utc>,
}

const ALLOWED: &str = "GET, HEAD, POST, OPTIONS";

impl Service {
    /// The service of a publication in these languages. `own` returns the project's template of a name, if it has one.
    ///
    /// # Errors
    /// An error of `own`; a finding if a template is malformed.
    pub fn new(
        options: Options,
        publication: &Publication,
        languages: Vec<String>,
        secrets: Arc<Secrets>,
        own: &dyn Fn(&str) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<Self> {
        let (pages, is_open) = (Pages::new(publication, own)?, AtomicBool::new(true));
        Ok(Self { options, languages, secrets, pages, is_open })
    }

    /// Indexes what tokens are looked up by. To be called at the start and now and then, so that requests need only read.
    ///
    /// # Errors
    /// If the store fails.
    pub fn prepare(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        self.secrets.all().try_for_each(|secret| store.index_tags(secret))
    }

    /// Whether the store may send. While it may not, readers can leave, and nothing else.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    /// Answers a request. GET, HEAD, OPTIONS and unknown methods change nothing.
    pub fn respond(&self, request: &Request, store: &mut dyn Store, now: DateTime<Utc>) -> Response {
        let language = self.language(Form::of_query(request).get("language"));
        let Some(route) = Route::of(&request.path) else {
            return self.fallback(&language, 404, |words| (words.not_found_title, ""), "not found");
        };
        let mut context = Context { request, store, now };
        let response = match request.method.as_str() {
            "GET" | "HEAD" => self.show(route, &language, &mut context),
            "POST" => self.post(route, &language, &mut context),
            "OPTIONS" => return Response::line(204, "", "options").with("allow", ALLOWED),
            _ => return Response::line(405, "use GET or POST", "method not allowed").with("allow", ALLOWED),
        };
        response.unwrap_or_else(|failure| self.failed(&language, failure))
    }

    fn show(&self, route: Route<'_>, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        match route {
            Route::Subscribe => self.show_form(language, context),
            Route::Confirm(token) => self.show_confirm(token, language, context),
            Route::Leave(token) => self.show_leave(token, language, context),
            Route::Return(token) => self.show_return(token, language, context),
            Route::Link => self.show_links(language),
        }
    }

    fn post(&self, route: Route<'_>, language: &str, context: &mut Context<'_>) -> Result<Response, Failure> {
        if !self.is_open.load(Ordering::Relaxed) && !matches!(route, Route::Leave(_)) {
            return Ok(self.unavailable(language));
        }
        match route {
            Route::Subscribe => self.subscribe(context),
            Route::Confirm(token) => self.confirm(token, language, context),
            Route::Leave(token) => self.leave(token, language, context),
            Route::Return(token) => self.come_back(token, language, context),
            Route::Link => self.send_links(language, context),
        }
    }

    /// The language for a tag that someone sent: one that the publication or the fixed texts have. Nothing else that was sent
    /// may reach a page or a mail.
    fn language(&self, tag: &str) -> String {
        let known = self.languages.iter().find(|known| known.eq_ignore_ascii_case(tag));
        let spoken = || {
            let language = Language::of(tag);
            let is_english = tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en"));
            (language != Language::English || is_english).then(|| language.tag().to_owned())
        };
        known.cloned().or_else(spoken).unwrap_or_else(|| self.pages.publication.language.clone())
    }

    /// The URL of a page below `serve.url`.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.options.url)
    }

    /// The link to the publication's home page.
    fn home(&self, words: &Words) -> (&str, &'static str) {
        (self.pages.publication.home.as_str(), words.home)
    }

    /// The sites whose forms are ours.
    fn known_sites(&self) -> Vec<&Url> {
        [&self.options.url, &self.pages.publication.base_url].into_iter().chain(&self.options.thanks).collect()
    }

    fn unavailable(&self, language: &str) -> Response {
        self.fallback(language, 503, |words| (words.unavailable_title, words.unavailable), "unavailable")
            .with("retry-after", "120")
    }

    fn failed(&self, language: &str, failure: Failure) -> Response {
        let failure = match failure {
            Failure::Store(error) => format!("{:#}", anyhow::Error::from(error)),
            Failure::Page(finding) => finding.to_string(),
        };
        Response { failure: Some(failure), ..self.unavailable(language) }
    }

    fn page(&self, status: u16, language: &str, answer: &Answer<'_>, log: &'static str) -> Result<Response, Failure> {
        Ok(Response::page(status, self.pages.answer(language, answer)?, log))
    }

    /// A page with one button, which sends to the page at `path`: title, text and label.
    fn question(
        &self,
        language: &str,
        path: &str,
        [title, text, label]: [&str; 3],
        log: &'static str,
    ) -> Result<Response, Failure> {
        let action = self.url(path);
        let button = Some(Button { label, action: &action, ..Button::default() });
        self.page(200, language, &Answer { title, text, button, ..Answer::default() }, log)
    }

    /// A page without a button, or its title if the template fails.
    fn fallback(
        &self,
        language: &str,
        status: u16,
        text: impl Fn(&Words) -> (&'static str, &'static str),
        log: &'static str,
    ) -> Response {
        let words = Words::of_language(language);
        let (title, text) = text(words);
        let answer = Answer { title, text, links: vec![self.home(words)], ..Answer::default() };
        match self.pages.answer(language, &answer) {
            Ok(html) => Response::page(status, html, log),
            Err(finding) => Response { failure: Some(finding.to_string()), ..Response::line(status, title, log) },
        }
    }
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let route = match (segments.next()?, segments.next()) {
            ("subscribe", None) => Self::Subscribe,
            ("link", None) => Self::Link,
            ("confirm", Some(token)) => Self::Confirm(token),
            ("leave", Some(token)) => Self::Leave(token),
            ("return", Some(token)) => Self::Return(token),
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }
}

//! What stands in the frames of the page: the content of a feed and of a letter, which may hold anything.
//!
//! No script runs there and nothing is fetched. The page may look into its frames, to keep their place and their keys.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::preview::frame::{self, PLACEHOLDER, Scheme};
use crate::preview::look::Entry;
use crate::web::{App, pages};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// When the reader wants pictures from elsewhere.
const POLICY_WITH_PICTURES: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// What a frame is to show.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    path: String,
    #[serde(default)]
    dark: bool,
    /// Whether pictures from elsewhere may be fetched.
    #[serde(default)]
    pictures: bool,
}

/// The entry of the feed.
pub(super) async fn entry(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Response {
    pages::computed(move || {
        let look = app.preview.look(&wanted.path, (app.clock)());
        let Some(entry) = look.and_then(|look| look.entry.good) else { return pages::missing(&wanted.path) };
        let html = frame::entry(&entry, wanted.scheme(), &|address| wanted.picture(&app, Some(&entry), address));
        wanted.response(html)
    })
    .await
}

/// The HTML part of the letter.
pub(super) async fn letter(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Response {
    pages::computed(move || {
        let Some(look) = app.preview.look(&wanted.path, (app.clock)()) else { return pages::missing(&wanted.path) };
        let Some(letter) = look.letter.good else { return pages::missing(&wanted.path) };
        let entry = look.entry.good.as_deref();
        let html = frame::document(&letter.html, wanted.scheme(), &|address| wanted.picture(&app, entry, address));
        wanted.response(html)
    })
    .await
}

impl Wanted {
    fn scheme(&self) -> Scheme {
        if self.dark { Scheme::Dark } else { Scheme::Light }
    }

    /// The project's own picture, which may not be on the web yet; else the one on the web, or what stands for it.
    fn picture(&self, app: &App, entry: Option<&Entry>, address: &str) -> Option<String> {
        let own = entry.and_then(|entry| app.preview.picture(&self.path, entry, address));
        own.or_else(|| (!self.pictures).then(|| PLACEHOLDER.to_owned()))
    }

    fn response(&self, html: String) -> Response {
        let policy = if self.pictures { POLICY_WITH_PICTURES } else { POLICY };
        ([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
    }
}

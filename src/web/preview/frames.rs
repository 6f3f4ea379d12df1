//! The contents of the page's frames: a feed entry and an edition, which may contain any HTML.
//!
//! No script runs there and nothing is fetched. The page may access its frames, to keep their scroll position and keys.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::preview::frame::{self, PLACEHOLDER, Scheme};
use crate::preview::render::EntryView;
use crate::web::preview::{App, pages};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// The policy if remote pictures are requested.
const POLICY_WITH_PICTURES: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// The issue to show in a frame, and how.
#[derive(Debug, Deserialize)]
pub(super) struct FrameQuery {
    path: String,
    #[serde(default)]
    dark: bool,
    /// Whether remote pictures may be fetched.
    #[serde(default)]
    pictures: bool,
}

/// The feed entry.
pub(super) async fn entry(State(app): State<Arc<App>>, Query(query): Query<FrameQuery>) -> Response {
    pages::computed(move || {
        let view = app.preview.view(&query.path, (app.clock)());
        let Some(entry) = view.and_then(|view| view.entry.good) else { return pages::missing(&query.path) };
        let html = frame::entry(&entry, query.scheme(), &|address| query.picture(&app, Some(&entry), address));
        query.response(html)
    })
    .await
}

/// The HTML part of the edition.
pub(super) async fn edition(State(app): State<Arc<App>>, Query(query): Query<FrameQuery>) -> Response {
    pages::computed(move || {
        let Some(view) = app.preview.view(&query.path, (app.clock)()) else { return pages::missing(&query.path) };
        let Some(edition) = view.edition.good else { return pages::missing(&query.path) };
        let entry = view.entry.good.as_deref();
        let html = frame::document(&edition.html, query.scheme(), &|address| query.picture(&app, entry, address));
        query.response(html)
    })
    .await
}

impl FrameQuery {
    fn scheme(&self) -> Scheme {
        if self.dark { Scheme::Dark } else { Scheme::Light }
    }

    /// The project's own picture, which may not be published yet; otherwise the remote one, or its placeholder.
    fn picture(&self, app: &App, entry: Option<&EntryView>, address: &str) -> Option<String> {
        let own = entry.and_then(|entry| app.preview.picture(&self.path, entry, address));
        own.or_else(|| (!self.pictures).then(|| PLACEHOLDER.to_owned()))
    }

    fn response(&self, html: String) -> Response {
        let policy = if self.pictures { POLICY_WITH_PICTURES } else { POLICY };
        ([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
    }
}

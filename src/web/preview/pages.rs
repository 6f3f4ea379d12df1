//! The page itself, and the data it requests.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::web::preview::{App, answer};

/// The requested file.
#[derive(Debug, Deserialize)]
pub(super) struct PathQuery {
    /// Path below the project folder.
    path: String,
}

pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("../../../templates/preview.html"))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../../templates/preview.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../../templates/preview.js"))
}

/// The list of all issues, or 304 if the page has it already: ten thousand issues make it long.
pub(super) async fn issues(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let known = headers.get(IF_NONE_MATCH).cloned();
    computed(move || {
        let overview = app.preview.overview((app.clock)());
        let text = answer::overview(&overview).to_string();
        let tag = format!("\"{}\"", hex(&Sha256::digest(&text)[..12]));
        if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        ([(CONTENT_TYPE, "application/json".to_owned()), (ETAG, tag)], text).into_response()
    })
    .await
}

/// One rendered issue.
pub(super) async fn issue(State(app): State<Arc<App>>, Query(query): Query<PathQuery>) -> Response {
    computed(move || match app.preview.view(&query.path, (app.clock)()) {
        Some(view) => json(answer::view(&view).to_string()),
        None => missing(&query.path),
    })
    .await
}

/// What `check` finds in one issue.
pub(super) async fn findings(State(app): State<Arc<App>>, Query(query): Query<PathQuery>) -> Response {
    computed(move || {
        let findings = app.preview.findings(&query.path, (app.clock)());
        json(answer::findings(&findings).to_string())
    })
    .await
}

/// The text of a file that findings are about.
pub(super) async fn source(State(app): State<Arc<App>>, Query(query): Query<PathQuery>) -> Response {
    computed(move || match app.preview.source(&query.path, (app.clock)()) {
        Some(text) => text.into_response(),
        None => missing(&query.path),
    })
    .await
}

fn json(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

pub(super) fn missing(path: &str) -> Response {
    (StatusCode::NOT_FOUND, format!("there is no `{path}` to preview")).into_response()
}

/// Computes a response on another thread: reading ten thousand issues must not block the server.
pub(super) async fn computed(compute: impl FnOnce() -> Response + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(compute).await {
        Ok(response) => response,
        Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "the preview failed; the terminal shows the error").into_response()
        }
    }
}

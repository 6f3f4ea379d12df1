//! Serves the preview over HTTP: every response is computed by a plain function on a blocking thread.
//!
//! Takes a bound listener; returns when the process is asked to stop.

use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;
use axum::middleware;
use axum::routing::{Router, get};
use chrono::{DateTime, Utc};
use futures_util::future::{Either, select};
use tokio::net::TcpListener as Listener;
use tokio::runtime;
use tokio::sync::watch;

use crate::preview::Preview;
use crate::web::preview::live::Live;
use crate::web::stop::stopped;

mod answer;
mod frames;
mod guard;
mod live;
mod pages;

/// Returns the time at which issues are previewed.
pub type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The state shared by all handlers.
struct App {
    preview: Preview,
    clock: Clock,
    /// The newest version of the files.
    versions: watch::Receiver<u64>,
}

/// Serves the preview until the process gets SIGINT or SIGTERM. `ready` is called once it accepts requests and signals.
///
/// # Errors
/// When files cannot be watched, the listener cannot be used, or `ready` fails.
pub fn serve(
    preview: Preview,
    listener: TcpListener,
    clock: Clock,
    ready: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (sender, versions) = watch::channel(0);
    let app = Arc::new(App { preview, clock, versions });
    let _live = Live::start(&app, sender)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("failed to start the server")?;
    let ended = runtime.block_on(until_stopped(routes(app), listener, ready));
    // An open page that waits for changes must not delay the exit.
    runtime.shutdown_background();
    ended
}

async fn until_stopped(
    routes: Router,
    listener: TcpListener,
    ready: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let stopped = stopped()?;
    listener.set_nonblocking(true).context("failed to use the port")?;
    let listener = Listener::from_std(listener).context("failed to use the port")?;
    ready()?;
    match select(pin!(async { axum::serve(listener, routes).await }), pin!(stopped)).await {
        Either::Left((served, _)) => served.context("failed to serve the preview"),
        Either::Right(_) => Ok(()),
    }
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::page))
        .route("/preview.css", get(pages::style))
        .route("/preview.js", get(pages::script))
        .route("/issues", get(pages::issues))
        .route("/issue", get(pages::issue))
        .route("/findings", get(pages::findings))
        .route("/source", get(pages::source))
        .route("/frame/entry", get(frames::entry))
        .route("/frame/letter", get(frames::edition))
        .route("/changes", get(live::changes))
        .layer(middleware::from_fn(guard::guard))
        .with_state(app)
}

//! Notifies open pages of changes to files: Server-Sent Events, each with the new version.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::watch::{self, Sender};

use crate::disk::watch::Watch;
use crate::web::preview::App;

/// Watches the files until it is dropped.
pub(super) struct Live {
    _watch: Arc<Mutex<Option<Watch>>>,
}

impl Live {
    /// Starts to watch the files of the project.
    pub fn start(app: &Arc<App>, versions: Sender<u64>) -> anyhow::Result<Self> {
        let watch: Arc<Mutex<Option<Watch>>> = Arc::default();
        let (weak_app, weak_watch) = (Arc::downgrade(app), Arc::downgrade(&watch));
        let changed = move || publish_change(&weak_app, &weak_watch, &versions);
        let mut started = Watch::start(app.preview.project(), app.preview.config_file(), changed)?;
        started.add_folders(&app.preview.content_folders());
        *watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(Self { _watch: watch })
    }
}

/// Publishes a new version. The folders to watch may have changed with it.
fn publish_change(app: &Weak<App>, watch: &Weak<Mutex<Option<Watch>>>, versions: &Sender<u64>) {
    let (Some(app), Some(watch)) = (app.upgrade(), watch.upgrade()) else { return };
    let version = app.preview.changed();
    // It does not matter whether a page listens.
    versions.send_replace(version);
    if let Some(watch) = watch.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        watch.add_folders(&app.preview.content_folders());
    }
}

/// The current version, then every later one.
pub(super) async fn changes(State(app): State<Arc<App>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut versions = app.versions.clone();
    versions.mark_changed();
    let events = stream::unfold(versions, |mut versions: watch::Receiver<u64>| async {
        versions.changed().await.ok()?;
        let version = *versions.borrow_and_update();
        Some((Ok(Event::default().data(version.to_string())), versions))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

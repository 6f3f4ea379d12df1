//! Tells open pages that files changed: Server-Sent Events, each the number of a version.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::watch::{self, Sender};

use crate::disk::watch::Watch;
use crate::web::App;

/// Follows the files until it is dropped.
pub(super) struct Live {
    _watch: Arc<Mutex<Option<Watch>>>,
}

impl Live {
    /// Begins to follow the files of the project.
    pub fn start(app: &Arc<App>, versions: Sender<u64>) -> anyhow::Result<Self> {
        let watch: Arc<Mutex<Option<Watch>>> = Arc::default();
        let (told, followed) = (Arc::downgrade(app), Arc::downgrade(&watch));
        let changed = move || tell(&told, &followed, &versions);
        let mut started = Watch::start(app.preview.project(), app.preview.config_file(), changed)?;
        started.follow(&app.preview.content_folders());
        *watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(Self { _watch: watch })
    }
}

/// The folders to follow may be others after a change.
fn tell(app: &Weak<App>, watch: &Weak<Mutex<Option<Watch>>>, versions: &Sender<u64>) {
    let (Some(app), Some(watch)) = (app.upgrade(), watch.upgrade()) else { return };
    let version = app.preview.changed();
    // Whether a page listens does not matter.
    versions.send_replace(version);
    if let Some(watch) = watch.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        watch.follow(&app.preview.content_folders());
    }
}

/// The version that is newest now, then every later one.
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

//! The open connections: how many there may be, and which are closed because they take too long or another needs their place.
//!
//! A connection that sends its request slowly costs nothing but its place. At the bound the one that has kept its place longest
//! without a complete request is closed, so that no number of them keeps a reader from leaving.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::web::readers::Limits;

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was received yet.
    New,
    /// It waits for the next request.
    Idle,
    /// The header of a request is incomplete.
    Header,
    /// The body of a request is incomplete.
    Body,
    /// A request is being answered.
    Working,
}

/// The phase of one connection, and since when.
#[derive(Debug)]
pub(super) struct Progress(Mutex<(Phase, Instant)>);

impl Progress {
    pub fn enter(&self, phase: Phase) {
        *lock(&self.0) = (phase, Instant::now());
    }

    /// Bytes were received.
    pub fn received(&self) {
        let mut at = lock(&self.0);
        match at.0 {
            Phase::Idle => *at = (Phase::Header, Instant::now()),
            // The time of the first request began with the connection.
            Phase::New => at.0 = Phase::Header,
            Phase::Header | Phase::Body | Phase::Working => {}
        }
    }

    fn at(&self) -> (Phase, Instant) {
        *lock(&self.0)
    }
}

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    open: Mutex<Open>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    progress: Arc<Progress>,
    task: Option<AbortHandle>,
}

/// The place of a connection, free again when it is dropped.
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub progress: Arc<Progress>,
}

impl Connections {
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Mutex::default(), ended: Notify::new() }
    }

    /// A place for another connection. At the bound it takes that of a connection without a complete request; if there is none,
    /// it waits until one ends, and new connections wait in the kernel.
    pub async fn place(self: &Arc<Self>) -> Place {
        while self.count() >= self.limits.connections && !self.close_slowest() {
            self.ended.notified().await;
        }
        let progress = Arc::new(Progress(Mutex::new((Phase::New, Instant::now()))));
        let mut open = lock(&self.open);
        let number = open.next;
        open.next += 1;
        open.by_number.insert(number, Entry { progress: Arc::clone(&progress), task: None });
        Place { connections: Arc::clone(self), number, progress }
    }

    /// Names the task of a connection, so that it can be closed.
    pub fn started(&self, number: u64, task: AbortHandle) {
        if let Some(entry) = lock(&self.open).by_number.get_mut(&number) {
            entry.task = Some(task);
        }
    }

    pub fn count(&self) -> usize {
        lock(&self.open).by_number.len()
    }

    /// Closes the connection that has been without a complete request for longest; returns whether there is one.
    pub fn close_slowest(&self) -> bool {
        let mut open = lock(&self.open);
        let waiting = open.by_number.iter().map(|(number, entry)| (*number, entry.progress.at()));
        let waiting = waiting.filter(|(_, (phase, _))| *phase != Phase::Working);
        let Some(slowest) = waiting.min_by_key(|(_, (_, since))| *since).map(|(number, _)| number) else {
            return false;
        };
        open.by_number.remove(&slowest).iter().for_each(Entry::close);
        true
    }

    /// Closes the connections whose time is up.
    pub fn close_overdue(&self, now: Instant) {
        self.close_where(|phase, since| {
            let waited = now.saturating_duration_since(since);
            match phase {
                Phase::New | Phase::Header => waited >= self.limits.header,
                Phase::Idle => waited >= self.limits.keep_alive,
                // Such a request is answered: that it took too long, or what came of it.
                Phase::Body | Phase::Working => false,
            }
        });
    }

    /// Closes the connections that have no request.
    pub fn close_idle(&self) {
        self.close_where(|phase, _| matches!(phase, Phase::New | Phase::Idle));
    }

    fn close_where(&self, is_due: impl Fn(Phase, Instant) -> bool) {
        lock(&self.open).by_number.retain(|_, entry| {
            let (phase, since) = entry.progress.at();
            let is_due = is_due(phase, since);
            if is_due {
                entry.close();
            }
            !is_due
        });
    }

    /// Resolves when no connection is open.
    pub async fn all_ended(&self) {
        while self.count() > 0 {
            self.ended.notified().await;
        }
    }
}

impl Entry {
    fn close(&self) {
        self.task.iter().for_each(AbortHandle::abort);
    }
}

impl Place {
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.connections.open).by_number.remove(&self.number);
        self.connections.ended.notify_one();
    }
}

/// The lock, even if a thread panicked while it held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A condition that threads wait for: std's `Condvar`, which does not bother the kernel when nobody waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;

/// How often whoever waits looks around by itself, to see whether the run is to stop.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// Rung by whoever has changed what the mutex guards.
#[derive(Default)]
pub(super) struct Bell {
    condition: Condvar,
    /// Changed with the mutex locked only.
    waiting: AtomicUsize,
}

impl Bell {
    /// Waits for the bell, or a while.
    pub(super) fn wait<'guard, T>(&self, guard: MutexGuard<'guard, T>) -> MutexGuard<'guard, T> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let (guard, _) = self.condition.wait_timeout(guard, LOOK).unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        guard
    }

    /// Wakes one who waits.
    pub(super) fn ring(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.condition.notify_one();
        }
    }

    /// Wakes all who wait.
    pub(super) fn ring_for_all(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.condition.notify_all();
        }
    }
}

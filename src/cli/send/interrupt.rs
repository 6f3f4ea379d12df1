//! Ends a run at a signal: current messages are finished, no further ones begun.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether a run is to end.
#[derive(Debug, Default)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    is_listening: Mutex<bool>,
}

impl Interrupt {
    /// True once no further message may begin.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Lets SIGINT and SIGTERM set the flag from now on. A second signal ends the process at once, which the ledger survives.
    pub fn listen(&self) -> anyhow::Result<()> {
        let mut is_listening = self.is_listening.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_listening {
            return Ok(());
        }
        *is_listening = true;
        for signal in [SIGINT, SIGTERM] {
            let registered = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&self.stop))
                .and_then(|_| flag::register(signal, Arc::clone(&self.stop)));
            registered.context("failed to listen for signals")?;
        }
        Ok(())
    }

    /// Waits, unless the run is to end.
    pub fn wait(&self, pause: Duration) {
        const STEP: Duration = Duration::from_millis(100);
        let mut left = pause;
        while !left.is_zero() && !self.stop.load(Ordering::Relaxed) {
            let step = left.min(STEP);
            thread::sleep(step);
            left -= step;
        }
    }
}

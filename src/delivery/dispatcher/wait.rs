//! How the threads of a run wait: for a rate limit, a server, or work.

use std::time::Duration;

use super::{Claimer, Worker};
use crate::delivery::Route;
use crate::delivery::job::{PauseReason, Progress, RateLimits};
use crate::delivery::ledger_writer::Stopped;
use crate::delivery::rate_limit::{self, Allowance};

impl Claimer<'_, '_> {
    /// Waits and keeps the run alive meanwhile.
    pub(super) fn wait(&self, pause: Duration) -> Result<(), Stopped> {
        const STEP: Duration = Duration::from_secs(60);
        let mut left = pause;
        while !left.is_zero() && !self.queue.is_closed() {
            let step = left.min(STEP);
            (self.job.hooks.sleep)(step);
            self.ledger.renew_run()?;
            left -= step;
        }
        Ok(())
    }
}

impl Worker<'_, '_> {
    /// Asks the store for permits for the server, and waits if there are none.
    pub(super) fn ask_for_permits(&mut self, wanted: u64) -> Result<(), Stopped> {
        let Route::Relays(relays) = self.job.route else { return Ok(()) };
        let relay = &relays[self.id.server];
        let limits = RateLimits { rates: &relay.rates, warm_up: relay.warm_up.as_ref() };
        let allowance = rate_limit::acquire(self.ledger, limits, wanted, self.job.hooks.now())?;
        if let Allowance::Wait(pause) = allowance {
            self.back_off(PauseReason::Rate, pause)?;
        }
        self.queue.grant_permits(self.id, allowance);
        Ok(())
    }

    pub(super) fn wait_for_work(&self) -> Result<Duration, Stopped> {
        self.ledger.flush()?;
        Ok(self.queue.wait_for_work(self.id))
    }

    /// Waits in steps until the time has passed or no work is left.
    pub(super) fn back_off(&self, why: PauseReason, pause: Duration) -> Result<(), Stopped> {
        const STEP: Duration = Duration::from_secs(1);
        self.progress(Progress::Paused(why, pause));
        let mut left = pause;
        while !left.is_zero() && !self.queue.is_all_done() {
            let step = left.min(STEP);
            self.sleep(step)?;
            left -= step;
        }
        Ok(())
    }

    pub(super) fn sleep(&self, pause: Duration) -> Result<(), Stopped> {
        self.ledger.flush()?;
        (self.job.hooks.sleep)(pause);
        Ok(())
    }
}

//! Claims recipients for the desk, a batch ahead of need and as fast as the rates allow, and keeps the run alive.

use std::time::Duration;

use crate::delivery::desk::Desk;
use crate::delivery::journal::{Journal, Stopped};
use crate::delivery::run::Job;

pub(super) struct Claimer<'desk, 'job> {
    job: &'job Job<'job>,
    journal: &'desk Journal<'job>,
    desk: &'desk Desk<'job>,
    /// How many recipients may still be claimed.
    left: u64,
}

impl<'desk, 'job> Claimer<'desk, 'job> {
    pub(super) fn new(job: &'job Job<'job>, journal: &'desk Journal<'job>, desk: &'desk Desk<'job>) -> Self {
        Self { job, journal, desk, left: job.limit.unwrap_or(u64::MAX) }
    }

    /// Claims until nobody waits, the limit is reached or the run stops; then goes on to keep the run alive.
    pub(super) fn work(mut self) {
        while self.claim() {}
        self.desk.end_claims();
        while !self.desk.is_finished() {
            if self.journal.renew_run().is_err() {
                break;
            }
        }
    }

    /// Claims once there is room for more; gives whether there may be more to claim.
    pub(super) fn claim(&mut self) -> bool {
        let claimed = self.wait_for_room().and_then(|room| self.take(room));
        matches!(claimed, Ok(true))
    }

    fn wait_for_room(&mut self) -> Result<u64, Stopped> {
        loop {
            self.journal.renew_run()?;
            if let Some(room) = self.desk.room()? {
                return Ok((room as u64).min(self.left));
            }
        }
    }

    fn take(&mut self, room: u64) -> Result<bool, Stopped> {
        if room == 0 {
            return Ok(false);
        }
        let permits = self.journal.take_permits(self.job.rates, room)?;
        if permits.granted == 0 {
            self.wait(permits.wait)?;
            return Ok(true);
        }
        let granted = self.take_quota(permits.granted)?;
        if granted == 0 {
            return Ok(false);
        }
        let claims = self.journal.claim(usize::try_from(granted).unwrap_or(usize::MAX))?;
        self.left -= claims.len() as u64;
        let some = !claims.is_empty();
        self.desk.add_claims(claims);
        Ok(some)
    }

    /// What of so many messages may leave today.
    fn take_quota(&self, wanted: u64) -> Result<u64, Stopped> {
        let Some(warm_up) = self.job.warm_up else { return Ok(wanted) };
        let now = (self.job.clock)();
        let today = warm_up.quota(now);
        let granted = self.journal.take_quota(&today, wanted)?;
        self.desk.take_of(today, granted);
        if granted == 0 {
            self.desk.pause_until(warm_up.next_day(now));
        }
        Ok(granted)
    }

    /// Waits so long, and keeps the run alive meanwhile.
    fn wait(&self, pause: Duration) -> Result<(), Stopped> {
        const STEP: Duration = Duration::from_secs(60);
        let mut left = pause;
        while !left.is_zero() && !self.desk.is_stopped() {
            let step = left.min(STEP);
            (self.job.pause)(step);
            self.journal.renew_run()?;
            left -= step;
        }
        Ok(())
    }
}

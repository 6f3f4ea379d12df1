//! Claims recipients for the desk, a batch ahead of need and as fast as the rates allow, and keeps the run alive.

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
            (self.job.pause)(permits.wait);
            return Ok(true);
        }
        let claims = self.journal.claim(usize::try_from(permits.granted).unwrap_or(usize::MAX))?;
        self.left -= claims.len() as u64;
        let some = !claims.is_empty();
        self.desk.add_claims(claims);
        Ok(some)
    }
}

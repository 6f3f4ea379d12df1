//! Claims recipients for the desk, a batch ahead of need and as fast as the rates allow, and keeps the run alive.

use std::time::{Duration, Instant};

use crate::delivery::bell::LOOK;
use crate::delivery::desk::Desk;
use crate::delivery::job::{Job, Pause, Progress};
use crate::delivery::ledger_writer::{Journal, Stopped};

pub(super) struct Claimer<'desk, 'job> {
    job: &'job Job<'job>,
    journal: &'desk Journal<'job>,
    desk: &'desk Desk<'job>,
    /// How many recipients may still be claimed.
    left: u64,
    /// How many of those whom alone the run is about were claimed, or had another run.
    asked: usize,
    may_be_more: bool,
    /// When the store was last told that the run is alive.
    renewed: Instant,
}

impl<'desk, 'job> Claimer<'desk, 'job> {
    pub(super) fn new(job: &'job Job<'job>, journal: &'desk Journal<'job>, desk: &'desk Desk<'job>) -> Self {
        let left = job.limit.unwrap_or(u64::MAX);
        Self { job, journal, desk, left, asked: 0, may_be_more: true, renewed: Instant::now() }
    }

    /// Claims until nobody waits, the limit is reached or the run stops; then goes on to keep the run alive.
    pub(super) fn work(mut self) {
        while self.may_be_more && self.claim() {}
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
        self.may_be_more = matches!(claimed, Ok(true));
        self.may_be_more
    }

    fn wait_for_room(&mut self) -> Result<u64, Stopped> {
        loop {
            // Not each time: what waits to be written goes with each claim too.
            if self.renewed.elapsed() >= LOOK {
                self.journal.renew_run()?;
                self.renewed = Instant::now();
            }
            if let Some(room) = self.desk.room()? {
                return Ok((room as u64).min(self.left));
            }
        }
    }

    fn take(&mut self, room: u64) -> Result<bool, Stopped> {
        let named = self.job.only.map_or(usize::MAX, |only| only.len() - self.asked);
        let room = room.min(named as u64);
        if room == 0 {
            return Ok(false);
        }
        let permits = self.journal.take_permits(self.job.pace.rates, room)?;
        if permits.granted == 0 {
            (self.job.surroundings.progress)(Progress::Paused(Pause::Rate, permits.wait));
            self.wait(permits.wait)?;
            return Ok(true);
        }
        let granted = self.take_quota(permits.granted)?;
        if granted == 0 {
            return Ok(false);
        }
        let most = usize::try_from(granted).unwrap_or(usize::MAX);
        let begun = Instant::now();
        let (claims, are_more_named) = match self.job.only {
            None => (self.journal.claim(most)?, false),
            Some(only) => {
                let asked = self.asked.saturating_add(most).min(only.len());
                let claims = self.journal.claim_these(&only[self.asked..asked])?;
                self.asked = asked;
                (claims, asked < only.len())
            }
        };
        // Where what may leave today is counted, none of it is taken for nobody.
        let fewest = if self.job.pace.warm_up.is_some() { most } else { 1 };
        let may_be_more = claims.len() >= fewest || are_more_named;
        self.left -= claims.len() as u64;
        self.desk.add_claims(claims, begun.elapsed());
        Ok(may_be_more)
    }

    /// What of so many messages may leave today.
    fn take_quota(&self, wanted: u64) -> Result<u64, Stopped> {
        let Some(warm_up) = self.job.pace.warm_up else { return Ok(wanted) };
        let now = self.job.surroundings.now();
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
            (self.job.surroundings.pause)(step);
            self.journal.renew_run()?;
            left -= step;
        }
        Ok(())
    }
}

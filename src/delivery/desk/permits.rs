//! How much the servers of a run may be given now: by rates of their own, and on the days of a warm-up.

use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;

use super::{Desk, Seat};
use crate::delivery::ledger_writer::Stopped;
use crate::rate::Quota;
use crate::smtp::Route;
use crate::smtp::relay::Relay;

impl<'a> Desk<'a> {
    /// Asks the store how much the server may be given now; gives how long to wait if nothing.
    pub(super) fn ask_for_permits(&self, seat: Seat) -> Result<Option<Duration>, Stopped> {
        let Some(relay) = self.relay(seat) else { return Ok(None) };
        let wanted = self.papers().waiting().max(1) as u64;
        let mut permits = self.journal.take_permits(&relay.rates, wanted)?;
        if permits.granted == 0 {
            return Ok(Some(permits.wait));
        }
        let mut quota = None;
        if let Some(warm_up) = &relay.warm_up {
            let now = self.job.surroundings.now();
            let today = quota.insert(warm_up.quota(now));
            permits.granted = self.journal.take_quota(today, permits.granted)?;
            if permits.granted == 0 {
                self.papers().spend(seat.server, warm_up.next_day(now));
            }
        }
        self.papers().give_permits(seat.server, permits.granted, quota);
        self.letters_came.ring_for_all();
        Ok(None)
    }

    /// So many of all messages of today were taken for this run.
    pub(in crate::delivery) fn take_of(&self, quota: Quota, count: u64) {
        self.papers().take_of(quota, count);
    }

    /// All messages that may leave today are taken: those that are claimed are the last.
    pub(in crate::delivery) fn pause_until(&self, until: DateTime<Tz>) {
        self.papers().pause_until(until);
    }

    /// The wait for the server's rate is over.
    pub(in crate::delivery) fn ask_again(&self, seat: Seat) {
        self.papers().servers[seat.server].asking = false;
        self.letters_came.ring_for_all();
    }

    fn relay(&self, seat: Seat) -> Option<&'a Relay> {
        match self.job.route {
            Route::Relays(relays) => relays.get(seat.server),
            Route::Outbox { .. } => None,
        }
    }
}

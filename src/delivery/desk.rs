//! The desk all threads of a run share: claims on their way to become letters, letters on their way to a connection, and
//! whether to go on. Knows no SMTP.
//!
//! ```text
//! store ─► claims ─► scribes write and sign ─► letters ─► workers, one per connection ─► journal
//!             └──────────── unsigned ────────────────────────────┘
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::delivery::bell::{Bell, LOOK};
use crate::delivery::job::{Job, Progress};
use crate::delivery::ledger_writer::{Journal, Stopped};
use crate::delivery::papers::{Closed, Papers, Ready, Turn};
use crate::delivery::server::Trouble;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Entry, Outcome, State};

mod permits;
mod writing;

/// A connection that has had nothing to do for half a minute is closed: servers do not like idle ones.
const MOST_IDLE: u128 = 30_000 / LOOK.as_millis();

pub(super) struct Desk<'a> {
    job: &'a Job<'a>,
    journal: &'a Journal<'a>,
    papers: Mutex<Papers>,
    claims_came: Bell,
    letters_came: Bell,
    room_came: Bell,
}

/// Where a worker sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// The number of its server in the route, from 0.
    pub(super) server: usize,
    /// Its number among those of its server, from 0.
    pub(super) number: usize,
}

/// What a worker is to do next.
pub(super) enum Next {
    /// Mail this.
    Letter(Box<Ready>),
    /// Close the connection and ask again.
    Rest,
    /// Wait so long and ask again.
    Pause(Duration),
    /// Wait so long for the rate of its server, say so, and ask again.
    Pace(Duration),
    /// Go home.
    End,
}

impl<'a> Desk<'a> {
    /// With so many workers at each server.
    pub(super) fn new(journal: &'a Journal<'a>, job: &'a Job<'a>, counts: &Counts, seats: &[usize]) -> Self {
        let papers = Mutex::new(Papers::new(job.route, seats, counts, job.write_ahead));
        let (claims_came, letters_came, room_came) = <(Bell, Bell, Bell)>::default();
        Self { job, journal, papers, claims_came, letters_came, room_came }
    }

    /// Waits a while for the need of more claims; gives how many.
    pub(super) fn room(&self) -> Result<Option<usize>, Stopped> {
        let papers = self.papers();
        if self.is_over(&papers) {
            return Err(Stopped);
        }
        if papers.wants_claims() {
            return Ok(Some(papers.batch));
        }
        drop(self.room_came.wait(papers));
        Ok(None)
    }

    /// Lays claims down for those who write letters; to write them down took so long.
    pub(super) fn add_claims(&self, claims: Vec<Claim>, taken: Duration) {
        let mut papers = self.papers();
        papers.note_claiming(taken);
        papers.claims.extend(claims);
        let writers = if papers.has_scribes { &self.claims_came } else { &self.letters_came };
        drop(papers);
        writers.ring_for_all();
    }

    pub(super) fn has_claims(&self) -> bool {
        !self.papers().claims.is_empty()
    }

    /// No more recipients are to be claimed.
    pub(super) fn end_claims(&self) {
        self.papers().all_claimed = true;
        self.claims_came.ring_for_all();
        self.letters_came.ring_for_all();
    }

    /// Waits a while for the last letter to be settled; gives whether it is, or the run is over.
    pub(super) fn is_finished(&self) -> bool {
        let papers = self.papers();
        self.is_ended(&papers) || self.is_ended(&self.room_came.wait(papers))
    }

    /// Where there are several servers, the one who is woken might not be the one who may have it.
    fn ring_for_letter(&self, papers: &Papers) {
        match papers.has_several_servers() {
            true => self.letters_came.ring_for_all(),
            false => self.letters_came.ring(),
        }
    }

    /// The next letter for a worker, waiting for it. A worker with a connection may be told to rest.
    pub(super) fn next(&self, seat: Seat, connected: bool) -> Next {
        let (mut idle, mut is_written) = (0, false);
        loop {
            let mut papers = self.papers();
            if self.is_ended(&papers) {
                return Next::End;
            }
            let turn = papers.turn(seat.server, seat.number);
            match turn {
                Turn::Letter => match self.take(papers, seat) {
                    Some(ready) => return Next::Letter(Box::new(ready)),
                    None => continue,
                },
                Turn::Rest(pause) => return Next::Pause(pause),
                Turn::Permits => {
                    papers.servers[seat.server].asking = true;
                    drop(papers);
                    match self.ask_for_permits(seat) {
                        Ok(Some(wait)) => return Next::Pace(wait),
                        Ok(None) => continue,
                        Err(Stopped) => return Next::End,
                    }
                }
                Turn::Held | Turn::Wait | Turn::Closed => {}
            }
            if connected && (turn == Turn::Closed || idle >= MOST_IDLE) {
                return Next::Rest;
            }
            if !is_written {
                drop(papers);
                // What is known must not wait in memory while nothing happens.
                if self.journal.flush().is_err() {
                    return Next::End;
                }
                is_written = true;
                continue;
            }
            let begun = Instant::now();
            papers = self.letters_came.wait(papers);
            idle += 1;
            if turn == Turn::Held {
                papers.held(seat.server, begun, Instant::now());
            }
        }
    }

    /// The next letter, if the worker may have one now.
    pub(super) fn next_if_ready(&self, seat: Seat) -> Option<Ready> {
        let mut papers = self.papers();
        if self.is_over(&papers) || papers.servers[seat.server].is_out() {
            return None;
        }
        let is_mine = papers.turn(seat.server, seat.number) == Turn::Letter;
        is_mine.then(|| self.take(papers, seat)).flatten()
    }

    /// Notes that the message is about to be written. False: somebody else mails this recipient.
    pub(super) fn sending(&self, claim: &Claim) -> Result<bool, Stopped> {
        let mine = self.journal.sending(claim.subscriber.id)?;
        if !mine {
            let mut papers = self.papers();
            papers.being_sent -= 1;
            self.ring_if_finished(&papers);
        }
        Ok(mine)
    }

    /// The server did not take the message: a crash leaves nobody in doubt about it.
    pub(super) fn unsent(&self, claim: &Claim) {
        self.journal.add(claim.subscriber.id, Entry::Unsent);
    }

    /// Notes what became of a recipient; written down with the next message at the latest.
    pub(super) fn settle(&self, seat: Seat, claim: &Claim, outcome: Outcome) {
        let state = state_of(&outcome);
        self.journal.add(claim.subscriber.id, Entry::Ended(outcome));
        let mut papers = self.papers();
        papers.settle(seat.server, state);
        self.ring_if_finished(&papers);
        drop(papers);
        (self.job.surroundings.progress)(Progress::Settled(state));
    }

    /// The reply to a message did not come, which is written down; if that happens too often, the server is left, as
    /// `why` says.
    pub(super) fn miss(&self, seat: Seat, why: impl FnOnce() -> Finding) {
        let mut papers = self.papers();
        if papers.servers[seat.server].note_unknown() {
            papers.trouble(seat.server, Trouble::Refuses, why());
            self.letters_came.ring_for_all();
        }
    }

    /// A recipient was refused with words that may be about us or the message, as `finding` says: tried at another
    /// server, or judged at the end, or when they become many.
    pub(super) fn suspect(&self, seat: Seat, ready: Ready, reply: String, finding: Finding) {
        let mut papers = self.papers();
        papers.suspect(seat.server, ready, reply, finding);
        self.letters_came.ring_for_all();
    }

    /// Gives a letter back that was not sent; if it `avoids` this server, another shall try first.
    pub(super) fn put_back(&self, seat: Seat, ready: Ready, avoids: bool) {
        let mut papers = self.papers();
        papers.put_back(seat.server, ready, avoids);
        self.ring_for_letter(&papers);
    }

    /// Something is wrong with a worker's server, and the connection is closed. Gives whether the server is left alone for
    /// a while; if not, the worker is to wait for itself.
    pub(super) fn trouble(&self, seat: Seat, trouble: Trouble, why: Finding) -> bool {
        let is_out = self.papers().trouble(seat.server, trouble, why);
        self.letters_came.ring_for_all();
        is_out
    }

    /// Has all that is known written down, before a long wait.
    pub(super) fn flush(&self) {
        // Whether it could be is seen by whoever writes next.
        let _ = self.journal.flush();
    }

    /// Ends the run: the other workers finish the message at hand.
    pub(super) fn stop(&self, finding: Finding) {
        self.papers().judgement.stop_for(finding);
    }

    /// A worker goes home. Without any nothing is sent any more.
    pub(super) fn leave(&self) {
        self.papers().workers -= 1;
        self.claims_came.ring_for_all();
        self.room_came.ring_for_all();
    }

    /// The first connection lets the others follow.
    pub(super) fn note_connected(&self, seat: Seat) {
        self.papers().servers[seat.server].note_connected();
        self.letters_came.ring_for_all();
    }

    pub(super) fn note_closed(&self, seat: Seat) {
        self.papers().servers[seat.server].note_closed();
    }

    /// Whether there was ever a connection to the worker's server.
    pub(super) fn was_connected(&self, seat: Seat) -> bool {
        self.papers().servers[seat.server].was_connected()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_over(&self.papers())
    }

    /// Whether a worker that waits may go home.
    pub(super) fn is_all_done(&self) -> bool {
        self.is_ended(&self.papers())
    }

    fn ring_if_finished(&self, papers: &Papers) {
        if papers.is_finished() {
            self.letters_came.ring_for_all();
        }
    }

    fn is_ended(&self, papers: &Papers) -> bool {
        self.is_over(papers) || papers.is_finished()
    }

    fn is_over(&self, papers: &Papers) -> bool {
        papers.workers == 0
            || papers.is_paused()
            || self.job.surroundings.is_stopped()
            || papers.judgement.is_stopped()
            || self.journal.has_failed()
    }

    /// Sums up.
    pub(super) fn close(self) -> Closed {
        self.papers.into_inner().unwrap_or_else(PoisonError::into_inner).close()
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn state_of(outcome: &Outcome) -> State {
    match outcome {
        Outcome::Sent(_) => State::Sent,
        Outcome::Deferred { .. } => State::Deferred,
        Outcome::Failed { .. } => State::Failed,
        Outcome::Unknown(_) => State::Unknown,
        Outcome::Requeued => State::Queued,
    }
}

//! The desk all threads of a run share: claims on their way to become letters, letters on their way to a connection, and
//! whether to go on. Knows no SMTP.
//!
//! ```text
//! store ─► claims ─► scribes write and sign ─► letters ─► workers, one per connection ─► journal
//! ```

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::delivery::bell::{Bell, LOOK};
use crate::delivery::journal::{Journal, Stopped};
use crate::delivery::judgement::Judgement;
use crate::delivery::run::{Ended, Job, Progress};
use crate::delivery::window::Window;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Entry, Outcome, State};
use crate::letter::Letter;
use crate::subscriber::SubscriberId;

/// So many recipients are claimed at a time: enough to share the cost of a durable write.
const BATCH: usize = 64;

/// So many are claimed and not settled, at most, where connections are few. After a power cut they are the unknown ones.
const MOST_CLAIMED: usize = 2 * BATCH;

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

/// A recipient whose letter is written.
pub(super) struct Ready {
    pub(super) claim: Claim,
    pub(super) letter: Letter,
}

/// What a worker is to do next.
pub(super) enum Next {
    /// Mail this.
    Letter(Box<Ready>),
    /// Close the connection and ask again.
    Rest,
    /// Go home.
    End,
}

struct Papers {
    claims: VecDeque<Claim>,
    letters: VecDeque<Ready>,
    most_letters: usize,
    /// Claims in the hands of scribes, and letters in those of workers.
    being_written: usize,
    being_sent: usize,
    all_claimed: bool,
    /// Workers that have not gone home.
    workers: usize,
    window: Window,
    connected: bool,
    judgement: Judgement,
}

impl<'a> Desk<'a> {
    pub(super) fn new(journal: &'a Journal<'a>, job: &'a Job<'a>, counts: &Counts, workers: usize) -> Self {
        let papers = Papers {
            claims: VecDeque::new(),
            letters: VecDeque::new(),
            most_letters: workers,
            being_written: 0,
            being_sent: 0,
            all_claimed: false,
            workers,
            window: Window::new(workers),
            connected: false,
            judgement: Judgement::new(workers, counts.of(State::Sent) > 0),
        };
        let papers = Mutex::new(papers);
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
            return Ok(Some(BATCH));
        }
        drop(self.room_came.wait(papers));
        Ok(None)
    }

    /// Lays claims down for the scribes.
    pub(super) fn add_claims(&self, claims: Vec<Claim>) {
        self.papers().claims.extend(claims);
        self.claims_came.ring_for_all();
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
        let is_finished = |papers: &Papers| self.is_over(papers) || (papers.is_done() && papers.being_sent == 0);
        is_finished(&papers) || is_finished(&self.room_came.wait(papers))
    }

    /// The next claim to write a letter for; `None`: no more.
    pub(super) fn next_claim(&self) -> Option<Claim> {
        let mut papers = self.papers();
        loop {
            if self.is_over(&papers) || (papers.all_claimed && papers.claims.is_empty()) {
                return None;
            }
            if papers.letters.len() + papers.being_written < papers.most_letters
                && let Some(claim) = papers.claims.pop_front()
            {
                papers.being_written += 1;
                if papers.wants_claims() {
                    self.room_came.ring();
                }
                return Some(claim);
            }
            papers = self.claims_came.wait(papers);
        }
    }

    /// A letter is written.
    pub(super) fn add_letter(&self, claim: Claim, letter: Letter) {
        let mut papers = self.papers();
        papers.being_written -= 1;
        papers.letters.push_back(Ready { claim, letter });
        self.letters_came.ring();
    }

    /// A letter could not be written: nobody shall get this issue in a wrong form.
    pub(super) fn spoil(&self, claim: Claim, finding: Finding) {
        let mut papers = self.papers();
        papers.being_written -= 1;
        papers.claims.push_front(claim);
        papers.judgement.stop_for(finding);
    }

    /// The next letter for the worker of that number, waiting for it. A worker with a connection may be told to rest.
    pub(super) fn next(&self, worker: usize, connected: bool) -> Next {
        let mut idle = 0;
        loop {
            let mut papers = self.papers();
            if self.is_over(&papers) || papers.is_done() {
                return Next::End;
            }
            let admitted = papers.window.admits(worker);
            if let Some(ready) = admitted.then(|| self.take_letter(&mut papers)).flatten() {
                return Next::Letter(Box::new(ready));
            }
            if connected && (!admitted || idle >= MOST_IDLE) {
                return Next::Rest;
            }
            drop(papers);
            // What is known must not wait in memory while nothing happens.
            if self.journal.flush().is_err() {
                return Next::End;
            }
            let papers = self.papers();
            if papers.letters.is_empty() || !admitted {
                drop(self.letters_came.wait(papers));
                idle += 1;
            }
        }
    }

    /// The next letter, if there is one now.
    pub(super) fn next_if_ready(&self, worker: usize) -> Option<Ready> {
        let mut papers = self.papers();
        let goes_on = !self.is_over(&papers) && papers.window.admits(worker);
        goes_on.then(|| self.take_letter(&mut papers)).flatten()
    }

    fn take_letter(&self, papers: &mut Papers) -> Option<Ready> {
        let ready = papers.letters.pop_front()?;
        papers.being_sent += 1;
        // Scribes that have filled the desk go on when it is half empty, not after each letter.
        if papers.letters.len() <= papers.most_letters / 2 {
            self.claims_came.ring();
        }
        Some(ready)
    }

    /// Notes that the message is about to be written. False: somebody else mails this recipient.
    pub(super) fn sending(&self, claim: &Claim) -> Result<bool, Stopped> {
        let mine = self.journal.sending(claim.subscriber.id)?;
        if !mine {
            self.papers().being_sent -= 1;
        }
        Ok(mine)
    }

    /// The server did not take the message: a crash leaves nobody in doubt about it.
    pub(super) fn unsent(&self, claim: &Claim) {
        self.journal.add(claim.subscriber.id, Entry::Unsent);
    }

    /// Notes what became of a recipient; written down with the next message at the latest.
    pub(super) fn settle(&self, claim: &Claim, outcome: Outcome) {
        let state = state_of(&outcome);
        self.journal.add(claim.subscriber.id, Entry::Ended(outcome));
        let mut papers = self.papers();
        papers.being_sent -= 1;
        papers.judgement.count(state);
        if state == State::Sent {
            papers.window.widen();
        }
        drop(papers);
        (self.job.progress)(Progress::Settled(state));
    }

    /// A recipient was refused with words that may be about us or the message, as `finding` says: judged at the end, or
    /// when they become many.
    pub(super) fn suspect(&self, claim: Claim, reply: String, finding: Finding) {
        let mut papers = self.papers();
        papers.being_sent -= 1;
        papers.judgement.suspect(claim, reply, finding);
    }

    /// Gives a letter back that was not sent.
    pub(super) fn put_back(&self, ready: Ready) {
        let mut papers = self.papers();
        papers.being_sent -= 1;
        papers.letters.push_front(ready);
        self.letters_came.ring();
    }

    /// The server wants less from us.
    pub(super) fn slow_down(&self) {
        self.papers().window.narrow();
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

    /// A worker that has put its letter back goes, for want of a connection. The run goes on with the others; if none is
    /// left to take the letter, this is why it stopped.
    pub(super) fn retire(&self, finding: Finding) {
        self.papers().judgement.retire(finding);
    }

    /// A worker goes home. Without any nothing is sent any more.
    pub(super) fn leave(&self) {
        self.papers().workers -= 1;
        self.claims_came.ring_for_all();
        self.room_came.ring_for_all();
    }

    pub(super) fn note_connected(&self) {
        self.papers().connected = true;
    }

    pub(super) fn has_connected(&self) -> bool {
        self.papers().connected
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_over(&self.papers())
    }

    fn is_over(&self, papers: &Papers) -> bool {
        papers.workers == 0
            || self.job.stop.load(Ordering::Relaxed)
            || papers.judgement.is_stopped()
            || self.journal.has_failed()
    }

    /// Sums up; gives the outcomes that are not written yet, those of claims that go back among them.
    pub(super) fn close(self) -> (Ended, Vec<(SubscriberId, Outcome)>) {
        let papers = self.papers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let letters = papers.letters.into_iter().map(|ready| ready.claim);
        let unsent: Vec<Claim> = letters.chain(papers.claims).collect();
        let (ended, mut outcomes) = papers.judgement.close(!unsent.is_empty());
        outcomes.extend(unsent.into_iter().map(|claim| (claim.subscriber.id, Outcome::Requeued)));
        (ended, outcomes)
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers {
    /// Whether claims run low, and few enough are out.
    fn wants_claims(&self) -> bool {
        let claimed = self.claims.len() + self.being_written + self.letters.len() + self.being_sent;
        self.claims.len() < BATCH / 2 && claimed + BATCH <= MOST_CLAIMED.max(4 * self.most_letters)
    }

    /// Whether nothing can come any more but what other workers put back.
    fn is_done(&self) -> bool {
        self.all_claimed && self.claims.is_empty() && self.being_written == 0 && self.letters.is_empty()
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

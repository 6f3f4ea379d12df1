//! How claims become letters: ahead of need by scribes, where a letter takes long to write, else by whoever sends it.
//!
//! To hand a letter from one thread to another costs more than to write most of them.

use std::collections::VecDeque;
use std::mem;
use std::sync::MutexGuard;

use super::{Desk, Seat};
use crate::delivery::diagnostics;
use crate::delivery::papers::{Papers, Ready, Taken};
use crate::finding::Finding;
use crate::ledger::Claim;

/// So many letters a scribe writes before it hands them on, so that a connection finds the next one ready and does not need
/// a round trip of its own for each envelope.
const MOST_AT_ONCE: usize = 4;

impl Desk<'_> {
    /// The work of a scribe: writes letters ahead of need until there are no more to write.
    pub(in crate::delivery) fn write_ahead(&self) {
        loop {
            let mut claims = self.next_claims();
            if claims.is_empty() {
                return;
            }
            let mut letters = Vec::with_capacity(claims.len());
            while let Some(claim) = claims.pop_front() {
                match (self.job.write)(&claim.subscriber) {
                    Ok(letter) => letters.push(Ready::new(claim, letter)),
                    Err(error) => {
                        claims.push_front(claim);
                        self.spoil(mem::take(&mut claims), diagnostics::unwritten(&error));
                    }
                }
            }
            self.add_letters(letters);
        }
    }

    /// The next claims for a scribe to write letters for; none: no more.
    fn next_claims(&self) -> VecDeque<Claim> {
        let mut papers = self.papers();
        loop {
            if self.is_over(&papers) || (papers.all_claimed && papers.claims.is_empty()) {
                return VecDeque::new();
            }
            let room = papers.most_letters.saturating_sub(papers.letters.len() + papers.being_written);
            let count = room.min(MOST_AT_ONCE).min(papers.claims.len());
            if count > 0 {
                papers.being_written += count;
                let claims = papers.claims.drain(..count).collect();
                if papers.wants_claims() {
                    self.room_came.ring();
                }
                return claims;
            }
            papers = self.claims_came.wait(papers);
        }
    }

    /// Letters are written. Whoever takes one takes the next with it; who works already comes for the others, or somebody
    /// more is woken with those that follow.
    fn add_letters(&self, letters: Vec<Ready>) {
        let mut papers = self.papers();
        papers.being_written -= letters.len();
        papers.letters.extend(letters);
        self.ring_for_letter(&papers);
    }

    /// Letters could not be written: nobody shall get this issue in a wrong form.
    fn spoil(&self, claims: VecDeque<Claim>, finding: Finding) {
        let mut papers = self.papers();
        papers.being_written -= claims.len();
        papers.claims.extend(claims);
        papers.judgement.stop_for(finding);
    }

    /// Takes a letter, or writes it where no scribe does.
    pub(super) fn take(&self, mut papers: MutexGuard<'_, Papers>, seat: Seat) -> Option<Ready> {
        let taken = papers.take(seat.server)?;
        // Scribes that have filled the desk go on when it is half empty, not after each letter.
        if papers.letters.len() <= papers.most_letters / 2 {
            self.claims_came.ring();
        }
        if papers.wants_claims() {
            self.room_came.ring();
        }
        if papers.has_several_servers() {
            // It may be the turn of one that was held.
            self.letters_came.ring_for_all();
        }
        drop(papers);
        let claim = match taken {
            Taken::Letter(ready) => return Some(ready),
            Taken::Claim(claim) => claim,
        };
        match (self.job.write)(&claim.subscriber) {
            Ok(letter) => Some(Ready::new(claim, letter)),
            Err(error) => {
                let mut papers = self.papers();
                papers.put_back_claim(seat.server, claim);
                papers.judgement.stop_for(diagnostics::unwritten(&error));
                None
            }
        }
    }
}

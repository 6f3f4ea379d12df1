//! What lies on the desk: claims, letters, and what is known of the servers; who may have the next letter.
//!
//! Plain bookkeeping without locks or waiting, which are `desk`'s.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;

use crate::delivery::judgement::Judgement;
use crate::delivery::run::Ended;
use crate::delivery::server::{Server, Trouble};
use crate::delivery::shares::Shares;
use crate::delivery::trouble;
use crate::finding::Finding;
use crate::ledger::{Claim, Counts, Outcome, State};
use crate::letter::Letter;
use crate::rate::Quota;
use crate::smtp::Route;
use crate::subscriber::SubscriberId;

/// So many recipients are claimed at a time: enough to share the cost of a durable write. Twice as many are claimed and not
/// settled, at most, where connections are few. After a power cut they are the unknown ones.
const BATCH: usize = 64;

/// Where a durable write takes longer than this, twice as many share it, for the connections would wait for the disk.
const SLOW: Duration = Duration::from_millis(2);

pub(super) struct Papers {
    pub(super) claims: VecDeque<Claim>,
    pub(super) letters: VecDeque<Ready>,
    /// Others write the letters ahead; else each worker writes its own.
    pub(super) has_scribes: bool,
    pub(super) most_letters: usize,
    /// How many are claimed at a time.
    pub(super) batch: usize,
    /// Claims in the hands of scribes, and letters in those of workers.
    pub(super) being_written: usize,
    pub(super) being_sent: usize,
    pub(super) all_claimed: bool,
    /// Workers that have not gone home.
    pub(super) workers: usize,
    pub(super) servers: Vec<Server>,
    shares: Shares,
    pub(super) judgement: Judgement,
    /// What was taken from today's quota of all mail.
    taken: Option<(Quota, u64)>,
    /// Until then nothing more may leave: today's is used up.
    paused: Option<DateTime<Tz>>,
}

/// What is left of a run.
pub(super) struct Closed {
    pub(super) ended: Ended,
    /// Outcomes that are not written yet, those of claims that go back among them.
    pub(super) outcomes: Vec<(SubscriberId, Outcome)>,
    /// What was taken of quotas and not used.
    pub(super) unused: Vec<(Quota, u64)>,
}

/// A recipient whose letter is written.
pub(super) struct Ready {
    pub(super) claim: Claim,
    pub(super) letter: Letter,
    /// How often a connection broke under it.
    pub(super) breaks: u32,
    /// The server that had it last and did not take it: another shall try, as long as there is one.
    avoids: Option<usize>,
    /// A server refused it with words that may be about itself and us, not about the recipient.
    is_suspect: bool,
}

/// What a worker has taken.
pub(super) enum Taken {
    Letter(Ready),
    /// Its letter is still to be written.
    Claim(Claim),
}

/// What a worker may do now.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// Take the next letter.
    Letter,
    /// Ask the store whether its server may be given more.
    Permits,
    /// Leave its server alone for so long, and look again.
    Rest(Duration),
    /// Wait until other servers have had their share.
    Held,
    /// Wait for a letter.
    Wait,
    /// Wait until its server takes more connections.
    Closed,
}

impl Ready {
    pub(super) fn new(claim: Claim, letter: Letter) -> Self {
        Self { claim, letter, breaks: 0, avoids: None, is_suspect: false }
    }
}

impl Papers {
    /// Nothing yet, for so many workers at each server.
    pub(super) fn new(route: &Route, seats: &[usize], counts: &Counts, has_scribes: bool) -> Self {
        let mut servers: Vec<Server> = seats.iter().map(|workers| Server::new(*workers)).collect();
        let weights: Vec<u32> = match route {
            Route::Relays(relays) => {
                servers.iter_mut().zip(relays).for_each(|(server, relay)| server.is_rated = relay.is_rated());
                relays.iter().map(|relay| relay.weight).collect()
            }
            Route::Outbox { .. } => {
                servers.iter_mut().for_each(Server::note_connected);
                vec![1]
            }
        };
        let workers = seats.iter().sum();
        Self {
            claims: VecDeque::new(),
            letters: VecDeque::new(),
            has_scribes,
            most_letters: workers,
            batch: BATCH,
            being_written: 0,
            being_sent: 0,
            all_claimed: false,
            workers,
            servers,
            shares: Shares::new(weights.into_iter().zip(seats.iter().copied())),
            judgement: Judgement::new(counts.of(State::Sent) > 0),
            taken: None,
            paused: None,
        }
    }

    pub(super) fn has_several_servers(&self) -> bool {
        self.servers.len() > 1
    }

    /// What the worker of that number at that server may do.
    pub(super) fn turn(&mut self, server: usize, number: usize) -> Turn {
        if self.servers[server].is_out() && number == 0 {
            return self.rest(server);
        }
        let (of, there) = (&self.servers[server], self.is_there_one_for(server));
        match () {
            () if !of.admits(number) => Turn::Closed,
            () if !there => Turn::Wait,
            () if of.lacks_permits() && of.asking => Turn::Wait,
            () if of.lacks_permits() => Turn::Permits,
            () if !self.allows(server) => Turn::Held,
            () => Turn::Letter,
        }
    }

    /// Lets a part of the time pass for which a server is left alone; all of it if there is no other to end the run
    /// meanwhile.
    fn rest(&mut self, server: usize) -> Turn {
        const STEP: Duration = Duration::from_secs(1);
        let most = if self.has_several_servers() { STEP } else { Duration::MAX };
        let step = self.servers[server].go_on_resting(most);
        if !self.servers[server].is_out() {
            let others = (0..self.servers.len()).filter(|other| self.servers[*other].takes_part());
            self.shares.join(server, others);
        }
        Turn::Rest(step)
    }

    /// Whether a server need not wait for others. One that may have none of the letters does not count: it would be waited
    /// for for ever.
    fn allows(&mut self, server: usize) -> bool {
        let waited_for = |other: &usize| self.servers[*other].takes_part() && self.is_there_one_for(*other);
        let others: Vec<usize> = (0..self.servers.len()).filter(waited_for).collect();
        self.shares.allow(server, others.into_iter())
    }

    pub(super) fn held(&mut self, server: usize, begun: std::time::Instant, now: std::time::Instant) {
        self.shares.held(server, begun, now);
    }

    /// Takes the next letter for a server, or whom it is to be written for, if there is one.
    pub(super) fn take(&mut self, server: usize) -> Option<Taken> {
        let at = self.letters.iter().position(|ready| self.is_for(ready, server));
        let taken = match at {
            Some(at) => Taken::Letter(self.letters.remove(at)?),
            None if self.has_scribes => return None,
            None => Taken::Claim(self.claims.pop_front()?),
        };
        self.being_sent += 1;
        self.shares.give(server);
        self.servers[server].use_permit();
        Some(taken)
    }

    /// How many letters workers could have at once now.
    pub(super) fn waiting(&self) -> usize {
        let unwritten = if self.has_scribes { 0 } else { self.claims.len() };
        (self.letters.len() + unwritten).min(self.most_letters)
    }

    fn is_there_one_for(&self, server: usize) -> bool {
        !self.has_scribes && !self.claims.is_empty() || self.letters.iter().any(|ready| self.is_for(ready, server))
    }

    fn is_for(&self, ready: &Ready, server: usize) -> bool {
        ready.avoids != Some(server) || !self.has_another(server)
    }

    fn has_another(&self, server: usize) -> bool {
        self.servers.iter().enumerate().any(|(at, other)| at != server && other.is_usable())
    }

    /// Takes a letter back that a server did not get, for another if it `avoids` this one.
    pub(super) fn put_back(&mut self, server: usize, mut ready: Ready, avoids: bool) {
        ready.avoids = avoids.then_some(server);
        self.letters.push_front(ready);
        self.take_back(server);
    }

    /// Takes a claim back of which no letter could be written.
    pub(super) fn put_back_claim(&mut self, server: usize, claim: Claim) {
        self.claims.push_front(claim);
        self.take_back(server);
    }

    fn take_back(&mut self, server: usize) {
        self.being_sent -= 1;
        self.shares.take_back(server);
        self.servers[server].return_permit();
    }

    /// Notes what became of a letter that a server had.
    pub(super) fn settle(&mut self, server: usize, state: State) {
        self.being_sent -= 1;
        self.judgement.count(state);
        match state {
            State::Sent => self.servers[server].note_sent(),
            State::Unknown => {}
            _ => self.servers[server].note_answered(),
        }
    }

    /// A recipient was refused with words that may be about us or the message. What one server says of us another need
    /// not say, so it is tried there, once, before it counts.
    pub(super) fn suspect(&mut self, server: usize, mut ready: Ready, reply: String, finding: Finding) {
        self.being_sent -= 1;
        if self.servers[server].note_suspect() {
            self.trouble(server, Trouble::Refuses, finding.clone());
        }
        if !ready.is_suspect && self.has_another(server) {
            (ready.is_suspect, ready.avoids) = (true, Some(server));
            self.letters.push_front(ready);
        } else {
            self.judgement.suspect(ready.claim, reply, finding);
        }
    }

    /// Something is wrong with a server. Gives whether it is out for a while; without any to count on the run stops.
    pub(super) fn trouble(&mut self, server: usize, trouble: Trouble, why: Finding) -> bool {
        let is_out = self.servers[server].trouble(trouble, why);
        self.end_without_servers();
        is_out
    }

    fn end_without_servers(&mut self) {
        if self.servers.iter().any(Server::is_usable) {
            return;
        }
        if let Some(until) =
            self.servers.iter().filter(|server| server.is_spent()).filter_map(|it| it.spent_until).min()
        {
            self.paused.get_or_insert(until);
            return;
        }
        let why: Vec<&Finding> = self.servers.iter().filter_map(Server::why_out).collect();
        self.judgement.stop_for(trouble::no_server(&why));
    }

    /// What a server may be given, of its rates and of the `quota` of its day.
    pub(super) fn give_permits(&mut self, server: usize, permits: u64, quota: Option<Quota>) {
        let server = &mut self.servers[server];
        server.permits += permits;
        server.asking = false;
        server.quota = quota.or_else(|| server.quota.take());
    }

    /// A server was given all that it may be given today.
    pub(super) fn spend(&mut self, server: usize, until: DateTime<Tz>) {
        self.servers[server].spent_until = Some(until);
        self.servers[server].asking = false;
        self.end_without_servers();
    }

    /// So many were taken from the quota of all mail.
    pub(super) fn take_of(&mut self, quota: Quota, count: u64) {
        let before = self.taken.take().filter(|(before, _)| *before == quota).map_or(0, |(_, count)| count);
        self.taken = Some((quota, before + count));
    }

    /// The quota of all mail is used up.
    pub(super) fn pause_until(&mut self, until: DateTime<Tz>) {
        self.paused = Some(until);
    }

    /// Whether no server may be given anything more today.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some() && !self.servers.iter().any(Server::is_usable)
    }

    /// To write claims down took so long.
    pub(super) fn note_claiming(&mut self, taken: Duration) {
        self.batch = if taken > SLOW { 2 * BATCH } else { BATCH };
    }

    /// Whether few enough are out for another batch: as early as that, for to claim one takes a while.
    pub(super) fn wants_claims(&self) -> bool {
        let claimed = self.claims.len() + self.being_written + self.letters.len() + self.being_sent;
        claimed + self.batch <= (2 * self.batch).max(4 * self.most_letters)
    }

    /// Whether nothing is left to do, and nothing can come back.
    pub(super) fn is_finished(&self) -> bool {
        self.all_claimed
            && self.claims.is_empty()
            && self.being_written + self.being_sent == 0
            && self.letters.is_empty()
    }

    /// Sums up.
    pub(super) fn close(self) -> Closed {
        let letters = self.letters.into_iter().map(|ready| ready.claim);
        let unsent = letters.chain(self.claims).map(|claim| (claim.subscriber.id, Outcome::Requeued));
        let (mut ended, mut outcomes) = self.judgement.close();
        outcomes.extend(unsent);
        ended.paused = self.paused;
        let is_any_left = self.servers.iter().any(|server| server.is_usable() || server.is_spent());
        if self.servers.len() > 1 && is_any_left {
            ended.warnings = self.servers.iter().filter_map(Server::why_out).map(trouble::server_out).collect();
        }
        let used = ended.tally.total() - ended.tally.of(State::Queued);
        let common = self.taken.map(|(quota, taken)| (quota, taken.saturating_sub(used)));
        let own = self.servers.into_iter().filter_map(|server| Some((server.quota?, server.permits)));
        let unused = common.into_iter().chain(own).filter(|(_, count)| *count > 0).collect();
        Closed { ended, outcomes, unused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Server as Address, TlsMode};
    use crate::smtp::relay::Relay;
    use crate::subscriber::{Status, Subscriber};

    fn claim(number: i64) -> Claim {
        let subscriber = Subscriber {
            id: SubscriberId(number),
            address: format!("reader-{number}@example.com").parse().unwrap(),
            name: String::new(),
            status: Status::Active,
            attributes: serde_json::Map::new(),
            created: DateTime::default(),
        };
        Claim { subscriber, attempts: 0 }
    }

    fn letter(claim: Claim) -> Ready {
        let to = claim.subscriber.address.clone();
        Ready::new(claim, Letter { from: "bounces@example.org".parse().unwrap(), to, content: "Spring.".into() })
    }

    /// Takes the next letter of those that workers write themselves.
    fn take(papers: &mut Papers, server: usize) -> Ready {
        match papers.take(server) {
            Some(Taken::Claim(claim)) => letter(claim),
            _ => panic!("there is no claim"),
        }
    }

    #[test]
    fn nobody_waits_for_a_server_that_may_not_have_the_letter() {
        let address = Address { host: "mail.example.org".to_owned(), port: 25, tls: TlsMode::None };
        let relay = || Relay::new(address.clone(), "example.org", None, None).unwrap();
        let mut papers = Papers::new(&Route::Relays(vec![relay(), relay()]), &[1, 1], &Counts::default(), false);
        papers.servers.iter_mut().for_each(Server::note_connected);
        papers.claims.extend([claim(1), claim(2), claim(3)]);
        take(&mut papers, 0);
        assert_eq!(papers.turn(0, 0), Turn::Held, "it is the other's turn");
        let refused = take(&mut papers, 1);
        papers.put_back(1, refused, true);
        take(&mut papers, 1);
        papers.settle(1, State::Sent);
        papers.shares.give(0);
        assert_eq!(
            (papers.turn(1, 0), papers.turn(0, 0)),
            (Turn::Wait, Turn::Letter),
            "the last letter avoids the other"
        );
    }
}

//! What a server's refusals are about: the recipient it refused, or us.
//!
//! A reply does not tell: a relay that lets us send to nobody says `550 Invalid recipient`, one that passes on what a
//! recipient's own server said `421 Try again later`. What it says to strangers does. A refusal is held until the server
//! has taken somebody else; if it refuses strangers too, several in a row, it is about us, and nobody who was refused
//! meanwhile is to blame. Plain bookkeeping about one server in one run, which `queue` guards; what is done about a server
//! that refuses us is `server`'s.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::delivery::recipient::Recipient;
use crate::delivery::retry_schedule::defer;
use crate::finding::{Finding, Severity};
use crate::issue::IssueId;
use crate::ledger::AttemptOutcome;
use crate::smtp::phase::Phase;
use crate::smtp::reply::{Reply, ReplyClass};

/// As long as a server has taken nobody, so many strangers refused are enough, if they have so many domains.
const FEW: usize = 5;
const SEVERAL_DOMAINS: usize = 3;

/// So many are enough without that, and where the server has taken others before: a list may be old.
const MANY: usize = 30;

/// So many where it took others before, if its words are about us.
const MANY_ABOUT_US: usize = 10;

/// So many where it costs little to be wrong: another server has the recipients then, or this one failed before.
const FEWEST: usize = 3;

/// So many of one domain prove that mail gets beyond it, if nothing of another domain was taken: it may be that of the
/// server itself, which it takes mail for whoever sends it.
const MANY_TAKEN: u64 = 10;

/// More are not held.
const MOST_HELD: usize = 64;

/// A recipient whom a server refused.
pub(super) struct Refused {
    pub(super) recipient: Recipient,
    reply: Reply,
    class: ReplyClass,
    phase: Phase,
    /// What a person has to know if it is about us.
    why: Finding,
    /// How many recipients the server had been given by then.
    since: u64,
}

/// Whom all refusals in a row are about, if it is us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AboutUs {
    /// For now.
    Busy,
    /// For good.
    Refuses,
}

#[derive(Default)]
pub(super) struct Refusals {
    /// How many recipients the server was given.
    given: u64,
    /// Domains of which somebody was taken, and how many recipients were in all.
    served: HashSet<Box<str>>,
    taken: u64,
    /// Domains of which somebody was refused for good, and nobody taken.
    refused: HashSet<Box<str>>,
    row: Row,
    held: Vec<Refused>,
}

/// Refusals since somebody was last taken.
#[derive(Default)]
struct Row {
    domains: HashSet<Box<str>>,
    count: usize,
    /// How many recipients the server had been given at the first of them.
    since: u64,
    /// How many of them for good.
    for_good: usize,
    /// How many no server had refused in an earlier run.
    untried: usize,
    /// How many strangers, those refused with words about us or the message, and those of them whose message it had read.
    strangers: usize,
    about_us: usize,
    with_message: usize,
    busy: Option<Finding>,
    refuses: Option<Finding>,
}

impl Refused {
    /// `why`: what a person has to know if it is about us.
    pub(super) fn new(recipient: Recipient, reply: Reply, phase: Phase, why: Finding) -> Self {
        let class = reply.class(phase);
        let recipient = Recipient { refusal: Some(reply.to_string()), ..recipient };
        Self { recipient, reply, class, phase, why, since: 0 }
    }

    /// Whether the server put the recipient off before, took others then, and puts it off again.
    pub(super) fn is_put_off_again(&self) -> bool {
        self.recipient.is_put_off && !self.is_for_good()
    }

    pub(super) fn is_for_good(&self) -> bool {
        self.class != ReplyClass::BackOff
    }

    /// Whether the words alone are about us, or about the message.
    fn says_us(&self) -> bool {
        matches!(self.class, ReplyClass::BackOff | ReplyClass::OurFault | ReplyClass::Message)
    }

    /// What becomes of the recipient if it is to blame, as far as that is `certain`: if not, it is tried again later.
    pub(super) fn outcome(&self, issue: &IssueId, certain: bool, now: DateTime<Utc>) -> AttemptOutcome {
        let reply = self.reply.to_string();
        match self.class {
            _ if !certain || !self.is_for_good() => defer(issue, &self.recipient.claim, reply, now),
            class => AttemptOutcome::Failed { reply, suppress: class == ReplyClass::AddressBad },
        }
    }
}

impl Refusals {
    /// The server is given another recipient: returns the how manieth.
    pub(super) fn next_turn(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    /// Somebody of the domain was taken, whose turn that was; returns those of whom that proves that they were to blame.
    /// Whom the server was given before it refused them proves nothing: it may have begun to refuse us since.
    pub(super) fn note_taken(&mut self, domain: &str, turn: u64) -> Vec<Refused> {
        if !self.served.contains(domain) {
            self.served.insert(domain.into());
            self.refused.remove(domain);
        }
        self.taken += 1;
        if self.row.count > 0 && turn > self.row.since {
            self.row = Row::default();
        }
        if self.held.is_empty() {
            return Vec::new();
        }
        let (believed, held) =
            std::mem::take(&mut self.held).into_iter().partition(|it| turn > it.since && self.believes(it));
        self.held = held;
        believed
    }

    /// Somebody was refused.
    pub(super) fn note_refused(&mut self, refused: &Refused) {
        let (domain, row) = (refused.recipient.domain(), &mut self.row);
        row.domains.insert(domain.into());
        if row.count == 0 {
            row.since = self.given;
        }
        row.count += 1;
        row.for_good += usize::from(refused.is_for_good());
        row.untried += usize::from(!refused.recipient.claim.was_refused);
        let why = if refused.is_for_good() { &mut row.refuses } else { &mut row.busy };
        *why = Some(refused.why.clone());
        if refused.recipient.is_stranger {
            let says_us = refused.says_us();
            row.strangers += 1;
            row.about_us += usize::from(says_us);
            row.with_message += usize::from(says_us && refused.is_for_good() && refused.phase == Phase::FinalDot);
        }
        if refused.is_for_good() && !self.served.contains(domain) {
            self.refused.insert(domain.into());
        }
    }

    /// Keeps one who was refused until more is known; returns one who is not kept any longer, and whether it is certain to
    /// be to blame.
    pub(super) fn hold(&mut self, refused: Refused) -> Option<(Refused, bool)> {
        self.held.push(Refused { since: self.given, ..refused });
        let oldest = (self.held.len() > MOST_HELD).then(|| self.held.remove(0))?;
        let is_certain = self.is_one_of_several() && self.believes(&oldest);
        Some((oldest, is_certain))
    }

    /// Whether the last recipient was refused, so that a stranger is to be tried next; how many strangers were since.
    pub(super) fn doubt(&self) -> Option<usize> {
        (self.row.count > 0).then_some(self.row.strangers)
    }

    /// Whether somebody of the domain was refused since somebody was last taken.
    pub(super) fn has_refused(&self, domain: &str) -> bool {
        self.row.domains.contains(domain)
    }

    /// Whether strangers are put off one after the other: less at a time may be all that is wanted.
    pub(super) fn wants_less(&self) -> bool {
        self.row.for_good == 0 && self.row.strangers > 1
    }

    /// Whether the refusals in a row are about us. `hurried`: another server has the recipients then, or this one failed
    /// before. `may_meet_others`: recipients of other domains may be claimed yet, so that many of few domains say nothing.
    pub(super) fn verdict(&self, hurried: bool, may_meet_others: bool) -> Option<AboutUs> {
        let Row { domains, strangers, about_us, with_message, .. } = &self.row;
        let have_several = domains.len() >= SEVERAL_DOMAINS;
        // Its own domain alone, perhaps.
        let takes_one_domain = self.row.untried > 0
            && self.served.len() == 1
            && self.refused.len() >= MANY_ABOUT_US
            && self.refused.len() as u64 > 2 * self.taken;
        let is_about_us = match self.taken {
            _ if may_meet_others && !have_several => false,
            _ if hurried && *about_us >= FEWEST => true,
            _ if takes_one_domain => true,
            0 => (*strangers >= FEW && have_several) || *strangers >= MANY || *with_message >= FEW,
            // One domain may refuse us, and it alone.
            _ if self.is_one_of_several() => false,
            _ => (*about_us >= MANY_ABOUT_US && have_several) || *strangers >= MANY || *with_message >= MANY_ABOUT_US,
        };
        is_about_us.then(|| self.kind())
    }

    /// Whether those refused in a row are of one domain, and the server has taken others.
    fn is_one_of_several(&self) -> bool {
        self.row.domains.len() == 1 && self.served.iter().any(|served| !self.row.domains.contains(served))
    }

    /// The verdict where nobody is left who might be taken: that one recipient was refused with words about itself says
    /// nothing.
    pub(super) fn verdict_at_end(&self) -> Option<AboutUs> {
        let is_enough = self.held.len() > 1 || self.held.iter().any(Refused::says_us);
        is_enough.then(|| self.kind())
    }

    /// What a person should know of a server that took nobody, and refused several for good who were refused in earlier runs:
    /// each may be to blame, or the server lets us send no more.
    pub(super) fn warning(&self) -> Option<Finding> {
        let Row { domains, for_good, refuses, .. } = &self.row;
        let is_odd = self.taken == 0 && *for_good >= FEW && domains.len() >= SEVERAL_DOMAINS;
        refuses.clone().filter(|_| is_odd).map(|why| Finding { severity: Severity::Warning, ..why })
    }

    fn kind(&self) -> AboutUs {
        if self.row.for_good * 2 >= self.row.count { AboutUs::Refuses } else { AboutUs::Busy }
    }

    /// It was about us: gives up those who are held, and why.
    pub(super) fn release(&mut self, kind: AboutUs) -> (Vec<Refused>, Option<Finding>) {
        let Row { busy, refuses, .. } = std::mem::take(&mut self.row);
        let why = match kind {
            AboutUs::Busy => busy.or(refuses),
            AboutUs::Refuses => refuses.or(busy),
        };
        (std::mem::take(&mut self.held), why)
    }

    /// Those who are held at the end of a run, each with whether it is certain to be to blame.
    pub(super) fn close(&mut self) -> Vec<(Refused, bool)> {
        let held = std::mem::take(&mut self.held);
        held.into_iter().map(|refused| (self.believes(&refused), refused)).map(|(is, it)| (it, is)).collect()
    }

    /// Whether a refusal is about its recipient, now that the server has taken somebody: mail gets to the domain, or to
    /// others, more than refuse it.
    fn believes(&self, refused: &Refused) -> bool {
        let most = match self.served.len() {
            0 => 0,
            1 => usize::from(self.taken >= MANY_TAKEN),
            several => several,
        };
        let is_served = self.served.contains(refused.recipient.domain());
        self.taken > 0 && (!refused.is_for_good() || is_served || self.refused.len() <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Claim, State};
    use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};

    const UNKNOWN: (u16, &str) = (550, "5.1.1 No such user");
    const DENIED: (u16, &str) = (554, "5.7.1 Relay access denied");
    const BUSY: (u16, &str) = (421, "4.7.0 Later");

    fn refused(address: &str, (code, text): (u16, &str), is_stranger: bool) -> Refused {
        let new = NewSubscriber::new(address.parse().unwrap(), "");
        let (id, status, created) = (SubscriberId(1), Status::Active, DateTime::default());
        let NewSubscriber { address, name, attributes, .. } = new;
        let subscriber = Subscriber { id, address, name, status, attributes, created };
        let claim = Claim { subscriber, attempts: 0, was_refused: false };
        let recipient = Recipient { is_stranger, ..Recipient::new(claim) };
        Refused::new(recipient, Reply::new(code, text), Phase::Rcpt, Finding::error("smtp-refused", text))
    }

    /// Has these refused one after the other, all but the first chosen as strangers; returns the first verdict and after
    /// how many it came.
    fn after<'a>(
        refusals: &mut Refusals,
        hurried: bool,
        addresses: impl IntoIterator<Item = &'a str>,
        said: (u16, &str),
    ) -> Option<(usize, AboutUs)> {
        for (at, address) in addresses.into_iter().enumerate() {
            let refused = refused(address, said, at > 0);
            refusals.note_refused(&refused);
            refusals.hold(refused);
            if let Some(verdict) = refusals.verdict(hurried, false) {
                return Some((at + 1, verdict));
            }
        }
        None
    }

    /// The server is given somebody of that domain, and takes them.
    fn take(refusals: &mut Refusals, domain: &str) -> Vec<Refused> {
        let turn = refusals.next_turn();
        refusals.note_taken(domain, turn)
    }

    fn addresses(count: usize, domains: usize) -> Vec<String> {
        (0..count).map(|number| format!("reader-{number}@{}.example", number % domains)).collect()
    }

    fn judged(taken: &[&str], hurried: bool, domains: usize, said: (u16, &str)) -> Option<(usize, AboutUs)> {
        let mut refusals = Refusals::default();
        taken.iter().for_each(|domain| drop(take(&mut refusals, domain)));
        after(&mut refusals, hurried, addresses(100, domains).iter().map(String::as_str), said)
    }

    #[test]
    fn a_server_that_takes_nobody_is_about_us_whatever_it_says() {
        use AboutUs::{Busy, Refuses};
        for (taken, hurried, domains, said, verdict) in [
            (&[][..], false, 5, UNKNOWN, Some((6, Refuses))),
            (&[], false, 5, DENIED, Some((6, Refuses))),
            (&[], false, 5, BUSY, Some((6, Busy))),
            (&[], false, 1, UNKNOWN, Some((31, Refuses))),
            (&[], false, 2, BUSY, Some((31, Busy))),
            (&[], true, 1, BUSY, Some((4, Busy))),
            // Who takes some and refuses others may know why, for longer.
            (&["home.example"], false, 5, DENIED, Some((11, Refuses))),
            (&["home.example"], false, 5, UNKNOWN, Some((31, Refuses))),
            (&["0.example"], false, 1, BUSY, Some((31, Busy))),
            (&["home.example"], false, 1, UNKNOWN, None),
            (&["home.example"], false, 1, BUSY, None),
        ] {
            assert_eq!(judged(taken, hurried, domains, said), verdict, "{taken:?} {domains} {said:?}");
        }
    }

    #[test]
    fn many_of_few_domains_say_nothing_as_long_as_others_may_be_met() {
        let mut refusals = Refusals::default();
        for (at, address) in addresses(200, 2).iter().enumerate() {
            refusals.note_refused(&refused(address, BUSY, at > 0));
        }
        assert_eq!([true, false].map(|others| refusals.verdict(false, others)), [None, Some(AboutUs::Busy)]);
    }

    #[test]
    fn whoever_was_chosen_before_a_doubt_is_no_stranger() {
        let mut refusals = Refusals::default();
        for address in addresses(50, 50) {
            refusals.note_refused(&refused(&address, DENIED, false));
        }
        assert_eq!((refusals.verdict(true, false), refusals.doubt()), (None, Some(0)));
    }

    /// The state of one who was refused once somebody of these domains was taken; `None`: not certain.
    fn once_taken(others: &[&str], said: (u16, &str), taken: &[&str]) -> Option<AttemptOutcome> {
        let mut refusals = Refusals::default();
        after(&mut refusals, false, ["reader@dead.example"].into_iter().chain(others.iter().copied()), said);
        let believed: Vec<Refused> = taken.iter().flat_map(|domain| take(&mut refusals, domain)).collect();
        let issue = IssueId::new("https://example.org/notes/").unwrap();
        let first = believed.iter().find(|refused| refused.recipient.domain() == "dead.example");
        first.map(|refused| refused.outcome(&issue, true, DateTime::default()))
    }

    #[test]
    fn no_such_mailbox_is_believed_where_mail_gets_through() {
        let suppressed = Some(AttemptOutcome::Failed { reply: "550 5.1.1 No such user".to_owned(), suppress: true });
        assert_eq!(once_taken(&[], UNKNOWN, &["dead.example"]), suppressed);
        assert_eq!(once_taken(&[], UNKNOWN, &["one.example", "two.example"]), suppressed);
        assert_eq!(once_taken(&[], UNKNOWN, &["home.example"; 10]), suppressed);
        assert_eq!(once_taken(&[], UNKNOWN, &["home.example"; 9]), None, "it may relay for nobody");
        assert_eq!(once_taken(&["a@two.example"], UNKNOWN, &["home.example"; 20]), None);
        assert_eq!(once_taken(&["a@two.example"], UNKNOWN, &["one.example", "three.example"]), suppressed);
        assert_eq!(once_taken(&["a@2.example", "b@3.example"], UNKNOWN, &["one.example", "four.example"]), None);
        let denied = once_taken(&[], DENIED, &["dead.example"]);
        assert_eq!(
            denied,
            Some(AttemptOutcome::Failed { reply: "554 5.7.1 Relay access denied".to_owned(), suppress: false })
        );
        let busy = once_taken(&[], BUSY, &["home.example"]);
        assert_eq!(busy.map(|outcome| outcome.state()), Some(State::Deferred));
    }

    #[test]
    fn whom_it_was_given_before_a_refusal_proves_nothing() {
        let mut refusals = Refusals::default();
        let before = refusals.next_turn();
        after(&mut refusals, false, ["reader@dead.example"], UNKNOWN);
        assert_eq!(refusals.note_taken("dead.example", before).len(), 0);
        assert!(refusals.doubt().is_some());
        assert_eq!(take(&mut refusals, "dead.example").len(), 1);
        assert_eq!(refusals.doubt(), None);
    }

    #[test]
    fn whoever_takes_one_domain_and_refuses_ten_may_take_its_own_alone() {
        let mut refusals = Refusals::default();
        let verdicts: Vec<bool> = addresses(12, 12)
            .iter()
            .enumerate()
            .map(|(number, address)| {
                if number % 5 == 0 {
                    take(&mut refusals, "home.example");
                }
                after(&mut refusals, false, [address.as_str()], UNKNOWN).is_some()
            })
            .collect();
        assert_eq!(verdicts.iter().position(|is| *is), Some(9));
    }

    #[test]
    fn whoever_is_not_certain_to_be_to_blame_is_tried_again_later() {
        let issue = IssueId::new("https://example.org/notes/").unwrap();
        for said in [UNKNOWN, DENIED, BUSY] {
            let outcome = refused("reader@dead.example", said, false).outcome(&issue, false, DateTime::default());
            assert_eq!(outcome.state(), State::Deferred);
        }
    }

    #[test]
    fn only_so_many_are_held_and_one_domain_may_refuse_us_alone() {
        let mut refusals = Refusals::default();
        (0..9).for_each(|number| drop(take(&mut refusals, &format!("{number}.example"))));
        let held: Vec<bool> = (0..200)
            .filter_map(|number| {
                let refused = refused(&format!("reader-{number}@blocks.example"), DENIED, number > 0);
                refusals.note_refused(&refused);
                refusals.hold(refused).map(|(_, is_certain)| is_certain)
            })
            .collect();
        assert_eq!(held, [true; 200 - MOST_HELD]);
    }

    #[test]
    fn one_alone_who_was_refused_with_words_about_itself_says_nothing() {
        let at_end = |said, count: usize| {
            let mut refusals = Refusals::default();
            after(&mut refusals, false, addresses(count, 1).iter().map(String::as_str), said);
            refusals.verdict_at_end()
        };
        assert_eq!([at_end(UNKNOWN, 1), at_end(UNKNOWN, 2)], [None, Some(AboutUs::Refuses)]);
        assert_eq!([at_end(DENIED, 1), at_end(BUSY, 1)], [Some(AboutUs::Refuses), Some(AboutUs::Busy)]);
    }
}

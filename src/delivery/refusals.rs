//! Decides whether a server's refusals are about the recipients or about us.
//!
//! The reply alone does not show it: a relay that sends nothing for us says `550 Invalid recipient`, one that passes on a
//! recipient's own server says `421 Try again later`. What it says to unrelated recipients does. A refusal stays pending until
//! the server has accepted someone else; if it refuses several unrelated recipients in a row too, it rejects the sender, and
//! none of them is to blame. Plain bookkeeping about one server in one run, guarded by `queue`; `server_state` decides what
//! becomes of a server that rejects us.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::delivery::recipient::Recipient;
use crate::delivery::retry_schedule::defer;
use crate::finding::{Finding, Severity};
use crate::issue::IssueId;
use crate::ledger::AttemptOutcome;
use crate::reply::{Phase, Reply, ReplyClass};

/// Unrelated recipients a server that has accepted no one must refuse before it rejects us, if they have at least
/// `MIN_DOMAINS` domains.
const MIN_UNRELATED: usize = 5;
const MIN_DOMAINS: usize = 3;

/// The same for recipients of fewer domains, and for a server that has accepted others: a list may be old.
const MIN_UNRELATED_ANY_DOMAIN: usize = 30;

/// The same for a server that has accepted others, if its replies blame us.
const MIN_UNRELATED_BLAMING_SENDER: usize = 10;

/// The same where a wrong decision costs little: another server takes the recipients, or this one failed before.
const MIN_UNRELATED_IF_CHEAP: usize = 3;

/// Recipients of a single domain that must be accepted to prove that mail gets beyond it: the domain may be the server's own,
/// for which it accepts mail from any sender.
const MIN_ACCEPTED_OF_ONE_DOMAIN: u64 = 10;

/// Maximum number of pending refusals.
const MAX_PENDING: usize = 64;

/// A recipient that a server refused.
pub(super) struct Refusal {
    pub(super) recipient: Recipient,
    reply: Reply,
    class: ReplyClass,
    phase: Phase,
    /// Reported if it is about us.
    finding: Finding,
    /// Number of recipients the server had been offered by then.
    since: u64,
}

/// A server rejects us, whichever recipient it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SenderRejection {
    Temporary,
    Permanent,
}

#[derive(Default)]
pub(super) struct Refusals {
    /// Number of recipients the server was offered.
    offered: u64,
    /// Domains with an accepted recipient, and the number of accepted recipients.
    accepted_domains: HashSet<Box<str>>,
    accepted: u64,
    /// Domains with a permanently refused recipient and no accepted one.
    refused_domains: HashSet<Box<str>>,
    streak: Streak,
    pending: Vec<Refusal>,
}

/// Refusals since a recipient was last accepted.
#[derive(Default)]
struct Streak {
    domains: HashSet<Box<str>>,
    count: usize,
    /// Number of recipients the server had been offered at the first refusal.
    since: u64,
    /// Number of permanent refusals.
    permanent: usize,
    /// Number of recipients that no server had refused in an earlier run.
    untried: usize,
    /// Number of unrelated recipients, of those refused with a reply that blames us or the message, and of those among them
    /// that were refused after their content.
    unrelated: usize,
    blaming_sender: usize,
    after_content: usize,
    temporary_finding: Option<Finding>,
    permanent_finding: Option<Finding>,
}

impl Refusal {
    /// `finding` is reported if the refusal is about us.
    pub(super) fn new(recipient: Recipient, reply: Reply, phase: Phase, finding: Finding) -> Self {
        let class = reply.class(phase);
        let recipient = Recipient { refusal: Some(reply.to_string()), ..recipient };
        Self { recipient, reply, class, phase, finding, since: 0 }
    }

    /// Whether the server defers the recipient again, having accepted others after it first did.
    pub(super) fn is_deferred_again(&self) -> bool {
        self.recipient.was_deferred && !self.is_permanent()
    }

    pub(super) fn is_permanent(&self) -> bool {
        self.class != ReplyClass::BackOff
    }

    /// Whether the reply by itself blames us or the message.
    fn blames_sender(&self) -> bool {
        matches!(self.class, ReplyClass::BackOff | ReplyClass::OurFault | ReplyClass::Message)
    }

    /// The outcome for the recipient if it is to blame; if that is not `certain`, it is tried again later.
    pub(super) fn outcome(&self, issue: &IssueId, certain: bool, now: DateTime<Utc>) -> AttemptOutcome {
        let reply = self.reply.to_string();
        match self.class {
            _ if !certain || !self.is_permanent() => defer(issue, &self.recipient.claim, reply, now),
            class => AttemptOutcome::Failed { reply, suppress: class == ReplyClass::AddressBad },
        }
    }
}

impl Refusals {
    /// The server is offered another recipient; returns its sequence number.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.offered += 1;
        self.offered
    }

    /// A recipient of the domain was accepted; returns the refusals that this proves to be about their recipients. One that was
    /// offered before a refusal proves nothing: the server may have begun to reject us since.
    pub(super) fn note_accepted(&mut self, domain: &str, sequence: u64) -> Vec<Refusal> {
        if !self.accepted_domains.contains(domain) {
            self.accepted_domains.insert(domain.into());
            self.refused_domains.remove(domain);
        }
        self.accepted += 1;
        if self.streak.count > 0 && sequence > self.streak.since {
            self.streak = Streak::default();
        }
        if self.pending.is_empty() {
            return Vec::new();
        }
        let (proven, pending) =
            std::mem::take(&mut self.pending).into_iter().partition(|it| sequence > it.since && self.is_plausible(it));
        self.pending = pending;
        proven
    }

    /// A recipient was refused.
    pub(super) fn note_refused(&mut self, refusal: &Refusal) {
        let (domain, streak) = (refusal.recipient.domain(), &mut self.streak);
        streak.domains.insert(domain.into());
        if streak.count == 0 {
            streak.since = self.offered;
        }
        streak.count += 1;
        streak.permanent += usize::from(refusal.is_permanent());
        streak.untried += usize::from(!refusal.recipient.claim.was_refused);
        let finding =
            if refusal.is_permanent() { &mut streak.permanent_finding } else { &mut streak.temporary_finding };
        *finding = Some(refusal.finding.clone());
        if refusal.recipient.is_unrelated {
            let blames_sender = refusal.blames_sender();
            streak.unrelated += 1;
            streak.blaming_sender += usize::from(blames_sender);
            streak.after_content +=
                usize::from(blames_sender && refusal.is_permanent() && refusal.phase == Phase::FinalDot);
        }
        if refusal.is_permanent() && !self.accepted_domains.contains(domain) {
            self.refused_domains.insert(domain.into());
        }
    }

    /// Keeps a refusal until more is known. Returns the oldest one if there are too many, and whether its recipient is certain
    /// to be to blame.
    pub(super) fn keep_pending(&mut self, refusal: Refusal) -> Option<(Refusal, bool)> {
        self.pending.push(Refusal { since: self.offered, ..refusal });
        let oldest = (self.pending.len() > MAX_PENDING).then(|| self.pending.remove(0))?;
        let is_certain = self.refuses_one_domain_only() && self.is_plausible(&oldest);
        Some((oldest, is_certain))
    }

    /// After a refusal, so that an unrelated recipient is to be tried next: the number of those refused since.
    pub(super) fn unrelated_refused(&self) -> Option<usize> {
        (self.streak.count > 0).then_some(self.streak.unrelated)
    }

    /// Whether a recipient of the domain was refused in the current streak.
    pub(super) fn has_refused(&self, domain: &str) -> bool {
        self.streak.domains.contains(domain)
    }

    /// Whether unrelated recipients are deferred one after the other: fewer messages at a time may be all it asks for.
    pub(super) fn wants_less(&self) -> bool {
        self.streak.permanent == 0 && self.streak.unrelated > 1
    }

    /// Whether the server rejects us, judged by the current streak. `is_cheap`: a wrong decision costs little, since another
    /// server takes the recipients or this one failed before. `may_claim_more`: recipients of other domains can still be
    /// claimed, so that many refusals from few domains prove nothing.
    pub(super) fn sender_rejection(&self, is_cheap: bool, may_claim_more: bool) -> Option<SenderRejection> {
        let Streak { domains, unrelated, blaming_sender, after_content, .. } = &self.streak;
        let are_several_domains = domains.len() >= MIN_DOMAINS;
        // Perhaps its own domain.
        let accepts_one_domain = self.streak.untried > 0
            && self.accepted_domains.len() == 1
            && self.refused_domains.len() >= MIN_UNRELATED_BLAMING_SENDER
            && self.refused_domains.len() as u64 > 2 * self.accepted;
        let is_about_us = match self.accepted {
            _ if may_claim_more && !are_several_domains => false,
            _ if is_cheap && *blaming_sender >= MIN_UNRELATED_IF_CHEAP => true,
            _ if accepts_one_domain => true,
            0 => {
                (*unrelated >= MIN_UNRELATED && are_several_domains)
                    || *unrelated >= MIN_UNRELATED_ANY_DOMAIN
                    || *after_content >= MIN_UNRELATED
            }
            // A single domain may reject us.
            _ if self.refuses_one_domain_only() => false,
            _ => {
                (*blaming_sender >= MIN_UNRELATED_BLAMING_SENDER && are_several_domains)
                    || *unrelated >= MIN_UNRELATED_ANY_DOMAIN
                    || *after_content >= MIN_UNRELATED_BLAMING_SENDER
            }
        };
        is_about_us.then(|| self.kind())
    }

    /// Whether the streak is of one domain, and the server has accepted recipients of others.
    fn refuses_one_domain_only(&self) -> bool {
        let streak = &self.streak.domains;
        streak.len() == 1 && self.accepted_domains.iter().any(|accepted| !streak.contains(accepted))
    }

    /// The decision when no recipient is left to try. One recipient refused with a reply about itself proves nothing.
    pub(super) fn sender_rejection_at_end(&self) -> Option<SenderRejection> {
        let is_enough = self.pending.len() > 1 || self.pending.iter().any(Refusal::blames_sender);
        is_enough.then(|| self.kind())
    }

    /// The warning about a server that accepted no one and permanently refused several recipients already refused in earlier
    /// runs: either each is to blame, or the server does not send for us any more.
    pub(super) fn warning(&self) -> Option<Finding> {
        let Streak { domains, permanent, permanent_finding, .. } = &self.streak;
        let is_suspicious = self.accepted == 0 && *permanent >= MIN_UNRELATED && domains.len() >= MIN_DOMAINS;
        let finding = permanent_finding.clone().filter(|_| is_suspicious);
        finding.map(|finding| Finding { severity: Severity::Warning, ..finding })
    }

    fn kind(&self) -> SenderRejection {
        match self.streak.permanent * 2 >= self.streak.count {
            true => SenderRejection::Permanent,
            false => SenderRejection::Temporary,
        }
    }

    /// The server rejects us: gives up the pending refusals, and the finding to report.
    pub(super) fn release(&mut self, kind: SenderRejection) -> (Vec<Refusal>, Option<Finding>) {
        let Streak { temporary_finding, permanent_finding, .. } = std::mem::take(&mut self.streak);
        let finding = match kind {
            SenderRejection::Temporary => temporary_finding.or(permanent_finding),
            SenderRejection::Permanent => permanent_finding.or(temporary_finding),
        };
        (std::mem::take(&mut self.pending), finding)
    }

    /// The pending refusals at the end of a run, each with whether its recipient is certain to be to blame.
    pub(super) fn close(&mut self) -> Vec<(Refusal, bool)> {
        let pending = std::mem::take(&mut self.pending);
        let with_certainty = |refusal| {
            let is_certain = self.is_plausible(&refusal);
            (refusal, is_certain)
        };
        pending.into_iter().map(with_certainty).collect()
    }

    /// Whether a refusal is about its recipient, given what the server has accepted: mail gets to its domain, or to more other
    /// domains than refuse it.
    fn is_plausible(&self, refusal: &Refusal) -> bool {
        let max_refused_domains = match self.accepted_domains.len() {
            0 => 0,
            1 => usize::from(self.accepted >= MIN_ACCEPTED_OF_ONE_DOMAIN),
            several => several,
        };
        let is_accepted_domain = self.accepted_domains.contains(refusal.recipient.domain());
        self.accepted > 0
            && (!refusal.is_permanent() || is_accepted_domain || self.refused_domains.len() <= max_refused_domains)
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

    fn refused(address: &str, (code, text): (u16, &str), is_unrelated: bool) -> Refusal {
        let new = NewSubscriber::new(address.parse().unwrap(), "");
        let (id, status, created) = (SubscriberId(1), Status::Active, DateTime::default());
        let NewSubscriber { address, name, attributes, .. } = new;
        let subscriber = Subscriber { id, address, name, status, attributes, created };
        let claim = Claim { subscriber, attempts: 0, was_refused: false };
        let recipient = Recipient { is_unrelated, ..Recipient::new(claim) };
        Refusal::new(recipient, Reply::new(code, text), Phase::Rcpt, Finding::error("smtp-refused", text))
    }

    /// Refuses these one after the other, all but the first as unrelated recipients; returns the first decision and the number of
    /// refusals it took.
    fn after<'a>(
        refusals: &mut Refusals,
        is_cheap: bool,
        addresses: impl IntoIterator<Item = &'a str>,
        reply: (u16, &str),
    ) -> Option<(usize, SenderRejection)> {
        for (at, address) in addresses.into_iter().enumerate() {
            let refused = refused(address, reply, at > 0);
            refusals.note_refused(&refused);
            refusals.keep_pending(refused);
            if let Some(rejection) = refusals.sender_rejection(is_cheap, false) {
                return Some((at + 1, rejection));
            }
        }
        None
    }

    /// The server is offered a recipient of the domain and accepts it.
    fn accept(refusals: &mut Refusals, domain: &str) -> Vec<Refusal> {
        let sequence = refusals.next_sequence();
        refusals.note_accepted(domain, sequence)
    }

    fn addresses(count: usize, domains: usize) -> Vec<String> {
        (0..count).map(|number| format!("reader-{number}@{}.example", number % domains)).collect()
    }

    fn rejection(
        accepted: &[&str],
        is_cheap: bool,
        domains: usize,
        reply: (u16, &str),
    ) -> Option<(usize, SenderRejection)> {
        let mut refusals = Refusals::default();
        accepted.iter().for_each(|domain| drop(accept(&mut refusals, domain)));
        after(&mut refusals, is_cheap, addresses(100, domains).iter().map(String::as_str), reply)
    }

    #[test]
    fn a_server_that_accepts_no_one_rejects_us_whatever_its_reply() {
        use SenderRejection::{Permanent, Temporary};
        for (accepted, is_cheap, domains, reply, expected) in [
            (&[][..], false, 5, UNKNOWN, Some((6, Permanent))),
            (&[], false, 5, DENIED, Some((6, Permanent))),
            (&[], false, 5, BUSY, Some((6, Temporary))),
            (&[], false, 1, UNKNOWN, Some((31, Permanent))),
            (&[], false, 2, BUSY, Some((31, Temporary))),
            (&[], true, 1, BUSY, Some((4, Temporary))),
            // A server that accepts some recipients and refuses others may be right for longer.
            (&["home.example"], false, 5, DENIED, Some((11, Permanent))),
            (&["home.example"], false, 5, UNKNOWN, Some((31, Permanent))),
            (&["0.example"], false, 1, BUSY, Some((31, Temporary))),
            (&["home.example"], false, 1, UNKNOWN, None),
            (&["home.example"], false, 1, BUSY, None),
        ] {
            assert_eq!(rejection(accepted, is_cheap, domains, reply), expected, "{accepted:?} {domains} {reply:?}");
        }
    }

    #[test]
    fn refusals_from_few_domains_prove_nothing_while_others_can_be_claimed() {
        let mut refusals = Refusals::default();
        for (at, address) in addresses(200, 2).iter().enumerate() {
            refusals.note_refused(&refused(address, BUSY, at > 0));
        }
        assert_eq!(
            [true, false].map(|others| refusals.sender_rejection(false, others)),
            [None, Some(SenderRejection::Temporary)]
        );
    }

    #[test]
    fn recipients_offered_before_the_first_refusal_are_not_unrelated() {
        let mut refusals = Refusals::default();
        for address in addresses(50, 50) {
            refusals.note_refused(&refused(&address, DENIED, false));
        }
        assert_eq!((refusals.sender_rejection(true, false), refusals.unrelated_refused()), (None, Some(0)));
    }

    /// The outcome of a refused recipient once recipients of these domains were accepted; `None` if still pending.
    fn once_accepted(others: &[&str], reply: (u16, &str), accepted: &[&str]) -> Option<AttemptOutcome> {
        let mut refusals = Refusals::default();
        after(&mut refusals, false, ["reader@dead.example"].into_iter().chain(others.iter().copied()), reply);
        let proven: Vec<Refusal> = accepted.iter().flat_map(|domain| accept(&mut refusals, domain)).collect();
        let issue = IssueId::new("https://example.org/notes/").unwrap();
        let first = proven.iter().find(|refused| refused.recipient.domain() == "dead.example");
        first.map(|refused| refused.outcome(&issue, true, DateTime::default()))
    }

    #[test]
    fn an_unknown_mailbox_is_believed_where_mail_gets_through() {
        let suppressed = Some(AttemptOutcome::Failed { reply: "550 5.1.1 No such user".to_owned(), suppress: true });
        assert_eq!(once_accepted(&[], UNKNOWN, &["dead.example"]), suppressed);
        assert_eq!(once_accepted(&[], UNKNOWN, &["one.example", "two.example"]), suppressed);
        assert_eq!(once_accepted(&[], UNKNOWN, &["home.example"; 10]), suppressed);
        assert_eq!(once_accepted(&[], UNKNOWN, &["home.example"; 9]), None, "it may not relay");
        assert_eq!(once_accepted(&["a@two.example"], UNKNOWN, &["home.example"; 20]), None);
        assert_eq!(once_accepted(&["a@two.example"], UNKNOWN, &["one.example", "three.example"]), suppressed);
        assert_eq!(once_accepted(&["a@2.example", "b@3.example"], UNKNOWN, &["one.example", "four.example"]), None);
        let denied = once_accepted(&[], DENIED, &["dead.example"]);
        assert_eq!(
            denied,
            Some(AttemptOutcome::Failed { reply: "554 5.7.1 Relay access denied".to_owned(), suppress: false })
        );
        let busy = once_accepted(&[], BUSY, &["home.example"]);
        assert_eq!(busy.map(|outcome| outcome.state()), Some(State::Deferred));
    }

    #[test]
    fn a_recipient_offered_before_a_refusal_proves_nothing() {
        let mut refusals = Refusals::default();
        let before = refusals.next_sequence();
        after(&mut refusals, false, ["reader@dead.example"], UNKNOWN);
        assert_eq!(refusals.note_accepted("dead.example", before).len(), 0);
        assert!(refusals.unrelated_refused().is_some());
        assert_eq!(accept(&mut refusals, "dead.example").len(), 1);
        assert_eq!(refusals.unrelated_refused(), None);
    }

    #[test]
    fn a_server_that_accepts_one_domain_and_refuses_ten_may_accept_only_its_own() {
        let mut refusals = Refusals::default();
        let rejections: Vec<bool> = addresses(12, 12)
            .iter()
            .enumerate()
            .map(|(number, address)| {
                if number % 5 == 0 {
                    accept(&mut refusals, "home.example");
                }
                after(&mut refusals, false, [address.as_str()], UNKNOWN).is_some()
            })
            .collect();
        assert_eq!(rejections.iter().position(|is| *is), Some(9));
    }

    #[test]
    fn a_recipient_not_certain_to_be_to_blame_is_tried_again_later() {
        let issue = IssueId::new("https://example.org/notes/").unwrap();
        for reply in [UNKNOWN, DENIED, BUSY] {
            let outcome = refused("reader@dead.example", reply, false).outcome(&issue, false, DateTime::default());
            assert_eq!(outcome.state(), State::Deferred);
        }
    }

    #[test]
    fn pending_refusals_are_limited_and_one_domain_alone_may_reject_us() {
        let mut refusals = Refusals::default();
        (0..9).for_each(|number| drop(accept(&mut refusals, &format!("{number}.example"))));
        let pending: Vec<bool> = (0..200)
            .filter_map(|number| {
                let refused = refused(&format!("reader-{number}@blocks.example"), DENIED, number > 0);
                refusals.note_refused(&refused);
                refusals.keep_pending(refused).map(|(_, is_certain)| is_certain)
            })
            .collect();
        assert_eq!(pending, [true; 200 - MAX_PENDING]);
    }

    #[test]
    fn one_refusal_that_blames_the_recipient_proves_nothing_at_the_end() {
        let at_end = |reply, count: usize| {
            let mut refusals = Refusals::default();
            after(&mut refusals, false, addresses(count, 1).iter().map(String::as_str), reply);
            refusals.sender_rejection_at_end()
        };
        assert_eq!([at_end(UNKNOWN, 1), at_end(UNKNOWN, 2)], [None, Some(SenderRejection::Permanent)]);
        assert_eq!(
            [at_end(DENIED, 1), at_end(BUSY, 1)],
            [Some(SenderRejection::Permanent), Some(SenderRejection::Temporary)]
        );
    }
}

//! Which issues are due, as tables.

use std::sync::LazyLock;

use chrono::TimeZone as _;

use super::*;
use crate::email::EmailAddress;
use crate::finding::Severity;
use crate::issue::PossibleRename;
use crate::ledger::{AttemptOutcome, LedgerEntry, Run};
use crate::send::tests::issue;
use crate::store::memory::Memory;
use crate::subscriber::NewSubscriber;

mod digests;

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap()
}

fn hours_old(slug: &str, hours: i64) -> Issue {
    issue(slug, noon() - Duration::hours(hours))
}

fn store() -> Memory {
    let mut store = Memory::default();
    let address = "reader@example.com".parse().unwrap();
    store.add_subscribers(&mut [NewSubscriber::new(address, "")].into_iter(), noon()).unwrap();
    store
}

fn terms(on_unknown: OnUnknown) -> DueTerms<'static> {
    static HOLD: LazyLock<Policy> = LazyLock::new(Policy::default);
    static RESEND: LazyLock<Policy> = LazyLock::new(|| Policy { on_unknown: OnUnknown::Resend, ..Policy::default() });
    let policy = match on_unknown {
        OnUnknown::Hold => &*HOLD,
        OnUnknown::Resend => &*RESEND,
    };
    DueTerms { now: noon(), policy }
}

/// The planned slugs, and the rules of the findings.
fn planned(issues: &[Issue], scope: &Scope, terms: &DueTerms<'_>, store: &Memory) -> (Vec<String>, Vec<&'static str>) {
    let plan = plan(issues, scope, terms, store, &|issue| Ok(issue.title.clone())).unwrap();
    let slugs = plan.mailings.iter().map(|planned| planned.content.slug().to_string()).collect();
    (slugs, plan.findings.iter().map(|finding| finding.rule).collect())
}

#[test]
fn young_issues_are_due_oldest_first_and_old_ones_never() {
    let issues = [hours_old("new", 1), hours_old("edge", 48), hours_old("old", 49), hours_old("ancient", 9999)];
    let (slugs, findings) = planned(&issues, &Scope::Due, &terms(OnUnknown::Hold), &store());
    assert_eq!((slugs, findings), (vec!["edge".to_owned(), "new".to_owned()], vec![]));
}

#[test]
fn unpublished_and_excluded_issues_are_skipped_and_refused_by_name() {
    let mut issues = [hours_old("draft", 1), hours_old("web-only", 1), hours_old("future", -1), hours_old("gone", 2)];
    issues[0].draft = true;
    issues[1].email = false;
    issues[3].expires = Some((noon() - Duration::hours(1)).fixed_offset());
    let terms = terms(OnUnknown::Hold);
    assert_eq!(planned(&issues, &Scope::Due, &terms, &store()), (vec![], vec![]));
    let all = Scope::Only(issues.iter().map(|issue| issue.id.clone()).collect());
    let rules = ["issue-expired", "issue-future", "issue-not-for-mail", "issue-draft"];
    assert_eq!(planned(&issues, &all, &terms, &store()), (vec![], rules.to_vec()));
}

#[test]
fn the_hash_covers_what_subscribers_read() {
    let notes = hours_old("notes", 1);
    let hash = content_hash(&notes, "body");
    assert_eq!(hash.len(), 64);
    assert_eq!(content_hash(&Issue { feed: false, ..notes.clone() }, "body"), hash);
    assert_ne!(content_hash(&notes, "body."), hash);
    assert_ne!(content_hash(&Issue { subject: Some("Hello".to_owned()), ..notes.clone() }, "body"), hash);
    let moved = |subject: &str, preheader: &str| {
        let (subject, preheader) = (Some(subject.to_owned()), Some(preheader.to_owned()));
        content_hash(&Issue { subject, preheader, ..notes.clone() }, "body")
    };
    assert_ne!(moved("ab", "c"), moved("a", "bc"));
}

#[test]
fn a_named_issue_is_mailed_at_any_age_and_the_others_are_not() {
    let issues = [hours_old("new", 1), hours_old("old", 9999)];
    let scope = Scope::Only(vec![issues[1].id.clone()]);
    assert_eq!(planned(&issues, &scope, &terms(OnUnknown::Hold), &store()).0, ["old"]);
}

/// An earlier run that mailed the issue to the one reader, with this outcome.
/// The issue, as it is if it may be another under a new name.
fn possibly_renamed(issue: Issue, id: &str) -> Issue {
    let id = IssueId::new(id).unwrap();
    let id_if_new = issue.id.clone();
    let rename = PossibleRename { path: "content/old.md".to_owned(), id: id.clone(), mailed: noon(), id_if_new };
    Issue { id, possible_rename: Some(Box::new(rename)), ..issue }
}

#[test]
fn a_possibly_renamed_issue_is_held_while_it_would_be_mailed() {
    let (mut store, old) = (store(), hours_old("old", 30));
    mail(&mut store, &old, "old", AttemptOutcome::Sent("250".to_owned()), noon() - Duration::hours(29));
    let renamed = |hours| possibly_renamed(hours_old("new", hours), old.id.as_str());
    let (held, nothing) = ((vec![], vec!["issue-renamed"]), (vec![], vec![]));
    let named = Scope::Only(vec![old.id.clone()]);
    for (issue, scope, expected) in [
        (renamed(1), &Scope::Due, &held),
        (renamed(49), &Scope::Due, &nothing),
        (renamed(49), &named, &held),
        (Issue { email: false, ..renamed(1) }, &Scope::Due, &nothing),
        (Issue { edition: 2, ..renamed(1) }, &Scope::Due, &held),
    ] {
        assert_eq!(planned(&[issue], scope, &terms(OnUnknown::Hold), &store), *expected);
    }
    let for_web = Issue { email: false, ..renamed(1) };
    assert_eq!(planned(&[for_web], &named, &terms(OnUnknown::Hold), &store).1, ["issue-not-for-mail"]);
}

#[test]
fn the_rest_of_a_begun_mailing_is_held_if_its_issue_was_renamed() {
    let (mut store, old) = (store(), hours_old("old", 60));
    mail(&mut store, &old, "old", AttemptOutcome::Requeued, noon() - Duration::hours(40));
    let renamed = possibly_renamed(hours_old("new", 60), old.id.as_str());
    let held = planned(std::slice::from_ref(&renamed), &Scope::Due, &terms(OnUnknown::Hold), &store);
    assert_eq!(held, (vec![], vec!["issue-renamed"]));
    let answered = Issue { possible_rename: None, ..renamed };
    assert_eq!(planned(&[answered], &Scope::Due, &terms(OnUnknown::Hold), &store).0, ["new"]);
}

fn mail(store: &mut Memory, issue: &Issue, hash: &str, outcome: AttemptOutcome, at: DateTime<Utc>) {
    let run = Run { host: "host".to_owned(), boot_id: "boot".to_owned(), pid: 7 };
    store.begin_run(&run, at).unwrap();
    store.freeze(&issue.id, hash, None, at).unwrap();
    let claims = store.claim(&issue.id, 1, at).unwrap();
    store.record(&issue.id, &[(claims[0].subscriber.id, LedgerEntry::Settled(outcome))], at).unwrap();
}

#[test]
fn an_interrupted_mailing_is_finished_within_two_weeks_and_a_finished_one_never_repeated() {
    for (state, frozen_hours_ago, on_unknown, due) in [
        (State::Queued, 72, OnUnknown::Hold, true),
        (State::Queued, 15 * 24, OnUnknown::Hold, false),
        (State::Sent, 72, OnUnknown::Hold, false),
        (State::Sent, 1, OnUnknown::Resend, false),
        (State::Unknown, 1, OnUnknown::Hold, false),
        (State::Unknown, 1, OnUnknown::Resend, true),
    ] {
        let issues = [hours_old("notes", frozen_hours_ago)];
        let mut store = store();
        let frozen_at = noon() - Duration::hours(frozen_hours_ago);
        let outcome = match state {
            State::Sent => AttemptOutcome::Sent("250".to_owned()),
            State::Unknown => AttemptOutcome::Unknown("lost".to_owned()),
            _ => AttemptOutcome::Requeued,
        };
        mail(&mut store, &issues[0], "notes", outcome, frozen_at);
        let (slugs, _) = planned(&issues, &Scope::Due, &terms(on_unknown), &store);
        assert_eq!(slugs.len(), usize::from(due), "{state} {frozen_hours_ago} {on_unknown:?}");
    }
}

#[test]
fn a_mailing_continues_until_it_is_idle() {
    let issues = [hours_old("notes", 60 * 24)];
    let (begun, address) = (noon() - Duration::days(60), "second@example.com".parse().unwrap());
    for (last_mailed_days_ago, due) in [(13, true), (15, false)] {
        let mut store = store();
        store.add_subscribers(&mut [NewSubscriber::new(EmailAddress::clone(&address), "")].into_iter(), begun).unwrap();
        mail(&mut store, &issues[0], "notes", AttemptOutcome::Requeued, begun);
        let last = noon() - Duration::days(last_mailed_days_ago);
        let claims = store.claim(&issues[0].id, 1, last).unwrap();
        let sent = LedgerEntry::Settled(AttemptOutcome::Sent("250".to_owned()));
        store.record(&issues[0].id, &[(claims[0].subscriber.id, sent)], last).unwrap();
        let (slugs, _) = planned(&issues, &Scope::Due, &terms(OnUnknown::Hold), &store);
        assert_eq!(slugs.len(), usize::from(due), "{last_mailed_days_ago} days ago");
    }
}

#[test]
fn an_issue_changed_after_its_mail_is_reported_and_not_mailed_again() {
    let issues = [hours_old("notes", 1)];
    let mut store = store();
    mail(&mut store, &issues[0], "an earlier text", AttemptOutcome::Sent("250".to_owned()), noon());
    let plan = planned(&issues, &Scope::Due, &terms(OnUnknown::Hold), &store);
    assert_eq!(plan, (vec![], vec!["issue-changed"]));
    let named = Scope::Only(vec![issues[0].id.clone()]);
    let plan = planned(&issues, &named, &terms(OnUnknown::Hold), &store);
    assert_eq!(plan, (vec![], vec!["issue-changed", "issue-mailed"]));
}

#[test]
fn a_named_issue_that_changed_is_refused_unless_it_is_another_edition() {
    let old = [hours_old("notes", 9999)];
    let mut store = store();
    mail(&mut store, &old[0], "an earlier text", AttemptOutcome::Sent("250".to_owned()), noon());
    let severities = |issues: &[Issue], scope: &Scope| {
        let plan = plan(issues, scope, &terms(OnUnknown::Hold), &store, &|issue| Ok(issue.title.clone())).unwrap();
        let severities: Vec<Severity> = plan.findings.iter().map(|finding| finding.severity).collect();
        (plan.mailings.len(), severities)
    };
    let named = |issue: &Issue| Scope::Only(vec![issue.ledger_key()]);
    assert_eq!(severities(&old, &named(&old[0])), (0, vec![Severity::Error, Severity::Warning]));
    assert_eq!(severities(&old, &Scope::Due), (0, vec![Severity::Warning]));
    let new = [Issue { edition: 2, ..old[0].clone() }];
    assert_eq!(severities(&new, &named(&new[0])), (1, vec![]));
    assert_eq!(severities(&new, &Scope::Due), (0, vec![]), "it is old");
    let young = [Issue { edition: 2, ..hours_old("notes", 1) }];
    assert_eq!(severities(&young, &Scope::Due), (1, vec![]));
    let before = [Issue { edition: 1, ..young[0].clone() }];
    assert_eq!(severities(&before, &Scope::Due).0, 0, "it was mailed");
}

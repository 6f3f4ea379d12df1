//! What a run plans: once before it begins, and again once no other run can mail.
//!
//! Takes the request and the store; returns the plan of `delivery`, or why there is nothing to do.

use anyhow::Context as _;

use crate::delivery::not_due::{self, NotDue};
use crate::delivery::plan::{Plan, PlannedMailing, Scope, content_hash, plan};
use crate::issue::{Issue, IssueId};
use crate::send::SendRequest;
use crate::store::Store;

/// What is due.
pub(super) fn plan_due<'a>(store: &dyn Store, sending: &SendRequest<'a>) -> anyhow::Result<Plan<'a>> {
    let composer = sending.composer;
    let hash = |issue: &Issue| Ok(content_hash(issue, &composer.body(issue).map_err(|finding| *finding)?));
    plan(composer.issues(), &sending.scope, &sending.terms, store, &hash).context("failed to determine what is due")
}

/// Why the newest issues are not due; empty if issues were named, since the findings explain those.
pub(super) fn why_nothing_is_due(store: &dyn Store, sending: &SendRequest<'_>) -> anyhow::Result<Vec<NotDue>> {
    match sending.scope {
        Scope::Due => Ok(not_due::reasons(sending.composer.issues(), &sending.terms, store)?),
        Scope::Only(_) => Ok(Vec::new()),
    }
}

/// The plan as it is now, without what was not in it before: the question did not cover it. Mailings begun before stay in it
/// even if recovery has settled all their deliveries, so that they are reported.
pub(super) fn plan_again<'a>(
    store: &dyn Store,
    sending: &SendRequest<'a>,
    before: Plan<'a>,
) -> anyhow::Result<Plan<'a>> {
    let mut plan = plan_due(store, sending)?;
    let contains = |plan: &[PlannedMailing<'_>], id: &IssueId| plan.iter().any(|planned| planned.content.id() == *id);
    plan.mailings.retain(|planned| contains(&before.mailings, &planned.content.id()));
    for planned in before.mailings.into_iter().filter(|planned| planned.begun.is_some()) {
        if !contains(&plan.mailings, &planned.content.id()) {
            plan.mailings.push(planned);
        }
    }
    Ok(plan)
}

//! What a run asks a person before it begins: which mailings are new, and how many subscribers they go to.
//!
//! Takes the plan; returns what the question is about, or `None` if no mailing would begin. What is held is not asked about,
//! nor what was begun: consent was given then.

use crate::delivery::plan::PlannedMailing;
use crate::send::SendRequest;
use crate::send::hold::Judge;
use crate::store::Store;
use crate::subscriber::Status;

/// The mailings that a run would begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailings {
    /// Their titles.
    pub titles: Vec<String>,
    /// Number of subscribers in the audience of each.
    pub subscribers: u64,
    /// Maximum number of recipients of this run.
    pub limit: Option<u64>,
}

/// Finds out what would begin; costs a check of the issues.
pub type FindNew<'a> = dyn Fn() -> anyhow::Result<Option<NewMailings>> + 'a;

/// Decides whether the run may begin. Called before every run, also one that only resumes mailings.
pub type Confirm<'a> = dyn Fn(&FindNew<'_>) -> anyhow::Result<bool> + 'a;

/// What would begin; `None` if nothing would, or if there are no subscribers.
///
/// # Errors
/// When the store or `feeds.lock` cannot be read.
pub(super) fn new_mailings(
    store: &dyn Store,
    sending: &SendRequest<'_>,
    planned: &[PlannedMailing<'_>],
) -> anyhow::Result<Option<NewMailings>> {
    let subscribers = store.count_subscribers(Some(Status::Active))?;
    let (mut titles, mut judge) = (Vec::new(), Judge::new(sending));
    for planned in planned.iter().filter(|planned| planned.begun.is_none() && subscribers > 0) {
        if judge.held(store, planned)?.is_none() {
            titles.push(planned.content.title().into_owned());
        }
    }
    Ok((!titles.is_empty()).then_some(NewMailings { titles, subscribers, limit: sending.limit }))
}

//! The project file's settings for delivery: what is mailed, when, how fast, and who is first.

use chrono::Duration;

use crate::delivery::digest_schedule::DigestSchedule;
use crate::email::EmailAddress;
use crate::rate::{Rate, WarmUp};

/// What is mailed, when, how fast, and who is first.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What an edition contains.
    pub edition: EditionKind,
    /// The digest periods; needed for `Issue` too, to finish digests begun before.
    pub schedule: DigestSchedule,
    /// Maximum age of an issue, or of a digest since it was due, that is mailed without being named.
    pub due_for: Duration,
    /// What happens to recipients whose delivery is unknown.
    pub on_unknown: OnUnknown,
    /// Rate limit for all mail sent from the store.
    pub rate: Option<Rate>,
    /// Daily limit for all mail sent from the store, while the sender is new.
    pub warm_up: Option<WarmUp>,
    /// The first wave that shows whether an issue arrives.
    pub canary: Option<Canary>,
    /// The share of the recipients of a mailing (0 to 1) that may fail or bounce; if more do, it stops.
    pub max_failure_share: f64,
}

/// The share that may fail unless the project file says otherwise.
pub const USUAL_MAX_FAILURE_SHARE: f64 = 0.1;

impl Default for Policy {
    /// Single issues, for two days after their date, without limits.
    fn default() -> Self {
        Self {
            edition: EditionKind::Issue,
            schedule: DigestSchedule::default(),
            due_for: Duration::hours(48),
            on_unknown: OnUnknown::Hold,
            rate: None,
            warm_up: None,
            canary: None,
            max_failure_share: USUAL_MAX_FAILURE_SHARE,
        }
    }
}

/// What an edition contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditionKind {
    /// One issue.
    Issue,
    /// The issues of a period.
    Digest,
}

/// What happens to recipients whose delivery is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// They stay unknown until `resolve`.
    Hold,
    /// They are sent again at the next run: at worst twice, never not at all.
    Resend,
}

/// The recipients who get an issue first, and when the others follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Who is in it.
    pub wave: Wave,
    /// How long the others wait after it.
    pub wait: Duration,
    /// The share of its recipients (0 to 1) that may fail; if more do, the others are not mailed.
    pub max_failure_share: f64,
}

/// The recipients of a canary.
#[derive(Debug, Clone, PartialEq)]
pub enum Wave {
    /// A share of the audience (0 to 1), spread evenly over the list.
    Share(f64),
    /// These subscribers.
    To(Vec<EmailAddress>),
}

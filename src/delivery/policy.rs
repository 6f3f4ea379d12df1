//! What the project file says of delivery: what is mailed, when, how fast, and to whom first.

use chrono::Duration;

use crate::delivery::digest_schedule::DigestSchedule;
use crate::email::EmailAddress;
use crate::rate::{Rate, WarmUp};

/// What is mailed, when, how fast, and to whom first.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Whether each issue is mailed by itself.
    pub edition: EditionKind,
    /// The periods of digests; here too where `edition` is `Issue`, for those begun before.
    pub schedule: DigestSchedule,
    /// An issue older than this, or a digest whose time is longer ago, is not mailed by itself.
    pub due_for: Duration,
    /// What becomes of recipients whose delivery is unknown.
    pub on_unknown: OnUnknown,
    /// How fast mail may leave, counted for all who send from the store.
    pub rate: Option<Rate>,
    /// How much mail may leave on each day while the sender is new, counted likewise.
    pub warm_up: Option<WarmUp>,
    /// Who gets an issue before the others, to see whether it arrives.
    pub canary: Option<Canary>,
}

impl Default for Policy {
    /// Issues one by one, for two days after their date, as fast as they go.
    fn default() -> Self {
        Self {
            edition: EditionKind::Issue,
            schedule: DigestSchedule::default(),
            due_for: Duration::hours(48),
            on_unknown: OnUnknown::Hold,
            rate: None,
            warm_up: None,
            canary: None,
        }
    }
}

/// What one mail holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditionKind {
    /// One issue.
    Issue,
    /// The issues of a period.
    Digest,
}

/// What becomes of recipients whose delivery is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// They wait for `resolve`.
    Hold,
    /// They are sent again at the next run: twice at the worst, never not at all.
    Resend,
}

/// The recipients who get an issue before the others, and what has to come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Who.
    pub wave: Wave,
    /// So long the others wait after them.
    pub wait: Duration,
    /// If a greater share of them fails (from 0 to 1), nobody else is mailed.
    pub max_failure_share: f64,
}

/// Who gets an issue first.
#[derive(Debug, Clone, PartialEq)]
pub enum Wave {
    /// A share of the audience, from 0 to 1, from all over the list.
    Share(f64),
    /// These subscribers.
    To(Vec<EmailAddress>),
}

//! A digest: the issues of a period in one email. And `MailingContent`: what one mailing is made of, an issue or a digest.
//!
//! Plain data. `delivery::digest_schedule` determines the periods, `delivery::digest_selection` the issues of a digest; the
//! ledger records which issues it contained when it was mailed.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::finding::Finding;
use crate::issue::{Issue, IssueId, Slug};

/// Prefix of digest names in the ledger and on the command line.
pub const PREFIX: &str = "digest:";

/// A span of time whose issues are mailed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// `2026-W47` (ISO 8601), `2026-11`, or the local time of its end, `2026-11-23T0800`.
    pub name: PeriodName,
    /// Its first moment.
    pub start: DateTime<Utc>,
    /// The first moment after it.
    pub end: DateTime<Utc>,
}

impl Period {
    /// Whether a time is in it.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.start <= time && time < self.end
    }

    /// The id of its digest in the ledger. It depends on the period alone, so that it never changes.
    pub fn id(&self) -> IssueId {
        self.name.id.clone()
    }
}

/// The name of a period, with the id, slug and folder name derived from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodName {
    id: IssueId,
    slug: Slug,
    folder: Slug,
}

impl PeriodName {
    /// Takes a name such as `2026-W47`; `None` if it is empty or contains anything but letters, digits, `-` and `+`.
    pub fn new(name: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-+".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_allowed) {
            return None;
        }
        let full = format!("{PREFIX}{name}");
        let folder = full.replace(':', "-").to_ascii_lowercase();
        Some(Self { id: IssueId::new(&full)?, slug: Slug::new(&full)?, folder: Slug::new(&folder)? })
    }

    /// The name in the id of a digest; `None` if the id is that of an issue.
    pub fn of_id(id: &IssueId) -> Option<Self> {
        id.as_str().strip_prefix(PREFIX).and_then(Self::new)
    }

    /// The name as text, such as `2026-W47`.
    pub fn as_str(&self) -> &str {
        self.slug.as_str().strip_prefix(PREFIX).unwrap_or_default()
    }
}

/// The issues of a period, to be mailed as one email.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest<'a> {
    /// The period.
    pub period: Period,
    /// Its issues, oldest first.
    pub issues: Vec<&'a Issue>,
}

/// The contents of a digest, frozen with its audience.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestContents {
    /// The period.
    pub period: Period,
    /// The ledger keys of its issues, in order.
    pub issues: Vec<IssueId>,
}

impl Digest<'_> {
    /// What the ledger records of it.
    pub fn contents(&self) -> DigestContents {
        DigestContents {
            period: self.period.clone(),
            issues: self.issues.iter().map(|issue| issue.ledger_key()).collect(),
        }
    }
}

/// What one mailing is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum MailingContent<'a> {
    /// One issue.
    Issue(&'a Issue),
    /// The issues of a period.
    Digest(Digest<'a>),
}

impl<'a> MailingContent<'a> {
    /// Its key in the ledger.
    pub fn id(&self) -> IssueId {
        match self {
            Self::Issue(issue) => issue.ledger_key(),
            Self::Digest(digest) => digest.period.id(),
        }
    }

    /// Its name on the command line: an issue's slug, or `digest:2026-W47`.
    pub fn slug(&self) -> &Slug {
        match self {
            Self::Issue(issue) => &issue.slug,
            Self::Digest(digest) => &digest.period.name.slug,
        }
    }

    /// The name of its folder in an outbox: an issue's slug, from the second edition on with the number, or
    /// `digest-2026-w47`.
    pub fn folder(&self) -> Slug {
        match self {
            Self::Issue(issue) => issue.slug.of_edition(issue.edition),
            Self::Digest(digest) => digest.period.name.folder.clone(),
        }
    }

    /// Its title for reports: that of the issue, or those of the digest's issues.
    pub fn title(&self) -> Cow<'a, str> {
        match self {
            Self::Issue(issue) => issue.plain_title(),
            Self::Digest(digest) => {
                digest.issues.iter().map(|issue| issue.plain_title()).collect::<Vec<_>>().join(" · ").into()
            }
        }
    }

    /// Its issues, oldest first.
    pub fn issues(&self) -> &[&'a Issue] {
        match self {
            Self::Issue(issue) => std::slice::from_ref(issue),
            Self::Digest(digest) => &digest.issues,
        }
    }
}

/// The finding about a digest without issues.
pub fn empty_digest(digest: &IssueId) -> Finding {
    Finding::error("digest-empty", format!("there is no issue in `{digest}`"))
        .help("a digest contains the issues published in its period and not mailed before")
}

//! A digest: the issues of a period in one mail. And a content: what one mailing is made of, an issue or a digest.
//!
//! Plain data. `config` says where one period ends and the next begins, `delivery` which issues a digest gathers, the
//! ledger which ones it held when it was mailed.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::finding::Finding;
use crate::issue::{Issue, IssueId, Slug};

/// What the names of digests begin with, in the ledger and on the command line.
pub const PREFIX: &str = "digest:";

/// A stretch of time whose issues belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// What it is called: `2026-W47` (ISO 8601), `2026-11`, or the local time of its end, `2026-11-23T0800`.
    pub name: PeriodName,
    /// Its first moment.
    pub start: DateTime<Utc>,
    /// The first moment after it.
    pub end: DateTime<Utc>,
}

impl Period {
    /// Whether a moment is in it.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.start <= time && time < self.end
    }

    /// The id of its digest in the ledger. It depends on nothing but the period, so that it never changes.
    pub fn id(&self) -> IssueId {
        self.name.id.clone()
    }
}

/// The name of a period, with what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodName {
    id: IssueId,
    slug: Slug,
    folder: Slug,
}

impl PeriodName {
    /// Takes a name such as `2026-W47`; `None` when it has other signs than letters, digits, `-` and `+`, or none.
    pub fn new(name: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-+".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            return None;
        }
        let full = format!("{PREFIX}{name}");
        let folder = full.replace(':', "-").to_ascii_lowercase();
        Some(Self { id: IssueId::new(&full)?, slug: Slug::new(&full)?, folder: Slug::new(&folder)? })
    }

    /// The name that stands in the id of a digest; `None` when the id is that of an issue.
    pub fn of_id(id: &IssueId) -> Option<Self> {
        id.as_str().strip_prefix(PREFIX).and_then(Self::new)
    }

    /// The name as text, such as `2026-W47`.
    pub fn as_str(&self) -> &str {
        self.slug.as_str().strip_prefix(PREFIX).unwrap_or_default()
    }
}

/// The issues of a period, to be mailed as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest<'a> {
    /// The period.
    pub period: Period,
    /// What it contains, oldest first.
    pub issues: Vec<&'a Issue>,
}

/// What a mailing contains beside its recipients, once it is frozen, if it is that of a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestContents {
    /// The period.
    pub period: Period,
    /// The keys of the issues, in their order.
    pub issues: Vec<IssueId>,
}

impl Digest<'_> {
    /// What the ledger writes down of it.
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
    /// Several.
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

    /// What the command line calls it: an issue's slug, or `digest:2026-W47`.
    pub fn slug(&self) -> &Slug {
        match self {
            Self::Issue(issue) => &issue.slug,
            Self::Digest(digest) => &digest.period.name.slug,
        }
    }

    /// What the folder of its letters is called: an issue's slug, from the second edition on with its number, or
    /// `digest-2026-w47`.
    pub fn folder(&self) -> Slug {
        match self {
            Self::Issue(issue) => issue.slug.of_edition(issue.edition),
            Self::Digest(digest) => digest.period.name.folder.clone(),
        }
    }

    /// What it is about, for reports: an issue's title, or the titles of a digest's issues.
    pub fn title(&self) -> Cow<'a, str> {
        match self {
            Self::Issue(issue) => issue.plain_title(),
            Self::Digest(digest) => {
                digest.issues.iter().map(|issue| issue.plain_title()).collect::<Vec<_>>().join(" · ").into()
            }
        }
    }

    /// The issues in it, oldest first.
    pub fn issues(&self) -> &[&'a Issue] {
        match self {
            Self::Issue(issue) => std::slice::from_ref(issue),
            Self::Digest(digest) => &digest.issues,
        }
    }
}

/// The finding about a digest that would hold nothing.
pub fn empty_digest(digest: &IssueId) -> Finding {
    Finding::error("digest-empty", format!("there is no issue in `{digest}`"))
        .help("a digest gathers what was published in its period and not mailed before")
}

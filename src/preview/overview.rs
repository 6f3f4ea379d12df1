//! The list of issues, and the problems of the project as a whole.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load::Issues;

/// All issues of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// The version of the files.
    pub version: u64,
    /// Title of the publication; empty until the project file was read without errors.
    pub title: String,
    /// Unreadable issues, then the others, newest first.
    pub rows: Vec<OverviewRow>,
    /// Why the project cannot be read; the rows are then the last good ones.
    pub problems: Vec<Finding>,
}

/// One issue of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewRow {
    /// Its file.
    pub path: String,
    /// Plain text; the path if the issue cannot be read.
    pub title: String,
    /// The day, or `None` if undated.
    pub date: Option<String>,
    /// Why subscribers do not see it.
    pub hidden: Option<Hidden>,
}

/// Why subscribers do not see an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It cannot be read.
    LeftOut,
    /// `draft` is set.
    Draft,
    /// It has no date.
    Undated,
    /// Its date is in the future.
    Future,
    /// It has expired.
    Expired,
}

impl Hidden {
    /// The word shown to the author.
    pub fn word(self) -> &'static str {
        match self {
            Self::LeftOut => "left out",
            Self::Draft => "draft",
            Self::Undated => "no date",
            Self::Future => "future",
            Self::Expired => "expired",
        }
    }

    /// Why subscribers do not see this issue at `now`, or `None` if they do.
    pub fn of(issue: &Issue, now: DateTime<Utc>) -> Option<Self> {
        match issue {
            Issue { draft: true, .. } => Some(Self::Draft),
            _ if !issue.is_dated() => Some(Self::Undated),
            _ if issue.date > now => Some(Self::Future),
            _ if !issue.is_published(now) => Some(Self::Expired),
            _ => None,
        }
    }
}

impl Overview {
    pub(super) fn of(
        version: u64,
        config: &Config,
        issues: &Issues,
        problems: Vec<Finding>,
        now: DateTime<Utc>,
    ) -> Self {
        let listed: BTreeSet<&str> = issues.issues.iter().map(|issue| issue.path.as_str()).collect();
        let left_out = issues.findings.iter().filter(|finding| finding.is_error());
        let left_out = left_out.filter_map(|finding| Some(finding.place.as_ref()?.path.as_str()));
        let left_out: BTreeSet<&str> = left_out.filter(|path| !listed.contains(path)).collect();
        let mut rows: Vec<OverviewRow> = left_out.into_iter().map(OverviewRow::left_out).collect();
        rows.extend(issues.issues.iter().map(|issue| OverviewRow::of(issue, now)));
        Self { version, title: config.publication.title.clone(), rows, problems }
    }
}

impl OverviewRow {
    fn left_out(path: &str) -> Self {
        Self { path: path.to_owned(), title: path.to_owned(), date: None, hidden: Some(Hidden::LeftOut) }
    }

    fn of(issue: &Issue, now: DateTime<Utc>) -> Self {
        Self {
            path: issue.path.clone(),
            title: issue.plain_title().into_owned(),
            date: issue.is_dated().then(|| issue.date.format("%Y-%m-%d").to_string()),
            hidden: Hidden::of(issue, now),
        }
    }
}

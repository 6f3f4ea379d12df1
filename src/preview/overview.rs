//! The list of issues, and what is wrong with the project as a whole.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::finding::Finding;
use crate::issue::Issue;
use crate::load::Issues;

/// All issues of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Of which version of the files.
    pub version: u64,
    /// Title of the publication; empty while the project file was never right.
    pub title: String,
    /// Newest first; those that are left out come first.
    pub rows: Vec<Row>,
    /// What keeps the project from being read; the list is what was good before.
    pub problems: Vec<Finding>,
}

/// One issue of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its file.
    pub path: String,
    /// Plain text; the path of one that is left out.
    pub title: String,
    /// The day; `None` without a date.
    pub date: Option<String>,
    /// Why subscribers do not see it.
    pub mark: Option<Mark>,
}

/// Why subscribers do not see an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It cannot be read.
    LeftOut,
    /// It says so.
    Draft,
    /// It has no date.
    Undated,
    /// Its date is yet to come.
    Future,
    /// It was published, and is no more.
    Expired,
}

impl Mark {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::LeftOut => "left out",
            Self::Draft => "draft",
            Self::Undated => "no date",
            Self::Future => "future",
            Self::Expired => "expired",
        }
    }

    /// Why subscribers do not see this issue at `now`, if they do not.
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
        let mut rows: Vec<Row> = left_out.into_iter().map(Row::left_out).collect();
        rows.extend(issues.issues.iter().map(|issue| Row::of(issue, now)));
        Self { version, title: config.publication.title.clone(), rows, problems }
    }
}

impl Row {
    fn left_out(path: &str) -> Self {
        Self { path: path.to_owned(), title: path.to_owned(), date: None, mark: Some(Mark::LeftOut) }
    }

    fn of(issue: &Issue, now: DateTime<Utc>) -> Self {
        Self {
            path: issue.path.clone(),
            title: issue.plain_title().into_owned(),
            date: issue.is_dated().then(|| issue.date.format("%Y-%m-%d").to_string()),
            mark: Mark::of(issue, now),
        }
    }
}

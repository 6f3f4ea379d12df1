//! `slugline list`: the issues as loaded, in order.

use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::config::SiteFormat;
use crate::content::format::Generator;
use crate::covers::Covers;
use crate::finding::Finding;
use crate::issue::{Issue, Term};
use crate::load;

/// List the issues as loaded, newest first
///
/// Drafts and issues with a future date are listed too, and marked. Says which generator's format was recognised, and by what.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline list\n  slugline list latest\n  slugline list --json | jq -r '.issues[].permalink'"
)]
pub(super) struct Args {
    /// Slug or path of an issue, or `latest` (the newest one published) [default: every issue]
    issue: Vec<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let now = context.build_clock.now();
    let issues = match args.issue.as_slice() {
        [] => loaded.issues.iter().collect(),
        names => names.iter().map(|name| load::find(&loaded.issues, name, now)).collect::<Result<Vec<_>, _>>()?,
    };
    context.report.findings(&loaded.findings);
    if let Some(format) = format_line(&config.format) {
        context.report.message(&format);
    }
    if context.report.json {
        let (covers, _) = Covers::open(&context.project, &config)?;
        let issues = issues.iter().map(|issue| Row::of(issue, &covers)).collect();
        let format = config.format.format.known().map(Generator::name);
        context.report.document(&Document { format, recognised_by: config.format.by.as_deref(), issues })?;
    } else {
        context.report.table(&issues.iter().map(|issue| columns(issue, now)).collect::<Vec<_>>())?;
    }
    Ok(if loaded.findings.iter().any(Finding::is_error) { Exit::Attention } else { Exit::Done })
}

/// The line about the format, if it is known.
fn format_line(format: &SiteFormat) -> Option<String> {
    let name = format.format.known()?.title();
    Some(match &format.by {
        Some(by) => format!("Format: {name}, recognised by `{by}`."),
        None => format!("Format: {name}."),
    })
}

fn columns(issue: &Issue, now: chrono::DateTime<chrono::Utc>) -> Vec<String> {
    let date = if issue.is_dated() { issue.date.format("%Y-%m-%d").to_string() } else { "no date".to_owned() };
    let mark = match issue {
        Issue { draft: true, .. } => "draft: ",
        _ if issue.date > now => "future: ",
        Issue { is_backfilled: true, .. } => "backfilled: ",
        _ if issue.expires.is_some_and(|expires| expires <= now) => "expired: ",
        _ => "",
    };
    vec![date, issue.slug.to_string(), format!("{mark}{}", issue.plain_title())]
}

/// The document of `list`.
#[derive(Serialize)]
struct Document<'a> {
    /// Format of the site, if it is known.
    format: Option<&'a str>,
    /// File or folder by which it was recognised; `null` if the project file names it, or Hugo's configuration shows it.
    recognised_by: Option<&'a str>,
    /// Newest first.
    issues: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// File of the issue.
    path: &'a str,
    /// Its id in feeds and the ledger.
    id: &'a str,
    /// Its short name.
    slug: &'a str,
    /// Its URL.
    permalink: &'a str,
    /// Its title.
    title: &'a str,
    /// When it is published; `null` without a date.
    date: Option<String>,
    /// When it was updated.
    updated: Option<String>,
    /// Names of its authors.
    authors: Vec<&'a str>,
    /// Its description.
    description: Option<&'a str>,
    /// Its categories.
    categories: Vec<&'a str>,
    /// Its tags.
    tags: Vec<&'a str>,
    /// URL of its cover.
    cover: Option<String>,
    /// Its language, if it is set.
    language: Option<&'a str>,
    /// Whether it is a draft.
    draft: bool,
    /// Whether it is in feeds.
    feed: bool,
    /// Whether it is sent.
    email: bool,
    /// Whether it was there before slugline could read it: in no feed, and sent only on request.
    backfilled: bool,
    /// Number of its edition.
    edition: u32,
}

impl<'a> Row<'a> {
    fn of(issue: &'a Issue, covers: &Covers<'_>) -> Self {
        let dated = issue.is_dated();
        Self {
            path: &issue.path,
            id: issue.id.as_str(),
            slug: issue.slug.as_str(),
            permalink: issue.permalink.as_str(),
            title: &issue.title,
            date: dated.then(|| issue.date.to_rfc3339()),
            updated: dated.then(|| issue.updated.to_rfc3339()),
            authors: issue.authors.iter().map(|author| author.name.as_str()).collect(),
            description: issue.description.as_deref(),
            categories: issue.categories.iter().map(Term::as_str).collect(),
            tags: issue.tags.iter().map(Term::as_str).collect(),
            cover: covers.url(issue).map(String::from),
            language: issue.language.as_deref(),
            draft: issue.draft,
            feed: issue.feed,
            email: issue.email,
            backfilled: issue.is_backfilled,
            edition: issue.edition,
        }
    }
}

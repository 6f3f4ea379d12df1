//! `slugline diff`: what subscribers will see of the next build.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use url::Url;

use crate::cli::{Context, Exit, build};
use crate::feed::diff::{Difference, DifferenceKind};
use crate::feed::published::PublishedEntry;
use crate::finding::Finding;
use crate::load;
use crate::publish::compare::{Against, FeedComparison, compare};

/// Show what subscribers will see of the next build
///
/// Compares the main feeds as they would be built with the published ones, and writes nothing. Some kinds of difference:
/// `edited` is a change without a new `updated` date, which most readers never show; `resurfaced` an old issue that appears
/// as new; `dropped` one that disappears though no newer one pushed it out; `duplicate` one that subscribers have under
/// another id.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  slugline diff\n  slugline diff --against https://www.example.org --fail-on resurfaced,duplicate"
)]
pub(super) struct Args {
    /// Folder of published feeds, or URL of a feed or of the site [default: `output` of the project file]
    #[arg(long, value_name = "DIR|URL")]
    against: Option<String>,
    /// Exit with 1 if there is a difference of this kind
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kinds())]
    fail_on: Vec<DifferenceKind>,
}

/// The kinds by name, for the help and the completions.
fn kinds() -> impl TypedValueParser<Value = DifferenceKind> {
    PossibleValuesParser::new(DifferenceKind::ALL.map(DifferenceKind::as_str)).try_map(|word| {
        let kind = DifferenceKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        kind.ok_or("there is no such kind")
    })
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let loaded = load::issues(&context.project, &config, context.build_clock.now())?;
    let against = args.against.as_deref().map_or_else(|| Against::Folder(config.output.clone()), against);
    let comparison = compare(&context.project, &config, &loaded.issues, &against, context.build_clock.now())?;
    context.report.findings(&loaded.findings);
    context.report.findings(&comparison.findings);
    let findings: Vec<&Finding> = loaded.findings.iter().chain(&comparison.findings).collect();
    let found: Vec<&Difference> = comparison.feeds.iter().flat_map(|feed| &feed.differences).collect();
    if context.report.json {
        context.report.document(&Document { feeds: comparison.feeds.iter().map(FeedRow::of).collect() })?;
    } else {
        context.report.table(&found.iter().map(|difference| columns(difference)).collect::<Vec<_>>())?;
        context.report.message(&summary(&comparison.feeds, found.len()));
    }
    let fails = found.iter().any(|difference| args.fail_on.contains(&difference.kind));
    Ok(if fails { Exit::Attention } else { build::exit(findings) })
}

fn against(text: &str) -> Against {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Against::Web(url),
        _ => Against::Folder(PathBuf::from(text)),
    }
}

fn columns(difference: &Difference) -> Vec<String> {
    let entry = &difference.entry;
    let name = if entry.title.trim().is_empty() { &entry.url } else { &entry.title };
    vec![difference.kind.as_str().to_owned(), day(entry), name.clone(), note(difference)]
}

/// What the kind alone does not tell.
fn note(difference: &Difference) -> String {
    let before = difference.before.as_ref();
    match difference.kind {
        DifferenceKind::New | DifferenceKind::Dropped | DifferenceKind::Updated => String::new(),
        DifferenceKind::Edited => "most readers will not notice".to_owned(),
        DifferenceKind::Resurfaced => "older than the published issues".to_owned(),
        DifferenceKind::Redated => before.map_or_else(String::new, |before| format!("was {}", day(before))),
        DifferenceKind::Relinked => before.map_or_else(String::new, |before| format!("was {}", before.url)),
        DifferenceKind::Duplicate => {
            before.map_or_else(String::new, |before| format!("subscribers have it as {}", before.id))
        }
    }
}

fn day(entry: &PublishedEntry) -> String {
    entry.published.map_or_else(|| "no date".to_owned(), |date| date.format("%Y-%m-%d").to_string())
}

fn summary(feeds: &[FeedComparison], found: usize) -> String {
    let names: Vec<String> = feeds.iter().map(|feed| format!("`{}`", feed.published)).collect();
    let differences = match found {
        0 => "No difference".to_owned(),
        1 => "1 difference".to_owned(),
        _ => format!("{found} differences"),
    };
    format!("{differences} from {}.", names.join(", "))
}

/// The document of `diff`.
#[derive(Serialize)]
struct Document<'a> {
    /// The main feeds.
    feeds: Vec<FeedRow<'a>>,
}

/// A main feed and how it would change.
#[derive(Serialize)]
struct FeedRow<'a> {
    /// The published file or URL it is compared with.
    published: &'a str,
    /// How its entries differ.
    differences: Vec<Row<'a>>,
}

impl<'a> FeedRow<'a> {
    fn of(feed: &'a FeedComparison) -> Self {
        Self { published: &feed.published, differences: feed.differences.iter().map(Row::of).collect() }
    }
}

/// A difference.
#[derive(Serialize)]
struct Row<'a> {
    /// What kind of difference, as `--fail-on` names it.
    kind: &'static str,
    #[serde(flatten)]
    entry: EntryRow<'a>,
    /// The entry as published, unless it is new.
    before: Option<EntryRow<'a>>,
}

/// An entry of a feed.
#[derive(Serialize)]
struct EntryRow<'a> {
    /// Id of the entry.
    id: &'a str,
    /// URL of the entry.
    url: &'a str,
    /// Title of the entry.
    title: &'a str,
    /// When it was published.
    published: Option<String>,
    /// When it was updated.
    updated: Option<String>,
}

impl<'a> Row<'a> {
    fn of(difference: &'a Difference) -> Self {
        let before = difference.before.as_ref().map(EntryRow::of);
        Self { kind: difference.kind.as_str(), entry: EntryRow::of(&difference.entry), before }
    }
}

impl<'a> EntryRow<'a> {
    fn of(entry: &'a PublishedEntry) -> Self {
        Self {
            id: &entry.id,
            url: &entry.url,
            title: &entry.title,
            published: entry.published.map(|date| date.to_rfc3339()),
            updated: entry.updated.map(|date| date.to_rfc3339()),
        }
    }
}

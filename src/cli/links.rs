//! `slugline links`: the links with which feed readers find the feeds from a page.

use serde::Serialize;

use crate::cli::{Context, Exit, built};
use crate::feed::directory::{AlternateLink, alternate_links, directory};
use crate::feed::plan::{FeedKind, feed_plans};
use crate::load;

/// Print the `<link>` elements with which feed readers find the feeds, for the head of your pages
///
/// Without them a feed reader finds no feed when someone enters the address of your site.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline links\n  slugline links > layouts/partials/feeds.html\n  \
                        slugline links --all --json")]
pub(super) struct Args {
    /// Include the feeds of categories, tags and authors
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    // The feed of a term exists if an issue has the term; the main feeds exist without any issue.
    let issues = if args.all { load::issues(&context.project, &config)? } else { load::Issues::default() };
    context.report.findings(&issues.findings);
    let plans = feed_plans(&config.publications(), &config.feeds, &issues.issues, context.build_clock.now());
    let mut listed = directory(&config.publication.base_url, &config.feeds, &plans);
    listed.retain(|listed| args.all || listed.kind == FeedKind::Main);
    let links = alternate_links(&listed);
    if context.report.json {
        context.report.document(&Document { links: links.iter().map(Row::of).collect() })?;
    } else {
        context.report.text(&links.iter().map(|link| link.html() + "\n").collect::<String>())?;
    }
    Ok(Exit::Done)
}

/// The document of `links`.
#[derive(Serialize)]
struct Document<'a> {
    /// The links.
    links: Vec<Row<'a>>,
}

/// A link to a feed.
#[derive(Serialize)]
struct Row<'a> {
    /// `main`, or the family of a term.
    feed: &'static str,
    /// Title of the feed.
    title: &'a str,
    /// Media type of the feed.
    #[serde(rename = "type")]
    media_type: &'a str,
    /// Language of the feed.
    language: &'a str,
    /// URL of the feed.
    href: &'a str,
    /// The `<link>` element.
    html: String,
}

impl<'a> Row<'a> {
    fn of(link: &'a AlternateLink<'_>) -> Self {
        Self {
            feed: built::kind(link.kind),
            title: &link.title,
            media_type: link.media_type,
            language: link.language,
            href: link.href,
            html: link.html(),
        }
    }
}

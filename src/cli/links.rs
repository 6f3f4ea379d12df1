//! `slugline links`: the links by which readers find the feeds from a page.

use serde_json::{Value, json};

use crate::cli::{Context, Exit, built};
use crate::feed::directory::{AlternateLink, alternate_links, directory};
use crate::feed::plan::{FeedKind, feed_plans};
use crate::load;

/// Print the `<link>` elements by which readers find the feeds, for the head of your pages
///
/// Without them a reader that is given the address of your site finds no feed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline links\n  slugline links > layouts/partials/feeds.html\n  \
                        slugline links --all --json")]
pub(super) struct Args {
    /// The feeds of categories, tags and authors too
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    // The feed of a term is there when an issue has the term; the main feeds are there without any issue.
    let issues = if args.all { load::issues(&context.project, &config)? } else { load::Issues::default() };
    context.report.findings(&issues.findings);
    let plans = feed_plans(&config.publications(), &config.feeds, &issues.issues, context.build_clock.now());
    let mut listed = directory(&config.publication.base_url, &config.feeds, &plans);
    listed.retain(|listed| args.all || listed.kind == FeedKind::Main);
    let links = alternate_links(&listed);
    if context.report.json {
        context.report.document(&json!({ "links": links.iter().map(row).collect::<Vec<_>>() }))?;
    } else {
        context.report.text(&links.iter().map(|link| link.html() + "\n").collect::<String>())?;
    }
    Ok(Exit::Done)
}

fn row(link: &AlternateLink<'_>) -> Value {
    json!({
        "feed": built::kind(link.kind),
        "title": link.title,
        "type": link.media_type,
        "language": link.language,
        "href": link.href,
        "html": link.html(),
    })
}

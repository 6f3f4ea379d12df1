//! `slugline links`: the links with which feed readers find the feeds from a page.

use serde::Serialize;
use url::Url;

use crate::cli::{Context, Exit, built};
use crate::config::Config;
use crate::feed::directory::{AlternateLink, alternate_links, directory};
use crate::feed::plan::{FeedKind, feed_plans};
use crate::finding::Finding;
use crate::load;
use crate::publication::Publication;
use crate::serve;

/// Print the `<link>` elements with which feed readers find the feeds, for the head of your pages
///
/// Without them a feed reader finds no feed when someone enters the address of your site.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline links\n  slugline links > layouts/partials/feeds.html\n  \
                        slugline links --all --json\n  slugline links --form")]
pub(super) struct Args {
    /// Include the feeds of categories, tags and authors
    #[arg(long)]
    all: bool,
    /// The form to subscribe instead: plain HTML for any page
    #[arg(long, conflicts_with = "all")]
    form: bool,
    /// Page to return to after the form, one of `thanks` in the project file
    #[arg(long, value_name = "URL", requires = "form")]
    thanks: Option<Url>,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    if args.form {
        return form(context, &config, args.thanks.as_ref());
    }
    // The feed of a term exists if an issue has the term; the main feeds exist without any issue.
    let issues = if args.all {
        load::issues(&context.project, &config, context.build_clock.now())?
    } else {
        load::Issues::default()
    };
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

/// Prints the forms of all languages.
fn form(context: &Context, config: &Config, thanks: Option<&Url>) -> anyhow::Result<Exit> {
    let serve = config.serve.as_ref().ok_or_else(|| {
        Finding::error("no-serve", "the project file has no `serve`, so there is nothing to send a form to")
            .help("add `serve: {url: https://…}`, the address at which `slugline serve` is reached")
    })?;
    if let Some(page) = thanks.filter(|page| !serve.thanks.contains(page)) {
        return Err(Finding::error("not-thanks", format!("`{page}` is not one of `serve.thanks`"))
            .help("add it there: a form may lead only to pages that the project file names")
            .into());
    }
    let own = |name: &str| context.project.text_if_exists(format!("templates/{name}"));
    let made = |publication: &Publication| {
        let html = serve::static_form(serve, publication, thanks, &own)?;
        Ok(FormRow { language: publication.language.clone(), html })
    };
    let forms = config.publications().into_iter().map(made).collect::<anyhow::Result<Vec<_>>>()?;
    match context.report.json {
        true => context.report.document(&Forms { forms })?,
        false => context.report.text(&forms.into_iter().map(|form| form.html).collect::<String>())?,
    }
    Ok(Exit::Done)
}

/// The document of `links --form`.
#[derive(Serialize)]
struct Forms {
    /// One for each language.
    forms: Vec<FormRow>,
}

/// A form to subscribe.
#[derive(Serialize)]
struct FormRow {
    /// Language of its texts.
    language: String,
    /// The `<form>` element.
    html: String,
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

//! The directory of a publication's feeds: what readers can subscribe to, and where.
//!
//! Takes feed plans; returns them as OPML 2.0 (opml.org/spec2.opml), which readers import, and as `<link>` elements for
//! feed autodiscovery. Archive documents are not listed.

use chrono::{DateTime, FixedOffset};
use url::Url;

use crate::content::html::urls;
use crate::feed::plan::{FeedKind, FeedPlan};
use crate::feed::text::plain;
use crate::feed::{Format, Locations, Options, Person, locations, rss::rfc822};
use crate::publication::Publication;

/// A feed of the publication.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedFeed {
    /// What the feed covers.
    pub kind: FeedKind,
    /// Title, plain text.
    pub title: String,
    /// URL of the page that the feed belongs to.
    pub home: String,
    /// BCP 47 tag.
    pub language: String,
    /// URLs, by format.
    pub locations: Locations,
    /// Date of the newest change in it.
    pub updated: Option<DateTime<FixedOffset>>,
}

/// A `<link rel="alternate">` from a page to a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternateLink<'a> {
    /// What the feed covers.
    pub kind: FeedKind,
    /// Title that readers show in a choice of feeds.
    pub title: String,
    /// Name of the format.
    pub format: &'static str,
    /// Media type of the feed.
    pub media_type: &'static str,
    /// URL of the feed.
    pub href: &'a str,
    /// BCP 47 tag.
    pub language: &'a str,
}

/// The planned feeds of the publication at `base`, in order.
pub fn directory(base: &Url, feeds: &Options, plans: &[FeedPlan<'_>]) -> Vec<ListedFeed> {
    let listed = |plan: &FeedPlan<'_>| ListedFeed {
        kind: plan.kind,
        title: plain(&plan.title),
        home: urls::encode(&plan.home),
        language: plan.language.clone(),
        locations: locations(base, &plan.folder, feeds),
        updated: plan.issues.iter().map(|issue| issue.updated.max(issue.date)).max(),
    };
    plans.iter().filter(|plan| plan.kind != FeedKind::Archive).map(listed).collect()
}

/// The directory as OPML: one outline per feed, in its first format only, so that no one subscribes three times. Dated
/// by the newest change, not by the clock. Validators reject the element `docs`.
pub fn opml(publication: &Publication, directory: &[ListedFeed]) -> String {
    let owner = publication.author.as_ref().and_then(Person::new);
    let modified = directory.iter().filter_map(|listed| listed.updated).max();
    let head = [
        ("title", Some(plain(&publication.title))),
        ("dateModified", modified.map(rfc822)),
        ("ownerName", owner.as_ref().map(|owner| owner.name.clone())),
        ("ownerEmail", owner.and_then(|owner| owner.email)),
    ];
    let mut opml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n <head>\n".to_owned();
    for (name, text) in head.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        opml.push_str(&format!("  <{name}>{}</{name}>\n", html_escape::encode_text(&text)));
    }
    opml.push_str(" </head>\n <body>\n");
    for listed in directory {
        let Some((_, address)) = listed.locations.first() else { continue };
        let attributes = [
            ("type", "rss"),
            ("text", &listed.title),
            ("title", &listed.title),
            ("xmlUrl", address),
            ("htmlUrl", &listed.home),
            ("language", &listed.language),
        ];
        opml.push_str(&format!("  <outline{}/>\n", serialize_attributes(&attributes)));
    }
    opml.push_str(" </body>\n</opml>\n");
    opml
}

/// The links to these feeds. The title names the format if there are several.
pub fn alternate_links(directory: &[ListedFeed]) -> Vec<AlternateLink<'_>> {
    directory.iter().flat_map(links_to).collect()
}

fn links_to(listed: &ListedFeed) -> impl Iterator<Item = AlternateLink<'_>> {
    listed.locations.iter().map(|(format, href)| {
        let (name, media_type) = match format {
            Format::Rss => ("RSS", "application/rss+xml"),
            Format::Atom => ("Atom", "application/atom+xml"),
            Format::Json => ("JSON", "application/feed+json"),
        };
        let title =
            if listed.locations.len() == 1 { listed.title.clone() } else { format!("{} ({name})", listed.title) };
        AlternateLink { kind: listed.kind, title, format: name, media_type, href, language: &listed.language }
    })
}

impl AlternateLink<'_> {
    /// The element for the head of a page.
    pub fn html(&self) -> String {
        let attributes = [
            ("rel", "alternate"),
            ("type", self.media_type),
            ("hreflang", self.language),
            ("title", &self.title),
            ("href", self.href),
        ];
        format!("<link{}>", serialize_attributes(&attributes))
    }
}

fn serialize_attributes(attributes: &[(&str, &str)]) -> String {
    let one =
        |(name, value): &(&str, &str)| format!(" {name}=\"{}\"", html_escape::encode_double_quoted_attribute(value));
    attributes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::feed::plan::feed_plans;
    use crate::feed::plan::tests::issue;

    fn config(feeds: &str) -> Config {
        let text = format!(
            "title: Tide & \"Time\"\nbase_url: https://example.org/a b/\nauthor: {{name: <Crew>, email: crew@example.org}}\n\
             feeds: {feeds}\n"
        );
        Config::parse("slugline.yaml", &text).unwrap()
    }

    fn listed(config: &Config) -> Vec<ListedFeed> {
        let issues = [
            issue("new.md", "date: 2026-07-02T08:00:00+08:00\ntags: [潮 & co]"),
            issue("old.md", "date: 2026-06-02\nlastmod: 2026-07-09T10:00:00Z"),
        ];
        let now = DateTime::parse_from_rfc3339("2026-11-20T08:00:00Z").unwrap().to_utc();
        directory(
            &config.publication.base_url,
            &config.feeds,
            &feed_plans(&config.publications(), &config.feeds, &issues, now),
        )
    }

    #[test]
    fn opml_names_every_feed_once_and_no_archive() {
        let config = config("{by: tags, archive: 1}");
        let opml = opml(&config.publication, &listed(&config));
        let document = roxmltree::Document::parse(&opml).unwrap();
        let texts = |name: &str| {
            document
                .descendants()
                .filter(|node| node.has_tag_name(name))
                .map(|node| node.text().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("title"), ["Tide & \"Time\""]);
        assert_eq!(texts("dateModified"), ["Thu, 09 Jul 2026 10:00:00 +0000"]);
        assert_eq!([texts("ownerName"), texts("ownerEmail")], [["<Crew>"], ["crew@example.org"]]);
        let outlines = document.descendants().filter(|node| node.has_tag_name("outline"));
        let outlines: Vec<Vec<_>> =
            outlines.map(|node| node.attributes().map(|one| (one.name(), one.value())).collect()).collect();
        let expected = |title, xml, html| {
            vec![
                ("type", "rss"),
                ("text", title),
                ("title", title),
                ("xmlUrl", xml),
                ("htmlUrl", html),
                ("language", "en"),
            ]
        };
        assert_eq!(
            outlines,
            [
                expected("Tide & \"Time\"", "https://example.org/a%20b/feed.xml", "https://example.org/a%20b/"),
                expected(
                    "Tide & \"Time\": 潮 & co",
                    "https://example.org/a%20b/tags/%E6%BD%AE--co/feed.xml",
                    "https://example.org/a%20b/tags/%E6%BD%AE--co/"
                ),
            ]
        );
    }

    #[test]
    fn links_name_the_format_if_there_are_several() {
        let html = |feeds: &str| {
            let listed = listed(&config(feeds));
            alternate_links(&listed).iter().map(AlternateLink::html).collect::<Vec<_>>()
        };
        assert_eq!(
            html("{formats: {atom: atom.xml}}"),
            [
                "<link rel=\"alternate\" type=\"application/atom+xml\" hreflang=\"en\" title=\"Tide &amp; &quot;Time&quot;\" \
              href=\"https://example.org/a%20b/atom.xml\">"
            ]
        );
        let all = html("{}");
        let titles: Vec<&str> = all.iter().filter_map(|link| link.split('"').nth(7)).collect();
        assert_eq!(titles, ["RSS", "Atom", "JSON"].map(|name| format!("Tide &amp; &quot;Time&quot; ({name})")));
    }
}

//! The variables of digest templates: those of an issue, and `digest` and `issues`.
//!
//! `issue` describes the digest itself, so that what both kinds of edition share (layout, language, preheader) works
//! unchanged.

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::{Value as Json, json};

use crate::content::direction::Direction;
use crate::content::markdown::Document;
use crate::content::plain_text;
use crate::content::summary::summary;
use crate::digest::Period;
use crate::edition::context::{Fields, word_fields};
use crate::edition::mail_html::{self, PictureWidth};
use crate::issue::{Cover, Extent, Issue};
use crate::publication::Publication;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::locale::Locale;

/// One issue in a digest.
#[derive(Debug)]
pub struct Section<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its cover, if known.
    pub cover: Option<Cover>,
    /// Its body.
    pub body: Document<'a>,
}

/// The variables of the digest of a period with these sections.
pub(super) fn fields(
    publication: &Publication,
    content: Extent,
    period: &Period,
    sections: &[Section<'_>],
    picture_width: PictureWidth<'_>,
) -> Fields {
    let language = publication.language.clone();
    let words = Locale::of_language(&language);
    let shared = json!({
        "publication": publication_fields(publication),
        "issue": digest_as_issue(publication, period, sections, &words),
        "digest": period_fields(publication, period, &words),
        "words": word_fields(publication, &words),
    });
    let sections: Vec<(Value, Value)> = (1..)
        .zip(sections)
        .map(|(number, section)| section_fields(publication, content, number, section, &words, picture_width))
        .collect();
    let (html, text): (Vec<Value>, Vec<Value>) = sections.into_iter().unzip();
    Fields::of_digest(language, Value::from(Serde(shared)), context! { issues => html }, context! { issues => text })
}

/// The digest, described like an issue.
fn digest_as_issue(publication: &Publication, period: &Period, sections: &[Section<'_>], words: &Locale) -> Json {
    let titles: Vec<_> = sections.iter().map(|section| section.issue.plain_title()).collect();
    let last = period.end.with_timezone(&publication.time_zone).fixed_offset();
    json!({
        "id": period.id().as_str(),
        "slug": period.id().as_str(),
        "title": in_words(publication, period, words),
        "permalink": publication.home.as_str(),
        "page": publication.home.as_str(),
        "date": words.date(last),
        "date_iso": last.to_rfc3339(),
        "language": publication.language,
        "direction": Direction::of_language(&publication.language).as_str(),
        "authors": [],
        "description": null,
        "preheader": titles.join(" · "),
        "categories": [],
        "tags": [],
        "cover": null,
        "params": {},
    })
}

fn period_fields(publication: &Publication, period: &Period, words: &Locale) -> Json {
    let [start, end] = [period.start, period.end].map(|time| time.with_timezone(&publication.time_zone).to_rfc3339());
    json!({
        "name": period.name.as_str(),
        "period": in_words(publication, period, words),
        "start_iso": start,
        "end_iso": end,
    })
}

/// The days of the period in words.
fn in_words(publication: &Publication, period: &Period, words: &Locale) -> String {
    let last = period.end - chrono::TimeDelta::seconds(1);
    let [first, last] = [period.start, last].map(|time| time.with_timezone(&publication.time_zone).date_naive());
    words.period(first, last)
}

/// The variables of one issue, for the HTML and for the plain text.
fn section_fields(
    publication: &Publication,
    content: Extent,
    number: usize,
    section: &Section<'_>,
    words: &Locale,
    picture_width: PictureWidth<'_>,
) -> (Value, Value) {
    let Section { issue, cover, body } = section;
    let language = issue.language.as_ref().unwrap_or(&publication.language);
    let mut fields = issue_fields(issue, cover.as_ref(), language, words);
    fields["anchor"] = format!("issue-{number}").into();
    let fields = Value::from(Serde(fields));
    if content == Extent::Summary {
        let summary = issue.description.clone().unwrap_or_else(|| summary(body));
        let both = context! { summary, body => (), ..fields };
        return (both.clone(), both);
    }
    // The style sheet is written for the direction of the digest.
    let direction = Direction::of_language(&publication.language);
    let prefix = format!("issue-{number}-note-");
    let html = mail_html::body(body, &issue.permalink, &prefix, direction, picture_width);
    let text = plain_text::render(body, &issue.permalink, &words.picture_label());
    let with = |body| context! { summary => (), body, ..fields.clone() };
    (with(Value::from_safe_string(html)), with(Value::from(text)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::html::tag::Tags;
    use crate::content::names::Names;
    use crate::digest::PeriodName;
    use crate::edition::{Edition, NO_FILES, Recipient};

    const NEAP: &str = "---\ntitle: Neap & quiet\ndate: 2026-11-17T09:00:00Z\n---\n";
    const SPRING: &str = "---\ntitle: 大潮\ndate: 2026-11-19\nlanguage: zh-CN\ndescription: 十四天\n---\n";

    fn config(content: &str, base_url: &str) -> Config {
        let mail = format!("mail: {{from: Notes <notes@example.org>, digest: {{content: {content}}}}}");
        Config::parse("slugline.yaml", &format!("title: Tide Notes\nbase_url: {base_url}\n{mail}\n")).unwrap()
    }

    fn issue(config: &Config, name: &str, text: &str) -> Issue {
        let source = Source::of_path(name, name);
        let block = split(name, text.as_bytes()).unwrap();
        assemble(source, &block, &config.publication, &config.permalink, &mut Names::default()).issue.unwrap()
    }

    fn period() -> Period {
        let time = |text: &str| text.parse().unwrap();
        let name = PeriodName::new("2026-W47").unwrap();
        Period { name, start: time("2026-11-16T00:00:00Z"), end: time("2026-11-23T00:00:00Z") }
    }

    /// The digest of two issues by the templates compiled in.
    fn edition(config: &Config) -> Edition {
        let issues = [issue(config, "neap.md", NEAP), issue(config, "spring.md", SPRING)];
        let note = "A note[^1], and [another](#part).\n\n## Part\n\n[^1]: Below.\n";
        let sections = issues.each_ref().map(|issue| Section { issue, cover: None, body: Document::parse(note) });
        let mail = &config.mail.as_ref().unwrap().edition;
        Edition::prepare_digest(&config.publication, mail, &period(), &sections, &NO_FILES).unwrap()
    }

    fn reader() -> Recipient {
        Recipient::of_address("reader@example.com".parse().unwrap())
    }

    fn header(edition: &Edition) -> String {
        let message = String::from_utf8(edition.message(&reader(), period().end).unwrap().to_vec()).unwrap();
        message.split("\r\n\r\n").next().unwrap().to_owned()
    }

    #[test]
    fn every_link_within_the_mail_leads_somewhere_in_it() {
        let html = edition(&config("full", "https://example.org")).html(&reader()).unwrap();
        let values = |name: &str| -> Vec<String> {
            let attributes = Tags::of(&html).filter_map(|(_, tag)| tag.attribute(name).map(str::to_owned));
            attributes.collect()
        };
        let ids = values("id");
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "an id occurs twice: {ids:?}");
        let links = values("href");
        let within: Vec<&str> = links.iter().filter_map(|link| link.strip_prefix('#')).collect();
        assert!(within.iter().all(|id| distinct.contains(&(*id).to_owned())), "{within:?} {ids:?}");
        assert_eq!(within[..2], ["issue-1", "issue-2"], "the table of contents comes first");
        assert!(links.contains(&"https://example.org/neap/".to_owned()));
    }

    #[test]
    fn the_text_lists_what_is_in_it_and_holds_it() {
        let text = edition(&config("full", "https://example.org")).text(&reader()).unwrap();
        let expected = "\
    Tide Notes · 16–22 November 2026

In this email:

1. Neap & quiet
   https://example.org/neap/
2. 大潮
   https://example.org/spring/

1. Neap & quiet
===============

17 November 2026

A note[^1], and another.

Part
----

[^1] Below.

View in browser:
https://example.org/neap/


2. 大潮
=======

19 November 2026
";
        assert_eq!(text.get(..expected.len()), Some(expected), "{text}");
    }

    #[test]
    fn a_summary_leads_to_the_whole_issue() {
        let edition = edition(&config("summary", "https://example.org"));
        let (html, text) = (edition.html(&reader()).unwrap(), edition.text(&reader()).unwrap());
        assert!(html.contains("十四天") && html.contains(">Read more</a>") && !html.contains("Below."), "{html}");
        assert!(text.contains("十四天\n\nRead more:\nhttps://example.org/spring/\n"), "{text}");
    }

    #[test]
    fn a_digest_has_the_subject_of_its_period_and_is_archived_nowhere() {
        let edition = edition(&config("full", "https://example.org"));
        let reader = Recipient::of_address("mei@example.com".parse().unwrap());
        assert_eq!(edition.subject(&reader).unwrap(), "Tide Notes: 16–22 November 2026");
        assert!(!header(&edition).contains("Archived-At"));
    }

    #[test]
    fn digests_of_two_publications_are_two_messages() {
        let id = |base_url| {
            let header = header(&edition(&config("full", base_url)));
            header.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned()
        };
        assert_eq!(id("https://example.org/a/"), id("https://example.org/a/"));
        assert_ne!(id("https://example.org/a/"), id("https://example.org/b/"));
    }
}

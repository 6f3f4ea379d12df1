//! What the templates of a digest can refer to, beside what those of an issue can: `digest`, and `issues`.
//!
//! `issue` is there too, with the same names, and stands for the digest as a whole: what both kinds of edition share (the
//! layout, the language, the preheader) needs no second form.

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::{Value as Json, json};

use crate::content::markdown::Document;
use crate::content::plain_text;
use crate::content::summary::summary;
use crate::digest::Period;
use crate::edition::context::{Fields, word_fields};
use crate::edition::dress;
use crate::issue::{Cover, Extent, Issue};
use crate::publication::Publication;
use crate::templates::fields::{issue_fields, publication_fields};
use crate::templates::words::{Words, direction};

/// One issue in a digest.
#[derive(Debug)]
pub struct Section<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its cover, as it was measured.
    pub cover: Option<Cover>,
    /// Its text.
    pub body: Document<'a>,
}

/// The fields of the digest of a period that holds these sections.
pub(super) fn fields(publication: &Publication, content: Extent, period: &Period, sections: &[Section<'_>]) -> Fields {
    let language = publication.language.clone();
    let words = Words::of_language(&language);
    let shared = json!({
        "publication": publication_fields(publication),
        "issue": whole(publication, period, sections, &words),
        "digest": period_fields(publication, period, &words),
        "words": word_fields(publication, &words),
    });
    let sections: Vec<(Value, Value)> = (1..)
        .zip(sections)
        .map(|(number, section)| section_fields(publication, content, number, section, &words))
        .collect();
    let (html, text): (Vec<Value>, Vec<Value>) = sections.into_iter().unzip();
    Fields::of_digest(language, Value::from(Serde(shared)), context! { issues => html }, context! { issues => text })
}

/// The digest as an issue has it.
fn whole(publication: &Publication, period: &Period, sections: &[Section<'_>], words: &Words) -> Json {
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
        "direction": direction(&publication.language),
        "authors": [],
        "description": null,
        "preheader": titles.join(" · "),
        "categories": [],
        "tags": [],
        "cover": null,
        "params": {},
    })
}

fn period_fields(publication: &Publication, period: &Period, words: &Words) -> Json {
    let [start, end] = [period.start, period.end].map(|time| time.with_timezone(&publication.time_zone).to_rfc3339());
    json!({
        "name": period.name.as_str(),
        "period": in_words(publication, period, words),
        "start_iso": start,
        "end_iso": end,
    })
}

/// The days of the period, in words.
fn in_words(publication: &Publication, period: &Period, words: &Words) -> String {
    let last = period.end - chrono::TimeDelta::seconds(1);
    let [first, last] = [period.start, last].map(|time| time.with_timezone(&publication.time_zone).date_naive());
    words.period(first, last)
}

/// One issue, for the HTML and for the plain text.
fn section_fields(
    publication: &Publication,
    content: Extent,
    number: usize,
    section: &Section<'_>,
    words: &Words,
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
    let html = dress::body(body, &issue.permalink, &format!("issue-{number}-note-"));
    let text = plain_text::render(body, &issue.permalink);
    let with = |body| context! { summary => (), body, ..fields.clone() };
    (with(Value::from_safe_string(html)), with(Value::from(text)))
}

#[cfg(test)]
mod tests;

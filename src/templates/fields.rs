//! The variables that templates of editions and pages share: `publication` and `issue`.

use serde_json::{Value as Json, json};

use crate::content::direction::Direction;
use crate::issue::{Cover, Issue, Term};
use crate::publication::{Author, Publication};
use crate::templates::locale::Locale;

/// The variables below `publication`.
pub fn publication_fields(publication: &Publication) -> Json {
    json!({
        "title": publication.title,
        "description": publication.description,
        "url": publication.home.as_str(),
        "language": publication.language,
        "icon": publication.icon.as_ref().map(|icon| icon.as_str()),
        "copyright": publication.copyright,
    })
}

/// The variables below `issue`, with its cover if known. `language` is that of the edition or page.
pub fn issue_fields(issue: &Issue, cover: Option<&Cover>, language: &str, words: &Locale) -> Json {
    json!({
        "id": issue.id.as_str(),
        "slug": issue.slug.as_str(),
        "title": issue.plain_title(),
        "permalink": issue.permalink.as_str(),
        "page": issue.page().as_str(),
        "date": words.date(issue.date),
        "date_iso": issue.date.to_rfc3339(),
        "language": language,
        "direction": Direction::of_language(language).as_str(),
        "authors": issue.authors.iter().map(author_fields).collect::<Vec<_>>(),
        "description": issue.description,
        "preheader": issue.preheader.as_ref().or(issue.description.as_ref()),
        "categories": issue.categories.iter().map(Term::as_str).collect::<Vec<_>>(),
        "tags": issue.tags.iter().map(Term::as_str).collect::<Vec<_>>(),
        "cover": cover.map(cover_fields),
        "params": issue.params.as_deref().cloned().unwrap_or_default(),
    })
}

fn author_fields(author: &Author) -> Json {
    json!({
        "name": author.name,
        "email": author.email.as_ref().map(|email| email.as_str()),
        "url": author.url.as_ref().map(|url| url.as_str()),
    })
}

fn cover_fields(cover: &Cover) -> Json {
    json!({
        "url": cover.url.as_str(),
        "alt": cover.alt,
        "caption": cover.caption,
        "width": cover.size.map(|(width, _)| width),
        "height": cover.size.map(|(_, height)| height),
    })
}

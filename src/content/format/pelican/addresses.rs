//! The addresses of posts, as `ARTICLE_URL` and its kin determine them.
//!
//! Takes the settings, and the fields of a post; returns its path.

use chrono_tz::Tz;
use serde_json::Value;

use crate::content::file_date::FileDate;
use crate::content::format::Settings;
use crate::content::format::pelican::pattern::{FieldValue, Pattern};
use crate::content::format::pelican::slug::Slugs;
use crate::content::format::pelican::text;
use crate::content::front_matter::Fields;
use crate::content::path::file_name;
use crate::content::permalink::PatternValues;

/// The patterns of posts, and what fills them.
#[derive(Debug)]
pub(super) struct Addresses {
    article: Pattern,
    in_other_language: Pattern,
    draft: Pattern,
    draft_in_other_language: Pattern,
    /// `DEFAULT_LANG`, in lower case.
    language: String,
    /// `AUTHOR`
    author: Option<String>,
    of_categories: Slugs,
    of_authors: Slugs,
}

impl Addresses {
    /// Reads the settings; `permalink` is the pattern of the project file, for all posts.
    ///
    /// # Errors
    /// Why a pattern is invalid.
    pub fn new(settings: &Settings, permalink: Option<&str>) -> Result<Self, String> {
        let pattern = |name: &str, own: &str| Pattern::parse(text(settings, name).unwrap_or(own));
        let article = |name: &str, own: &str| match permalink {
            None => pattern(name, own),
            Some(permalink) => match Pattern::parse(permalink)? {
                pattern if pattern.has_fields() => Ok(pattern),
                _ => Err("it has no field such as `{slug}`".to_owned()),
            },
        };
        Ok(Self {
            article: article("ARTICLE_URL", "{slug}.html")?,
            in_other_language: article("ARTICLE_LANG_URL", "{slug}-{lang}.html")?,
            draft: pattern("DRAFT_URL", "drafts/{slug}.html")?,
            draft_in_other_language: pattern("DRAFT_LANG_URL", "drafts/{slug}-{lang}.html")?,
            language: text(settings, "DEFAULT_LANG").unwrap_or("en").to_lowercase(),
            author: text(settings, "AUTHOR").map(str::to_owned),
            of_categories: Slugs::new(settings, "CATEGORY"),
            of_authors: Slugs::new(settings, "AUTHOR"),
        })
    }

    /// The path of the post in the file at `path` below `PATH`; `None` if its `url` is a complete one, or a value is missing.
    pub fn of(&self, path: &str, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        if let Some(url) = first(fields, "url").filter(|url| !url.is_empty()) {
            return (!url.contains("://")).then(|| format!("/{}", url.trim_start_matches('/')));
        }
        let language = first(fields, "language").unwrap_or_else(|| self.language.clone());
        let is_draft = first(fields, "status").is_some_and(|status| status.eq_ignore_ascii_case("draft"));
        let pattern = match (is_draft, language == self.language) {
            (false, true) => &self.article,
            (false, false) => &self.in_other_language,
            (true, true) => &self.draft,
            (true, false) => &self.draft_in_other_language,
        };
        let author = || first(fields, "authors").or_else(|| first(fields, "author")).or_else(|| self.author.clone());
        let filled = pattern.expand(&|name| {
            let text = match name {
                "date" => return Some(FieldValue::Date(page.date)),
                "slug" => page.slug.unwrap_or_default().to_owned(),
                "lang" => language.clone(),
                "title" => page.title.to_owned(),
                "path" => path.to_owned(),
                "category" => first(fields, "categories").map(|name| self.of_categories.of(&name)).unwrap_or_default(),
                "author" => author().map(|name| self.of_authors.of(&name)).unwrap_or_default(),
                // Of a plugin that takes the date off the name.
                "filename" if fields.get("filename").is_none() => name_without_day(path).to_owned(),
                other => first(fields, other)?,
            };
            Some(FieldValue::Text(text))
        });
        filled.map(|path| format!("/{}", path.trim_start_matches('/')))
    }
}

/// The name of a file without the day before it.
fn name_without_day(path: &str) -> &str {
    let name = file_name(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    FileDate::First.of(stem, None, Tz::UTC).map(|(_, name)| name).filter(|name| !name.is_empty()).unwrap_or(stem)
}

/// The value of a field as text, or the first of its values.
fn first(fields: &Fields, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

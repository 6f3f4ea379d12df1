//! Pelican: `Key: value` headers, and settings in Python.
//!
//! Takes its settings; returns what it determines about posts: fields of paths, addresses, and links within the site.

use serde_json::Value;

use crate::content::format::pelican::addresses::Addresses;
use crate::content::format::pelican::links::Site;
use crate::content::format::pelican::metadata::Metadata;
use crate::content::format::pelican::slug::Slugs;
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::Fields;
use crate::content::glob::Glob;
use crate::content::path::file_name;
use crate::content::permalink::PatternValues;

mod addresses;
mod body;
mod date;
mod links;
mod liquid;
mod metadata;
mod pattern;
mod python;
mod slug;

/// The format.
#[derive(Debug)]
pub struct Pelican {
    settings: Settings,
    /// `PATH`, without slashes around it; empty if it is the folder of the site.
    path: String,
    ignored: Vec<Glob>,
    metadata: Metadata,
    addresses: Addresses,
    slugs: Slugs,
    site: Site,
}

impl Pelican {
    /// The format of a site with these settings; `permalink` is the pattern of the project file.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub fn new(settings: Settings, permalink: Option<&str>) -> Result<Self, String> {
        let path = text(&settings, "PATH").unwrap_or("content").trim_matches(['.', '/']).to_owned();
        let ignored = texts(&settings, "IGNORE_FILES").unwrap_or_default();
        Ok(Self {
            ignored: ignored.into_iter().map(Glob::new).collect(),
            metadata: Metadata::new(&settings),
            addresses: Addresses::new(&settings, permalink)?,
            slugs: Slugs::new(&settings, "SLUG"),
            site: Site::new(&settings, &path),
            path,
            settings,
        })
    }

    /// The path of a file below `PATH`.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.path.is_empty() { Some(path) } else { path.strip_prefix(&self.path)?.strip_prefix('/') }
    }

    /// The slug that Pelican makes of the title, or of the name of the file.
    fn slug(&self, file: &PostFile<'_>, fields: &Fields) -> Option<String> {
        let source = match text(&self.settings, "SLUGIFY_SOURCE") {
            Some("basename") => file_name(file.path).rsplit_once('.').map(|(stem, _)| stem.to_owned()),
            _ => fields.get("title").and_then(|title| match title {
                Value::String(title) => Some(title.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }),
        };
        source.map(|source| self.slugs.of(&source)).filter(|slug| !slug.is_empty())
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// None: what is not a literal is skipped.
pub fn settings(text: &str) -> Result<Settings, String> {
    Ok(python::settings(text))
}

impl Format for Pelican {
    fn generator(&self) -> Generator {
        Generator::Pelican
    }

    fn defaults(&self) -> Defaults {
        let of = |name: &str| text(&self.settings, name).map(str::to_owned);
        let folder = || if self.path.is_empty() { ".".to_owned() } else { self.path.clone() };
        Defaults {
            title: of("SITENAME"),
            base_url: of("SITEURL").filter(|url| url.contains("://")),
            language: of("DEFAULT_LANG"),
            timezone: of("TIMEZONE"),
            author: of("AUTHOR"),
            content: vec![folder()],
            static_folders: vec![folder()],
            ..Defaults::default()
        }
    }

    fn has_patterns(&self) -> bool {
        true
    }

    fn reads_key_values(&self) -> bool {
        true
    }

    fn is_post(&self, path: &str) -> bool {
        let Some(below) = self.below(path) else { return true };
        let is_in = |folder: &str| {
            let folder = folder.trim_matches(['.', '/']);
            folder.is_empty() || below == folder || below.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let articles = texts(&self.settings, "ARTICLE_PATHS").unwrap_or_else(|| vec![""]);
        let pages = texts(&self.settings, "PAGE_PATHS").unwrap_or_else(|| vec!["pages"]);
        let excluded = texts(&self.settings, "ARTICLE_EXCLUDES").unwrap_or_default();
        // Folders in both lists are of posts.
        let is_excluded = |folder: &&str| !articles.contains(folder) && is_in(folder);
        let name = file_name(path);
        articles.iter().any(|folder| is_in(folder))
            && !pages.iter().chain(&excluded).filter(|folder| !folder.is_empty()).any(is_excluded)
            && !self.ignored.iter().any(|glob| glob.matches(name))
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        self.metadata.complete(self.below(file.path).unwrap_or(file.below_content), fields);
        if fields.get("slug").is_none_or(|slug| slug.is_null() || slug == "")
            && let Some(slug) = self.slug(file, fields)
        {
            fields.set("slug", slug);
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        self.addresses.of(self.below(file.path).unwrap_or(file.below_content), page, fields)
    }

    fn markdown<'m>(&self, body: &'m str, of: &Body<'_>) -> Translated<'m> {
        body::translated(&self.site, body, of)
    }
}

/// A setting that is a text, not empty.
fn text<'s>(settings: &'s Settings, name: &str) -> Option<&'s str> {
    settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A setting that is a list of texts, or one.
fn texts<'s>(settings: &'s Settings, name: &str) -> Option<Vec<&'s str>> {
    match settings.get(name)? {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn pelican(settings: Value) -> Pelican {
        Pelican::new(settings.as_object().unwrap().clone(), None).unwrap()
    }

    /// The slug and the address of a post.
    fn placed(settings: Value, path: &str, own: Value) -> (Option<String>, Option<String>) {
        let pelican = pelican(settings);
        let mut fields = Fields::default();
        own.as_object().unwrap().iter().for_each(|(name, value)| fields.set(name, value.clone()));
        let file = PostFile { path, below_content: path, beginning: "", created: None };
        pelican.complete(&file, &mut fields);
        let slug = fields.take("slug").and_then(|slug| slug.as_str().map(str::to_owned));
        let date = DateTime::parse_from_rfc3339("2026-01-02T23:30:00-05:00").unwrap();
        let page = PatternValues { path, above: &[], title: "Low tide", slug: slug.as_deref(), date };
        let address = pelican.address(&file, &page, &fields);
        (slug, address)
    }

    fn address(settings: Value, path: &str, own: Value) -> String {
        placed(settings, path, own).1.unwrap()
    }

    #[test]
    fn addresses_are_those_of_pelican() {
        let (post, own) = ("content/sea/2026-01-02-low.md", json!({"title": "Low Tide!"}));
        assert_eq!(placed(json!({}), post, own.clone()), (Some("low-tide".into()), Some("/low-tide.html".into())));
        let settings = json!({"ARTICLE_URL": "{category}/{date:%Y}/{date:%d}/{slug}/", "SLUGIFY_SOURCE": "basename"});
        assert_eq!(address(settings.clone(), post, own.clone()), "/sea/2026/02/2026-01-02-low/");
        assert_eq!(address(settings, post, json!({"slug": "x", "status": "draft", "draft": true})), "/drafts/x.html");
        assert_eq!(address(json!({}), post, json!({"slug": "x", "language": "de"})), "/x-de.html");
        assert_eq!(address(json!({"DEFAULT_LANG": "De"}), post, json!({"slug": "x", "language": "de"})), "/x.html");
        assert_eq!(address(json!({}), post, json!({"title": "x", "url": "a/b.html"})), "/a/b.html");
        let settings = json!({"ARTICLE_URL": "/{author}/{path}/{title}/{number}", "AUTHOR": "Ann Example"});
        assert_eq!(
            address(settings, post, json!({"title": "x", "number": "7"})),
            "/ann-example/sea/2026-01-02-low.md/Low tide/7"
        );
        assert_eq!(placed(json!({}), post, json!({"url": "https://example.org/x", "title": "x"})).1, None);
        assert_eq!(placed(json!({"ARTICLE_URL": "{nothing}"}), post, own).1, None);
        assert!(Pelican::new(Settings::new(), Some("/:slug/")).is_err());
        assert!(Pelican::new(Settings::new(), Some("{slug")).is_err());
        let own = Pelican::new(Settings::new(), Some("/a/{slug}/")).unwrap();
        let page = PatternValues { path: post, above: &[], title: "", slug: Some("b"), date: DateTime::default() };
        let file = PostFile { path: post, below_content: post, beginning: "", created: None };
        assert_eq!(own.address(&file, &page, &Fields::default()).as_deref(), Some("/a/b/"));
    }

    #[test]
    fn posts_are_told_from_pages() {
        let is_post = |settings: Value, path: &str| pelican(settings).is_post(path);
        assert!(is_post(json!({}), "content/a.md") && is_post(json!({}), "content/a/pages/b.md"));
        assert!(!is_post(json!({}), "content/pages/about.md"));
        let settings = json!({"PATH": "./src/", "ARTICLE_PATHS": ["blog"], "PAGE_PATHS": [""], "ARTICLE_EXCLUDES": ["blog/old"], "IGNORE_FILES": ["_*"]});
        assert!(is_post(settings.clone(), "src/blog/a.md"));
        for path in ["src/a.md", "src/blogs/a.md", "src/blog/old/a.md", "src/blog/_a.md"] {
            assert!(!is_post(settings.clone(), path), "{path}");
        }
        assert!(is_post(json!({"PATH": "."}), "a.md"));
    }

    #[test]
    fn settings_stand_for_keys_of_the_project_file() {
        let defaults =
            pelican(json!({"SITENAME": "Tides", "SITEURL": "", "TIMEZONE": "Asia/Tokyo", "AUTHOR": "Ann"})).defaults();
        let expected = Defaults {
            title: Some("Tides".into()),
            timezone: Some("Asia/Tokyo".into()),
            author: Some("Ann".into()),
            content: vec!["content".into()],
            static_folders: vec!["content".into()],
            ..Defaults::default()
        };
        assert_eq!(defaults, expected);
    }
}

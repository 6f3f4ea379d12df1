//! Astro: content collections, and pages in `src/pages`.
//!
//! Takes its settings; returns what it determines about posts. Which page shows the entries of a collection is written in
//! components, which are not read: it is expected below a folder with the name of the collection.

use crate::content::format::javascript::slug::of_github;
use crate::content::format::javascript::{
    base_url, correct_date, date_of_name, path_of, text_at, title_of_heading, without_ending,
};
use crate::content::format::{Defaults, Format, Generator, PostFile, Settings};
use crate::content::front_matter::Fields;
use crate::content::permalink::PatternValues;

/// The format.
#[derive(Debug)]
pub struct Astro {
    defaults: Defaults,
    /// Whether paths end in a slash.
    has_slash: bool,
}

impl Astro {
    /// The format of a site with these settings.
    pub fn new(settings: &Settings) -> Self {
        let text = |keys: &[&str]| text_at(settings, keys);
        let defaults = Defaults {
            base_url: base_url(text(&["site"]), text(&["base"])),
            language: text(&["i18n", "defaultLocale"]),
            timezone: Some("UTC".to_owned()),
            content: vec!["src/content".to_owned()],
            static_folders: vec![
                text(&["publicDir"])
                    .map_or_else(|| "public".to_owned(), |folder| folder.trim_matches(['.', '/']).to_owned()),
            ],
            ..Defaults::default()
        };
        let is_file = text(&["build", "format"]).is_some_and(|format| format == "file");
        let has_slash = match text(&["trailingSlash"]).as_deref() {
            Some("always") => true,
            Some("never") => false,
            _ => !is_file,
        };
        Self { defaults, has_slash }
    }
}

/// The path of an entry below the folders of the site, and whether it is a page, whose path is kept as it is.
fn entry(path: &str) -> (&str, bool) {
    if let Some(page) = path.strip_prefix("src/pages/") {
        return (page, true);
    }
    let folders = ["src/content/", "src/contents/", "src/data/", "src/", "content/", "data/"];
    (folders.iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path), false)
}

impl Format for Astro {
    fn generator(&self) -> Generator {
        Generator::Astro
    }

    fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    fn endings(&self) -> &'static [&'static str] {
        &["mdx"]
    }

    fn is_post(&self, path: &str) -> bool {
        !path.split('/').any(|part| part.starts_with(['_', '.']) || part == "node_modules")
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        correct_date(fields);
        title_of_heading(file.beginning, fields);
        for (written, name) in [
            ("pubdatetime", "pubdate"),
            ("publisheddate", "pubdate"),
            ("publishedat", "pubdate"),
            ("publishdate", "pubdate"),
            ("moddatetime", "lastmod"),
            ("updatedat", "lastmod"),
        ] {
            fields.rename(&[written], name);
        }
        date_of_name(file, fields);
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, _fields: &Fields) -> Option<String> {
        let (entry, is_page) = entry(file.path);
        let name = without_ending(entry);
        let name = name.strip_suffix("/index").or_else(|| (name == "index").then_some("")).unwrap_or(name);
        let path = match page.slug {
            _ if is_page => name.to_owned(),
            Some(slug) => {
                format!("{}/{slug}", name.split('/').next().filter(|_| name.contains('/')).unwrap_or_default())
            }
            None => name.split('/').map(of_github).collect::<Vec<_>>().join("/"),
        };
        Some(if self.has_slash { path_of(&[&path, ""]) } else { path_of(&[&path]) })
    }
}

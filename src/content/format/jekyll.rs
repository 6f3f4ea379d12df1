//! Jekyll, also on GitHub Pages: posts in `_posts`, named by date and slug.
//!
//! Takes its settings; returns what it determines about posts. `location` knows what a file is, `permalink` how addresses are
//! made, `liquid` and `kramdown` what becomes of bodies.

use chrono_tz::Tz;

use crate::content::format::jekyll::front_matter_defaults::FrontMatterDefaults;
use crate::content::format::jekyll::location::{FileName, Folders, Kind, Location};
use crate::content::format::jekyll::permalink::Page;
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::{Fields, json_of_toml, yaml_mapping};
use crate::content::path::{folder, is_html};
use crate::content::permalink::PatternValues;
use crate::publication::is_language_tag;

mod code_lines;
mod excerpt;
mod fields;
mod front_matter_defaults;
mod html_blocks;
mod kramdown;
mod liquid;
mod location;
mod permalink;
mod time;

/// The format.
#[derive(Debug)]
pub struct Jekyll {
    settings: Settings,
    folders: Folders,
    defaults: FrontMatterDefaults,
    /// The style or template of the settings or the project file.
    style: String,
    /// The template of posts.
    template: String,
    zone: Tz,
}

impl Jekyll {
    /// The format of a site with these settings; `permalink` is the style or template of the project file. `:slug` in it keeps
    /// its case, as `:title` does.
    ///
    /// # Errors
    /// If the template of the project file has an unknown placeholder, or none at all.
    pub fn new(settings: Settings, permalink: Option<&str>) -> Result<Self, String> {
        let text = |names: &[&str]| text(&settings, names);
        let style = permalink.map(str::trim).or(text(&["permalink"])).unwrap_or("date").to_owned();
        let of_posts = text(&["collections", "posts", "permalink"]).filter(|_| permalink.is_none());
        let mut template = permalink::template(of_posts.unwrap_or(&style)).to_owned();
        if permalink.is_some() {
            if let Some(unknown) = permalink::unknown_placeholder(&template) {
                return Err(format!("unknown placeholder `{unknown}`"));
            }
            if !template.contains(':') {
                return Err("no placeholder distinguishes one post from another".to_owned());
            }
            template = permalink::with_cased_slugs(&template);
        }
        let zone = text(&["timezone"]).and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
        let (folders, defaults) = (Folders::new(&settings), FrontMatterDefaults::new(&settings));
        Ok(Self { folders, defaults, style, template, zone, settings })
    }

    /// The template of a file without a permalink of its own.
    fn template(&self, location: &Location<'_>) -> String {
        let styled = |template: &str| permalink::with_ending_of(template, &self.style);
        match location.kind {
            Kind::Post | Kind::Draft => self.template.clone(),
            Kind::Document(label) => match text(&self.settings, &["collections", label, "permalink"]) {
                Some(template) => template.to_owned(),
                None => styled("/:collection/:path"),
            },
            Kind::Page if FileName::new(location.path).stem == "index" => "/:path/".to_owned(),
            Kind::Page => styled(&format!("/:path/{}", permalink::escaped(FileName::new(location.path).stem))),
        }
    }

    /// The address of the page of a file, below the base URL, if its front matter has no say in it.
    fn address_of(&self, path: &str, template: Option<&str>, page: Page<'_>) -> Option<String> {
        let location = self.folders.locate(path)?;
        let name = FileName::new(location.path);
        let stem = &location.path[..location.path.len() - name.extension.len()];
        let (collection, path) = match location.kind {
            Kind::Post | Kind::Draft => ("posts", stem),
            Kind::Document(label) => (label, stem.split_once('/').map_or("", |(_, path)| path)),
            Kind::Page => ("", folder(stem)),
        };
        let slug = if page.slug.is_empty() { name.slug } else { page.slug };
        let output_extension = name.output_extension();
        let page = Page { slug, stem: name.stem, path, collection, output_extension, ..page };
        Some(permalink::path(&template.map_or_else(|| self.template(&location), str::to_owned), &page))
    }
}

/// A setting that is text, by the names that lead to it.
fn text<'s>(settings: &'s Settings, names: &[&str]) -> Option<&'s str> {
    let (first, others) = names.split_first()?;
    let value = others.iter().try_fold(settings.get(*first)?, |value, name| value.get(*name))?;
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(file: &str, text: &str) -> Result<Settings, String> {
    if !file.ends_with(".toml") {
        return yaml_mapping(text);
    }
    let table: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    Ok(table.into_iter().map(|(name, value)| (name, json_of_toml(value))).collect())
}

impl Format for Jekyll {
    fn generator(&self) -> Generator {
        Generator::Jekyll
    }

    fn defaults(&self) -> Defaults {
        let owned = |names: &[&str]| text(&self.settings, names).map(str::to_owned);
        let base = text(&self.settings, &["baseurl"]).unwrap_or_default().trim_matches('/');
        let url = text(&self.settings, &["url"]).map(|url| format!("{}/{base}", url.trim_end_matches('/')));
        let language = owned(&["lang"]).or(owned(&["locale"])).map(|tag| tag.replace('_', "-"));
        Defaults {
            title: owned(&["title"]).or(owned(&["name"])),
            description: owned(&["description"]),
            base_url: url,
            language: language.filter(|tag| is_language_tag(tag)),
            timezone: owned(&["timezone"]).filter(|zone| zone.parse::<Tz>().is_ok()),
            author: owned(&["author"]).or(owned(&["author", "name"])),
            content: vec![self.folders.source().trim_end_matches('/').to_owned()],
            static_folders: Vec::new(),
            ..Defaults::default()
        }
    }

    fn endings(&self) -> &'static [&'static str] {
        &["html", "htm", "mkd", "mkdn", "mkdown"]
    }

    fn is_post(&self, path: &str) -> bool {
        self.folders.locate(path).is_some_and(|location| location.kind != Kind::Page || !is_html(path))
    }

    fn is_post_of_site(&self, path: &str) -> bool {
        self.folders.locate(path).is_some_and(|location| matches!(location.kind, Kind::Post | Kind::Draft))
    }

    fn publishes(&self, path: &str) -> bool {
        self.folders.locate(path).is_some_and(|location| location.kind == Kind::Page)
    }

    fn has_patterns(&self) -> bool {
        true
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn allows_repeated_fields(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        if let Some(location) = self.folders.locate(file.path) {
            fields::complete(&location, &self.defaults.of(&location), self.zone, fields);
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        let own = fields.get("permalink").and_then(fields::text);
        let categories = fields::texts(fields.get("categories"));
        let page = Page { date: page.date, slug: page.slug.unwrap_or_default(), categories, ..Page::default() };
        self.address_of(file.path, own.as_deref(), page)
    }

    fn include_folders(&self) -> &'static [&'static str] {
        &["_includes"]
    }

    fn markdown<'m>(&self, body: &'m str, of: &Body<'_>) -> Translated<'m> {
        let is_html = is_html(&of.issue.path);
        let Translated { markdown, lost } = liquid::render(body, self, of, is_html);
        let markdown = excerpt::divided(markdown, text(&self.settings, &["excerpt_separator"]), of.issue);
        let is_kramdown = text(&self.settings, &["markdown"]).is_none_or(|name| name.eq_ignore_ascii_case("kramdown"));
        Translated {
            markdown: if is_html || !is_kramdown { markdown } else { kramdown::as_commonmark(markdown) },
            lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;

    fn jekyll(settings: &Value, permalink: Option<&str>) -> Jekyll {
        Jekyll::new(settings.as_object().unwrap().clone(), permalink).unwrap()
    }

    fn address(jekyll: &Jekyll, path: &str, fields: &[(&str, &str)]) -> Option<String> {
        let mut own = Fields::default();
        fields.iter().for_each(|(name, value)| own.set(name, *value));
        let file = PostFile { path, below_content: path, beginning: "", created: None };
        let date = DateTime::parse_from_rfc3339("2026-01-02T23:00:00Z").unwrap();
        let page = PatternValues { path, above: &[], title: "T", slug: None, date };
        jekyll.address(&file, &page, &own)
    }

    #[test]
    fn addresses_depend_on_kind_style_and_front_matter() {
        let site = json!({
            "permalink": "/:categories/:title/", "collections": {"tools": {}, "docs": {"permalink": "/d/:name:output_ext"}}
        });
        let site = jekyll(&site, None);
        let post = "_posts/2026-01-02-A-b.md";
        for (path, fields, expected) in [
            (post, &[("categories", "Sea")][..], Some("/sea/A-b/")),
            (post, &[("permalink", "/x/:year:output_ext")], Some("/x/2026.html")),
            (post, &[("permalink", "x")], Some("/x")),
            ("_drafts/A b.md", &[], Some("/A-b/")),
            ("_tools/x/A b.md", &[], Some("/tools/x/A%20b/")),
            ("_docs/x/A b.md", &[], Some("/d/a-b.html")),
            ("notes/A b.md", &[], Some("/notes/A%20b/")),
            ("notes/index.md", &[], Some("/notes/")),
            ("_layouts/a.html", &[], None),
        ] {
            assert_eq!(address(&site, path, fields).as_deref(), expected, "{path}");
        }
        assert_eq!(address(&jekyll(&json!({}), None), post, &[]).as_deref(), Some("/2026/01/02/A-b.html"));
        assert_eq!(address(&jekyll(&json!({}), None), "notes/a.md", &[]).as_deref(), Some("/notes/a.html"));
        let of_posts = json!({"permalink": "pretty", "collections": {"posts": {"permalink": "/p/:slug"}}});
        assert_eq!(address(&jekyll(&of_posts, None), post, &[]).as_deref(), Some("/p/a-b"));
    }

    #[test]
    fn a_pattern_of_the_project_file_keeps_the_case_of_slugs() {
        let of_project = |permalink| {
            address(&jekyll(&json!({"permalink": "none"}), Some(permalink)), "_posts/2026-01-02-A-1.0.md", &[])
        };
        assert_eq!(of_project("/:year/:slug/").as_deref(), Some("/2026/A-1.0/"));
        assert_eq!(of_project("/:slug_:title:slug").as_deref(), Some("/A-1.0_A-1.0A-1.0"));
        assert_eq!(of_project("pretty").as_deref(), Some("/2026/01/02/A-1.0/"));
        let invalid = |permalink| Jekyll::new(Settings::new(), Some(permalink)).unwrap_err();
        assert_eq!(invalid("/:slugorfilename/"), "unknown placeholder `:slugorfilename`");
        assert_eq!(invalid("/blog/"), "no placeholder distinguishes one post from another");
    }

    #[test]
    fn posts_are_told_from_pages() {
        let site = jekyll(&json!({"collections": ["docs"]}), None);
        for (path, is_post, is_post_of_site) in [
            ("_posts/2026-01-02-a.md", true, true),
            ("_posts/2026-01-02-a.html", true, true),
            ("_drafts/a.md", true, true),
            ("_posts/README.md", false, false),
            ("_docs/a.html", true, false),
            ("about.md", true, false),
            ("index.html", false, false),
            ("_layouts/a.md", false, false),
        ] {
            assert_eq!((site.is_post(path), site.is_post_of_site(path)), (is_post, is_post_of_site), "{path}");
        }
    }

    #[test]
    fn settings_stand_for_keys_of_the_project_file() {
        let yaml = "\u{feff}title: Tides\nurl: https://tides.example.org/\nbaseurl: /blog/\nlocale: zh_CN\ntimezone: Asia/Shanghai\n\
                    author: {name: Maren}\nsource: src\ncollections_dir: c\npermalink: pretty\n";
        let expected = Defaults {
            title: Some("Tides".to_owned()),
            base_url: Some("https://tides.example.org/blog".to_owned()),
            language: Some("zh-CN".to_owned()),
            timezone: Some("Asia/Shanghai".to_owned()),
            author: Some("Maren".to_owned()),
            content: vec!["src".to_owned()],
            ..Defaults::default()
        };
        let defaults = |settings| Jekyll::new(settings, None).unwrap().defaults();
        assert_eq!(defaults(settings("_config.yml", yaml).unwrap()), expected);
        let toml = "timezone = \"Mars/Olympus\"\nlang = \"no language\"\nauthor = \"Ida\"\n";
        let expected = Defaults { author: Some("Ida".to_owned()), content: vec![String::new()], ..Defaults::default() };
        assert_eq!(defaults(settings("_config.toml", toml).unwrap()), expected);
        assert_eq!(settings("_config.yml", "# nothing\n"), Ok(Settings::new()));
        assert!(settings("_config.yml", "- a").is_err() && settings("_config.toml", "a").is_err());
    }
}

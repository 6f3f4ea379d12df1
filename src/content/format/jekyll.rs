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
            permalink: owned(&["permalink"]),
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

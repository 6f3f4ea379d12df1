//! Zola: addresses of file names, a page for each language, shortcodes of its own.
//!
//! Takes its settings; returns what it determines about posts. Links with `@/` and taxonomies are read the same way everywhere.

use serde_json::{Value, json};

use crate::content::date;
use crate::content::format::zola::slug::Strategy;
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::{Fields, json_of_toml};
use crate::content::glob::Glob;
use crate::content::markdown::Dialect;
use crate::content::permalink::PatternValues;
use crate::publication::is_language_tag;

mod arguments;
mod links;
mod shortcodes;
mod slug;

const CONTENT: &str = "content/";

/// The format.
#[derive(Debug)]
pub struct Zola {
    settings: Settings,
    strategy: Strategy,
    keeps_dates: bool,
    ignored: Vec<Glob>,
}

/// A page by the path of its file.
#[derive(Debug, PartialEq, Eq)]
struct Page<'a> {
    /// The folders above it; not its own, if it is an `index.md`.
    folders: Vec<&'a str>,
    /// The name that makes its slug.
    name: &'a str,
    /// Its language, if that is not the main one.
    language: Option<&'a str>,
    /// Whether it is an `index.md` with a folder of its own.
    has_folder: bool,
}

impl Zola {
    /// The format of a site with these settings.
    pub fn new(settings: Settings) -> Self {
        let slugify = settings.get("slugify");
        let slugify = |name: &str| slugify.and_then(|slugify| slugify.get(name));
        let ignored = settings.get("ignored_content").and_then(Value::as_array).into_iter().flatten();
        // Zola's `*` crosses folders.
        let glob = |pattern: &str| Glob::new(&pattern.replace("**", "*").replace('*', "**"));
        Self {
            strategy: Strategy::of_name(slugify("paths").and_then(Value::as_str)),
            keeps_dates: slugify("paths_keep_dates") == Some(&Value::Bool(true)),
            ignored: ignored.filter_map(Value::as_str).map(glob).collect(),
            settings,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str)
    }

    fn main_language(&self) -> &str {
        self.text("default_language").unwrap_or("en")
    }

    fn has_language(&self, name: &str) -> bool {
        name != self.main_language() && self.languages().any(|language| language == name)
    }

    fn languages(&self) -> impl Iterator<Item = &str> {
        self.settings
            .get("languages")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|languages| languages.keys())
            .map(String::as_str)
    }

    /// The address that a link to a file leads to.
    fn address_of(&self, link: &str, of: &Body<'_>) -> Option<String> {
        let Some((folders, language)) = links::section(link) else { return self.address_of_page(link, of) };
        let language = language.filter(|language| self.has_language(language));
        let parts = language.into_iter().chain(folders.split('/')).filter(|part| !part.is_empty());
        let path: String = parts.map(|part| format!("{part}/")).collect();
        let anchor = link.find('#').map_or("", |at| &link[at..]);
        Some(format!("{}/{}{anchor}", of.base_url.as_str().trim_end_matches('/'), path.replace(' ', "%20")))
    }

    /// A link names the page in one language, the main one without any; `Body::address` prefers that of the post.
    fn address_of_page(&self, link: &str, of: &Body<'_>) -> Option<String> {
        let (path, anchor) = link.split_at(link.find('#').unwrap_or(link.len()));
        let stem = path.strip_prefix('@')?.strip_suffix(".md")?;
        let named = stem.rsplit_once('.').filter(|(_, name)| *name == self.main_language() || self.has_language(name));
        let (stem, wanted) = named.map_or((stem, None), |(stem, name)| (stem, Some(name)));
        let wanted = wanted.filter(|name| *name != self.main_language());
        let address = (of.address)(&format!("{stem}.md{anchor}"))?.replace(' ', "%20");
        let base = of.base_url.as_str().trim_end_matches('/');
        let below = address.strip_prefix(base).unwrap_or(&address).trim_start_matches('/');
        let (first, rest) = below.split_once('/').unwrap_or((below, ""));
        let is_own = of.issue.site.as_deref() == wanted.map(str::to_lowercase).as_deref();
        let prefix = wanted.map(|name| format!("{name}/")).unwrap_or_default();
        Some(match self.has_language(first) {
            _ if is_own => address,
            true => format!("{base}/{prefix}{rest}"),
            false => format!("{base}/{prefix}{below}"),
        })
    }

    /// `None` outside the content folder.
    fn page<'a>(&self, path: &'a str) -> Option<Page<'a>> {
        let below = path.strip_prefix(CONTENT).or_else(|| Some(path.split_once("/content/")?.1))?;
        let mut folders: Vec<&str> = below.split('/').collect();
        let file = folders.pop()?;
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let (name, language) = match stem.split_once('.') {
            Some((name, language)) if self.has_language(language) => (name, Some(language)),
            _ => (stem, None),
        };
        let own = if stem.split('.').next() == Some("index") { folders.pop() } else { None };
        let has_folder = own.is_some();
        Some(Page { folders, name: own.filter(|_| name == "index").unwrap_or(name), language, has_folder })
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(text: &str) -> Result<Settings, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    match json_of_toml(toml::Value::Table(table)) {
        Value::Object(settings) => Ok(settings),
        _ => Ok(Settings::new()),
    }
}

/// The date at the beginning of a name, and the slug after it, if there is one: `2026-03-05-ebb`, `2026-03-05T06:07:08Z_ebb`.
fn date_and_slug(name: &str) -> Option<(&str, Option<&str>)> {
    let is_day = |day: &str| {
        let digits = |at: usize, byte: u8| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        day.bytes().enumerate().all(|(at, byte)| digits(at, byte)) && date::parse(day, chrono_tz::Tz::UTC).is_some()
    };
    let (day, rest) = name.split_at_checked(10).filter(|(day, _)| is_day(day))?;
    let length = rest.strip_prefix('T').and_then(|time| {
        let seconds = time.get(8..)?;
        let fraction =
            seconds.strip_prefix('.').map_or(0, |digits| 1 + digits.bytes().take_while(u8::is_ascii_digit).count());
        let zone = if seconds[fraction..].starts_with('Z') { 1 } else { 6 };
        let length = 10 + 1 + 8 + fraction + zone;
        let written = name.get(..length)?;
        chrono::DateTime::parse_from_rfc3339(written).ok().map(|_| length)
    });
    let (date, rest) = name.split_at(length.unwrap_or(day.len()));
    let after = rest.strip_prefix(char::is_whitespace).unwrap_or(rest);
    Some((date, after.strip_prefix(['_', '-']).filter(|slug| !slug.is_empty())))
}

/// The date in a path such as `news/2026/03/05/ebb`.
fn date_of_path(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = |parts: &&[&str]| is_digits(parts[0], 4) && is_digits(parts[1], 2) && is_digits(parts[2], 2);
    let date = parts.windows(3).find(is_date)?.join("-");
    date::parse(&date, chrono_tz::Tz::UTC).map(|_| date)
}

impl Format for Zola {
    fn generator(&self) -> Generator {
        Generator::Zola
    }

    fn defaults(&self) -> Defaults {
        let own = |name: &str| self.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let main = self.main_language();
        let mut languages: Vec<String> =
            self.languages().filter(|language| *language != main).map(str::to_owned).collect();
        languages.retain(|language| is_language_tag(language));
        if !languages.is_empty() {
            languages.insert(0, main.to_owned());
        }
        Defaults {
            title: own("title"),
            description: own("description"),
            base_url: own("base_url"),
            language: Some(main.to_owned()),
            languages,
            timezone: Some("UTC".to_owned()),
            author: own("author"),
            content: vec!["content".to_owned()],
            static_folders: vec!["static".to_owned()],
        }
    }

    fn is_post(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_ignored = || {
            let path = format!("/{path}");
            self.ignored.iter().any(|glob| glob.matches(&path) || glob.matches(&path[1..]))
        };
        !name.starts_with("_index.") && !name.starts_with('.') && !is_ignored()
    }

    fn dialect(&self, default: Dialect) -> Dialect {
        let is_on = |name: &str| self.settings.get("markdown").and_then(|it| it.get(name)) == Some(&Value::Bool(true));
        Dialect { typographer: is_on("smart_punctuation"), emoji: is_on("render_emoji"), ..default }
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        let Some(page) = self.page(file.path) else { return };
        if fields.get("date").is_none_or(Value::is_null) {
            let of_path = || fields.get("path").and_then(Value::as_str).and_then(date_of_path);
            match date_and_slug(page.name).map(|(date, _)| date.to_owned()).or_else(of_path) {
                Some(date) => fields.set("date", date),
                // A page that was updated is not dated by that.
                None => drop(fields.take("updated")),
            }
        }
        if fields.get("title").is_none_or(|title| title.is_null() || title.as_str() == Some("")) {
            fields.set("title", page.name);
        }
        if fields.get("render") == Some(&Value::Bool(false)) {
            fields.inherit("build", &json!({ "render": "never", "list": "never" }));
        }
    }

    fn address(&self, file: &PostFile<'_>, values: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        let page = self.page(file.path)?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(path) = text("path") {
            return Some(format!("/{}/", path.trim().trim_matches('/')));
        }
        let of_date = || date_and_slug(page.name).and_then(|(_, slug)| slug).filter(|_| !self.keeps_dates);
        let slug = self.strategy.slug(values.slug.or_else(of_date).unwrap_or(page.name));
        let is_home = page.folders.is_empty() && page.name == "index" && !page.has_folder;
        let own = (!is_home).then_some(slug.as_str());
        let parts = page.language.into_iter().chain(page.folders.iter().copied()).chain(own);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        Some(if parts.is_empty() { "/".to_owned() } else { format!("/{}/", parts.join("/")) })
    }

    fn markdown<'m>(&self, body: &'m str, of: &Body<'_>) -> Translated<'m> {
        shortcodes::translated(body, &|link| self.address_of(link, of))
    }
}

#[cfg(test)]
mod tests;

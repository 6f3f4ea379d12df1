//! Hexo: posts in `source/_posts`, addresses of any field, tag plugins.
//!
//! Takes its settings; returns what it determines about posts. `permalink` fills patterns, `tags` translates bodies.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::Value;

use crate::content::format::hexo::dates::{local_date, part_of_date};
use crate::content::format::hexo::permalink::{Case, slug};
use crate::content::format::{Body, Defaults, Format, Generator, Lost, PostFile, Settings, Translated};
use crate::content::front_matter::{Fields, tabs_as_blanks};
use crate::content::glob::Glob;
use crate::content::markdown::Dialect;
use crate::content::permalink::PatternValues;
use crate::hex::hex;
use crate::publication::is_language_tag;

mod abbrlink;
mod dates;
mod meaning;
mod permalink;
mod pieces;
mod tags;

/// The field that says that a text is only for those who know its password.
const ENCRYPTED: &str = "encrypt";

const DEFAULT_PERMALINK: &str = ":year/:month/:day/:title/";

/// Tokens of patterns of Hugo that have no counterpart.
const ONLY_OF_HUGO: [&str; 6] = [":monthname", ":weekday", ":yearday", ":sectionslug", ":sections[", ":section["];

/// The format.
#[derive(Debug)]
pub struct Hexo {
    settings: Settings,
    permalink: String,
}

impl Hexo {
    /// The format of a site with these settings; `permalink` is the pattern of the project file.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub fn new(settings: Settings, permalink: Option<&str>) -> Result<Self, String> {
        let own = permalink.or(text(&settings, "permalink")).map(str::trim).filter(|pattern| !pattern.is_empty());
        let permalink = own.unwrap_or(DEFAULT_PERMALINK).to_owned();
        if let Some(token) = ONLY_OF_HUGO.iter().find(|token| permalink.contains(**token)) {
            return Err(format!("`{token}` is a token of Hugo"));
        }
        if !permalink::has_name(&permalink) {
            return Err(format!(
                "`{permalink}` contains no name such as `:title`, so all posts would have one address"
            ));
        }
        Ok(Self { settings, permalink })
    }

    /// The path of a file below the folder of posts, without its ending; `None` if it is elsewhere.
    fn below_posts<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = below(path, self.source())?;
        let below = below.strip_prefix("_posts/").or(below.strip_prefix("_drafts/"))?;
        Some(without_ending(below))
    }

    fn source(&self) -> &str {
        text(&self.settings, "source_dir").unwrap_or("source").trim_matches('/')
    }

    fn has_asset_folders(&self) -> bool {
        self.settings.get("post_asset_folder") == Some(&Value::Bool(true))
    }

    /// What the name of a file says, by `new_post_name`; always a `title`, which Hexo uses as slug.
    fn of_name<'a>(&'a self, path: &'a str) -> BTreeMap<&'a str, Cow<'a, str>> {
        let pattern = without_ending(text(&self.settings, "new_post_name").unwrap_or(":title.md"));
        let parsed = permalink::parsed(pattern, path).unwrap_or_default();
        let mut values: BTreeMap<_, _> = parsed.into_iter().map(|(name, value)| (name, Cow::Borrowed(value))).collect();
        values.entry("title").or_insert_with(|| Cow::Owned(slug(path, Case::Kept)));
        values
    }

    fn case(&self) -> Case {
        match self.settings.get("filename_case").and_then(Value::as_i64) {
            Some(1) => Case::Lower,
            Some(2) => Case::Upper,
            _ => Case::Kept,
        }
    }

    /// The slug of the innermost category that was written last, after those of the categories above it.
    fn category(&self, fields: &Fields) -> String {
        let written = fields.get("categories").or(fields.get("category"));
        let names: Vec<String> = match written {
            Some(Value::Array(items)) => match items.iter().rfind(|item| printed(item).is_some()) {
                Some(Value::Array(inner)) => inner.iter().filter_map(printed).collect(),
                Some(last) if items.iter().any(Value::is_array) => printed(last).into_iter().collect(),
                _ => items.iter().filter_map(printed).collect(),
            },
            Some(one) => printed(one).into_iter().collect(),
            None => Vec::new(),
        };
        if names.is_empty() {
            return text(&self.settings, "default_category").unwrap_or("uncategorized").to_owned();
        }
        let mapped = |name: String| {
            let map = self.settings.get("category_map").and_then(|map| map.get(&name)).and_then(printed);
            slug(&map.unwrap_or(name), self.case())
        };
        names.into_iter().map(mapped).collect::<Vec<_>>().join("/")
    }

    /// What a name in the pattern stands for. As in Hexo, an unknown one is `undefined`.
    fn value(&self, name: &str, path: &str, page: &PatternValues<'_>, fields: &Fields) -> String {
        let of_name = self.of_name(path);
        let title = of_name["title"].as_ref();
        let base_name = title.rsplit('/').next().unwrap_or_default();
        if let Some(part) = part_of_date(name, page.date) {
            return part;
        }
        match name {
            "title" | "slug" => return title.to_owned(),
            "name" => return base_name.to_owned(),
            "post_title" => return slug(page.title, Case::Lower),
            "category" => return self.category(fields),
            "abbrlink" if fields.get(name).is_none_or(|link| printed(link).is_none()) => {
                return abbrlink::of(page.title, &self.settings);
            }
            "hash" => return hash(title, page.date.timestamp()),
            _ => {}
        }
        let defaults = self.settings.get("permalink_defaults");
        let value = of_name.get(name).map(|value| value.clone().into_owned());
        // `lang` has been renamed.
        let field = if name == "lang" { "language".to_owned() } else { name.to_lowercase() };
        let in_file = fields
            .get(&field)
            .map(|value| printed(value).unwrap_or_else(|| value.as_str().unwrap_or("null").to_owned()));
        let value = value.or(in_file);
        let value = value.or_else(|| defaults.and_then(|defaults| defaults.get(name)).and_then(printed));
        value.or_else(|| of_hugo(name, path)).unwrap_or_else(|| "undefined".to_owned())
    }

    fn is_encrypted(&self, fields: &Fields) -> bool {
        let has_password = fields.get("password").and_then(printed).is_some_and(|password| !password.is_empty());
        let is_off = fields.get("encrypt") == Some(&Value::Bool(false));
        let is_on = fields
            .get("encrypt")
            .is_some_and(|value| matches!(value, Value::Bool(true)) || value.as_str() == Some("true"));
        let of_tags = self.settings.get("encrypt").and_then(|encrypt| encrypt.get("tags")).and_then(Value::as_array);
        let is_tagged =
            |tag: &Value| of_tags.into_iter().flatten().any(|of| of.get("name").is_some_and(|name| name == tag));
        let tags = fields.get("tags").map(|tags| tags.as_array().map_or(std::slice::from_ref(tags), Vec::as_slice));
        let explicit = fields.get("password").is_some();
        has_password && !is_off || is_on || !explicit && tags.into_iter().flatten().any(is_tagged)
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(text: &str) -> Result<Settings, String> {
    let value: serde_yaml::Value = serde_yaml::from_str(&tabs_as_blanks(text)).map_err(|error| error.to_string())?;
    match json_of_yaml(value) {
        Value::Object(settings) => Ok(settings),
        Value::Null => Ok(Settings::new()),
        _ => Err("it is not a mapping".to_owned()),
    }
}

/// YAML as JSON; keys become texts.
fn json_of_yaml(value: serde_yaml::Value) -> Value {
    match value {
        serde_yaml::Value::Sequence(items) => items.into_iter().map(json_of_yaml).collect(),
        serde_yaml::Value::Mapping(entries) => {
            let key = |key| printed(&json_of_yaml(key)).unwrap_or_default();
            Value::Object(entries.into_iter().map(|(name, value)| (key(name), json_of_yaml(value))).collect())
        }
        serde_yaml::Value::Tagged(tagged) => json_of_yaml(tagged.value),
        scalar => serde_json::to_value(scalar).unwrap_or_default(),
    }
}

fn text<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// A text, number, truth value or list as it appears in an address.
fn printed(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().filter_map(printed).collect::<Vec<_>>().join(",")),
        other => Some(other.to_string()),
    }
}

fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" | "." => Some(path),
        _ => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

fn without_ending(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    path[name..].rfind('.').filter(|dot| *dot > 0).map_or(path, |dot| &path[..name + dot])
}

/// The first twelve digits of the hash of the slug and the second of publication.
fn hash(slug: &str, seconds: i64) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{slug}{seconds}").as_bytes());
    hex(hash)[..12].to_owned()
}

/// Tokens of the project file that Hexo calls otherwise.
fn of_hugo(name: &str, path: &str) -> Option<String> {
    let (folder, base_name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "sections" => Some(folder.to_owned()),
        "section" => Some(folder.split('/').next().unwrap_or_default().to_owned()),
        "contentbasename" | "slugorcontentbasename" | "filename" | "slugorfilename" => Some(base_name.to_owned()),
        _ => None,
    }
}

impl Format for Hexo {
    fn generator(&self) -> Generator {
        Generator::Hexo
    }

    fn defaults(&self) -> Defaults {
        let own = |name: &str| text(&self.settings, name).map(str::to_owned);
        let language = match self.settings.get("language") {
            Some(Value::Array(languages)) => languages.first().and_then(Value::as_str),
            language => language.and_then(Value::as_str),
        };
        let language = language.map(|language| language.replace('_', "-")).filter(|tag| is_language_tag(tag));
        let source = self.source();
        Defaults {
            title: own("title"),
            description: own("description").or(own("subtitle")),
            base_url: own("url"),
            language: language.filter(|language| language != "default"),
            languages: Vec::new(),
            timezone: own("timezone"),
            author: own("author"),
            content: vec![format!("{source}/_posts")],
            static_folders: vec![source.to_owned()],
        }
    }

    fn endings(&self) -> &'static [&'static str] {
        &["mkd", "mkdn", "mdwn", "mdtxt", "mdtext"]
    }

    fn has_patterns(&self) -> bool {
        true
    }

    /// Hexo's renderers keep line breaks and set typographic quotes unless told otherwise.
    fn dialect(&self, default: Dialect) -> Dialect {
        let is_on = |keys: &[&str]| {
            let value = keys[1..].iter().try_fold(self.settings.get(keys[0])?, |value, key| value.get(*key));
            value.and_then(Value::as_bool)
        };
        let hard_wraps = is_on(&["marked", "breaks"]).or(is_on(&["markdown", "render", "breaks"]));
        let typographer = is_on(&["marked", "smartypants"]).or(is_on(&["markdown", "render", "typographer"]));
        Dialect { hard_wraps: hard_wraps.unwrap_or(true), typographer: typographer.unwrap_or(true), ..default }
    }

    fn asset_folder(&self, path: &str) -> Option<String> {
        Some(without_ending(path).to_owned())
    }

    fn include_folders(&self) -> &'static [&'static str] {
        &["source/downloads/code"]
    }

    fn is_post(&self, path: &str) -> bool {
        let Some(below_source) = below(path, self.source()) else { return true };
        let Some(below) = below_source.strip_prefix("_posts/").or(below_source.strip_prefix("_drafts/")) else {
            return false;
        };
        let is_hidden = below.split('/').any(|part| part.starts_with(['_', '.'])) || below.ends_with(['%', '~']);
        let is_skipped = |pattern: &str| Glob::new(pattern).matches(below_source);
        let skipped = match self.settings.get("skip_render") {
            Some(Value::Array(patterns)) => patterns.iter().filter_map(Value::as_str).any(is_skipped),
            Some(Value::String(pattern)) => is_skipped(pattern),
            _ => false,
        };
        let ending = |path: &str| path[without_ending(path).len()..].to_owned();
        let own = text(&self.settings, "new_post_name").map_or(".md".to_owned(), ending);
        !is_hidden && !skipped && (!self.has_asset_folders() || ending(below) == own)
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        let Some(path) = self.below_posts(file.path) else { return };
        let of_name = self.of_name(path);
        for name in ["date", "updated"] {
            if let Some(date) = fields.get(name).and_then(Value::as_str).and_then(local_date) {
                fields.set(name, date);
            }
        }
        let part = |name: &str| of_name.get(name).map(|value| value.as_ref());
        let (month, day) = (part("month").or(part("i_month")), part("day").or(part("i_day")));
        if let (Some(year), Some(month), Some(day)) = (part("year"), month, day)
            && fields.get("date").is_none_or(Value::is_null)
        {
            fields.set("date", format!("{year}-{month:0>2}-{day:0>2}"));
        }
        if fields.get("title").is_none_or(|title| title.is_null() || title.as_str() == Some("")) {
            fields.set("title", of_name["title"].rsplit('/').next().unwrap_or_default());
        }
        let shows_drafts = self.settings.get("render_drafts") == Some(&Value::Bool(true));
        let is_draft = below(file.path, self.source()).is_some_and(|path| path.starts_with("_drafts/"));
        let is_encrypted = self.is_encrypted(fields);
        if is_encrypted {
            fields.set(ENCRYPTED, true);
        }
        if is_draft && !shows_drafts || is_encrypted {
            fields.set("draft", true);
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        let path = self.below_posts(file.path)?;
        let own = fields.get("permalink").and_then(printed);
        let mut address =
            own.unwrap_or_else(|| permalink::filled(&self.permalink, |name| self.value(name, path, page, fields)));
        if self.has_asset_folders() && !address.ends_with('/') && !address.ends_with(".html") {
            address.push('/');
        }
        let pretty =
            |name: &str| self.settings.get("pretty_urls").and_then(|urls| urls.get(name)) != Some(&Value::Bool(false));
        if let Some(folder) = address.strip_suffix("index.html") {
            if !pretty("trailing_index") {
                address = folder.to_owned();
            }
        } else if !pretty("trailing_html") {
            address = address.strip_suffix(".html").unwrap_or(&address).to_owned();
        }
        Some(format!("/{}", address.trim_start_matches('/')))
    }

    fn markdown<'m>(&self, body: &'m str, of: &Body<'_>) -> Translated<'m> {
        if of.issue.params.as_ref().is_some_and(|params| params.get(ENCRYPTED) == Some(&Value::Bool(true))) {
            let lost = Lost { range: 0..body.len(), what: "the text, which Hexo encrypts,".to_owned() };
            return Translated { markdown: "\n".repeat(body.matches('\n').count()).into(), lost: vec![lost] };
        }
        let has_asset_folders = self.has_asset_folders() || self.settings.is_empty();
        tags::translated(body, of, self.source(), has_asset_folders)
    }
}

#[cfg(test)]
mod tests;

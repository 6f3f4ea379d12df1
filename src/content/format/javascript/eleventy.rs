//! Eleventy: the Markdown pages of its input folder.
//!
//! Takes its settings; returns what it determines about posts. A page without a date has none, though Eleventy takes the time
//! at which the file was written, which git does not keep. Layouts and other data are not read: a permalink that needs
//! them is that of the file.

use serde_json::Value;

use crate::content::format::javascript::slug::{of_eleventy, of_github};
use crate::content::format::javascript::{
    base_url, correct_date, date_at, is, is_empty, path_of, template, text_at, title_of_heading, unlist, without_ending,
};
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::Fields;
use crate::content::path::file_name;
use crate::content::permalink::PatternValues;

/// The format.
#[derive(Debug)]
pub struct Eleventy {
    defaults: Defaults,
    /// The folder of its pages, without slashes around it.
    input: String,
    /// Folders that contain no pages.
    others: Vec<String>,
    /// `markdownTemplateEngine: false`: Markdown contains no templates.
    has_templates: bool,
}

impl Eleventy {
    /// The format of a site with these settings.
    pub fn new(settings: &Settings) -> Self {
        let folder = |name: &str, default: &str| {
            let written = text_at(settings, &["dir", name]).unwrap_or_else(|| default.to_owned());
            written.trim_start_matches("./").trim_matches('/').trim_matches('.').to_owned()
        };
        let input = folder("input", "");
        let inside = |name: String| if input.is_empty() { name } else { format!("{input}/{name}") };
        let others = ["includes", "data", "layouts"].iter().zip(["_includes", "_data", "_layouts"]);
        let mut others: Vec<String> = others.map(|(name, default)| inside(folder(name, default))).collect();
        others.push(folder("output", "_site"));
        let defaults = Defaults {
            base_url: base_url(text_at(settings, &["url"]), text_at(settings, &["pathPrefix"])),
            timezone: Some("UTC".to_owned()),
            content: vec![input.clone()],
            ..Defaults::default()
        };
        let has_templates = settings.get("markdownTemplateEngine") != Some(&Value::Bool(false));
        Self { defaults, input, others, has_templates }
    }

    fn below_input<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.input.as_str()).unwrap_or(path).trim_start_matches('/')
    }

    /// `page.filePathStem`: the path of a file without its ending, and its name without a date.
    fn stem(&self, path: &str) -> String {
        let path = without_ending(self.below_input(path));
        let folder = &path[..path.len() - file_name(path).len()];
        format!("/{folder}{}", without_date(file_name(path)))
    }

    /// The path that a permalink yields, if everything in it is known.
    fn expanded(
        &self,
        permalink: &str,
        file: &PostFile<'_>,
        page: &PatternValues<'_>,
        fields: &Fields,
    ) -> Option<String> {
        let mut path = String::new();
        let mut rest = permalink;
        while let Some((before, inside)) = rest.split_once("{{") {
            let (expression, after) = inside.split_once("}}")?;
            path.push_str(before);
            path.push_str(&self.value(expression.trim_matches(['-', ' ']), file, page, fields)?);
            rest = after;
        }
        path.push_str(rest);
        (!path.contains("{%") && !path.contains("${")).then_some(path)
    }

    /// `name | filter | filter: "argument"`
    fn value(
        &self,
        expression: &str,
        file: &PostFile<'_>,
        page: &PatternValues<'_>,
        fields: &Fields,
    ) -> Option<String> {
        let mut parts = expression.split('|').map(str::trim);
        let name = parts.next()?;
        let is_date = matches!(name, "page.date" | "date");
        let mut value = match name {
            "page.fileSlug" => file_slug(self.below_input(file.path)).to_owned(),
            "page.filePathStem" => self.stem(file.path),
            "title" => page.title.to_owned(),
            "slug" => page.slug?.to_owned(),
            "page.outputFileExtension" => "html".to_owned(),
            _ if is_date => page.date.to_rfc3339(),
            name => match fields.get(&name.to_lowercase())? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            },
        };
        for filter in parts {
            let (filter, argument) = filter.split_once([':', '(']).unwrap_or((filter, ""));
            let argument = argument.trim_matches([' ', ')', '"', '\'']);
            value = match filter.trim() {
                "slug" | "slugify" => of_eleventy(&value),
                "url" | "safe" | "string" | "trim" => value,
                "lower" | "downcase" => value.to_lowercase(),
                "date" if is_date && argument.contains('%') => formatted(page, argument)?,
                _ if is_date && argument.contains("yyyy") => formatted(page, &of_luxon(argument))?,
                "githubSlug" | "githubSlugify" => of_github(&value),
                _ => return None,
            };
        }
        Some(value)
    }
}

/// A date in UTC in a format of `strftime`.
fn formatted(page: &PatternValues<'_>, format: &str) -> Option<String> {
    use std::fmt::Write;
    let mut out = String::new();
    write!(out, "{}", page.date.to_utc().format(format)).ok()?;
    Some(out)
}

/// A format of Luxon for numbers, as one of `strftime`.
fn of_luxon(format: &str) -> String {
    [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("LL", "%m")]
        .iter()
        .fold(format.to_owned(), |format, (from, to)| format.replace(from, to))
}

/// A name without a date before it.
fn without_date(name: &str) -> &str {
    match date_at(name) {
        Some((_, 10)) if name.as_bytes()[4] == b'-' => name[10..].strip_prefix('-').unwrap_or(name),
        _ => name,
    }
}

/// `page.fileSlug`: the name of a file, or for the page of a folder that of the folder.
fn file_slug(path: &str) -> &str {
    let name = without_ending(path);
    match name.rsplit_once('/') {
        Some((folder, "index")) => without_date(file_name(folder)),
        _ if name == "index" => "",
        _ => without_date(file_name(name)),
    }
}

impl Format for Eleventy {
    fn generator(&self) -> Generator {
        Generator::Eleventy
    }

    fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    fn is_post(&self, path: &str) -> bool {
        let is_in = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        !self.others.iter().any(is_in) && !path.split('/').any(|part| part == "node_modules" || part.starts_with('.'))
    }

    fn folder_fields(&self, folder: &str) -> Vec<String> {
        let ends = [".11tydata.js", ".11tydata.cjs", ".11tydata.mjs", ".11tydata.json", ".json"];
        ends.map(|end| format!("{folder}/{}{end}", file_name(folder))).into()
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        correct_date(fields);
        title_of_heading(file.beginning, fields);
        for key in ["title", "key"] {
            fields.rename(&["eleventynavigation", key], "title");
        }
        let written = fields.get("date").and_then(Value::as_str).map(str::to_lowercase);
        if matches!(written.as_deref(), Some("created" | "last modified" | "git created" | "git last modified")) {
            fields.take("date");
        }
        if is_empty(fields, "date") {
            let dates =
                file.path.match_indices(|c: char| c.is_ascii_digit()).filter_map(|(at, _)| date_at(&file.path[at..]));
            if let Some((date, _)) =
                dates.filter(|(_, length)| *length == 10).find(|(date, _)| file.path.contains(date.as_str()))
            {
                fields.set("date", date);
            }
        }
        if fields.get("permalink") == Some(&Value::Bool(false)) {
            fields.inherit("draft", &Value::Bool(true));
        }
        if is(fields, "eleventyexcludefromcollections", true) {
            unlist(fields);
        }
        if let Some(Value::Array(tags)) = fields.get("tags") {
            let is_topic = |tag: &&Value| !matches!(tag.as_str(), Some("all" | "nav" | "post" | "posts"));
            fields.set("tags", tags.iter().filter(is_topic).cloned().collect::<Vec<_>>());
        } else if matches!(fields.get("tags").and_then(Value::as_str), Some("all" | "nav" | "post" | "posts")) {
            fields.take("tags");
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        let written =
            fields.get("permalink").and_then(|permalink| permalink.get("build").unwrap_or(permalink).as_str());
        if let Some(path) = written.and_then(|permalink| self.expanded(permalink, file, page, fields)) {
            let path = path_of(&[&path]);
            return Some(path.strip_suffix("index.html").map(str::to_owned).unwrap_or(path));
        }
        let name = without_ending(self.below_input(file.path));
        Some(match name.rsplit_once('/') {
            Some((folder, page)) if page == "index" || page == file_name(folder) => path_of(&[folder, ""]),
            None if name == "index" => "/".to_owned(),
            _ => path_of(&[name, ""]),
        })
    }

    fn markdown<'m>(&self, body: &'m str, _of: &Body<'_>) -> Translated<'m> {
        if self.has_templates { template::eleventy(body) } else { Translated::unchanged(body) }
    }
}

//! VuePress, versions 1 and 2, with its themes for blogs.
//!
//! Takes its settings; returns what it determines about posts.

use chrono::{Datelike, Timelike};
use serde_json::Value;

use crate::content::format::javascript::slug::of_vuepress;
use crate::content::format::javascript::{
    base_url, correct_date, date_at, date_of_name, is, is_empty, path_of, template, text_at, title_of_heading,
    title_of_name, unlist, without_ending,
};
use crate::content::format::{Body, Defaults, Format, Generator, PostFile, Settings, Translated};
use crate::content::front_matter::Fields;
use crate::content::path::file_name;
use crate::content::permalink::PatternValues;

/// The format.
#[derive(Debug)]
pub struct VuePress {
    defaults: Defaults,
    /// The pattern of all pages.
    permalink: Option<String>,
    /// The patterns of the pages in folders.
    folders: Vec<(String, String)>,
}

impl VuePress {
    /// The format of a site with these settings.
    pub fn new(settings: &Settings) -> Self {
        let text = |keys: &[&str]| text_at(settings, keys);
        let locale = |name: &str| text(&["locales", "/", name]);
        let hosts = [&["theme", "hostname"][..], &["themeConfig", "hostname"], &["themeConfig", "domain"]];
        let host = hosts.iter().find_map(|keys| text(keys));
        let plugins = settings.get("plugins").and_then(Value::as_array);
        let host_of = |plugin: &Value| Some(plugin.get("hostname")?.as_str()?.to_owned());
        let host_of_plugins =
            || plugins?.iter().find_map(|plugin| host_of(plugin).or_else(|| plugin.get(1).and_then(host_of)));
        let defaults = Defaults {
            title: text(&["title"]).or_else(|| locale("title")),
            description: text(&["description"]).or_else(|| locale("description")),
            base_url: base_url(host.or_else(host_of_plugins).map(with_scheme), text(&["base"])),
            language: text(&["lang"]).or_else(|| locale("lang")),
            timezone: Some("UTC".to_owned()),
            author: text(&["themeConfig", "author"]).or_else(|| text(&["theme", "author", "name"])),
            content: vec![String::new()],
            static_folders: vec![".vuepress/public".to_owned()],
            ..Defaults::default()
        };
        let permalink = text(&["permalink"]).or_else(|| text(&["themeConfig", "permalink"]));
        Self { defaults, permalink, folders: folders_of_blog(settings) }
    }

    /// The pattern of a page, if it has one.
    fn pattern<'s>(&'s self, file: &PostFile<'_>, fields: &'s Fields) -> Option<&'s str> {
        let written = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let of_folder = || {
            self.folders
                .iter()
                .find(|(folder, _)| file.path.split('/').next() == Some(folder))
                .map(|(_, pattern)| pattern.as_str())
        };
        let own = written("permalink").or_else(|| written("permalinkpattern"));
        own.or_else(of_folder).or(self.permalink.as_deref())
    }
}

/// A host as an address.
fn with_scheme(host: String) -> String {
    if host.contains("://") { host } else { format!("https://{host}") }
}

/// The folders of the official blog theme and plugin, with the patterns of their pages.
fn folders_of_blog(settings: &Settings) -> Vec<(String, String)> {
    const DEFAULT: &str = "/:year/:month/:day/:slug";
    let is_blog = |name: &str| matches!(name, "@vuepress/blog" | "@vuepress/theme-blog" | "@vuepress/plugin-blog");
    let theme = text_at(settings, &["theme"]).filter(|name| is_blog(name));
    let plugins = settings.get("plugins").and_then(Value::as_array).into_iter().flatten();
    let plugin = plugins
        .filter(|plugin| plugin.get(0).and_then(Value::as_str).is_some_and(is_blog))
        .find_map(|plugin| plugin.get(1));
    let options = plugin.or_else(|| settings.get("themeConfig")).filter(|_| theme.is_some() || plugin.is_some());
    let written = options.and_then(|options| options.get("directories")).and_then(Value::as_array);
    let folder = |directory: &Value| {
        let text = |name: &str| directory.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("dirname")?, text("itemPermalink").unwrap_or_else(|| DEFAULT.to_owned())))
    };
    match written {
        Some(directories) => directories.iter().filter_map(folder).collect(),
        None if theme.is_some() => vec![("_posts".to_owned(), DEFAULT.to_owned())],
        None => Vec::new(),
    }
}

/// The path of a page by its file: `README.md` and `index.md` are the pages of their folders.
fn regular(path: &str) -> String {
    let name = without_ending(path);
    let is_page_of_folder = matches!(file_name(name).to_lowercase().as_str(), "readme" | "index");
    match is_page_of_folder {
        true => path_of(&[&name[..name.len() - file_name(name).len()], ""]),
        false => path_of(&[&format!("{name}.html")]),
    }
}

/// The path that a pattern yields.
fn expanded(pattern: &str, file: &PostFile<'_>, page: &PatternValues<'_>) -> String {
    let date = page.date;
    let regular = regular(file.path);
    let values = [
        (":year", format!("{:04}", date.year())),
        (":month", format!("{:02}", date.month())),
        (":i_month", date.month().to_string()),
        (":day", format!("{:02}", date.day())),
        (":i_day", date.day().to_string()),
        (":minutes", format!("{:02}", date.minute())),
        (":seconds", format!("{:02}", date.second())),
        (":slug", of_vuepress(name_without_date(file.path))),
        (":regular", regular.trim_start_matches('/').to_owned()),
        (":raw", regular.trim_start_matches('/').to_owned()),
    ];
    values.iter().fold(pattern.to_owned(), |path, (token, value)| path.replace(token, value))
}

/// The name of a file, or for the page of a folder that of the folder, without a date before it.
fn name_without_date(path: &str) -> &str {
    let name = without_ending(path);
    let name = match name.rsplit_once('/') {
        Some((folder, "README" | "readme" | "index")) => file_name(folder),
        _ => file_name(name),
    };
    date_at(name).and_then(|(_, length)| name[length..].strip_prefix('-')).unwrap_or(name)
}

impl Format for VuePress {
    fn generator(&self) -> Generator {
        Generator::VuePress
    }

    fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    fn is_post(&self, path: &str) -> bool {
        !path.split('/').any(|part| part.starts_with('.') || part == "node_modules")
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        correct_date(fields);
        title_of_heading(file.beginning, fields);
        title_of_name(file.path, fields);
        date_of_name(file, fields);
        let name = file_name(without_ending(file.path));
        let is_page_of_folder = matches!(name.to_lowercase().as_str(), "readme" | "index");
        if is(fields, "publish", false) || is(fields, "home", true) || is_page_of_folder && is_empty(fields, "date") {
            fields.inherit("draft", &Value::Bool(true));
        }
        if is(fields, "article", false) {
            unlist(fields);
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        Some(match self.pattern(file, fields) {
            Some(pattern) if pattern.contains(':') => {
                let path = expanded(pattern, file, page);
                if path.ends_with(".html") { path_of(&[&path]) } else { path_of(&[&path, ""]) }
            }
            Some(permalink) => path_of(&[permalink]),
            None => regular(file.path),
        })
    }

    fn markdown<'m>(&self, body: &'m str, _of: &Body<'_>) -> Translated<'m> {
        template::vue(body)
    }
}

//! Docusaurus: the posts of its blogs.
//!
//! Takes its settings; returns what it determines about posts. A date without a time zone is in UTC.

use serde_json::Value;

use crate::content::format::javascript::{
    base_url, correct_date, date_at, is, is_empty, path_of, text_at, title_of_heading, unlist, without_ending,
};
use crate::content::format::{Defaults, Format, Generator, PostFile, Settings};
use crate::content::front_matter::Fields;
use crate::content::permalink::PatternValues;

/// The format.
#[derive(Debug)]
pub struct Docusaurus {
    defaults: Defaults,
    blogs: Vec<Blog>,
    /// `trailingSlash`
    trailing_slash: Option<bool>,
    /// Whether `.md` is Markdown, not MDX.
    has_markdown: bool,
}

/// A blog of a site, which may have several.
#[derive(Debug)]
struct Blog {
    /// The folder of its posts, without slashes around it.
    folder: String,
    /// The path that its pages are below.
    route: String,
}

impl Blog {
    fn new(options: Option<&Value>) -> Self {
        let option = |name: &str| options.and_then(|options| options.get(name)).and_then(Value::as_str);
        let folder = option("path").unwrap_or("blog");
        let folder = folder.trim_start_matches("./").trim_matches('/').to_owned();
        Self { folder, route: option("routeBasePath").unwrap_or("blog").to_owned() }
    }
}

impl Docusaurus {
    /// The format of a site with these settings.
    pub fn new(settings: &Settings) -> Self {
        let blogs = blogs(settings);
        let image = || text_at(settings, &["i18n", "defaultLocale"]);
        let defaults = Defaults {
            title: text_at(settings, &["title"]),
            description: text_at(settings, &["tagline"]),
            base_url: base_url(text_at(settings, &["url"]), text_at(settings, &["baseUrl"])),
            language: image(),
            timezone: Some("UTC".to_owned()),
            content: blogs.iter().map(|blog| blog.folder.clone()).collect(),
            static_folders: static_folders(settings),
            ..Defaults::default()
        };
        let trailing_slash = settings.get("trailingSlash").and_then(Value::as_bool);
        let has_markdown = text_at(settings, &["markdown", "format"]).is_some_and(|format| format != "mdx");
        Self { defaults, blogs, trailing_slash, has_markdown }
    }

    /// The blog that contains a file, and the path of the file in it.
    fn blog_of<'p>(&self, file: &PostFile<'p>) -> (&str, &'p str) {
        let below = |blog: &Blog| file.path.strip_prefix(blog.folder.as_str())?.strip_prefix('/');
        let blogs = self.blogs.iter().filter_map(|blog| Some((blog.route.as_str(), below(blog)?)));
        let nearest = blogs.min_by_key(|(_, below)| below.len());
        nearest.unwrap_or((self.blogs.first().map_or("blog", |blog| blog.route.as_str()), file.below_content))
    }
}

/// The blogs of the presets and plugins; without any, that of the default.
fn blogs(settings: &Settings) -> Vec<Blog> {
    let items = |name: &str| settings.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut blogs = Vec::new();
    for preset in items("presets") {
        let options = preset.get(1).and_then(|options| options.get("blog"));
        if options.is_none_or(|options| *options != Value::Bool(false)) {
            blogs.push(Blog::new(options));
        }
    }
    for plugin in items("plugins") {
        let name = plugin.get(0).or(Some(plugin)).and_then(Value::as_str).unwrap_or_default();
        if name.contains("content-blog") {
            blogs.push(Blog::new(plugin.get(1)));
        }
    }
    if blogs.is_empty() { vec![Blog::new(None)] } else { blogs }
}

fn static_folders(settings: &Settings) -> Vec<String> {
    match settings.get("staticDirectories").and_then(Value::as_array) {
        Some(folders) => {
            folders.iter().filter_map(|folder| Some(folder.as_str()?.trim_matches('/').to_owned())).collect()
        }
        None => vec!["static".to_owned()],
    }
}

/// What the path of a post in its blog says: the last date in it, and the path of its page.
fn date_and_path(path: &str) -> (Option<String>, String) {
    let path = without_ending(path);
    let path = path.strip_suffix("/index").unwrap_or(path);
    let starts = path.char_indices().map(|(at, _)| at).rev();
    let found = starts.filter(|at| path.as_bytes()[*at].is_ascii_digit()).find_map(|at| {
        let (date, length) = date_at(&path[at..])?;
        Some((at, date, length))
    });
    let Some((at, date, length)) = found else { return (None, path.to_owned()) };
    let text = path[at + length..].strip_prefix(['-', '/']).unwrap_or(&path[at + length..]);
    (Some(date), format!("{}/{}{text}", path[at..at + length].replace('-', "/"), &path[..at]))
}

impl Format for Docusaurus {
    fn generator(&self) -> Generator {
        Generator::Docusaurus
    }

    fn defaults(&self) -> Defaults {
        self.defaults.clone()
    }

    fn endings(&self) -> &'static [&'static str] {
        &["mdx"]
    }

    fn is_mdx(&self, path: &str) -> bool {
        !self.has_markdown || path.ends_with(".mdx")
    }

    fn is_post(&self, path: &str) -> bool {
        !path.split('/').any(|part| part.starts_with('_') || part == "__tests__")
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        correct_date(fields);
        let (_, path) = self.blog_of(file);
        let (date, page) = date_and_path(path);
        if let Some(date) = date.filter(|_| is_empty(fields, "date")) {
            fields.set("date", date);
        }
        title_of_heading(file.beginning, fields);
        if is_empty(fields, "title") {
            fields.set("title", page.rsplit('/').next().unwrap_or_default());
        }
        if is(fields, "unlisted", true) {
            unlist(fields);
        }
        for (written, name) in [("author_url", "authorlink"), ("authorurl", "authorlink")] {
            fields.rename(&[written], name);
        }
        if let Some(Value::Array(tags)) = fields.get("tags") {
            let tags = tags.iter().map(|tag| tag.get("label").unwrap_or(tag).clone());
            fields.set("tags", tags.collect::<Vec<_>>());
        }
    }

    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, _fields: &Fields) -> Option<String> {
        let (route, path) = self.blog_of(file);
        let slug = page.slug.map_or_else(|| date_and_path(path).1, str::to_owned);
        let path = path_of(&[route, &slug]);
        Some(match self.trailing_slash {
            None => path,
            Some(true) => path_of(&[&path, ""]),
            Some(false) => path_of(&[path.trim_end_matches('/')]),
        })
    }
}

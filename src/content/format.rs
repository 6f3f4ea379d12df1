//! Formats: what the generator of a site determines where generators disagree.
//!
//! `Format` is the contract, with a module for each generator; by default everything is as Hugo has it. Takes the files and
//! fields of posts and the settings of the generator; returns fields in Hugo's terms, addresses, and Markdown. What is
//! unambiguous is read the same way in every format, by `field_names` and `body`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};
use url::Url;

use crate::content::front_matter::Fields;
use crate::content::markdown::Dialect;
use crate::content::permalink::PatternValues;
use crate::issue::Issue;

pub mod body;
pub mod code;
pub mod generators;
pub mod hexo;
pub mod javascript;
pub mod jekyll;
pub mod pelican;
pub mod plain;
pub mod rewriting;
pub mod zola;

/// The generators whose sites are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generator {
    /// Hugo.
    Hugo,
    /// Jekyll, also on GitHub Pages.
    Jekyll,
    /// Hexo.
    Hexo,
    /// Zola.
    Zola,
    /// Pelican.
    Pelican,
    /// Docusaurus.
    Docusaurus,
    /// VuePress.
    VuePress,
    /// VitePress.
    VitePress,
    /// Astro.
    Astro,
    /// Eleventy.
    Eleventy,
    /// None: files without front matter, in git. Never assumed.
    Plain,
}

impl Generator {
    /// All of them, in the order in which messages name them.
    pub const ALL: [Self; 11] = [
        Self::Hugo,
        Self::Jekyll,
        Self::Hexo,
        Self::Zola,
        Self::Pelican,
        Self::Docusaurus,
        Self::VuePress,
        Self::VitePress,
        Self::Astro,
        Self::Eleventy,
        Self::Plain,
    ];

    /// Its name in the project file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hugo => "hugo",
            Self::Jekyll => "jekyll",
            Self::Hexo => "hexo",
            Self::Zola => "zola",
            Self::Pelican => "pelican",
            Self::Docusaurus => "docusaurus",
            Self::VuePress => "vuepress",
            Self::VitePress => "vitepress",
            Self::Astro => "astro",
            Self::Eleventy => "eleventy",
            Self::Plain => "plain",
        }
    }

    /// Its name as it writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hugo => "Hugo",
            Self::Jekyll => "Jekyll",
            Self::Hexo => "Hexo",
            Self::Zola => "Zola",
            Self::Pelican => "Pelican",
            Self::Docusaurus => "Docusaurus",
            Self::VuePress => "VuePress",
            Self::VitePress => "VitePress",
            Self::Astro => "Astro",
            Self::Eleventy => "Eleventy",
            Self::Plain => "plain Markdown",
        }
    }

    /// The generator with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|generator| generator.name() == name)
    }
}

/// The settings of a generator, as its configuration has them.
pub type Settings = Map<String, Value>;

/// A file of a site that may be a post.
#[derive(Debug, Clone, Copy)]
pub struct PostFile<'a> {
    /// Path below the folder of the site, which contains the configuration of its generator; separated by `/`.
    pub path: &'a str,
    /// Path below the content folder that the project file names.
    pub below_content: &'a str,
    /// The beginning of the text after the front matter: a few KiB, or all of it.
    pub beginning: &'a str,
    /// When it was committed first, if the format asked for it.
    pub created: Option<DateTime<FixedOffset>>,
}

/// What the configuration of a generator says in place of keys of the project file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    /// `title`
    pub title: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `base_url`
    pub base_url: Option<String>,
    /// `language`, as a tag.
    pub language: Option<String>,
    /// All languages of a site whose files are named by language, the main one first; empty if there is but one.
    pub languages: Vec<String>,
    /// `timezone`, as a name of the IANA database.
    pub timezone: Option<String>,
    /// `author`
    pub author: Option<String>,
    /// `content`, below the folder of the site.
    pub content: Vec<String>,
    /// `static`: folders whose files are published as they are, below the folder of the site.
    pub static_folders: Vec<String>,
}

/// What a body refers to.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// The address that everything is published below.
    pub base_url: &'a Url,
    /// The files below `Format::include_folders`, by path below the folder of the site.
    pub includes: &'a BTreeMap<String, String>,
    /// The address of the post that a link leads to by the path of its file; `None` if there is none.
    pub address: &'a dyn Fn(&str) -> Option<String>,
}

/// A body as Markdown that slugline reads, with a line for each line of the original.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated<'a> {
    /// The Markdown; may contain HTML.
    pub markdown: Cow<'a, str>,
    /// What readers do not see.
    pub lost: Vec<Lost>,
}

/// A part of a body that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its bytes in the original body.
    pub range: Range<usize>,
    /// What it is, such as "the tag `{% gist %}`".
    pub what: String,
}

impl<'a> Translated<'a> {
    /// A body that is Markdown as it is.
    pub fn unchanged(body: &'a str) -> Self {
        Self { markdown: Cow::Borrowed(body), lost: Vec::new() }
    }
}

/// What a generator determines. Whatever a method leaves alone is as Hugo has it.
pub trait Format: fmt::Debug + Send + Sync {
    /// The generator.
    fn generator(&self) -> Generator;

    /// What its configuration says in place of keys of the project file.
    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    /// The endings of posts besides those of Markdown, in lower case: `html`, `mdx`.
    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a file, given by its path below the folder of the site, is MDX, where braces contain expressions.
    fn is_mdx(&self, path: &str) -> bool {
        path.ends_with(".mdx")
    }

    /// The files of data whose fields the posts in and below a folder inherit, strongest first, all below the folder of the site.
    /// `generators::settings` reads them.
    fn folder_fields(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }

    /// Whether a file in a content folder, given by its path below the folder of the site, is a post if it has front matter.
    fn is_post(&self, _path: &str) -> bool {
        true
    }

    /// The same where the content folder is the whole site, which also contains pages.
    fn is_post_of_site(&self, path: &str) -> bool {
        self.is_post(path)
    }

    /// Whether an `index.md` owns the other files in and below its folder, so that no other Markdown file there is a post.
    fn has_bundles(&self) -> bool {
        false
    }

    /// Whether `permalink` of the project file is a pattern of the generator; otherwise it is one of Hugo.
    fn has_patterns(&self) -> bool {
        false
    }

    /// Whether files without front matter are posts.
    fn reads_bare_files(&self) -> bool {
        false
    }

    /// Whether a file without front matter is a post, if any is; given by its path below the folder of the site.
    fn is_bare_post(&self, _path: &str) -> bool {
        true
    }

    /// Whether front matter between `---` that is not valid YAML is a header of `Key: value` lines.
    fn reads_key_values(&self) -> bool {
        false
    }

    /// Whether a field may be repeated, and its last value counts.
    fn allows_repeated_fields(&self) -> bool {
        false
    }

    /// Whether `PostFile::created` is needed.
    fn needs_history(&self) -> bool {
        false
    }

    /// Adds and renames fields, so that they mean what they mean to Hugo: title and date of the name of the file, category of its
    /// folder, defaults of the configuration. `field_names` has renamed what is unambiguous already.
    fn complete(&self, _file: &PostFile<'_>, _fields: &mut Fields) {}

    /// The path of a page, percent-encoded or not, with a leading slash and below the base URL; `None` for that of Hugo. Also
    /// honours what the front matter says of it (`permalink`, `path`, `slug`).
    fn address(&self, _file: &PostFile<'_>, _page: &PatternValues<'_>, _fields: &Fields) -> Option<String> {
        None
    }

    /// The dialect of Markdown of its renderer, given that of slugline; the project file overrides it.
    fn dialect(&self, default: Dialect) -> Dialect {
        default
    }

    /// The folder whose files are published below the page of a file, whatever ending its address has, given the path of the file.
    fn asset_folder(&self, _path: &str) -> Option<String> {
        None
    }

    /// Whether the generator publishes a file outside the folders of content and of static files as it is; given by its path below the
    /// folder of the site.
    fn publishes(&self, _path: &str) -> bool {
        false
    }

    /// The folders of text files that bodies include, below the folder of the site.
    fn include_folders(&self) -> &'static [&'static str] {
        &[]
    }

    /// The body of a post as Markdown. Links to the files of other posts, `:::` boxes, imports and components are the work of
    /// `body` already.
    fn markdown<'m>(&self, body: &'m str, _of: &Body<'_>) -> Translated<'m> {
        Translated::unchanged(body)
    }
}

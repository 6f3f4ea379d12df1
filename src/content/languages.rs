//! Languages of a project: determines each file's language by folder or by name (`post.en.md`), like Hugo.
//!
//! Takes the folders of `content` and their languages; returns the publication in the language of a file. The main
//! language is at the root of the site, every other language in a folder named after it.

use std::borrow::Cow;
use std::path::PathBuf;

use url::Url;

use crate::content::path::with_slashes;
use crate::publication::Publication;

/// A language of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// Its name in file names, folders and addresses.
    pub name: String,
    /// Its tag (BCP 47).
    pub tag: String,
}

impl Language {
    /// A language whose name is its tag.
    pub fn of_tag(tag: &str) -> Self {
        Self { name: tag.to_owned(), tag: tag.to_owned() }
    }

    /// The language that a tag means: with that tag or name, else with its first part.
    pub fn find<'a>(languages: impl Iterator<Item = &'a Self> + Clone, tag: &str) -> Option<&'a Self> {
        let named = |wanted: &str| {
            let mut languages = languages.clone();
            languages.find(|it| [&it.tag, &it.name].iter().any(|own| own.eq_ignore_ascii_case(wanted)))
        };
        named(tag).or_else(|| named(tag.split('-').next()?))
    }
}

/// The languages of a project; only the main one unless `content` or its generator names several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Languages {
    /// Folder below the project folder, with slashes, and the name of its language.
    folders: Vec<(String, String)>,
    /// The name of the main language.
    own: String,
    /// The publication in every other language.
    others: Vec<Publication>,
}

impl Languages {
    /// Only one, with this name.
    pub fn of_one(own: &str) -> Self {
        Self { own: own.to_owned(), ..Self::default() }
    }

    /// The languages of these folders, of which `own` is the publication's.
    pub fn new(publication: &Publication, own: &str, folders: Vec<(PathBuf, Language)>) -> Self {
        let mut languages: Vec<&Language> = Vec::new();
        for (_, language) in &folders {
            if language.name != own && !languages.iter().any(|known| known.name == language.name) {
                languages.push(language);
            }
        }
        let other = |language: &&Language| {
            let site = language.name.to_lowercase();
            let home = home(publication, &site);
            Publication { language: language.tag.clone(), site: Some(site.into()), home, ..publication.clone() }
        };
        let others = languages.iter().map(other).collect();
        let folders = folders.into_iter().map(|(folder, language)| (with_slashes(&folder), language.name)).collect();
        Self { folders, own: own.to_owned(), others }
    }

    /// The name of the main language; empty if it has none.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// The publication in every language but the main one, by name.
    pub fn others(&self) -> &[Publication] {
        &self.others
    }

    /// The publication in the language of the file at `path`; `own` is the main one.
    pub fn of_file<'a>(&'a self, path: &str, own: &'a Publication) -> &'a Publication {
        let named = self.named_in(path).map(|(name, _)| name);
        let name = named.or_else(|| self.of_folder(path)).unwrap_or(&self.own);
        let is_in = |site: &str| site.eq_ignore_ascii_case(name);
        self.others.iter().find(|other| other.site.as_deref().is_some_and(is_in)).unwrap_or(own)
    }

    /// A path without the language in its file name: `post.md` for `post.en.md`.
    pub fn without_language<'a>(&self, path: &'a str) -> Cow<'a, str> {
        match self.named_in(path) {
            None => Cow::Borrowed(path),
            Some((_, ending)) => {
                let (before, after) = path.rsplit_once(ending).unwrap_or((path, ""));
                Cow::Owned(format!("{before}{after}"))
            }
        }
    }

    /// The language in the file name, and that part of the name.
    fn named_in<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a str, &'p str)> {
        if self.folders.is_empty() {
            return None;
        }
        let file = path.rsplit('/').next()?;
        let (stem, _) = file.rsplit_once('.')?;
        let at = stem.rfind('.').filter(|at| *at > 0)?;
        let (_, name) = self.folders.iter().find(|(_, name)| name.eq_ignore_ascii_case(&stem[at + 1..]))?;
        Some((name, &stem[at..]))
    }

    /// The language of the innermost folder; a folder of several languages belongs to the main one.
    fn of_folder(&self, path: &str) -> Option<&str> {
        let contains = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let around = self.folders.iter().filter(|(folder, _)| folder.is_empty() || contains(folder));
        let deepest = around.max_by_key(|(folder, name)| (folder.len(), *name == self.own));
        deepest.map(|(_, name)| name.as_str())
    }
}

/// The home page in another language: the same path below its folder. Without a web archive there is only one.
fn home(publication: &Publication, site: &str) -> Url {
    match publication.home.path().strip_prefix(publication.base_url.path()) {
        None | Some("") => publication.home.clone(),
        Some(folder) => {
            let mut home = publication.base_url.clone();
            home.set_path(&format!("{}{site}/{folder}", publication.base_url.path()));
            home
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn config(content: &str) -> Config {
        let text = format!("title: T\nbase_url: https://example.org\nlanguage: zh-CN\ncontent: {content}\n");
        Config::parse("slugline.yaml", &text).unwrap()
    }

    /// The language of a file, and its path without it.
    fn of_file(content: &str, path: &str) -> (String, String) {
        let config = config(content);
        let publication = config.languages.of_file(path, &config.publication);
        (publication.language.clone(), config.languages.without_language(path).into_owned())
    }

    #[test]
    fn folder_and_file_name_determine_the_language() {
        let folders = "{zh: content/zh, en: [content/en, news], zh-TW: content/zh/tw}";
        for (content, path, language, plain) in [
            (folders, "content/zh/a.md", "zh-CN", "content/zh/a.md"),
            (folders, "content/zh/tw/a.md", "zh-TW", "content/zh/tw/a.md"),
            (folders, "content/en/a.md", "en", "content/en/a.md"),
            (folders, "content/en/a.zh.md", "zh-CN", "content/en/a.md"),
            (folders, "news/a.v1.ZH-tw.md", "zh-TW", "news/a.v1.md"),
            (folders, "news/.en.md", "en", "news/.en.md"),
            (folders, "news.en/a", "zh-CN", "news.en/a"),
            ("{en: content, zh: content}", "content/a/index.md", "zh-CN", "content/a/index.md"),
            ("{en: ., zh: .}", "a.en.en/index.en.md", "en", "a.en.en/index.md"),
            ("content", "content/a.en.md", "zh-CN", "content/a.en.md"),
        ] {
            assert_eq!(of_file(content, path), (language.to_owned(), plain.to_owned()), "{path}");
        }
    }

    #[test]
    fn each_folder_is_read_once() {
        let config = config("{en: content, zh: [content, news]}");
        assert_eq!(config.content, ["content", "news"].map(std::path::PathBuf::from));
        let sites: Vec<_> =
            config.languages.others().iter().map(|other| (&*other.language, other.site.as_deref())).collect();
        assert_eq!(sites, [("en", Some("en"))]);
    }
}

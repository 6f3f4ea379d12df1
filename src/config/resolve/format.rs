//! `format`: the generator of the site, named or recognised by its files, and where the site is.
//!
//! Takes the project file and the files around it; returns the format, and what its configuration says in place of keys
//! that are not written.

use std::path::Path;

use serde_json::Value;

use crate::config::raw::{OneOrMany, RawConfig, RawContent, RawPermalink};
use crate::config::resolve::{Problems, Source};
use crate::config::{SiteFiles, SiteFormat};
use crate::content::format::generators::{GeneratorFormat, config_files, recognise, settings};
use crate::content::format::{Generator, Settings};
use crate::content::path::with_slashes;
use crate::content::permalink::Pattern;
use crate::finding::{Finding, Place};

/// The folder that contains the posts of a Jekyll or Hexo site.
const POSTS: &str = "_posts";

/// The content folder of other sites.
const CONTENT: &str = "content";

/// Returns the format of a project without a project file.
pub(in crate::config) fn of_site(files: &SiteFiles<'_>) -> SiteFormat {
    let source = Source { path: "", text: "" };
    let mut problems = Problems { source, findings: Vec::new(), warnings: Vec::new() };
    format(&RawConfig::default(), files, &mut problems)
}

/// Returns the format of the site.
pub(super) fn format(raw: &RawConfig, files: &SiteFiles<'_>, problems: &mut Problems<'_>) -> SiteFormat {
    let folders = site_folders(raw.content.as_ref());
    let named = raw.format.as_deref().map(str::trim).filter(|name| *name != "auto");
    let recognised = match named {
        Some(name) => generator_named(name, problems).map(|generator| named_in(generator, &folders, files)),
        None if files.hugo.is_present() => Some(Recognised::new(Generator::Hugo, "", files.hugo.file())),
        None => recognised(&folders, files).or_else(|| by_content_folder(raw.content.as_ref(), files)),
    };
    let Some(Recognised { generator, folder, by }) = recognised else { return SiteFormat::default() };
    let mut settings = match generator {
        Generator::Hugo => Settings::new(),
        _ => settings_in(generator, &folder, files, problems),
    };
    if let Some(zone) = &raw.timezone {
        // Generators make permalinks of dates in the zone of the site.
        settings.insert("timezone".to_owned(), Value::from(zone.as_str()));
    }
    let format = format_of(generator, settings, raw.permalink.as_ref(), problems);
    SiteFormat { format, by, folder }
}

struct Recognised {
    generator: Generator,
    /// Empty, or with a slash at its end.
    folder: String,
    by: Option<String>,
}

impl Recognised {
    fn new(generator: Generator, folder: &str, by: Option<&str>) -> Self {
        Self { generator, folder: folder.to_owned(), by: by.map(|file| format!("{folder}{file}")) }
    }
}

fn generator_named(name: &str, problems: &mut Problems<'_>) -> Option<Generator> {
    let generator = Generator::of_name(name);
    if generator.is_none() {
        let names: Vec<&str> = Generator::ALL.iter().map(|generator| generator.name()).collect();
        let nearest = crate::finding::nearest(name, names.iter().copied());
        let help = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("write `auto`, or one of {}", names.join(", ")),
        };
        problems.value(&["format"], format!("there is no format `{name}`"), &help);
    }
    generator
}

/// The folders that may contain the configuration of the generator, each empty or with a slash at its end: those of the content
/// and all around them, innermost first.
fn site_folders(content: Option<&RawContent>) -> Vec<String> {
    let mut folders = Vec::new();
    for content in content_folders(content) {
        let mut around = with_slashes(Path::new(&content));
        while !around.is_empty() {
            folders.push(format!("{around}/"));
            around.truncate(around.rfind('/').unwrap_or(0));
        }
    }
    folders.push(String::new());
    folders
}

/// Without `content`, those in which Jekyll and Hexo look.
fn content_folders(content: Option<&RawContent>) -> Vec<String> {
    let items = |folders: &OneOrMany| folders.items().into_iter().map(str::to_owned).collect::<Vec<_>>();
    match content {
        None => vec![String::new(), "source".to_owned()],
        Some(RawContent::Folders(folders)) => items(folders),
        Some(RawContent::Languages(languages)) => languages.values().flat_map(items).collect(),
    }
}

fn recognised(folders: &[String], files: &SiteFiles<'_>) -> Option<Recognised> {
    folders.iter().find_map(|folder| {
        let exists = |file: &str| (files.exists)(&format!("{folder}{file}"));
        let text = |file: &str| (files.text)(&format!("{folder}{file}")).unwrap_or_default();
        let (generator, by) = recognise(&exists, &text)?;
        Some(Recognised::new(generator, folder, Some(by)))
    })
}

/// The site of a generator that the project file names: where its configuration is, or else around the content.
fn named_in(generator: Generator, folders: &[String], files: &SiteFiles<'_>) -> Recognised {
    let has_config =
        |folder: &&String| config_files(generator).iter().any(|file| (files.exists)(&format!("{folder}{file}")));
    let of_posts = || folders.iter().find_map(|folder| site_of_posts(folder).map(|(_, site)| site));
    let folder = folders.iter().find(has_config).map(String::as_str).or_else(of_posts).unwrap_or_default();
    Recognised::new(generator, folder, None)
}

/// Jekyll and Hexo have the same name for the folder of posts; Hexo's is in `source`.
fn by_content_folder(content: Option<&RawContent>, files: &SiteFiles<'_>) -> Option<Recognised> {
    let mut folders = content_folders(content);
    if folders.is_empty() && !(files.exists)(CONTENT) {
        folders.push(String::new());
    }
    folders.iter().find_map(|folder| {
        let folder = with_slashes(Path::new(folder));
        let inside = if folder.is_empty() { POSTS.to_owned() } else { format!("{folder}/{POSTS}") };
        let posts = if (files.exists)(&inside) { inside } else { folder };
        let (generator, site) = site_of_posts(&posts)?;
        Some(Recognised { generator, folder: site.to_owned(), by: Some(posts.clone()) })
    })
}

/// The generator of a path that contains a folder of posts, and the folder of its site.
fn site_of_posts(path: &str) -> Option<(Generator, &str)> {
    let (at, _) = path.match_indices(POSTS).find(|(at, _)| {
        (*at == 0 || path[..*at].ends_with('/')) && matches!(path.as_bytes().get(at + POSTS.len()), None | Some(b'/'))
    })?;
    let before = &path[..at];
    Some(match before.strip_suffix("source/") {
        Some(site) if site.is_empty() || site.ends_with('/') => (Generator::Hexo, site),
        _ => (Generator::Jekyll, before),
    })
}

/// The settings of all configuration files that exist.
fn settings_in(generator: Generator, folder: &str, files: &SiteFiles<'_>, problems: &mut Problems<'_>) -> Settings {
    let mut all = Settings::new();
    for file in config_files(generator) {
        let path = format!("{folder}{file}");
        let Some(text) = (files.text)(&path) else { continue };
        match settings(generator, file, &text) {
            Ok(settings) => all.extend(settings),
            Err(why) => {
                let finding = Finding::warning("format-config", format!("it cannot be read, so it is ignored: {why}"));
                let help = "correct it, or set in the project file what it determines, such as `permalink`";
                problems.warnings.push(finding.help(help).at(Place::file(path)));
            }
        }
    }
    all
}

/// A pattern that only Hugo knows stays Hugo's: projects wrote those before other generators were known.
fn format_of(
    generator: Generator,
    settings: Settings,
    permalink: Option<&RawPermalink>,
    problems: &mut Problems<'_>,
) -> GeneratorFormat {
    let written = match permalink {
        Some(RawPermalink::Pattern(pattern)) => Some(pattern.as_str()),
        _ => None,
    };
    let format = GeneratorFormat::new(Some(generator), settings.clone(), written);
    let is_of_hugo = |format: &GeneratorFormat| permalink.is_some() && (written.is_none() || !format.has_patterns());
    let format = match (format, written) {
        (Ok(format), _) if is_of_hugo(&format) => Ok(format.with_addresses_of_hugo()),
        (Err(_), Some(written)) if Pattern::parse(written).is_ok() => {
            GeneratorFormat::new(Some(generator), settings, None).map(GeneratorFormat::with_addresses_of_hugo)
        }
        (format, _) => format,
    };
    let help = format!("use the tokens of {}", generator.title());
    problems.check(format, &["permalink"], "not a valid pattern", &help).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::hugo::Hugo;

    /// Generator, folder of the site, and what shows it, of a project with these files.
    fn recognised(project_file: &str, files: &[(&str, &str)]) -> (Option<&'static str>, String, Option<String>) {
        let below = |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let exists = |path: &str| files.iter().any(|(file, _)| *file == path || below(file, path));
        let text = |path: &str| files.iter().find(|(file, _)| *file == path).map(|(_, text)| (*text).to_owned());
        let mut hugo = Hugo::default();
        for (path, text) in files.iter().filter(|(path, _)| ["hugo.toml", "config.toml"].contains(path)) {
            hugo.add(path, text).unwrap();
        }
        let project_file = format!("title: T\nbase_url: https://tides.example.org\n{project_file}");
        let files = SiteFiles { hugo: &hugo, exists: &exists, text: &text };
        let SiteFormat { format, by, folder } =
            Config::parse_beside("slugline.yaml", &project_file, &files).unwrap().format;
        (format.known().map(Generator::name), folder, by)
    }

    #[test]
    fn the_files_of_a_generator_show_it() {
        for (files, name, by) in [
            (&[("hugo.toml", "title = 'T'")][..], "hugo", "hugo.toml"),
            (&[("config.toml", "baseURL = '/'")], "hugo", "config.toml"),
            (&[("config.toml", "base_url = 'https://tides.example.org'")], "zola", "config.toml"),
            (&[("zola.toml", "")], "zola", "zola.toml"),
            (&[("_config.yml", ""), ("_posts/a.md", "")], "jekyll", "_config.yml"),
            (&[("_config.yml", ""), ("source/_posts/a.md", "")], "hexo", "_config.yml"),
            (&[("_config.yml", ""), ("scaffolds/post.md", "")], "hexo", "_config.yml"),
            (&[("_posts/a.md", "")], "jekyll", "_posts"),
            (&[("source/_posts/a.md", "")], "hexo", "source/_posts"),
            (&[("pelicanconf.py", "")], "pelican", "pelicanconf.py"),
            (&[("docusaurus.config.ts", "")], "docusaurus", "docusaurus.config.ts"),
            (&[(".vuepress/config.js", "")], "vuepress", ".vuepress/config.js"),
            (&[(".vitepress/theme/index.ts", "")], "vitepress", ".vitepress"),
            (&[("astro.config.mjs", "")], "astro", "astro.config.mjs"),
            (&[(".eleventy.js", "")], "eleventy", ".eleventy.js"),
        ] {
            assert_eq!(recognised("", files), (Some(name), String::new(), Some(by.to_owned())), "{files:?}");
        }
        assert_eq!(
            recognised("", &[("config.toml", "title = 'T'"), ("content/a.md", "")]),
            (None, String::new(), None)
        );
    }

    #[test]
    fn the_site_may_be_in_a_folder() {
        let site = &[("package.json", ""), ("website/docusaurus.config.js", ""), ("website/blog/a.md", "")][..];
        let by = Some("website/docusaurus.config.js".to_owned());
        assert_eq!(recognised("content: website/blog\n", site), (Some("docusaurus"), "website/".to_owned(), by));
        assert_eq!(recognised("content: other/blog\n", site), (None, String::new(), None));
        for (content, generator, folder, by) in [
            ("docs/_posts", "jekyll", "docs/", "docs/_posts"),
            ("docs", "jekyll", "docs/", "docs/_posts"),
            ("blog/source/_posts/en", "hexo", "blog/", "blog/source/_posts/en"),
            ("my_posts", "", "", ""),
            ("resource/_posts", "jekyll", "resource/", "resource/_posts"),
        ] {
            let found = recognised(&format!("content: {content}\n"), &[("docs/_posts/a.md", "")]);
            let expected = match generator {
                "" => (None, String::new(), None),
                _ => (Some(generator), folder.to_owned(), Some(by.to_owned())),
            };
            assert_eq!(found, expected, "{content}");
        }
    }

    #[test]
    fn a_named_format_wins_over_files() {
        let files = &[("hugo.toml", "title = 'T'"), ("site/_config.yml", "")][..];
        let found = recognised("format: jekyll\ncontent: site/_posts\n", files);
        assert_eq!(found, (Some("jekyll"), "site/".to_owned(), None));
        assert_eq!(recognised("format: plain\ncontent: docs\n", files), (Some("plain"), String::new(), None));
        assert_eq!(recognised("format: auto\n", files).0, Some("hugo"));
    }
}

//! The generators: by which files each is recognised, and how its settings are read.
//!
//! Takes the names of files in the folder of a site and the texts of its configuration; returns the generator and its format.
//! Hugo's configuration is read by `config::hugo`.

use std::fmt;
use std::sync::Arc;

use crate::content::format::{Format, Generator, Settings, hexo, javascript, jekyll, pelican, plain, zola};

/// The files that show which generator a site has; the first that exists decides. `config.toml` is Zola's only with
/// `base_url` in it, and `_config.yml` is Hexo's if the site has one of `HEXO`.
const FILES: [(&str, Generator); 32] = [
    ("hugo.toml", Generator::Hugo),
    ("hugo.yaml", Generator::Hugo),
    ("hugo.yml", Generator::Hugo),
    ("hugo.json", Generator::Hugo),
    ("config/_default", Generator::Hugo),
    ("zola.toml", Generator::Zola),
    ("config.toml", Generator::Zola),
    ("pelicanconf.py", Generator::Pelican),
    ("docusaurus.config.js", Generator::Docusaurus),
    ("docusaurus.config.ts", Generator::Docusaurus),
    ("docusaurus.config.mjs", Generator::Docusaurus),
    ("docusaurus.config.cjs", Generator::Docusaurus),
    (".vitepress/config.js", Generator::VitePress),
    (".vitepress/config.ts", Generator::VitePress),
    (".vitepress/config.mjs", Generator::VitePress),
    (".vitepress/config.mts", Generator::VitePress),
    (".vitepress", Generator::VitePress),
    (".vuepress/config.js", Generator::VuePress),
    (".vuepress/config.ts", Generator::VuePress),
    (".vuepress/config.yml", Generator::VuePress),
    (".vuepress", Generator::VuePress),
    ("astro.config.mjs", Generator::Astro),
    ("astro.config.ts", Generator::Astro),
    ("astro.config.js", Generator::Astro),
    (".eleventy.js", Generator::Eleventy),
    ("eleventy.config.js", Generator::Eleventy),
    ("eleventy.config.mjs", Generator::Eleventy),
    ("eleventy.config.cjs", Generator::Eleventy),
    ("eleventy.config.ts", Generator::Eleventy),
    ("_config.yml", Generator::Jekyll),
    ("_config.yaml", Generator::Jekyll),
    ("_config.toml", Generator::Jekyll),
];

/// What a Hexo site has beside its `_config.yml`, and a Jekyll site does not.
const HEXO: [&str; 3] = ["source/_posts", "scaffolds", "_config.landscape.yml"];

/// The generator of a site and the file that shows it, if any does. `exists` answers for paths below the folder of the site,
/// `text` returns the text of a file.
pub fn recognise(exists: &dyn Fn(&str) -> bool, text: &dyn Fn(&str) -> String) -> Option<(Generator, &'static str)> {
    let found = FILES.into_iter().filter(|(file, _)| exists(file)).find(|(file, _)| match *file {
        "config.toml" => is_of_zola(&text(file)),
        _ => true,
    });
    let is_hexo = || HEXO.into_iter().any(exists);
    found
        .map(|(file, generator)| match generator {
            Generator::Jekyll if is_hexo() => (file, Generator::Hexo),
            _ => (file, generator),
        })
        .map(|(file, generator)| (generator, file))
}

/// Hugo has a `baseURL`.
fn is_of_zola(config: &str) -> bool {
    config.lines().any(|line| line.trim_start().starts_with("base_url"))
}

/// The files of the configuration of a generator, below the folder of the site; later ones override earlier ones.
pub fn config_files(generator: Generator) -> Vec<&'static str> {
    match generator {
        Generator::Hexo => vec!["_config.yml"],
        Generator::Zola => vec!["config.toml", "zola.toml"],
        Generator::Pelican => vec!["pelicanconf.py", "publishconf.py"],
        Generator::Hugo | Generator::Plain => Vec::new(),
        _ => FILES
            .into_iter()
            .filter(|(file, of)| *of == generator && file.contains('.'))
            .map(|(file, _)| file)
            .collect(),
    }
}

/// The settings in the text of a configuration file.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(generator: Generator, file: &str, text: &str) -> Result<Settings, String> {
    match generator {
        Generator::Jekyll => jekyll::settings(file, text),
        Generator::Hexo => hexo::settings(text),
        Generator::Zola => zola::settings(text),
        Generator::Pelican => pelican::settings(text),
        Generator::Hugo | Generator::Plain => Ok(Settings::new()),
        _ => javascript::settings(file, text),
    }
}

/// The format of a site: of a generator with its settings. `None` is a site without a known generator.
#[derive(Debug, Clone)]
pub struct GeneratorFormat {
    generator: Option<Generator>,
    settings: Settings,
    permalink: Option<String>,
    /// Whether patterns of Hugo determine the addresses all the same.
    has_addresses_of_hugo: bool,
    format: Arc<dyn Format>,
}

/// The format of sites that Hugo builds, and of those whose generator is not known.
#[derive(Debug)]
struct LikeHugo {
    endings: &'static [&'static str],
}

const HUGO: LikeHugo = LikeHugo { endings: &["html", "htm"] };

const UNKNOWN: LikeHugo = LikeHugo { endings: &["html", "htm", "mdx"] };

impl Format for LikeHugo {
    fn generator(&self) -> Generator {
        Generator::Hugo
    }

    fn endings(&self) -> &'static [&'static str] {
        self.endings
    }

    fn has_bundles(&self) -> bool {
        true
    }
}

impl GeneratorFormat {
    /// The format of a generator; `permalink` is the pattern of the project file, which overrides that of the settings.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub fn new(generator: Option<Generator>, settings: Settings, permalink: Option<&str>) -> Result<Self, String> {
        let format: Arc<dyn Format> = match generator {
            None => Arc::new(UNKNOWN),
            Some(Generator::Hugo) => Arc::new(HUGO),
            Some(Generator::Jekyll) => Arc::new(jekyll::Jekyll::new(settings.clone(), permalink)?),
            Some(Generator::Hexo) => Arc::new(hexo::Hexo::new(settings.clone(), permalink)?),
            Some(Generator::Zola) => Arc::new(zola::Zola::new(settings.clone())),
            Some(Generator::Pelican) => Arc::new(pelican::Pelican::new(settings.clone(), permalink)?),
            Some(Generator::Plain) => Arc::new(plain::Plain::new(permalink)),
            Some(other) => javascript::format(other, &settings),
        };
        Ok(Self { generator, settings, permalink: permalink.map(str::to_owned), has_addresses_of_hugo: false, format })
    }

    /// The generator, if it is known.
    pub fn known(&self) -> Option<Generator> {
        self.generator
    }

    /// The same format, but for addresses: patterns of Hugo determine them.
    pub fn with_addresses_of_hugo(self) -> Self {
        Self { has_addresses_of_hugo: true, ..self }
    }

    /// Whether the format is asked for addresses.
    pub fn has_addresses(&self) -> bool {
        !self.has_addresses_of_hugo
    }

    /// Whether what only Hugo does is done.
    pub fn is_hugo(&self) -> bool {
        self.generator == Some(Generator::Hugo)
    }
}

impl Default for GeneratorFormat {
    fn default() -> Self {
        Self {
            generator: None,
            settings: Settings::new(),
            permalink: None,
            has_addresses_of_hugo: false,
            format: Arc::new(UNKNOWN),
        }
    }
}

impl std::ops::Deref for GeneratorFormat {
    type Target = dyn Format;

    fn deref(&self) -> &Self::Target {
        self.format.as_ref()
    }
}

impl PartialEq for GeneratorFormat {
    fn eq(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.generator, it.settings.clone(), it.permalink.clone(), it.has_addresses_of_hugo);
        of(self) == of(other)
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

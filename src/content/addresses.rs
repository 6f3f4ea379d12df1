//! Addresses: which path each page of a site has, as Hugo determines it.
//!
//! Takes the patterns and switches of the project file or of Hugo's configuration; returns the path of a page, not yet
//! below the base URL.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::BTreeSet;

use crate::content::glob::Glob;
use crate::content::path::base_name;
use crate::content::permalink::{InvalidPattern, Pattern, PatternValues};
use crate::content::url_path::{
    logical_path, lower_case, lower_with_hyphens, sanitize, segments, unescaped, without_accents,
};

/// What determines the paths of pages. By default they are those of the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Addresses {
    /// The first that fits decides.
    rules: Vec<Rule>,
    /// The pattern of pages that are not Hugo's: kept to the letter.
    own: Option<Pattern>,
    /// Switches of Hugo's configuration.
    pub style: Style,
    /// The folder of the main language, if it has one.
    pub main_folder: Option<String>,
}

/// How paths are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Style {
    /// `disablePathToLower`
    pub keeps_case: bool,
    /// `removePathAccents`
    pub removes_accents: bool,
    /// `uglyURLs`: which pages end in `.html`.
    pub ugly: Ugly,
}

/// Which pages end in `.html`, not in a slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ugly {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those in these sections.
    Sections(BTreeSet<String>),
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    /// The logical paths it is for; `None` for all.
    target: Option<Glob>,
    pattern: Pattern,
}

impl Addresses {
    /// One pattern for every page.
    pub fn of_pattern(pattern: Pattern) -> Self {
        Self { rules: vec![Rule { target: None, pattern }], ..Self::default() }
    }

    /// The addresses of a web archive of ours.
    pub fn of_archive(pattern: Pattern) -> Self {
        Self { own: Some(pattern), ..Self::default() }
    }

    /// Whether the pages are those of a web archive of ours.
    pub fn is_of_archive(&self) -> bool {
        self.own.is_some()
    }

    /// Adds a pattern for the pages whose `logical_path` a glob matches.
    pub fn add_target(&mut self, target: Option<Glob>, pattern: Pattern) {
        self.rules.push(Rule { target, pattern });
    }

    /// Adds patterns by section. `/` is the pages at the top level; a nested section comes before the one around it.
    pub fn add_sections(&mut self, mut patterns: Vec<(String, Pattern)>) {
        patterns.sort_by_key(|(section, _)| std::cmp::Reverse(section.trim_matches(['/', ' ']).split('/').count()));
        patterns.sort_by_key(|(section, _)| section.trim_matches(['/', ' ']).is_empty());
        for (section, pattern) in patterns {
            let section = section.trim_matches(['/', ' ']);
            let glob = if section.is_empty() { "/*".to_owned() } else { format!("/{{{section},{section}/**}}") };
            self.add_target(Some(Glob::new(&glob)), pattern);
        }
    }

    /// The path of a page, with a leading slash: neither percent-encoded nor below the folder of its language.
    pub fn path(&self, page: &PatternValues<'_>) -> String {
        if let Some(pattern) = &self.own {
            return pattern.path(page);
        }
        let logical = LazyCell::new(|| logical_path(page.path));
        let fits = |rule: &&Rule| rule.target.as_ref().is_none_or(|target| target.matches(&logical));
        let path = match self.rules.iter().find(fits) {
            Some(rule) => {
                self.clean(&segments(&unescaped(&rule.pattern.expand(page, self.style.keeps_case))).join("/"))
            }
            None => self.path_of_file(page),
        };
        let mut clean = String::with_capacity(path.len() + 2);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            clean.push('/');
            clean.push_str(segment);
        }
        clean.push_str(if !clean.is_empty() && self.is_ugly(page) { ".html" } else { "/" });
        clean
    }

    /// The path that front matter `url` asks for; a slash at its beginning is left to the caller.
    ///
    /// # Errors
    /// If it contains an unknown token.
    pub fn of_url(&self, url: &str, page: &PatternValues<'_>) -> Result<String, InvalidPattern> {
        let url = match url.contains(':') {
            true => unescaped(&Pattern::parse_any(url)?.expand(page, self.style.keeps_case)),
            false => url.to_owned(),
        };
        let mut path = segments(&url);
        let is_index = path.last() == Some(&"index.html");
        if is_index {
            path.pop();
        }
        let path = path.join("/");
        let slash = if is_index || url.ends_with('/') || !path.contains('.') { "/" } else { "" };
        Ok(if path.is_empty() { "/".to_owned() } else { format!("/{path}{slash}") })
    }

    /// The folders of the file, or the slugs of their sections, and the slug or name of the page.
    fn path_of_file(&self, page: &PatternValues<'_>) -> String {
        let name = |name: &str| if self.style.keeps_case { name.to_owned() } else { lower_with_hyphens(name) };
        let mut folders = String::new();
        for folder in page.above {
            if !folders.is_empty() {
                folders.push('/');
            }
            match folder.section.and_then(|section| section.slug.as_deref()) {
                Some(slug) => folders.push_str(slug),
                None => folders.push_str(&name(folder.name)),
            }
        }
        let page = page.slug.map_or_else(|| Cow::Owned(name(base_name(page.path))), Cow::Borrowed);
        self.clean(&folders) + "/" + &self.clean(&page)
    }

    fn clean(&self, path: &str) -> String {
        let mut path = sanitize(path);
        if self.style.removes_accents {
            path = without_accents(&path);
        }
        if self.style.keeps_case { path } else { lower_case(&path) }
    }

    fn is_ugly(&self, page: &PatternValues<'_>) -> bool {
        match &self.style.ugly {
            Ugly::None => false,
            Ugly::All => true,
            Ugly::Sections(sections) => {
                page.above.first().is_some_and(|top| sections.contains(&lower_with_hyphens(top.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::content::sections::{Section, Sections};

    fn path_in(addresses: &Addresses, sections: &Sections, file: &str, title: &str, slug: Option<&str>) -> String {
        let date = DateTime::parse_from_rfc3339("2026-02-03T23:30:00+08:00").unwrap();
        let above = sections.above(None, "", file);
        addresses.path(&PatternValues { path: file, above: &above, title, slug, date })
    }

    fn path(addresses: &Addresses, file: &str, title: &str, slug: Option<&str>) -> String {
        path_in(addresses, &Sections::default(), file, title, slug)
    }

    fn pattern(text: &str) -> Addresses {
        Addresses::of_pattern(Pattern::parse(text).unwrap())
    }

    fn style(change: impl Fn(&mut Style)) -> Addresses {
        let mut addresses = Addresses::default();
        change(&mut addresses.style);
        addresses
    }

    #[test]
    fn by_default_a_page_is_where_its_file_is() {
        for (file, slug, expected) in [
            ("a.md", None, "/a/"),
            ("Log Book/wins -open.md", None, "/log-book/wins--open/"),
            ("A Tale of Two - Cities/index.md", None, "/a-tale-of-two---cities/"),
            ("x/R&D,quick.md/index.md", None, "/x/rdquick.md/"),
            ("x/½.md", None, "/x/"),
            ("x/a.md", Some("CI/CD for harbours"), "/x/ci/cd-for-harbours/"),
            ("x/a.md", Some("C++20 buoys"), "/x/c++20-buoys/"),
            ("x/%E6%BD%AE.md", None, "/x/%e6%bd%ae/"),
            ("x/DİYAR ΟΔΟΣ.md", None, "/x/diyar-οδοσ/"),
        ] {
            assert_eq!(path(&Addresses::default(), file, "", slug), expected, "{file}");
        }
    }

    #[test]
    fn the_slug_of_a_section_stands_for_its_folder() {
        let mut sections = Sections::default();
        sections.add(None, "log", Section { slug: Some("Sea Side".into()), ..Section::default() });
        assert_eq!(path_in(&Addresses::default(), &sections, "Log/2026/a.md", "", None), "/sea-side/2026/a/");
    }

    #[test]
    fn the_path_of_a_pattern_is_cleaned_as_a_whole() {
        for (written, title, expected) in [
            ("/:year/:month/:title", "Spring tides", "/2026/02/spring-tides/"),
            ("/Blog Notes/:slug/", "Top", "/blog-notes/top/"),
            ("/blog/:slug.html", "Top", "/blog/top.html/"),
            ("/x//y/../:title", "C++20 buoys", "/x/c-20-buoys/"),
            ("/:title", "A+ grade", "/a-grade/"),
            ("/:title", "F#", "/f/"),
            ("/:title", "C# notes", "/c#-notes/"),
            ("/:title", "TCP/IP and I/O", "/tcp-ip-and-i-o/"),
            ("/:title", "a%20b", "/a-b/"),
            ("/x/:title", "..", "/"),
            ("/x/:_2", "T", "/x/-3/"),
        ] {
            assert_eq!(path(&pattern(written), "post/a.md", title, None), expected, "{written} {title}");
        }
    }

    #[test]
    fn the_nearest_section_decides_the_pattern() {
        let mut addresses = Addresses::default();
        let patterns = [("/", "/top/:title"), ("log", "/l/:title"), ("Log/2026", "/y/:title")];
        addresses.add_sections(patterns.map(|(name, text)| (name.to_owned(), Pattern::parse(text).unwrap())).into());
        for (file, expected) in [
            ("log/a.md", "/l/t/"),
            ("log/2026/05/a.md", "/y/t/"),
            ("log/index.md", "/l/t/"),
            ("about.md", "/top/t/"),
            ("notes/a.md", "/notes/a/"),
        ] {
            assert_eq!(path(&addresses, file, "T", None), expected, "{file}");
        }
    }

    #[test]
    fn switches_of_hugo_change_the_path() {
        let keeps_case = style(|style| style.keeps_case = true);
        assert_eq!(path(&keeps_case, "Log Book/wins -Open.md", "", None), "/Log-Book/wins-Open/");
        let no_accents = style(|style| style.removes_accents = true);
        assert_eq!(path(&no_accents, "Canción.md", "", None), "/cancion/");
        let ugly = style(|style| style.ugly = Ugly::All);
        assert_eq!(path(&ugly, "log/a/index.md", "", None), "/log/a.html");
        let ugly = style(|style| style.ugly = Ugly::Sections(BTreeSet::from(["log".into()])));
        assert_eq!(
            (path(&ugly, "Log/a.md", "", None), path(&ugly, "x/a.md", "", None)),
            ("/log/a.html".into(), "/x/a/".into())
        );
    }

    #[test]
    fn an_archive_of_ours_keeps_its_pattern_to_the_letter() {
        let archive = Addresses::of_archive(Pattern::parse("/Letters/:slug.html").unwrap());
        assert_eq!(path(&archive, "a.md", "C++ Top", None), "/Letters/c++-top.html");
    }

    #[test]
    fn a_url_is_kept_except_for_its_end() {
        let date = DateTime::parse_from_rfc3339("2026-02-03T23:30:00+08:00").unwrap();
        let page = PatternValues { path: "p/a.md", above: &[], title: "Tides & Kites", slug: Some("sea"), date };
        for (url, expected) in [
            ("/2026/01/a", "/2026/01/a/"),
            ("/b.html", "/b.html"),
            ("/notes/:year/:slug/", "/notes/2026/sea/"),
            ("/Notes/:title", "/Notes/tides-kites/"),
            ("about", "/about/"),
            ("/v1.2", "/v1.2"),
            ("/foo/index.html", "/foo/"),
            ("index.html", "/"),
            ("/", "/"),
            ("/Foo Bar//X", "/Foo Bar/X/"),
            ("../b", "/b/"),
            ("/a.b.c/", "/a.b.c/"),
        ] {
            assert_eq!(Addresses::default().of_url(url, &page).unwrap(), expected, "{url}");
        }
        assert!(Addresses::default().of_url("/:foo/x", &page).is_err());
    }
}

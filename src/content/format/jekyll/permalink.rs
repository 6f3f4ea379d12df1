//! Permalinks as Jekyll makes them: styles, placeholders, slugs and escapes.
//!
//! Takes templates such as `/:categories/:title:output_ext` and the values of a page; returns its path, percent-encoded.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// What fills the placeholders.
#[derive(Debug, Clone, Default)]
pub struct Page<'a> {
    /// In the time zone of the site.
    pub date: DateTime<FixedOffset>,
    /// The slug of the front matter or of the name of the file.
    pub slug: &'a str,
    /// The name of the file without extension.
    pub stem: &'a str,
    /// Path of the file without extension, below the folder of its collection.
    pub path: &'a str,
    /// The label of its collection.
    pub collection: &'a str,
    /// The extension of its page.
    pub output_extension: &'a str,
    /// All categories.
    pub categories: Vec<String>,
}

/// How slugs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only white space becomes hyphens.
    Raw,
    /// Letters, marks and digits stay.
    Default,
    /// And what looks well in URLs.
    Pretty,
    /// Only ASCII stays.
    Ascii,
}

/// The placeholders that stand for a part of the date, and how it is formatted.
const DATES: [(&str, &str); 17] = [
    ("year", "%Y"),
    ("month", "%m"),
    ("day", "%d"),
    ("hour", "%H"),
    ("minute", "%M"),
    ("second", "%S"),
    ("i_day", "%-d"),
    ("i_month", "%-m"),
    ("short_month", "%b"),
    ("long_month", "%B"),
    ("short_year", "%y"),
    ("w_year", "%G"),
    ("week", "%V"),
    ("w_day", "%u"),
    ("short_day", "%a"),
    ("long_day", "%A"),
    ("y_day", "%j"),
];

const OTHERS: [&str; 8] =
    ["title", "slug", "name", "categories", "slugified_categories", "path", "collection", "output_ext"];

/// The template of a style, or the text, which is a template of its own.
pub fn template(style: &str) -> &str {
    match style {
        "none" => "/:categories/:title:output_ext",
        "date" => "/:categories/:year/:month/:day/:title:output_ext",
        "ordinal" => "/:categories/:year/:y_day/:title:output_ext",
        "pretty" => "/:categories/:year/:month/:day/:title/",
        "weekdate" => "/:categories/:year/W:week/:short_day/:title:output_ext",
        template => template,
    }
}

/// The template of files that are not posts, with the ending of the style of posts.
pub fn with_ending_of(template: &str, style: &str) -> String {
    let ending = match style {
        "pretty" => "/",
        "date" | "ordinal" | "none" => ":output_ext",
        _ if style.ends_with('/') => "/",
        _ if style.ends_with(":output_ext") => ":output_ext",
        _ => "",
    };
    format!("{template}{ending}")
}

/// The first placeholder that Jekyll does not know.
pub fn unknown_placeholder(template: &str) -> Option<&str> {
    let mut rest = template;
    while let Some(at) = rest.find(':') {
        let end = name_end(rest, at);
        if end > at + 1 && known(&rest[at + 1..end]).is_none() {
            return Some(&rest[at..end]);
        }
        rest = &rest[end..];
    }
    None
}

/// A template of a project file, in which `:slug` is the slug as it is, as in the patterns of other sites.
pub fn with_cased_slugs(template: &str) -> String {
    let (mut cased, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(at) = rest.find(':') {
        let end = name_end(rest, at);
        let is_slug = known(&rest[at + 1..end]) == Some("slug");
        cased.push_str(if is_slug { &rest[..=at] } else { &rest[..end] });
        cased.push_str(if is_slug { "title" } else { "" });
        rest = &rest[if is_slug { at + 1 + "slug".len() } else { end }..];
    }
    cased + rest
}

/// Where the name after the colon `at` ends.
fn name_end(text: &str, at: usize) -> usize {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    text[at + 1..].find(|c| !is_part(c)).map_or(text.len(), |length| at + 1 + length)
}

/// The placeholder with this name; an underscore at the end may belong to the text.
fn known(name: &str) -> Option<&str> {
    let is_known = |name: &str| DATES.iter().any(|(known, _)| *known == name) || OTHERS.contains(&name);
    [Some(name), name.strip_suffix('_')].into_iter().flatten().find(|name| is_known(name))
}

/// The path of a page; unknown placeholders stay.
pub fn path(template: &str, page: &Page<'_>) -> String {
    let (mut path, mut rest) = (String::from("/"), template);
    while let Some(at) = rest.find(':') {
        let end = name_end(rest, at);
        path.push_str(&rest[..at]);
        match known(&rest[at + 1..end]) {
            Some(name) => {
                path.push_str(&escaped(&page.value(name)));
                rest = &rest[at + 1 + name.len()..];
            }
            None => {
                path.push_str(&rest[at..end]);
                rest = &rest[end..];
            }
        }
    }
    path.push_str(rest);
    sanitized(&path)
}

impl Page<'_> {
    fn value(&self, name: &str) -> String {
        if let Some((_, format)) = DATES.iter().find(|(known, _)| *known == name) {
            return self.date.format(format).to_string();
        }
        match name {
            "title" => slug(self.slug, Mode::Pretty),
            "slug" => slug(self.slug, Mode::Default).to_lowercase(),
            "name" => slug(self.stem, Mode::Default).to_lowercase(),
            "categories" => self.categories(|category| category.to_lowercase()),
            "slugified_categories" => self.categories(|category| slug(category, Mode::Default).to_lowercase()),
            "path" => self.path.to_owned(),
            "collection" => self.collection.to_owned(),
            _ => self.output_extension.to_owned(),
        }
    }

    fn categories(&self, written: impl Fn(&str) -> String) -> String {
        let mut seen = BTreeSet::new();
        let names = self.categories.iter().map(|category| written(category));
        names.filter(|name| seen.insert(name.clone())).collect::<Vec<_>>().join("/")
    }
}

/// Text with everything but what the mode keeps replaced by hyphens; the case is kept.
pub fn slug(text: &str, mode: Mode) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut replaced = false;
    for c in text.chars() {
        if mode.keeps(c) {
            slug.push(c);
        } else if !replaced {
            slug.push('-');
        }
        replaced = !mode.keeps(c);
    }
    let start = usize::from(slug.starts_with('-'));
    let end = slug.len() - usize::from(slug.len() > start && slug.ends_with('-'));
    slug[start..end].to_owned()
}

impl Mode {
    fn keeps(self, c: char) -> bool {
        let is_letter = || {
            let group = c.general_category_group();
            matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
                || c.general_category() == GeneralCategory::DecimalNumber
        };
        match self {
            Mode::Raw => !c.is_whitespace(),
            Mode::Ascii => c.is_ascii_alphanumeric(),
            _ if c.is_ascii_alphanumeric() => true,
            Mode::Default => is_letter(),
            Mode::Pretty => "._~!$&'()+,;=@".contains(c) || is_letter(),
        }
    }
}

/// Percent-encoded as a path (RFC 3986, section 3.3), with slashes.
pub fn escaped(text: &str) -> String {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
    let written = |byte: u8| if is_safe(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(written).collect()
}

/// Without `..` and `./`, and with single slashes.
fn sanitized(path: &str) -> String {
    let path = path.replace("..", "/").replace("./", "");
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(slug: &'static str) -> Page<'static> {
        Page {
            date: DateTime::parse_from_rfc3339("2027-01-03T04:05:06+08:00").unwrap(),
            slug,
            stem: "2027-01-03-A B",
            path: "/x/2027-01-03-A B",
            collection: "tools",
            output_extension: ".html",
            categories: vec!["Sea & Sky".to_owned(), "潮".to_owned(), "sea & sky".to_owned()],
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        for (written, expected) in [
            ("none", "/sea%20&%20sky/%E6%BD%AE/Neap-tides-1.0.html"),
            ("date", "/sea%20&%20sky/%E6%BD%AE/2027/01/03/Neap-tides-1.0.html"),
            ("ordinal", "/sea%20&%20sky/%E6%BD%AE/2027/003/Neap-tides-1.0.html"),
            ("weekdate", "/sea%20&%20sky/%E6%BD%AE/2027/W53/Sun/Neap-tides-1.0.html"),
            (":slugified_categories/:slug:output_ext", "/sea-sky/%E6%BD%AE/neap-tides-1-0.html"),
            ("/:short_year:i_month:i_day-:y_day-:hour:minute:second", "/2713-003-040506"),
            ("/:short_month-:long_month-:short_day-:long_day", "/Jan-January-Sun-Sunday"),
            ("/:w_year-:week-:w_day", "/2026-53-7"),
            ("/:month_:day_x", "/01_:day_x"),
            ("/:collection/:path:output_ext", "/tools/x/2027-01-03-A%20B.html"),
            ("/:name", "/2027-01-03-a-b"),
            ("blog//:title/index.html", "/blog/Neap-tides-1.0/index.html"),
            ("/a:b/: c", "/a:b/: c"),
        ] {
            assert_eq!(path(template(written), &page("Neap--tides-1.0")), expected, "{written}");
        }
        assert_eq!(path("/:title/", &page("a..b. / c#d?e")), "/a/b.-c-d-e/");
        assert_eq!(path("/:title/", &page("v1.")), "/v1");
    }

    #[test]
    fn unknown_placeholders_are_found() {
        assert_eq!(unknown_placeholder("/:year/:yaer/:title"), Some(":yaer"));
        assert_eq!(unknown_placeholder("/:slug_or_name"), Some(":slug_or_name"));
        assert_eq!(unknown_placeholder("/x: :year_:month:day/"), None);
    }

    #[test]
    fn slugs_are_made_in_four_modes() {
        for (mode, expected) in [
            (Mode::Raw, "The-_config.yml-file,-é!"),
            (Mode::Default, "The-config-yml-file-é"),
            (Mode::Pretty, "The-_config.yml-file,-é!"),
            (Mode::Ascii, "The-config-yml-file"),
        ] {
            assert_eq!(slug("The _config.yml file, é!", mode), expected, "{mode:?}");
        }
        assert_eq!((slug("-", Mode::Default), slug("- a -", Mode::Default)), (String::new(), "a".to_owned()));
    }

    proptest! {
        #[test]
        fn any_slug_makes_a_path(text in any::<String>(), written in "[/:a-z_.]{0,20}") {
            let page = Page { slug: &text, ..page("") };
            let path = path(&written, &page);
            prop_assert!(path.starts_with('/') && path.is_ascii() && !path.contains("//"), "{}", path);
        }
    }
}

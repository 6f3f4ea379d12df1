//! Slugs as the libraries of these generators make them.
//!
//! Takes names and titles; returns parts of paths.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::content::url_path::without_accents;

/// As `github-slugger`, which Astro uses: letters, numbers, hyphens and underscores in lower case, spaces as hyphens.
pub(super) fn of_github(name: &str) -> String {
    let is_kept = |c: &char| {
        let is_mark = || c.general_category_group() == GeneralCategoryGroup::Mark;
        c.is_alphanumeric() || matches!(c, '-' | '_' | ' ') || !c.is_ascii() && is_mark()
    };
    name.to_lowercase().chars().filter(is_kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// As VuePress: without accents, with a hyphen for each group of white space and punctuation, in lower case.
pub(super) fn of_vuepress(name: &str) -> String {
    const SEPARATORS: &str = "~`!@#$%^&*()-_+=[]{}|\\;:\"'“”‘’<>,.?/";
    let slug = hyphenated(&without_accents(name), |c| !c.is_whitespace() && !c.is_control() && !SEPARATORS.contains(c));
    if slug.starts_with(|c: char| c.is_ascii_digit()) { format!("_{slug}") } else { slug }
}

/// As `slugify` of Eleventy: only letters and digits of ASCII, in lower case, with hyphens for everything else.
pub(super) fn of_eleventy(title: &str) -> String {
    let title = without_accents(title).replace('&', " and ");
    hyphenated(&title.replace("'s ", "s ").replace("'t ", "t "), |c| c.is_ascii_alphanumeric())
}

fn hyphenated(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let words = text.split(|c| !is_kept(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

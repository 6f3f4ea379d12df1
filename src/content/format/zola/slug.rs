//! Slugs as Zola makes them: of names of files and of `slug`.
//!
//! Takes a text and the strategy of the configuration; returns a segment of a path.

use deunicode::deunicode_char;

/// `slugify.paths`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// ASCII letters in lower case, digits and hyphens.
    On,
    /// Everything but what file systems refuse.
    Safe,
    /// As written.
    Off,
}

impl Strategy {
    /// The strategy with this name.
    pub fn of_name(name: Option<&str>) -> Self {
        match name {
            Some("safe") => Self::Safe,
            Some("off") => Self::Off,
            _ => Self::On,
        }
    }

    /// The slug of a text.
    pub fn slug(self, text: &str) -> String {
        match self {
            Self::On => ascii(text),
            Self::Safe => text.trim_end_matches([' ', '.']).replace(['<', '>', ':', '"', '/', '\\', '|', '?', '*'], ""),
            Self::Off => text.to_owned(),
        }
    }
}

fn ascii(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut push = |c: char| match c {
        c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
        _ if slug.is_empty() || slug.ends_with('-') => {}
        _ => slug.push('-'),
    };
    for c in text.chars() {
        if c.is_ascii() {
            push(c);
        } else {
            deunicode_char(c).unwrap_or("-").chars().for_each(&mut push);
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_has_its_own_slugs() {
        for (text, on, safe) in [
            ("input", "input", "input"),
            ("test ", "test", "test"),
            ("Te s--t", "te-s-t", "Te s--t"),
            ("dot. ", "dot", "dot"),
            ("日本", "ri-ben", "日本"),
            ("潮汐 2", "chao-xi-2", "潮汐 2"),
            ("héhé_ß", "hehe-ss", "héhé_ß"),
            ("a/b?c (hey)", "a-b-c-hey", "abc (hey)"),
            ("Привет", "privet", "Привет"),
            ("-_-", "", "-_-"),
        ] {
            assert_eq!((Strategy::On.slug(text).as_str(), Strategy::Safe.slug(text).as_str()), (on, safe));
            assert_eq!(Strategy::Off.slug(text), text);
        }
        assert_eq!(Strategy::of_name(None), Strategy::On);
    }
}

//! Slugs as Pelican makes them of titles and names.
//!
//! Takes the settings and a text; returns the slug. Letters of other scripts become ASCII unless `SLUGIFY_USE_UNICODE` is set.

use fancy_regex::{Captures, Regex, RegexBuilder};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::content::format::Settings;

/// Pelican's own substitutions.
const SUBSTITUTIONS: [(&str, &str); 4] = [(r"[^\w\s-]", ""), (r"\A\s*", ""), (r"\s*\z", ""), (r"[-\s]+", "-")];

/// Where Unidecode, which Pelican uses, and our table differ, in letters that occur in titles.
const OF_UNIDECODE: [(char, &str); 19] = [
    ('Є', "Ie"),
    ('₴', "UAH"),
    ('₽', "R"),
    ('し', "shi"),
    ('ち', "chi"),
    ('っ', "tsu"),
    ('つ', "tsu"),
    ('シ', "shi"),
    ('チ', "chi"),
    ('ッ', "tsu"),
    ('ツ', "tsu"),
    ('・', "*"),
    ('ー', "-"),
    ('么', "Yao "),
    ('什', "Shi "),
    ('价', "Jie "),
    ('旅', "Lu "),
    ('术', "Zhu "),
    ('℞', "Rx"),
];

/// How slugs are made.
#[derive(Debug)]
pub(super) struct Slugs {
    substitutions: Vec<(Regex, String)>,
    keeps_case: bool,
    keeps_unicode: bool,
}

impl Slugs {
    /// Those of posts (`SLUG`), or of another kind (`CATEGORY`, `TAG`, `AUTHOR`).
    pub fn new(settings: &Settings, kind: &str) -> Self {
        let is_set = |name: &str| settings.get(name).is_some_and(|value| value == &Value::Bool(true));
        let of = |kind: &str| substitutions(settings, kind);
        let own = || SUBSTITUTIONS.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
        let written = of(kind).or_else(|| of("SLUG")).unwrap_or_else(own);
        let compiled =
            |(from, to): (String, String)| Some((regex(&format!("(?i){}", from.nfkc().collect::<String>()))?, to));
        Self {
            substitutions: written.into_iter().filter_map(compiled).collect(),
            keeps_case: is_set("SLUGIFY_PRESERVE_CASE"),
            keeps_unicode: is_set("SLUGIFY_USE_UNICODE"),
        }
    }

    /// The slug of a text; may be empty.
    pub fn of(&self, text: &str) -> String {
        let text: String = without_tags(text).nfkc().collect();
        let mut slug = if self.keeps_unicode { text } else { text.chars().map(ascii).collect() };
        for (from, to) in &self.substitutions {
            let to: String = to.nfkc().collect();
            slug = from
                .try_replacen(&slug, 0, |found: &Captures<'_>| replacement(&to, found))
                .map_or(slug.clone(), Into::into);
        }
        let slug = if self.keeps_case { slug } else { slug.to_lowercase() };
        slug.trim().to_owned()
    }
}

/// A pattern of Python. Patterns come with the site: one that takes too long matches nothing.
pub(super) fn regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&pattern.replace(r"\Z", r"\z")).backtrack_limit(100_000).build().ok()
}

/// `…_REGEX_SUBSTITUTIONS`, or `…_SUBSTITUTIONS` of older versions, which are texts.
fn substitutions(settings: &Settings, kind: &str) -> Option<Vec<(String, String)>> {
    let pair = |item: &Value| Some((item.get(0)?.as_str()?.to_owned(), item.get(1)?.as_str()?.to_owned()));
    let pairs = |value: &Value| value.as_array().map(|items| items.iter().filter_map(pair).collect::<Vec<_>>());
    if let Some(written) = settings.get(&format!("{kind}_REGEX_SUBSTITUTIONS")) {
        return pairs(written);
    }
    let old = pairs(settings.get(&format!("{kind}_SUBSTITUTIONS"))?)?;
    let of_posts = settings.get("SLUG_SUBSTITUTIONS").filter(|_| kind != "SLUG").and_then(pairs).unwrap_or_default();
    let old = of_posts.into_iter().chain(old).map(|(from, to)| (fancy_regex::escape(&from).into_owned(), to));
    Some(old.chain(SUBSTITUTIONS.map(|(from, to)| (from.to_owned(), to.to_owned()))).collect())
}

/// What a match is replaced by: `\1` and `\g<name>` are its groups.
fn replacement(template: &str, found: &Captures<'_>) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digit = after.bytes().next().filter(u8::is_ascii_digit);
        let named = after.strip_prefix("g<").and_then(|after| after.split_once('>'));
        let group = match (digit, named) {
            (Some(digit), _) => {
                rest = &after[1..];
                found.get(usize::from(digit - b'0'))
            }
            (None, Some((name, after))) => {
                rest = after;
                name.parse().map_or_else(|_| found.name(name), |number| found.get(number))
            }
            (None, None) => {
                out.push_str(if after.starts_with('\\') { "" } else { "\\" });
                let length = after.chars().next().map_or(0, char::len_utf8);
                out.push_str(&after[..length]);
                rest = &after[length..];
                None
            }
        };
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out + rest
}

/// A character as Unidecode has it; it knows no emoji.
fn ascii(c: char) -> &'static str {
    match (OF_UNIDECODE.iter().find(|(own, _)| *own == c), c) {
        (Some((_, text)), _) => text,
        (_, '\u{2601}'..='\u{2653}' | '\u{2673}'..='\u{27d9}' | '\u{2900}'..='\u{2dff}' | '\u{3400}'..='\u{4dff}') => {
            ""
        }
        (_, '\u{10000}'..) => "",
        _ => deunicode::deunicode_char(c).unwrap_or_default(),
    }
}

/// Without tags and entities, and with single spaces.
fn without_tags(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, tag)) = rest.split_once('<') {
        let Some((_, after)) = tag.split_once('>') else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    html_escape::decode_html_entities(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn slug(settings: Value, text: &str) -> String {
        Slugs::new(settings.as_object().unwrap(), "SLUG").of(text)
    }

    #[test]
    fn slugs_are_those_of_pelican() {
        for (title, expected) in [
            ("This Week in Rust 57", "this-week-in-rust-57"),
            ("Tides: a view, & more — part 2", "tides-a-view-more-part-2"),
            ("  Müller's C++ / C# <b>x</b> &amp; _y_ ", "mullers-c-c-x-_y_"),
            ("什么是技术？潮汐 第1期", "shi-yao-shi-ji-zhu-chao-xi-di-1qi"),
            ("シーツ", "shi-tsu"),
            ("a 🌊 b ½", "a-b-12"),
            ("🌊", ""),
            ("Straße ﬁn", "strasse-fin"),
        ] {
            assert_eq!(slug(json!({}), title), expected, "{title}");
        }
    }

    #[test]
    fn settings_change_them() {
        assert_eq!(slug(json!({"SLUGIFY_USE_UNICODE": true}), "Ärger 潮汐"), "ärger-潮汐");
        assert_eq!(slug(json!({"SLUGIFY_PRESERVE_CASE": true}), "Low Tide"), "Low-Tide");
        let own = json!({"SLUG_REGEX_SUBSTITUTIONS": [["c\\+\\+", "cpp"], ["(\\w)!", "\\1\\g<1>"], ["(", "x"], ["\\s*\\Z", "z"]]});
        assert_eq!(slug(own, "C++ a!"), "cpp aaz");
        let old = json!({"SLUG_SUBSTITUTIONS": [["C++", "cpp"]]});
        assert_eq!(slug(old, "C++ a"), "cpp-a");
        let of_tags = json!({"TAG_REGEX_SUBSTITUTIONS": [["a", "b"]]});
        assert_eq!(Slugs::new(of_tags.as_object().unwrap(), "TAG").of("a a"), "b b");
    }

    proptest! {
        #[test]
        fn any_text_has_a_slug(text in ".{0,40}") {
            let slug = slug(json!({}), &text);
            prop_assert!(slug.is_ascii() && !slug.contains(['<', '/', ' ']), "{slug}");
        }
    }
}

//! Hexo's permalinks: patterns of `:names`, how names become slugs, and what a file name says by `new_post_name`.
//!
//! Takes a pattern, and what each name stands for; returns a path. `hexo` knows what the names stand for.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The text and the names of a pattern, in order: `:` and a word that does not end in `_`.
fn parts(pattern: &str) -> Vec<Part<'_>> {
    let (mut parts, mut copied, mut from) = (Vec::new(), 0, 0);
    while let Some(colon) = pattern[from..].find(':').map(|at| from + at) {
        let word = &pattern[colon + 1..];
        let word = &word[..word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len())];
        let word = word.trim_end_matches('_');
        from = colon + 1 + word.len();
        if !word.is_empty() {
            parts.extend([Part::Text(&pattern[copied..colon]), Part::Name(word)]);
            copied = from;
        }
    }
    parts.push(Part::Text(&pattern[copied..]));
    parts
}

/// Whether a pattern contains a name.
pub(super) fn has_name(pattern: &str) -> bool {
    parts(pattern).iter().any(|part| matches!(part, Part::Name(_)))
}

/// The pattern with each name replaced.
pub(super) fn filled(pattern: &str, mut value: impl FnMut(&str) -> String) -> String {
    let text = |part| match part {
        Part::Text(text) => text.to_owned(),
        Part::Name(name) => value(name),
    };
    parts(pattern).into_iter().map(text).collect()
}

/// What the names in `new_post_name` stand for in a path without its ending; `None` if the path has another form.
pub(super) fn parsed<'a>(pattern: &'a str, path: &'a str) -> Option<BTreeMap<&'a str, &'a str>> {
    let parts = parts(pattern);
    let mut values = Vec::new();
    matches(&parts, path, 0, 0, &mut values, &mut BTreeSet::new()).then(|| values.into_iter().collect())
}

/// Whether the rest of a path has the form of the rest of the parts: each name stands for as little as possible.
fn matches<'a>(
    parts: &[Part<'a>],
    path: &'a str,
    part: usize,
    at: usize,
    values: &mut Vec<(&'a str, &'a str)>,
    failed: &mut BTreeSet<(usize, usize)>,
) -> bool {
    let name = match parts.get(part) {
        None => return at == path.len(),
        Some(Part::Text(text)) => {
            return path[at..].starts_with(text) && matches(parts, path, part + 1, at + text.len(), values, failed);
        }
        Some(Part::Name(name)) => *name,
    };
    if !failed.insert((part, at)) {
        return false;
    }
    let (least, most, is_allowed): (_, _, fn(char) -> bool) = match name {
        "year" => (4, 4, |c| c.is_ascii_digit()),
        "month" | "day" => (2, 2, |c| c.is_ascii_digit()),
        "i_month" | "i_day" => (1, 2, |c| c.is_ascii_digit()),
        "hash" => (12, 12, |c| matches!(c, '0'..='9' | 'a'..='f')),
        _ => (1, usize::MAX, |_| true),
    };
    let takes_most = most == 2;
    let mut ends: Vec<usize> = Vec::new();
    for (count, (begin, c)) in
        path[at..].char_indices().enumerate().take_while(|(count, (_, c))| *count < most && is_allowed(*c))
    {
        if count + 1 >= least {
            ends.push(at + begin + c.len_utf8());
        }
    }
    if takes_most {
        ends.reverse();
    }
    ends.into_iter().any(|end| {
        let known = values.len();
        values.push((name, &path[at..end]));
        let found = matches(parts, path, part + 1, end, values, failed);
        if !found {
            values.truncate(known);
        }
        found
    })
}

/// The case of a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// As written.
    Kept,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
}

/// A text as a segment of a path: without the accents of Latin letters, with hyphens for what is neither a letter nor a digit
/// in ASCII.
pub(super) fn slug(text: &str, case: Case) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars().filter(|c| *c >= ' ') {
        match c {
            '\u{7f}' => slug.push(c),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            c if c.is_ascii() || c.is_whitespace() || c == '\u{feff}' => {
                if !slug.ends_with('-') {
                    slug.push('-');
                }
            }
            c => push_without_accents(&mut slug, c),
        }
    }
    let slug = slug.trim_matches('-');
    match case {
        Case::Kept => slug.to_owned(),
        Case::Lower => slug.to_lowercase(),
        Case::Upper => slug.to_uppercase(),
    }
}

/// Latin letters that contain no accent which could be taken off.
const LATIN: [(&str, &str); 29] = [
    ("Æ", "AE"),
    ("æ", "ae"),
    ("Ø", "O"),
    ("ø", "o"),
    ("Đ", "D"),
    ("đ", "d"),
    ("Ħ", "H"),
    ("ħ", "h"),
    ("ı", "i"),
    ("Ŀ", "L"),
    ("ŀ", "l"),
    ("Ł", "L"),
    ("ł", "l"),
    ("ŉ", "n"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("ß", "s"),
    ("ẞ", "S"),
    ("ſ", "l"),
    ("Ŧ", "T"),
    ("ŧ", "t"),
    ("Ɓ", "B"),
    ("ɓ", "b"),
    ("Ɗ", "D"),
    ("ɗ", "d"),
    ("Ɛ", "E"),
    ("ɛ", "e"),
    ("Ɔ", "O"),
    ("ɔ", "o"),
];

fn push_without_accents(slug: &mut String, c: char) {
    if let Some((_, plain)) = LATIN.iter().find(|(letter, _)| letter.starts_with(c)) {
        slug.push_str(plain);
        return;
    }
    let is_latin =
        matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{24b6}'..='\u{24e9}' | '\u{ff21}'..='\u{ff5a}');
    let plain: String = c.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    if is_latin && !matches!(c, 'Ĳ' | 'ĳ') && plain.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        slug.push_str(&plain);
    } else {
        slug.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_words_after_a_colon() {
        let filled = |pattern: &str| filled(pattern, |name| format!("<{name}>"));
        assert_eq!(filled(":year/:i_month/:title.html"), "<year>/<i_month>/<title>.html");
        assert_eq!(filled(":year_:month_x::day_"), "<year>_<month_x>:<day>_");
        assert_eq!(filled("a:/:_:"), "a:/:_:");
        assert!(has_name("x/:a") && !has_name("x/: a"));
    }

    #[test]
    fn a_file_name_has_the_form_of_its_pattern() {
        let values = |pattern: &'static str, path: &'static str| {
            parsed(pattern, path).map(|values| {
                values.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            })
        };
        let date = ":year-:month-:day-:title";
        assert_eq!(values(date, "2026-01-02-a-b").as_deref(), Some("day=02 month=01 title=a-b year=2026"));
        assert_eq!(values(date, "java/a"), None);
        assert_eq!(values(":title", "java/a b").as_deref(), Some("title=java/a b"));
        assert_eq!(values(":lang/:title", "fr/x/y").as_deref(), Some("lang=fr title=x/y"));
        assert_eq!(values(":i_month-:i_day:title", "1-23x").as_deref(), Some("i_day=23 i_month=1 title=x"));
        assert_eq!(values(":i_month-:i_day:title", "1-2").as_deref(), None);
        assert_eq!(values(":title", ""), None);
    }

    #[test]
    fn a_slug_is_ascii_where_letters_are_latin() {
        assert_eq!(slug("JDK: Notés & Ünï 日本 Łø ß", Case::Lower), "jdk-notes-uni-日本-lo-s");
        assert_eq!(slug("java/JDK Notes", Case::Kept), "java-JDK-Notes");
        assert_eq!(slug("50%25", Case::Kept), "50-25");
        assert_eq!(slug("--Übung\u{3000}ｘ\n。한国が--", Case::Upper), "UBUNG-X。한国が");
        assert_eq!(slug("…!?", Case::Kept), "…");
    }

    proptest! {
        #[test]
        fn any_pattern_and_path_are_read(pattern in "[:a-z_/.-]{0,30}", path in "\\PC{0,30}") {
            parsed(&pattern, &path);
            slug(&path, Case::Lower);
        }
    }

    #[test]
    fn many_names_take_no_time() {
        let path = "a-".repeat(200);
        assert_eq!(parsed(":a-:b-:c-:d-:e-:f-:g-:h-:i-:j!", &path), None);
    }
}

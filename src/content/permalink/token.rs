//! The tokens of a permalink pattern.
//!
//! Takes the text of a token; returns what it stands for on a page, with the characters that a path may contain.

use chrono::Datelike;

use crate::content::path::base_name;
use crate::content::permalink::PatternValues;
use crate::content::permalink::date_layout;
use crate::content::sections::Ancestor;
use crate::content::url_path::{lower_case, lower_with_hyphens, sanitize};

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Year,
    Month,
    MonthName,
    Day,
    Weekday,
    WeekdayName,
    YearDay,
    Section,
    Sections,
    SectionSlug,
    SectionSlugs,
    Title,
    Slug,
    BaseName,
    SlugOrBaseName,
    /// Some of the sections.
    SectionsSlice(Slice),
    /// The slugs of some of the sections.
    SectionSlugsSlice(Slice),
    /// The date in a layout of Go.
    Date(String),
}

/// Which of several sections: `[1]`, `[last]`, `[1:]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    from: Bound,
    /// `None` for a single one.
    to: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Open,
    At(usize),
    Last,
}

const TOKENS: [(&str, Token); 17] = [
    ("year", Token::Year),
    ("month", Token::Month),
    ("monthname", Token::MonthName),
    ("day", Token::Day),
    ("weekday", Token::Weekday),
    ("weekdayname", Token::WeekdayName),
    ("yearday", Token::YearDay),
    ("section", Token::Section),
    ("sections", Token::Sections),
    ("sectionslug", Token::SectionSlug),
    ("sectionslugs", Token::SectionSlugs),
    ("title", Token::Title),
    ("slug", Token::Slug),
    ("filename", Token::BaseName),
    ("contentbasename", Token::BaseName),
    ("slugorfilename", Token::SlugOrBaseName),
    ("slugorcontentbasename", Token::SlugOrBaseName),
];

impl Token {
    /// The names of the tokens, with their colons.
    pub fn names() -> Vec<String> {
        TOKENS.iter().map(|(name, _)| format!(":{name}")).collect()
    }

    /// The token at the beginning of the text, which starts with a colon, and its length.
    pub fn parse(text: &str) -> Option<(Self, usize)> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let word = &text[1..];
        let word = &word[..word.find(|c: char| !is_word(c)).unwrap_or(word.len())];
        let end = word.len() + 1;
        if let Some(close) = text[end..].strip_prefix('[').and_then(|inside| inside.find(']')) {
            let slice = Slice::parse(&text[end + 1..end + 1 + close]);
            return match word {
                "sections" => Some((Self::SectionsSlice(slice), end + close + 2)),
                "sectionslugs" => Some((Self::SectionSlugsSlice(slice), end + close + 2)),
                _ => None,
            };
        }
        let named = |word: &str| TOKENS.iter().find(|(name, _)| *name == word).map(|(_, token)| token.clone());
        let dated =
            || date_layout::formatted(word, chrono::DateTime::default()).map(|_| (Self::Date(word.to_owned()), end));
        // Hugo would refuse `:year_:month`, which is clear.
        let before_underscore = || {
            let word = &word[..word.find('_')?];
            Some((named(word)?, word.len() + 1))
        };
        named(word).map(|token| (token, end)).or_else(dated).or_else(before_underscore)
    }

    /// What it stands for on this page; names in lower case unless their case is kept.
    pub fn of(&self, page: &PatternValues<'_>, keeps_case: bool) -> String {
        let cased = |text: String| if keeps_case { text } else { lower_case(&text) };
        let (date, sections) = (page.date, sections(page.above));
        match self {
            Self::Year => date.year().to_string(),
            Self::Month => format!("{:02}", date.month()),
            Self::MonthName => date.format("%B").to_string(),
            Self::Day => format!("{:02}", date.day()),
            Self::Weekday => date.weekday().num_days_from_sunday().to_string(),
            Self::WeekdayName => date.format("%A").to_string(),
            Self::YearDay => date.ordinal().to_string(),
            Self::Date(layout) => date_layout::formatted(layout, date).unwrap_or_default(),
            Self::Section => sections.first().map(section_name).unwrap_or_default(),
            Self::Sections => names(sections).join("/"),
            Self::SectionsSlice(slice) => slice.of(&names(sections)).join("/"),
            Self::SectionSlug => cased(sections.first().map(section_slug).unwrap_or_default()),
            Self::SectionSlugs => cased(slugs(sections).join("/")),
            Self::SectionSlugsSlice(slice) => cased(slice.of(&slugs(sections)).join("/")),
            Self::Title => cased(of_title(page.title)),
            Self::Slug => cased(page.slug.map_or_else(|| of_title(page.title), cleaned)),
            Self::BaseName => cased(cleaned(base_name(page.path))),
            Self::SlugOrBaseName => cased(cleaned(page.slug.unwrap_or(base_name(page.path)))),
        }
    }
}

/// A title is one segment of a path, whatever it contains.
fn of_title(title: &str) -> String {
    cleaned(&title.replace(['/', '\\'], "-"))
}

/// To Hugo, `#` at the end begins an empty fragment.
fn cleaned(text: &str) -> String {
    let text = sanitize(text);
    text.strip_suffix('#').map(str::to_owned).unwrap_or(text)
}

/// The folders from the top to the innermost that is a section.
fn sections<'a, 'b>(above: &'b [Ancestor<'a>]) -> &'b [Ancestor<'a>] {
    let innermost = above.iter().rposition(|folder| folder.section.is_some()).unwrap_or(0);
    &above[..above.len().min(innermost + 1)]
}

fn section_name(folder: &Ancestor<'_>) -> String {
    lower_with_hyphens(folder.name)
}

fn names(sections: &[Ancestor<'_>]) -> Vec<String> {
    sections.iter().map(section_name).collect()
}

/// The slugs of the folders that are sections.
fn slugs(sections: &[Ancestor<'_>]) -> Vec<String> {
    let sections = sections.iter().enumerate().filter(|(depth, folder)| *depth == 0 || folder.section.is_some());
    sections.map(|(_, folder)| section_slug(folder)).collect()
}

/// The slug of a section, else its title; without an `_index.md`, the plural of its name is its title.
fn section_slug(folder: &Ancestor<'_>) -> String {
    match folder.section {
        Some(section) => section.slug.as_deref().map_or_else(|| of_title(&section.title), cleaned),
        None => of_title(&plural(folder.name)),
    }
}

/// The English plural, as Hugo forms it for regular nouns.
fn plural(name: &str) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match name.strip_suffix('y') {
        _ if name.is_empty() || ends(&["s", "news", "series"]) => name.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if ends(&["x", "z", "ch", "sh"]) => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

impl Slice {
    /// Like Hugo, anything but a number is the first.
    fn parse(text: &str) -> Self {
        let bound = |text: &str| match text.trim() {
            "" => Bound::Open,
            last if last.eq_ignore_ascii_case("last") => Bound::Last,
            number => Bound::At(number.parse().unwrap_or(0)),
        };
        match text.split_once(':') {
            None => Self { from: bound(text), to: None },
            Some((from, to)) => Self { from: bound(from), to: Some(bound(to)) },
        }
    }

    fn of<'a>(&self, items: &'a [String]) -> &'a [String] {
        let last = items.len().saturating_sub(1);
        let from = match self.from {
            Bound::Open => 0,
            Bound::Last => last,
            Bound::At(at) => at,
        };
        let to = match self.to {
            None => from.saturating_add(1),
            Some(Bound::Open) => items.len(),
            Some(Bound::Last) => last,
            Some(Bound::At(at)) => at,
        };
        items.get(from..to.min(items.len())).unwrap_or_default()
    }
}

//! Rules for the keys of the front matter: one letter too many, too few, wrong or swapped in a key that decides whether, when
//! and how an issue is mailed.
//!
//! Custom keys stay free: a key counts only if it is one edit from a known key that the issue lacks, and if generators and
//! themes do not use it. One edit finds no other key in 32,000 posts of 74 blogs; two edits find `name` for `date`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::content::front_matter::Fields;
use crate::content::{cover, date};
use crate::finding::{Finding, Place};
use crate::issue::Issue;

const KEY_MISSPELLED: Rule = Rule::error(
    "front-matter-key",
    "A key of the front matter is one letter from one that decides whether, when or how an issue is mailed",
    "the issue stays in the feeds, but is mailed to no one; write the known key, or both if the other is a custom key",
);
const KEY_SIMILAR: Rule = Rule::warning(
    "front-matter-key-similar",
    "A key of the front matter is one letter from a known key",
    "it is a custom key, available to templates alone; write the known key, or both if you mean it",
);

pub(super) const RULES: [&Rule; 2] = [&KEY_MISSPELLED, &KEY_SIMILAR];

/// The values that a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Date,
    Number,
    Text,
}

/// The keys that decide whether, when and how an issue is mailed. A lower-case name is looked for; the other is shown.
const DECIDING: [(&str, &str, Kind); 8] = [
    ("draft", "draft", Kind::Boolean),
    ("email", "email", Kind::Boolean),
    ("feed", "feed", Kind::Boolean),
    ("date", "date", Kind::Date),
    ("publishdate", "publishDate", Kind::Date),
    ("expirydate", "expiryDate", Kind::Date),
    ("edition", "edition", Kind::Number),
    ("subject", "subject", Kind::Text),
];

/// Those of them that date an issue.
const DATES: [&str; 2] = ["date", "publishDate"];

/// Custom keys in use that are one edit from a key in `DECIDING`: dates of Obsidian, data of templates, growth of digital
/// gardens, subjects of courses.
const IN_USE: [&str; 7] = ["data", "cdate", "mdate", "expiredate", "subjects", "seed", "need"];

/// Keys that other generators know. Ours may be meant, so they warn; where ours would keep the issue from being mailed, they are
/// errors.
const OF_OTHER_GENERATORS: [&str; 4] = ["publish_date", "publish-date", "expiry_date", "expiry-date"];

/// The other known keys. Short ones are missing: `tag`, `uid` and `uri` are in use.
const OTHERS: [&str; 20] = [
    "pubdate", "published", "lastmod", "updated", "modified", "unpublishdate", "slug", "aliases", "author", "authors",
    "authorlink", "description", "summary", "categories", "cover", "featured_image", "thumbnail", "banner", "language",
    "preheader",
];

/// Those that take a date.
const OTHER_DATES: [&str; 6] = ["pubdate", "published", "lastmod", "updated", "modified", "unpublishdate"];

/// Custom keys in use that are one edit from a key in `OTHERS`.
const OTHERS_IN_USE: [&str; 3] = ["covers", "banners", "languages"];

pub(super) fn check(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let custom = source.issue.params.iter().flat_map(|params| params.iter());
    let suspects: Vec<(&String, &Value)> = custom.filter(|(key, value)| !value.is_null() && is_suspect(key)).collect();
    if suspects.is_empty() {
        return Vec::new();
    }
    let fields = source.fields();
    let found = |(key, value): (&String, &Value)| {
        let (rule, known) = judge(key, value, &fields, site)?;
        // Of an issue without a date, the finding about that names the key.
        if !source.issue.is_dated() && DATES.contains(&known) {
            return None;
        }
        Some(source.at_key(key, |written| {
            let (message, help) = words(rule, written, known);
            rule.found(message).help(help)
        }))
    };
    suspects.into_iter().filter_map(found).collect()
}

/// The finding about an issue without a date, as pages of a site are: in the `text` of its file, an error at the key that may be meant as one, if
/// there is one.
pub fn no_date(issue: &Issue, text: impl FnOnce() -> String) -> Finding {
    const MESSAGE: &str = "the issue has no date, so it is neither published nor mailed";
    let params = issue.params.iter().flat_map(|params| params.iter());
    let mut dates = params.filter(|(key, value)| !IN_USE.contains(&key.as_str()) && Kind::Date.fits(value));
    let meant = |key: &str| DATES.into_iter().find(|known| is_one_edit_away(key, &known.to_lowercase()));
    match dates.find_map(|(key, _)| Some((key, meant(key)?))) {
        None => Finding::warning("no-date", MESSAGE)
            .help("if it is an issue, add `date: …` to its front matter; if it is a page such as `about.md`, name it in `exclude`")
            .at(Place::file(&issue.path)),
        Some((key, known)) => IssueSource::new(issue, None, &text()).at_key(key, |written| {
            Finding::error("no-date", format!("{MESSAGE}: `{written}` has no effect")).help(format!("write `{known}`"))
        }),
    }
}

fn is_suspect(key: &str) -> bool {
    let mut known = DECIDING.iter().map(|(name, ..)| *name).chain(OTHERS);
    !known.clone().chain(cover::FIELDS).any(|name| name == key) && known.any(|name| is_one_edit_away(key, name))
}

/// The rule that the key breaks, with the known key that may be meant.
fn judge(key: &str, value: &Value, fields: &Fields, site: &Site) -> Option<(&'static Rule, &'static str)> {
    let is_absent = |name: &str| fields.get(name).is_none_or(Value::is_null);
    let is_meant = |name: &str| is_absent(name) && is_one_edit_away(key, name);
    let deciding = DECIDING.iter().find(|(name, _, kind)| is_meant(name) && !IN_USE.contains(&key) && kind.fits(value));
    if let Some((name, shown, _)) = deciding {
        let is_harmless = OF_OTHER_GENERATORS.contains(&key) && !would_stop_mail(name, value, site);
        return Some((if is_harmless { &KEY_SIMILAR } else { &KEY_MISSPELLED }, shown));
    }
    let fits = |name: &str| !OTHER_DATES.contains(&name) || Kind::Date.fits(value);
    let other = OTHERS.into_iter().find(|name| is_meant(name) && !OTHERS_IN_USE.contains(&key) && fits(name))?;
    Some((&KEY_SIMILAR, other))
}

fn words(rule: &Rule, key: &str, known: &str) -> (String, String) {
    if *rule == KEY_SIMILAR {
        let help = format!("write `{known}`; if `{key}` is a custom key, write both, or switch the rule off");
        return (format!("slugline does not know `{key}`: did you mean `{known}`?"), help);
    }
    let help = format!(
        "write `{known}`; if `{key}` is a custom key, write both; until then the feeds show the issue, but it is mailed to no \
         one"
    );
    (format!("`{key}` has no effect: did you mean `{known}`?"), help)
}

/// One letter more, less, other, or two swapped.
fn is_one_edit_away(key: &str, name: &str) -> bool {
    key.len().abs_diff(name.len()) < 4 && strsim::osa_distance(key, name) == 1
}

/// Whether the issue would not be mailed now if the date were that of this key.
fn would_stop_mail(name: &str, value: &Value, site: &Site) -> bool {
    let Some(date) = as_date(value, site.time_zone) else { return false };
    if name == "publishdate" { date > site.now } else { date <= site.now }
}

fn as_date(value: &Value, time_zone: Tz) -> Option<DateTime<Utc>> {
    Some(date::parse(value.as_str()?, time_zone)?.to_utc())
}

impl Kind {
    /// Whether it takes the value, which may itself have a slip.
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Boolean => is_boolean(value),
            Self::Date => as_date(value, Tz::UTC).is_some(),
            Self::Number => value.as_u64().is_some_and(|number| number > 0),
            Self::Text => value.as_str().is_some_and(|text| !text.trim().is_empty()) && !is_boolean(value),
        }
    }
}

/// `true` or `false`, as YAML 1.1 had them too, or one letter from it.
fn is_boolean(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return value.is_boolean() };
    let word = text.trim().to_lowercase();
    ["yes", "no", "on", "off"].contains(&word.as_str())
        || ["true", "false"].iter().any(|truth| word == *truth || is_one_edit_away(&word, truth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{PATH, found_in, loaded};

    /// Severity, place and what was meant of the findings about these lines of a front matter.
    fn found(lines: &str) -> Vec<String> {
        let findings = found_in(&format!("---\ntitle: Tide\ndescription: D\n{lines}---\nText.\n"));
        let of_keys = findings.iter().filter(|finding| RULES.iter().any(|rule| rule.name == finding.rule));
        of_keys
            .map(|finding| {
                let place = finding.place.as_ref().unwrap();
                let kind = if finding.is_error() { "error" } else { "warning" };
                let meant = finding.message.split('`').nth(3).unwrap();
                format!("{kind} {}:{}+{} {meant}", place.line, place.column, finding.length)
            })
            .collect()
    }

    #[test]
    fn a_key_one_edit_from_one_that_decides_about_mail_is_an_error_at_the_key() {
        for (line, meant) in [
            ("darft: true", "draft"),
            ("drafts: true", "draft"),
            ("draf: true", "draft"),
            ("craft: false", "draft"),
            ("Darft: ture", "draft"),
            ("darft: yes", "draft"),
            ("emial: false", "email"),
            ("mail: 'false'", "email"),
            ("feeed: no", "feed"),
            ("editon: 2", "edition"),
            ("subjct: Hello", "subject"),
            ("publisDate: 2026-12-24", "publishDate"),
            ("expiryDat: 2026-12-24T10:00:00Z", "expiryDate"),
        ] {
            let length = line.find(':').unwrap();
            let expected = format!("error 5:1+{length} {meant}");
            assert_eq!(found(&format!("date: 2026-11-01\n{line}\n")), [expected], "{line}");
        }
    }

    #[test]
    fn a_missing_date_is_reported_at_the_key_that_may_be_meant() {
        let no_date = |lines: &str| {
            let text = format!("---\ntitle: Tide\n{lines}---\nText.\n");
            let finding = no_date(&loaded(PATH, &text), || text.clone());
            (
                finding.place.unwrap().to_string(),
                finding.message.split('`').nth(1).map(str::to_owned),
                finding.help.unwrap(),
            )
        };
        for (line, column, written, known) in [
            ("dtae: 2026-11-01", 1, "dtae", "date"),
            ("Dates: 2026-11-01", 1, "Dates", "date"),
            ("\"dtae\": 2026-11-01", 2, "dtae", "date"),
            ("publisDate: 2026-11-01", 1, "publisDate", "publishDate"),
        ] {
            let expected = (format!("{PATH}:3:{column}"), Some(written.to_owned()), format!("write `{known}`"));
            assert_eq!(no_date(&format!("{line}\n")), expected);
            assert_eq!(found(&format!("{line}\n")), Vec::<String>::new(), "{line}");
        }
        for line in ["", "rate: 5", "data: 2026-11-02", "dates: 2025-11-04 ~ 2025-11-15", "name: 2026-11-01"] {
            assert_eq!(no_date(&format!("{line}\n")).0, PATH, "{line}");
        }
    }

    #[test]
    fn custom_keys_stay_free() {
        for line in [
            // Two edits.
            "darf: true",
            "name: 2026-11-01",
            // The known key is there, too.
            "draft: false\ndarft: true",
            "email: true\nmail: false",
            // Another kind of value.
            "draft_: 3",
            "emails: [a@example.org]",
            "mail: editors@example.org",
            "feet: 12",
            "subject2: true",
            "editions: [1, 2]",
            // Known to generators and themes.
            "data: 2026-11-02",
            "cdate: 2026-11-02",
            "mdate: 2026-11-02",
            "seed: true",
            "need: true",
            "subjects: Physics",
            "expireDate: 2026-10-01",
            "tag: moon",
            // Without a value.
            "darft:",
        ] {
            assert_eq!(found(&format!("date: 2026-11-01\n{line}\n")), Vec::<String>::new(), "{line}");
        }
        for line in ["dates: 2025-11-04 ~ 2025-11-15", "data: 2026-11-02", "rate: 5"] {
            assert_eq!(found(&format!("{line}\n")), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn a_date_of_another_generator_is_an_error_only_if_ours_would_keep_the_issue_back() {
        let found = |line: &str| found(&format!("date: 2026-11-01\n{line}\n")).concat();
        assert_eq!(found("publish_date: 2026-11-01"), "warning 5:1+12 publishDate");
        assert_eq!(found("publish_date: 2026-12-24"), "error 5:1+12 publishDate");
        assert_eq!(found("expiry-date: 2026-12-24"), "warning 5:1+11 expiryDate");
        assert_eq!(found("expiry_date: 2026-11-02"), "error 5:1+11 expiryDate");
    }

    #[test]
    fn a_key_near_another_known_one_is_a_warning() {
        for (line, meant) in [
            ("lastmode: 2026-11-02", "lastmod"),
            ("categoies: [a]", "categories"),
            ("featured-image: a.png", "featured_image"),
            ("summery: S", "summary"),
            ("alises: /old/", "aliases"),
        ] {
            let expected = format!("warning 5:1+{} {meant}", line.find(':').unwrap());
            assert_eq!(found(&format!("date: 2026-11-01\n{line}\n")), [expected], "{line}");
        }
    }

    #[test]
    fn keys_of_the_cover_and_values_of_another_kind_are_no_slips() {
        for line in ["featuredimage: a.png", "updates: [a, b]", "publishes: true"] {
            assert_eq!(found(&format!("date: 2026-11-01\n{line}\n")), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn every_known_key_is_one_that_the_program_reads() {
        let text = concat!(include_str!("../content/assemble.rs"), include_str!("../content/names.rs"));
        let known = DECIDING.iter().map(|(name, ..)| *name).chain(OTHERS);
        let cover = crate::content::cover::FIELDS;
        let unknown: Vec<&str> =
            known.filter(|name| !text.contains(&format!("\"{name}\"")) && !cover.contains(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new());
        assert!(DECIDING.iter().all(|(name, shown, _)| shown.to_lowercase() == *name));
    }
}

//! Files without front matter, as the largest newsletters in git have them.
//!
//! Takes the path and beginning of a file, and when it was committed first; returns the fields that these stand for: the first
//! heading is the title, and leaves the text. Pages about the repository itself are not posts unless they have front matter.

use crate::content::file_date::FileDate;
use crate::content::format::{Body, Format, Generator, PostFile, Translated};
use crate::content::front_matter::Fields;
use crate::content::path::{base_name, file_name, is_index};
use crate::content::permalink::PatternValues;
use crate::content::url_path::{lower_case, sanitize};

mod day;
mod heading;

/// The format.
#[derive(Debug)]
pub struct Plain {
    /// Whether the project file has a pattern for addresses.
    has_pattern: bool,
}

impl Plain {
    /// The format of a project with or without a pattern for addresses.
    pub fn new(permalink: Option<&str>) -> Self {
        Self { has_pattern: permalink.is_some() }
    }
}

impl Format for Plain {
    fn generator(&self) -> Generator {
        Generator::Plain
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn is_bare_post(&self, path: &str) -> bool {
        !is_about_repository(path)
    }

    fn needs_history(&self) -> bool {
        true
    }

    fn complete(&self, file: &PostFile<'_>, fields: &mut Fields) {
        let is_absent = |name: &str, fields: &Fields| fields.get(name).is_none_or(serde_json::Value::is_null);
        if is_absent("title", fields) {
            let title = heading::first(file.beginning).map(|heading| heading.title);
            fields.set("title", title.unwrap_or_else(|| title_of_name(file.below_content)));
        }
        let is_dated = FileDate::OfPath.of(file.below_content, None, chrono_tz::Tz::UTC).is_some();
        if is_absent("date", fields) && !is_dated {
            let day = day::in_name(base_name(file.below_content)).map(|day| day.to_string());
            if let Some(date) = day.or_else(|| file.created.map(|created| created.to_rfc3339())) {
                fields.set("date", date);
            }
        }
    }

    /// As the file lies below the folder of the site, in the letters of Hugo.
    fn address(&self, file: &PostFile<'_>, page: &PatternValues<'_>, fields: &Fields) -> Option<String> {
        if self.has_pattern || fields.get("url").is_some_and(|url| !url.is_null()) {
            return None;
        }
        let mut segments: Vec<&str> = file.path.split('/').collect();
        let name = segments.pop().unwrap_or_default();
        if !is_index(name) {
            segments.push(base_name(name));
        }
        if let (Some(slug), Some(last)) = (page.slug, segments.last_mut()) {
            *last = slug;
        }
        let path: String = segments.iter().map(|segment| format!("/{}", lower_case(&sanitize(segment)))).collect();
        Some(path + "/")
    }

    fn markdown<'m>(&self, body: &'m str, of: &Body<'_>) -> Translated<'m> {
        match heading::first(body).filter(|heading| heading.title == of.issue.title) {
            None => Translated::unchanged(body),
            Some(heading::Heading { range, .. }) => {
                let lines = body[range.clone()].matches('\n').count();
                let without = [&body[..range.start], &"\n".repeat(lines), &body[range.end..]].concat();
                Translated { markdown: without.into(), lost: Vec::new() }
            }
        }
    }
}

/// Names of pages about a repository, its navigation, and its forms; those of a language may follow.
const ABOUT_REPOSITORY: [&str; 22] = [
    "_coverpage",
    "_navbar",
    "_sidebar",
    "authors",
    "changelog",
    "changes",
    "code_of_conduct",
    "contributing",
    "contributors",
    "copying",
    "governance",
    "history",
    "index",
    "issue_template",
    "license",
    "licence",
    "maintainers",
    "pull_request_template",
    "readme",
    "security",
    "summary",
    "support",
];

fn is_about_repository(path: &str) -> bool {
    let name = file_name(path).to_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    // `README.zh-CN.md`, `CHANGELOG-v2.md`, `LICENSE_MIT.md`: not `security-weekly-1.md`.
    let is_short = |part: &str| part.len() <= 4 && part.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_variant = |rest: &str| rest.split(['.', '_']).all(is_short);
    let is_about = |about: &&str| {
        let rest = stem.replace('-', "_").strip_prefix(*about).map(str::to_owned);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']) && is_variant(&rest[1..]))
    };
    let in_folder = |folder: &str| path.split('/').any(|part| part.eq_ignore_ascii_case(folder));
    ABOUT_REPOSITORY.iter().any(|about| is_about(&about)) || in_folder(".github") || in_folder("issue_template")
}

/// The name of the file as words, without a day before them.
fn title_of_name(path: &str) -> String {
    let name = base_name(path);
    let slug = FileDate::First.of(name, None, chrono_tz::Tz::UTC).map(|(_, slug)| slug).filter(|slug| !slug.is_empty());
    let name = slug.unwrap_or(name);
    if name.contains(' ') { name.to_owned() } else { name.replace(['-', '_'], " ").trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn file<'a>(path: &'a str, beginning: &'a str) -> PostFile<'a> {
        let created = DateTime::parse_from_rfc3339("2026-01-02T08:00:00+08:00").ok();
        PostFile { path, below_content: path, beginning, created }
    }

    fn completed(path: &str, beginning: &str, own: &[(&str, &str)]) -> serde_json::Value {
        let mut fields = Fields::default();
        own.iter().for_each(|(name, value)| fields.set(name, *value));
        Plain::new(None).complete(&file(path, beginning), &mut fields);
        serde_json::Value::Object(fields.rest())
    }

    #[test]
    fn title_and_date_are_found() {
        let created = "2026-01-02T08:00:00+08:00";
        assert_eq!(completed("a.md", "# 潮汐 *1*\n", &[]), json!({"title": "潮汐 1", "date": created}));
        assert_eq!(completed("low-tide_1.md", "Text\n", &[]), json!({"title": "low tide 1", "date": created}));
        assert_eq!(completed("第 7 期-a.md", "", &[]), json!({"title": "第 7 期-a", "date": created}));
        assert_eq!(completed("2026-03-04-ebb.md", "", &[]), json!({"title": "ebb"}));
        assert_eq!(completed("tide-20260304.md", "# a", &[]), json!({"title": "a", "date": "2026-03-04"}));
        let own = [("title", "b"), ("date", "2026-05-06")];
        assert_eq!(completed("a.md", "# a\n", &own), json!({"title": "b", "date": "2026-05-06"}));
    }

    #[test]
    fn addresses_follow_the_files() {
        let of = |path: &str, slug: Option<&str>| {
            let date = DateTime::<chrono::FixedOffset>::default();
            let page = PatternValues { path, above: &[], title: "T", slug, date };
            Plain::new(None).address(&file(path, ""), &page, &Fields::default())
        };
        for (path, slug, expected) in [
            ("docs/issue-1.md", None, "/docs/issue-1/"),
            ("docs/Issue 1.md", None, "/docs/issue-1/"),
            ("docs/1/index.md", None, "/docs/1/"),
            ("docs/第1期.md", None, "/docs/第1期/"),
            ("docs/1.md", Some("one"), "/docs/one/"),
            ("1.markdown", None, "/1/"),
        ] {
            assert_eq!(of(path, slug).as_deref(), Some(expected));
        }
        let mut fields = Fields::default();
        fields.set("url", "/x/");
        let page = PatternValues {
            path: "a.md",
            above: &[],
            title: "T",
            slug: None,
            date: DateTime::<chrono::FixedOffset>::default(),
        };
        assert_eq!(Plain::new(None).address(&file("a.md", ""), &page, &fields), None);
        assert_eq!(Plain::new(Some("/:slug/")).address(&file("a.md", ""), &page, &Fields::default()), None);
    }

    #[test]
    fn pages_about_the_repository_are_not_posts() {
        for path in [
            "README.md",
            "docs/readme.zh-CN.md",
            "README_EN.md",
            "LICENSE-MIT.md",
            "CHANGELOG.md",
            "code-of-conduct.md",
            "SUMMARY.md",
            "_sidebar.md",
            ".github/x.md",
            "docs/ISSUE_TEMPLATE/bug.md",
            "a/index.md",
            "Contributing.md",
        ] {
            assert!(is_about_repository(path), "{path}");
        }
        for path in [
            "docs/issue-1.md",
            "security-weekly-1.md",
            "readme-driven-development.md",
            "summary-2026-01-02.md",
            "潮.md",
        ] {
            assert!(!is_about_repository(path), "{path}");
        }
    }
}

//! Rules for the front matter: title, dates, description, cover, authors and language.

use chrono::Datelike;
use unicode_width::UnicodeWidthStr;

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::finding::Finding;
use crate::publication::is_language;

const DESCRIPTION_MISSING: Rule = Rule::warning(
    "description-missing",
    "An issue has no description or summary",
    "feeds and mail programs show its first words instead; add `description: …`, one or two sentences",
);
const COVER_ALT_MISSING: Rule = Rule::warning(
    "cover-alt-missing",
    "The cover has no alternative text",
    "screen readers and blocked images need one; write `cover: {image: …, alt: what it shows}`",
);
const COVER_PASTED: Rule = Rule::warning(
    "cover-markdown",
    "The cover is a Markdown link or image",
    "only the address in it is used; write the address alone",
);
const DATE_FUTURE: Rule = Rule::warning(
    "date-future",
    "The date is in the future",
    "the issue stays unpublished until then; that is fine if it is scheduled",
);
const DATE_EARLY: Rule = Rule::warning(
    "date-early",
    "The date is before 1990",
    "there were no feeds then, so validators and readers treat it as a mistake; fix the year",
);
const EXPIRES_BEFORE_DATE: Rule = Rule::warning(
    "expires-before-date",
    "The issue expires before it is published",
    "it will never appear; set a later `expiryDate`, or remove it",
);
const TITLE_BLANK: Rule = Rule::warning(
    "title-empty",
    "The title contains nothing visible",
    "readers see an empty line; write a title in letters",
);
const TITLE_MARKUP: Rule = Rule::warning(
    "title-markup",
    "The title contains HTML or Markdown",
    "titles are plain text in feeds and subjects: HTML is removed, Markdown is shown literally; remove it",
);
const TITLE_REPEATED: Rule = Rule::warning(
    "title-duplicate",
    "Another issue has the same title",
    "readers cannot tell them apart in a list; change one of the titles",
);
const AUTHOR_EMAIL: Rule = Rule::warning(
    "author-email",
    "The name of an author contains an email address",
    "feeds publish it; write `author: {name: …, email: …}`, or the name alone",
);
pub(super) const LANGUAGE_UNKNOWN: Rule = Rule::warning(
    "language-unknown",
    "The language does not exist (ISO 639)",
    "readers choose fonts and hyphenation by it, and validators reject the feed; write a tag such as `zh-CN` or `ja`",
);

pub(super) const RULES: [&Rule; 11] = [
    &DESCRIPTION_MISSING,
    &COVER_ALT_MISSING,
    &COVER_PASTED,
    &DATE_FUTURE,
    &DATE_EARLY,
    &EXPIRES_BEFORE_DATE,
    &TITLE_BLANK,
    &TITLE_MARKUP,
    &TITLE_REPEATED,
    &AUTHOR_EMAIL,
    &LANGUAGE_UNKNOWN,
];

pub(super) fn check(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.issue.description.is_none() {
        let finding = DESCRIPTION_MISSING.found("the issue has no description");
        findings.push(finding.at(source.front_matter()));
    }
    findings.extend(cover(source));
    findings.extend(dates(source, site));
    findings.extend(title(source, site));
    findings.extend(author(source));
    findings.extend(language(source));
    findings
}

fn cover(source: &IssueSource<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(cover) = &source.issue.cover else { return findings };
    if cover.alt.is_none() {
        findings.push(source.at_cover(COVER_ALT_MISSING.found("the cover has no alternative text")));
    }
    if source.front_matter_text().contains(&format!("]({}", cover.target))
        || source.front_matter_text().contains(&format!("[{}](", cover.target))
    {
        let finding = COVER_PASTED.found("the cover is written as Markdown, not as an address");
        findings.push(source.at_cover(finding.help(format!("write `{}` alone", cover.target))));
    }
    findings
}

fn dates(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    let issue = source.issue;
    if issue.date > site.now {
        let finding = DATE_FUTURE.found(format!("it will be published on {}", issue.date.format("%-d %B %Y at %H:%M")));
        findings.push(source.at_field(finding, &["publishdate", "pubdate", "published", "date"]));
    }
    if issue.is_dated() && issue.date.year() < 1990 {
        let finding = DATE_EARLY.found(format!("the year of the date is {}", issue.date.year()));
        findings.push(source.at_field(finding, &["date", "publishdate", "pubdate", "published"]));
    }
    if issue.is_dated() && issue.expires.is_some_and(|expires| expires <= issue.date) {
        let finding = EXPIRES_BEFORE_DATE.found("it expires before its own date");
        findings.push(source.at_field(finding, &["expirydate", "unpublishdate"]));
    }
    findings
}

fn title(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (issue, title) = (source.issue, &source.issue.title);
    let plain = issue.plain_title();
    let is_markdown = title.contains("**") || title.contains("](") || title.matches('`').count() > 1;
    if plain != title.as_str() || is_markdown {
        let finding = TITLE_MARKUP.found(format!("readers see the title as `{plain}`"));
        findings.push(source.at_field(finding, &["title"]));
    }
    if plain.width() == 0 {
        findings.push(source.at_field(TITLE_BLANK.found("the title contains nothing visible"), &["title"]));
    }
    if let Some(other) = site.same_title(issue) {
        let finding = TITLE_REPEATED.found(format!("`{other}` has the same title"));
        findings.push(source.at_field(finding, &["title"]));
    }
    findings
}

fn author(source: &IssueSource<'_>) -> Option<Finding> {
    let has_email = |name: &str| {
        let mut words = name.split(|c: char| c.is_whitespace() || "<>()（）,，".contains(c));
        words.any(|word| word.parse::<crate::email::EmailAddress>().is_ok())
    };
    let author = source.issue.authors.iter().find(|author| has_email(&author.name))?;
    let finding = AUTHOR_EMAIL.found(format!("the name `{}` contains an email address", author.name));
    Some(source.at_field(finding, &["authors", "author"]))
}

fn language(source: &IssueSource<'_>) -> Option<Finding> {
    let tag = source.issue.language.as_deref().filter(|tag| !is_language(tag))?;
    let finding = LANGUAGE_UNKNOWN.found(format!("there is no language `{tag}`"));
    Some(source.at_field(finding, &["language"]))
}

//! Builds an issue from the fields of its front matter.
//!
//! Takes the front matter of one file and the publication it belongs to; returns the issue, or the findings that
//! exclude it. Forgives what Hugo forgives: a string for a list, a missing author.

use chrono::{DateTime, FixedOffset};
use url::Url;

use crate::content::addresses::Addresses;
use crate::content::build_options::is_listed;
use crate::content::cascade::Cascade;
use crate::content::cover::cover;
use crate::content::custom_id;
use crate::content::date;
use crate::content::field_names;
use crate::content::field_reader::{FieldReader, plain_text};
use crate::content::file_date::FileDate;
use crate::content::format::PostFile;
use crate::content::format::generators::GeneratorFormat;
use crate::content::front_matter::{Block, Fields};
use crate::content::names::Names;
use crate::content::path::base_name;
use crate::content::permalink::{Pattern, PatternValues};
use crate::content::sections::Sections;
use crate::content::url_path::absolute;
use crate::finding::Finding;
use crate::issue::{Issue, IssueId, Slug};
use crate::publication::{Publication, is_language_tag};

pub use crate::content::site::{Site, Source};

/// An issue and its findings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assembled {
    /// `None` if a finding is an error: the issue is left out.
    pub issue: Option<Issue>,
    /// In the order found.
    pub findings: Vec<Finding>,
}

/// Builds the issue whose front matter is `block`.
pub fn assemble<'a>(
    source: Source<'_>,
    block: &Block<'_>,
    publication: &Publication,
    site: impl Into<Site<'a>>,
    names: &mut Names,
) -> Assembled {
    let site = site.into();
    let mut fields = match FieldReader::new(source.path, block) {
        Ok(fields) => fields,
        Err(finding) => return Assembled { issue: None, findings: vec![*finding] },
    };
    let own = fields.take("cascade").map(|cascade| Cascade::all(&cascade)).unwrap_or_default();
    let inherited = site.cascades_of(source, publication);
    own.iter().chain(inherited).for_each(|cascade| fields.inherit(&cascade.fields));
    fields.rename(|fields| field_names::rename(fields, site.fields, site.format.and_then(GeneratorFormat::known)));
    let file = PostFile {
        path: source.in_site,
        below_content: source.below_content,
        beginning: source.beginning,
        created: source.created,
    };
    if let Some(format) = site.format {
        fields.rename(|fields| format.complete(&file, fields));
    }
    let address = |page: &PatternValues<'_>, fields: &Fields| {
        site.format
            .filter(|format| format.has_addresses() && !site.permalink.is_of_archive())?
            .address(&file, page, fields)
    };
    let issue = issue(source, block, &mut fields, publication, site, names, &address);
    let findings = fields.into_findings();
    let left_out = findings.iter().any(Finding::is_error);
    Assembled { issue: issue.filter(|_| !left_out), findings }
}

fn issue(
    source: Source<'_>,
    block: &Block<'_>,
    fields: &mut FieldReader<'_>,
    publication: &Publication,
    site: Site<'_>,
    names: &mut Names,
    address: &dyn Fn(&PatternValues<'_>, &Fields) -> Option<String>,
) -> Option<Issue> {
    let readers = readers(fields);
    let mut dates = dates(fields, publication, source.changed);
    let of_file = dates.in_path(site.file_date, source.below_content, publication);
    let title = title(fields, source, readers, dates.date > Issue::undated());
    let slug =
        fields.text("slug").or(of_file).map(|slug| slug.trim_matches('-').to_owned()).filter(|slug| !slug.is_empty());
    let no_sections = Sections::default();
    let sections = site.sections.unwrap_or(&no_sections);
    let above = sections.above(publication.site.as_deref(), source.root(), source.below_content);
    let (path, slug) = (source.below_content, slug.as_deref());
    let page = PatternValues { path, above: &above, title: &title, slug, date: dates.date };
    let folder = publication.site.as_deref();
    let in_folder = |folder: Option<&str>, path: &str| [folder.unwrap_or_default(), "/", path].concat();
    let of_format = address(&page, fields.fields());
    let path = match of_format.map(|path| (path, true)).or_else(|| url(fields, site.permalink, &page)) {
        // Like Hugo: a leading slash means the site root; without one, the folder of the language.
        Some((path, true)) => path,
        Some((path, false)) => in_folder(folder.or(site.permalink.main_folder.as_deref()), &path),
        None => in_folder(folder.or(site.permalink.main_folder.as_deref()), &site.permalink.path(&page)),
    };
    let of_archive = site.page.map(|pattern| absolute(&publication.base_url, &in_folder(folder, &pattern.path(&page))));
    let permalink = absolute(&publication.base_url, &path);
    let custom_id = custom_id(fields);
    let (description, summary) = (fields.text("description"), fields.text("summary"));
    let excerpt = fields.text("excerpt");
    Some(Issue {
        path: source.path.to_owned(),
        id: IssueId::new(custom_id.as_deref().unwrap_or(permalink.as_str()))?,
        has_custom_id: custom_id.is_some(),
        aliases: aliases(fields, publication),
        slug: last_segment(&permalink)?,
        date: dates.date,
        updated: dates.updated,
        expires: dates.expires,
        authors: names.authors(fields, publication, site.people),
        description: description.or(summary).or(excerpt).map(|text| plain_text(&text)),
        categories: names.terms(fields, "categories"),
        tags: names.terms(fields, "tags"),
        cover: cover(fields, &permalink),
        language: language(fields).or_else(|| publication.site.as_ref().map(|_| publication.language.clone())),
        site: publication.site.clone(),
        draft: readers.draft,
        feed: readers.feed,
        email: readers.email,
        edition: edition(fields),
        subject: fields.text("subject"),
        preheader: fields.text("preheader"),
        params: fields.rest(),
        possible_rename: None,
        is_backfilled: false,
        body: block.body,
        title,
        page: of_archive.filter(|page| *page != permalink).map(Box::new),
        // It was joined, and has spare capacity; its clone has none.
        permalink: permalink.clone(),
    })
}

/// Which readers an issue is for.
#[derive(Debug, Clone, Copy)]
struct Readers {
    draft: bool,
    feed: bool,
    email: bool,
}

/// `draft`, `feed` and `email`. What Hugo does not list reaches no one, unless our own fields say so.
fn readers(fields: &mut FieldReader<'_>) -> Readers {
    let (build, headless) = (fields.take("_build").or(fields.take("build")), fields.take("headless"));
    let is_listed = is_listed(build.as_ref(), headless.as_ref());
    // Jekyll's opposite of `draft`; Hugo's publication date otherwise.
    let is_published = fields.take_truth("published").unwrap_or(true);
    Readers {
        draft: fields.boolean("draft", !is_published),
        feed: fields.boolean("feed", is_listed),
        email: fields.boolean("email", is_listed),
    }
}

/// `title`. An issue that reaches no one, such as a draft or a page without a date, needs none; it is listed by its file name.
fn title(fields: &mut FieldReader<'_>, source: Source<'_>, readers: Readers, is_dated: bool) -> String {
    match fields.text("title") {
        Some(title) => title,
        None if readers.draft || !is_dated || !(readers.feed || readers.email) => base_name(source.path).to_owned(),
        None => {
            fields.error("title", "the issue has no title", "add `title: …` to the front matter");
            String::new()
        }
    }
}

/// `url`: a path, and whether it begins at the root of the site. Only the path of a complete URL is used, since everything
/// is published below the base URL.
fn url(fields: &mut FieldReader<'_>, permalink: &Addresses, page: &PatternValues<'_>) -> Option<(String, bool)> {
    let written = fields.text("url")?;
    let whole = Url::parse(&written).ok().filter(Url::has_host).map(|url| url.path().to_owned());
    if whole.is_some() {
        fields.warn("url", &format!("`{written}` is a complete URL, but only its path is used"), "write only the path");
    }
    let url = whole.unwrap_or(written);
    match permalink.of_url(&url, page) {
        Ok(path) => Some((path, url.starts_with('/'))),
        Err(why) => {
            let help =
                format!("the tokens are {}; write a colon that begins none as `\\:`", Pattern::tokens().join(" "));
            fields.warn("url", &format!("{why}, so it is ignored"), &help);
            None
        }
    }
}

/// `aliases`: paths below the base URL, with or without a leading slash, or complete URLs.
fn aliases(fields: &mut FieldReader<'_>, publication: &Publication) -> Vec<Url> {
    let alias = |written: &String| match Url::parse(written.trim()) {
        Ok(url) if url.has_host() => url,
        _ => absolute(&publication.base_url, written.trim()),
    };
    fields.list("aliases").iter().filter(|written| !written.trim().is_empty()).map(alias).collect()
}

/// `id`. A number is that of another program, and stays a custom field.
fn custom_id(fields: &mut FieldReader<'_>) -> Option<String> {
    fields.peek("id").filter(|id| !id.is_number())?;
    let written = fields.text("id")?;
    let id = custom_id::custom_id(&written);
    if id.is_none() {
        let help = "use an id such as `tag:example.org,2026:spring-tide`, or rename the field";
        fields.warn(
            "id",
            &format!("`{written}` is not a URI that feeds accept as an id, so the issue keeps its permalink as id"),
            help,
        );
    }
    id
}

/// `edition`: a number from 1. Any other value is a custom field and stays available to templates.
fn edition(fields: &mut FieldReader<'_>) -> u32 {
    let written =
        fields.peek("edition").and_then(|value| u32::try_from(value.as_u64()?).ok()).filter(|edition| *edition > 0);
    written.inspect(|_| drop(fields.take("edition"))).unwrap_or(1)
}

fn language(fields: &mut FieldReader<'_>) -> Option<String> {
    let written = fields.text("language")?;
    let tag = written.replace('_', "-");
    if is_language_tag(&tag) {
        return Some(tag);
    }
    fields.warn("language", &format!("`{written}` is not a language tag"), "write a tag such as `en` or `zh-CN`");
    None
}

struct Dates {
    date: DateTime<FixedOffset>,
    updated: DateTime<FixedOffset>,
    expires: Option<DateTime<FixedOffset>>,
}

impl Dates {
    /// Replaces the date by that in the path of the file, if it counts; returns the slug in its name.
    fn in_path(&mut self, file_date: FileDate, path: &str, publication: &Publication) -> Option<String> {
        let written = Some(self.date).filter(|date| *date > Issue::undated());
        let (date, slug) = file_date.of(path, written, publication.time_zone)?;
        (self.date, self.updated) = (date, self.updated.max(date));
        Some(slug.to_owned())
    }
}

/// Like Hugo: `date`, else `publishDate`, else `lastmod`; a later `publishDate` delays publication. The front matter
/// overrides any other source for the date of the last change.
fn dates(fields: &mut FieldReader<'_>, publication: &Publication, changed: Option<DateTime<FixedOffset>>) -> Dates {
    let mut read = |name: &str| fields.date(name, |text| date::parse(text, publication.time_zone));
    let written = read("date");
    let publish = read("publishdate").or(read("pubdate")).or(read("published"));
    let modified = read("lastmod").or(read("updated")).or(read("modified"));
    let expires = read("expirydate").or(read("unpublishdate"));
    let date = written.or(publish).or(modified).unwrap_or_else(Issue::undated);
    let date = publish.map_or(date, |publish| date.max(publish));
    Dates { date, updated: modified.or(changed).map_or(date, |modified| modified.max(date)), expires }
}

/// The last path segment of the permalink, decoded; the host if the issue is the page at the root.
fn last_segment(permalink: &Url) -> Option<Slug> {
    let segment = permalink.path_segments()?.rfind(|segment| !segment.is_empty());
    let decoded = percent_encoding::percent_decode_str(segment.or(permalink.host_str())?).decode_utf8_lossy();
    Slug::new(&decoded.replace('/', "-"))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::content::cover::from_url;
    use crate::content::front_matter::split;
    use crate::issue::Term;
    use crate::publication::Author;

    fn publication() -> Publication {
        Publication {
            title: "Weekly".into(),
            description: String::new(),
            base_url: Url::parse("https://example.org/").unwrap(),
            home: Url::parse("https://example.org/").unwrap(),
            language: "zh-CN".into(),
            time_zone: Tz::Asia__Shanghai,
            author: Some(Author { name: "The team".into(), email: None, url: None }),
            copyright: None,
            icon: None,
            site: None,
        }
    }

    fn assembled(front_matter: &str) -> Assembled {
        let text = format!("---\n{front_matter}---\nbody\n");
        let source = Source::of_path("content/blog/第 7 期/index.md", "blog/第 7 期/index.md");
        let block = split(source.path, text.as_bytes()).unwrap();
        assemble(source, &block, &publication(), &Addresses::default(), &mut Names::default())
    }

    fn issue(front_matter: &str) -> Issue {
        let assembled = assembled(front_matter);
        assert_eq!(assembled.findings, []);
        assembled.issue.unwrap()
    }

    fn names(front_matter: &str) -> Vec<String> {
        issue(front_matter).authors.iter().map(|author| author.name.clone()).collect()
    }

    #[test]
    fn an_issue_is_built_from_its_front_matter() {
        let issue = issue(
            "title: '  A &amp; B '\ndate: 2026-02-03\nlastmod: 2026-02-05T10:00:00Z\nauthor: 甲\nauthorlink: /team/\n\
             description: |\n  one\n  two\ncategories: News\ntags: [潮汐, '', 7, 潮汐]\nDraft: 'true'\nemail: false\nmood: calm\n",
        );
        assert_eq!(issue.permalink.as_str(), "https://example.org/blog/%E7%AC%AC-7-%E6%9C%9F/");
        assert_eq!(issue.id.as_str(), issue.permalink.as_str());
        assert_eq!(issue.slug.as_str(), "第-7-期");
        assert_eq!((issue.title.as_str(), issue.plain_title().as_ref()), ("A &amp; B", "A & B"));
        assert_eq!(issue.date.to_rfc3339(), "2026-02-03T00:00:00+08:00");
        assert_eq!(issue.updated.to_rfc3339(), "2026-02-05T10:00:00+00:00");
        let team = Url::parse("https://example.org/team/").unwrap();
        assert_eq!(*issue.authors, [Author { name: "甲".into(), email: None, url: Some(team) }]);
        assert_eq!(issue.description.as_deref(), Some("one two"));
        assert_eq!(*issue.categories, [Term::new("News").unwrap()]);
        assert_eq!(*issue.tags, [Term::new("潮汐").unwrap(), Term::new("7").unwrap()]);
        assert_eq!((issue.draft, issue.feed, issue.email), (true, true, false));
        assert_eq!(serde_json::Value::Object(*issue.params.unwrap()).to_string(), r#"{"mood":"calm"}"#);
    }

    #[test]
    fn an_edition_is_a_number_from_one_and_anything_else_is_a_custom_field() {
        let edition = |written: &str| {
            let issue = issue(&format!("title: T\ndate: 2026-02-03\nedition: {written}\n"));
            (issue.edition, issue.params.is_some())
        };
        assert_eq!(issue("title: T\ndate: 2026-02-03\n").edition, 1);
        assert_eq!((edition("1"), edition("2"), edition("47")), ((1, false), (2, false), (47, false)));
        for own in ["first", "0", "-1", "1.5", "[2]", "4294967296"] {
            assert_eq!(edition(own), (1, true), "{own}");
        }
    }

    #[test]
    fn authors_are_accepted_in_every_form() {
        assert_eq!(names("title: a\nauthor: 甲、乙\n"), ["甲", "乙"]);
        assert_eq!(names("title: a\nauthors: [One, {name: Two, email: two@example.org}]\n"), ["One", "Two"]);
        assert_eq!(names("title: a\nauthor: {name: One}\n"), ["One"]);
        assert_eq!(names("title: a\nauthor: '[One](/one), [Two](/two), [One](/1)'\n"), ["One", "Two"]);
        assert_eq!(names("title: a\nauthor: ''\n"), ["The team"]);
        assert_eq!(names("title: a\nparams: {Author: One}\n"), ["One"]);
        let linked = issue("title: a\nauthor: '[One](/one) (Labs)'\n").authors;
        let page = Url::parse("https://example.org/one").ok();
        assert_eq!(*linked, [Author { name: "One".into(), email: None, url: page }]);
    }

    #[test]
    fn url_slug_and_id_override_the_path() {
        let permalink = |text: &str| issue(text).permalink.to_string();
        assert_eq!(permalink("title: a\nslug: Seven Up\n"), "https://example.org/blog/seven-up/");
        assert_eq!(permalink("title: a\nurl: /old/place.html\n"), "https://example.org/old/place.html");
        let whole = assembled("title: a\nurl: https://example.com/old/\n");
        assert_eq!(whole.issue.unwrap().permalink.as_str(), "https://example.org/old/");
        assert_eq!(
            whole.findings[0].message,
            "`url`: `https://example.com/old/` is a complete URL, but only its path is used"
        );
        assert_eq!(issue("title: a\nid: tag:example.org,2026:7\n").id.as_str(), "tag:example.org,2026:7");
        assert!(issue("title: a\nid: 63\n").params.unwrap().contains_key("id"), "a number of another program");
    }

    #[test]
    fn covers_may_be_paths_urls_maps_or_pasted_links() {
        let cover = |text: &str| issue(&format!("title: a\ncover: {text}\n"));
        let url = |text: &str| {
            from_url(&cover(text)).map(|cover| (cover.url.to_string(), cover.mime_type.unwrap_or_default()))
        };
        let base = "https://example.org/";
        assert_eq!(url("/cover.jpg"), Some((format!("{base}cover.jpg"), "image/jpeg".into())));
        assert_eq!(url("a b.png"), Some((format!("{base}blog/%E7%AC%AC-7-%E6%9C%9F/a%20b.png"), "image/png".into())));
        assert_eq!(url("https://img.example.org/A*1"), Some(("https://img.example.org/A*1".into(), String::new())));
        assert_eq!(
            url("'[https://a.example.org/1](https://b.example.org/2.jpg)'"),
            Some(("https://a.example.org/1".into(), String::new()))
        );
        assert_eq!(url("'![alt](https://b.example.org/2.jpg)'").unwrap().0, "https://b.example.org/2.jpg");
        assert_eq!(url("''"), None);
        let map = cover("{image: c.gif, alt: ' a  kite ', caption: ''}").cover.unwrap();
        assert_eq!((map.alt.as_deref(), map.caption, &*map.target), (Some("a kite"), None, "c.gif"));
    }

    #[test]
    fn covers_are_found_under_the_field_names_of_themes() {
        let written = |text: &str| issue(&format!("title: a\n{text}\n")).cover.map(|cover| cover.target);
        assert_eq!(written("images: ['', a.png, b.png]").as_deref(), Some("a.png"));
        assert_eq!(written("featured_image: a.png\nthumbnail: b.png").as_deref(), Some("a.png"));
        assert_eq!(written("image: {src: a.png, alt: b}\ncover: ''").as_deref(), Some("a.png"));
        assert_eq!(written("cover: b.png\nimage: a.png").as_deref(), Some("b.png"));
        assert_eq!(written("images: []"), None);
        assert_eq!(written("params: {cover: {image: a.png}}").as_deref(), Some("a.png"));
        assert!(
            issue("title: a\ncover: b\nimage: a.png\n").params.unwrap().contains_key("image"),
            "templates may read it"
        );
    }

    #[test]
    fn errors_exclude_the_issue_and_are_reported() {
        let found = |text: &str| {
            let assembled = assembled(text);
            let show = |finding: &Finding| format!("{}: {finding}", finding.place.as_ref().unwrap());
            (assembled.issue.is_some(), assembled.findings.iter().map(show).collect::<Vec<_>>())
        };
        let path = "content/blog/第 7 期/index.md";
        assert_eq!(
            found("date: 2026-02-30\n"),
            (false, vec![format!("{path}:2:7: `date`: `2026-02-30` is not a valid date")])
        );
        assert!(!found("title: [a]\n").0);
        assert_eq!(
            found("title: a\ndraft: maybe\n").1,
            [format!("{path}:3:8: `draft`: \"maybe\" is neither `true` nor `false`")]
        );
        assert_eq!(
            found("title: a\ncover: 'javascript:alert(1)'\n"),
            (true, vec![format!("{path}:3:8: `cover`: `javascript:alert(1)` is not a URL")])
        );
    }

    #[test]
    fn an_issue_without_a_date_is_never_published() {
        let issue = issue("title: a\ndate:\n");
        assert!(!issue.is_dated());
        assert_eq!(issue.date.to_rfc3339(), "0001-01-01T00:00:00+00:00");
        assert!(!issue.is_published(DateTime::from_timestamp(2_000_000_000, 0).unwrap()));
    }

    #[test]
    fn the_front_matter_overrides_the_known_change_date() {
        let updated = |front_matter: &str| {
            let text = format!("---\ntitle: a\n{front_matter}---\n");
            let changed = Some(DateTime::parse_from_rfc3339("2026-02-04T08:00:00+01:00").unwrap());
            let source = Source { changed, ..Source::of_path("content/a.md", "a.md") };
            let block = split(source.path, text.as_bytes()).unwrap();
            let issue =
                assemble(source, &block, &publication(), &Addresses::default(), &mut Names::default()).issue.unwrap();
            (issue.date.to_rfc3339(), issue.updated.to_rfc3339())
        };
        let dates = |date: &str, updated: &str| (date.to_owned(), updated.to_owned());
        const DATE: &str = "2026-02-03T00:00:00+08:00";
        assert_eq!(updated("date: 2026-02-03\n"), dates(DATE, "2026-02-04T08:00:00+01:00"));
        assert_eq!(
            updated("date: 2026-02-03\nlastmod: 2026-02-03T10:00:00Z\n"),
            dates(DATE, "2026-02-03T10:00:00+00:00")
        );
        assert_eq!(
            updated("date: 2026-02-05T00:00:00Z\n"),
            dates("2026-02-05T00:00:00+00:00", "2026-02-05T00:00:00+00:00")
        );
        assert_eq!(updated("").0, "0001-01-01T00:00:00+00:00", "a commit does not publish an issue");
    }

    #[test]
    fn aliases_are_urls_below_the_base_url() {
        let aliases = |written: &str| {
            let aliases = issue(&format!("title: t\ndate: 2026-01-01\naliases: {written}\n")).aliases;
            aliases.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(aliases("/old/潮 汐/"), ["https://example.org/old/%E6%BD%AE%20%E6%B1%90/"]);
        assert_eq!(
            aliases("[old, '', 'https://old.example.org/a']"),
            ["https://example.org/old", "https://old.example.org/a"]
        );
        assert_eq!(aliases("[]"), Vec::<String>::new());
    }
}

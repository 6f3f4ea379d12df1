use std::collections::BTreeSet;

use super::*;
use crate::identity::lock::{Lock, LockEntry};
use crate::issue::IssueId;
use crate::load::bodies::{MAX_ISSUE_BYTES, too_large};

fn now() -> DateTime<Utc> {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

const PROJECT_FILE: &str = "title: T\nbase_url: https://example.org\n";

/// The issues of a project with these files, and its findings as `path rule: message`.
fn loaded(files: &[(&str, &[u8])]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    for (path, bytes) in files {
        project.write(path, bytes).unwrap();
    }
    let loaded = issues(&project, &config(&project, "slugline.yaml").unwrap(), now())?;
    let show = |finding: &Finding| format!("{} {}: {finding}", finding.place.as_ref().unwrap(), finding.rule);
    let paths = loaded.issues.iter().map(|issue| issue.path.clone()).collect();
    Ok((paths, loaded.findings.iter().map(show).collect()))
}

#[test]
fn newest_first_then_by_path() {
    let (paths, findings) = loaded(&[
        ("content/b.md", b"---\ntitle: b\ndate: 2026-01-01\n---\n"),
        ("content/a.md", b"---\ntitle: a\ndate: 2026-01-01T01:00:00+01:00\n---\n"),
        ("content/c/index.md", b"+++\ntitle = 'c'\ndate = 2026-02-01\n+++\n"),
        ("content/_index.md", b"---\ntitle: section\n---\n"),
    ])
    .unwrap();
    assert_eq!(paths, ["content/c/index.md", "content/a.md", "content/b.md"]);
    assert!(findings.is_empty());
}

#[test]
fn a_broken_file_affects_no_other() {
    let (paths, findings) = loaded(&[
        ("content/good.md", b"---\ntitle: good\ndate: 2026-01-01\n---\n"),
        ("content/latin.md", b"---\ntitle: caf\xe9\ndate: 2026-01-01\n---\n"),
        ("content/open.md", b"---\ntitle: open\ndate: 2026-01-01\n"),
        ("content/undated.md", b"---\ntitle: undated\n---\n"),
    ])
    .unwrap();
    assert_eq!(paths, ["content/good.md", "content/undated.md"]);
    assert_eq!(
        findings,
        [
            "content/latin.md:2 not-utf8: the file is not UTF-8",
            "content/open.md:1:1 front-matter-unclosed: the front matter has no closing `---`",
            "content/undated.md no-date: the issue has no date, so it is neither published nor mailed",
        ]
    );
}

#[test]
fn an_issue_that_is_too_large_affects_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    let large = |more: usize| {
        let front_matter = "---\ntitle: large\ndate: 2026-01-01\n---\n";
        front_matter.to_owned() + &"x".repeat(MAX_ISSUE_BYTES as usize - front_matter.len() + more)
    };
    project.write("content/large.md", large(0).as_bytes()).unwrap();
    let unlisted = large(1).replacen("---\n", "---\nbuild: {list: never}\n", 1);
    project.write("content/unlisted.md", unlisted.as_bytes()).unwrap();
    project.write("content/larger.md", large(1).as_bytes()).unwrap();
    let loaded = issues(&project, &config(&project, "slugline.yaml").unwrap(), now()).unwrap();
    assert_eq!(loaded.findings, [too_large("content/larger.md")]);
    let paths: Vec<&str> = loaded.issues.iter().map(|issue| issue.path.as_str()).collect();
    assert_eq!(paths, ["content/large.md", "content/unlisted.md"]);
    let issue = &loaded.issues[0];
    assert_eq!(body(&project, issue).unwrap().len(), MAX_ISSUE_BYTES as usize - issue.body.offset);
    project.write("content/large.md", large(1).as_bytes()).unwrap();
    assert_eq!(body(&project, issue), Err(Box::new(too_large("content/large.md"))), "it has grown since");
}

#[test]
fn letters_of_paths_are_composed_in_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    project.write("content/e\u{301}te\u{301}/_index.md", b"---\ncascade: {email: false}\n---\n").unwrap();
    let path = "content/e\u{301}te\u{301}/cafe\u{301}.md";
    project.write(path, page("").as_bytes()).unwrap();
    let loaded = issues(&project, &config(&project, "slugline.yaml").unwrap(), now()).unwrap().issues;
    let [issue] = loaded.as_slice() else { panic!("{loaded:?}") };
    assert_eq!(issue.permalink.as_str(), "https://example.org/%C3%A9t%C3%A9/caf%C3%A9/");
    assert_eq!((issue.id.as_str(), issue.path.as_str(), issue.email), (issue.permalink.as_str(), path, false));
}

#[test]
fn permalinks_and_ids_are_unique() {
    let (paths, findings) = loaded(&[
        ("content/a.md", b"---\ntitle: a\ndate: 2026-01-03\nid: tag:example.org,2026:one\n---\n"),
        ("content/b.md", b"---\ntitle: b\ndate: 2026-01-02\nid: tag:example.org,2026:one\n---\n"),
        ("content/c.md", b"---\ntitle: c\ndate: 2026-01-01\nslug: a\n---\n"),
    ])
    .unwrap();
    assert_eq!(paths, ["content/a.md"]);
    assert_eq!(
        findings,
        [
            "content/b.md duplicate-issue: its id `tag:example.org,2026:one` is already used by `content/a.md`",
            "content/c.md duplicate-issue: its permalink `https://example.org/a/` is already used by `content/a.md`",
        ]
    );
}

#[test]
fn a_folder_without_issues_is_an_error() {
    let error = loaded(&[]).unwrap_err();
    assert_eq!(error.to_string(), "the folder `content` does not exist");
    let error = loaded(&[("content/cover.png", b"")]).unwrap_err();
    assert_eq!(error.to_string(), "no Markdown file found in `content`");
}

#[test]
fn an_issue_is_found_by_slug_path_or_latest() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    project.write("content/第 7 期/index.md", b"---\ntitle: a\ndate: 2026-01-01\n---\n").unwrap();
    project.write("content/later.md", b"---\ntitle: b\ndate: 2027-01-01\n---\n").unwrap();
    let issues = issues(&project, &config(&project, "slugline.yaml").unwrap(), now()).unwrap().issues;
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    for name in ["第-7-期", "content/第 7 期/index.md", "./content/第 7 期", "latest"] {
        assert_eq!(find(&issues, name, now).unwrap().title, "a", "{name}");
    }
    for (name, meant) in [("latr", "later"), ("latset", "latest")] {
        let error = find(&issues, name, now).unwrap_err();
        assert_eq!(error.downcast::<Finding>().unwrap().help, Some(format!("did you mean `{meant}`?")));
    }
}

#[test]
fn the_body_begins_after_the_front_matter() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    project.write("content/a.md", b"---\r\ntitle: a\r\ndate: 2026-01-01\r\n---\r\none\r\n").unwrap();
    project.write("content/b.md", b"---\ntitle: b\ndate: 2025-01-01\n---\none\n\xff\n").unwrap();
    let issues = issues(&project, &config(&project, "slugline.yaml").unwrap(), now()).unwrap().issues;
    assert_eq!(body(&project, &issues[0]).unwrap(), "one\r\n");
    assert_eq!(issues[0].body.line, 5);
    let finding = body(&project, &issues[1]).unwrap_err();
    assert_eq!((finding.rule, finding.place.unwrap().to_string()), ("not-utf8", "content/b.md:6".to_owned()));
}

/// The issues of a project as `path permalink`, those that reach no one in brackets, and its findings.
fn listed(project_file: &str, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project
        .write("slugline.yaml", format!("title: T\nbase_url: https://tides.example.org\n{project_file}").as_bytes())
        .unwrap();
    for (path, text) in files {
        project.write(path, text.as_bytes()).unwrap();
    }
    let config = config(&project, "slugline.yaml").unwrap();
    let loaded = issues(&project, &config, now()).unwrap();
    let show = |issue: &Issue| {
        let path = issue.permalink.as_str().replacen("https://tides.example.org", "", 1);
        let line = format!("{} {path}", issue.path);
        if issue.is_published(now()) && issue.feed && issue.email { line } else { format!("[{line}]") }
    };
    let mut shown: Vec<String> = loaded.issues.iter().map(show).collect();
    shown.sort();
    let place = |finding: &Finding| finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let findings = config.warnings.iter().chain(&loaded.findings);
    (shown, findings.map(|finding| format!("{} {}: {finding}", place(finding), finding.rule)).collect())
}

/// A page with these lines of front matter.
fn page(lines: &str) -> String {
    format!("---\ntitle: Ebb Tide\ndate: 2026-11-01\n{lines}---\n")
}

#[test]
fn pages_inherit_from_sections_and_the_configuration_the_nearest_first() {
    let site = [
        ("hugo.yaml", "cascade: [{target: {path: /notes/**}, build: {list: never}}, {slug: last}]\n".to_owned()),
        ("content/_index.md", "---\ncascade: {mood: calm}\n---\n".to_owned()),
        ("content/log/_index.md", "---\ncascade: {draft: true, url: '/l/:title/'}\n---\n".to_owned()),
        ("content/log/a.md", page("")),
        ("content/log/b.md", page("draft: false\nurl: /own\n")),
        ("content/log/sea/_index.md", "+++\n[[cascade]]\ndraft = false\n+++\n".to_owned()),
        ("content/log/sea/c.md", page("url: /c/\n")),
        ("content/notes/d.md", page("")),
        ("content/notes/_index.md", String::new()),
        ("content/notes/mailed.md", page("slug: m\nemail: true\n")),
        ("content/parts/fragment.md", "no front matter".to_owned()),
        ("content/parts/_index.md", "---\ncascade: {build: {render: never, list: never}}\n---\n".to_owned()),
        ("content/top/index.md", page("headless: true\nslug:\n")),
    ];
    let site: Vec<(&str, &str)> = site.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let (issues, findings) = listed("", &site);
    assert_eq!(findings, [] as [&str; 0]);
    assert_eq!(
        issues,
        [
            "[content/log/a.md /l/ebb-tide/]",
            "[content/notes/d.md /notes/last/]",
            "[content/notes/mailed.md /notes/m/]",
            "[content/top/index.md /top/]",
            "content/log/b.md /own/",
            "content/log/sea/c.md /c/",
        ]
    );
}

#[test]
fn hugo_decides_what_the_project_file_leaves_open() {
    let hugo =
        "contentDir = 'pages'\ntimeZone = 'Asia/Tokyo'\nuglyURLs = true\n[permalinks.page]\nlog = '/:year/:title/'\n";
    let files = [("hugo.toml", hugo), ("pages/log/a.md", &page("")), ("pages/about.md", &page(""))];
    let hugo_alone = listed("", &files).0;
    assert_eq!(hugo_alone, ["pages/about.md /about.html", "pages/log/a.md /2026/ebb-tide.html"]);
    assert_eq!(listed("content: pages/log\n", &files).0, ["pages/log/a.md /2026/ebb-tide.html"]);
    let own = listed("content: pages/log\npermalink: '/:sections/:contentbasename/'\n", &files).0;
    assert_eq!(own, ["pages/log/a.md /a.html"]);
    let by_section = listed("exclude: [about.md]\npermalink: {log: '/x/:contentbasename/'}\n", &files).0;
    assert_eq!(by_section, ["pages/log/a.md /x/a.html"]);
}

#[test]
fn the_languages_of_hugo_apply() {
    let hugo = "defaultContentLanguage: fr\nlanguages: {fr: {weight: 1}, en: {weight: 2, contentDir: english}}\n";
    let files = [
        ("hugo.yaml", hugo),
        ("content/a.md", &page("")),
        ("content/b.en.md", &page("")),
        ("english/log/c.md", &page("")),
        ("english/log/_index.md", "---\nslug: Log Book\n---\n"),
    ];
    let expected = ["content/a.md /a/", "content/b.en.md /en/b/", "english/log/c.md /en/log-book/c/"];
    assert_eq!(listed("", &files).0, expected);
    assert_eq!(listed("content: english\nlanguage: en\n", &files).0, ["english/log/c.md /en/log-book/c/"]);
    let in_folders = format!("{hugo}defaultContentLanguageInSubdir: true\n");
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| if *path == "hugo.yaml" { (*path, in_folders.as_str()) } else { (*path, *text) })
        .collect();
    assert_eq!(listed("", &files).0[0], "content/a.md /fr/a/");
}

#[test]
fn languages_may_have_names_that_are_not_their_tags() {
    let hugo = "defaultContentLanguage: cn\nlanguageCode: zh-Hans\nlanguages: {cn: {weight: 1}, jp: {weight: 2}}\n\
                cascade: {draft: true, target: {lang: cn, path: '/hidden/**'}}\n";
    let files = [
        ("hugo.yaml", hugo),
        ("content/log/a.md", &page("")),
        ("content/log/a.jp.md", &page("")),
        ("content/log/b.cn.md", &page("")),
        ("content/hidden/c.md", &page("")),
    ];
    let in_log = ["content/log/a.jp.md /jp/log/a/", "content/log/a.md /log/a/", "content/log/b.cn.md /log/b/"];
    assert_eq!(listed("", &files).0, [&["[content/hidden/c.md /hidden/c/]"], &in_log[..]].concat());
    for written in ["content: content/log\n", "content: {cn: content/log, jp: content/log}\nlanguage: zh-CN\n"] {
        assert_eq!(listed(written, &files), (in_log.map(String::from).to_vec(), Vec::new()), "{written}");
    }
}

#[test]
fn mounts_that_are_not_followed_are_named() {
    let hugo = "module:\n  mounts:\n  - {source: content, target: content}\n  - {source: vault/log, target: content/log}\n  \
                - {source: content/old, target: content/log}\n  - {source: a.png, target: content/a.png}\n  \
                - {source: assets, target: assets}\n";
    let files = [("hugo.yaml", hugo), ("content/a.md", &page("")), ("vault/log/b.md", &page(""))];
    let named = |written: &str| {
        let findings = listed(written, &files).1;
        findings.iter().map(|it| it.split('`').nth(1).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named(""), ["vault/log", "content/old"]);
    assert_eq!(named("content: content\n"), ["content/old"]);
    assert_eq!(named("content: [content, vault]\nexclude: old/**\n"), ["vault/log"]);
    assert_eq!(named("content: [content, vault/log]\nexclude: [old]\n"), [""; 0]);
}

#[test]
fn an_index_that_swallows_issues_is_named_once() {
    let files = [
        ("content/log/index.md", page("")),
        ("content/log/a.md", page("")),
        ("content/log/deep/b.md", page("")),
        ("content/log/plain.md", "text".to_owned()),
        ("content/parts/index.md", page("headless: true\n")),
        ("content/parts/c.md", page("")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(
        listed("", &files).1,
        [
            "content/log/index.md swallowed-issues: it makes the folder `content/log` one issue, so 2 Markdown files with front matter in it are none, such as `content/log/a.md`"
        ]
    );
}

#[test]
fn only_what_is_published_takes_a_permalink() {
    let files = [
        ("content/spring.md", "---\ntitle: Spring\ndate: 2026-10-01\n---\n"),
        ("content/rewrite.md", "---\ntitle: Rewritten\ndate: 2026-11-01\nslug: spring\ndraft: true\n---\n"),
        ("content/next.md", "---\ntitle: Next\ndate: 2027-01-01\nslug: spring\n---\n"),
        ("content/old.md", "---\ntitle: Old\ndate: 2026-11-02\nexpiryDate: 2026-11-03\nslug: spring\n---\n"),
        ("content/unlisted.md", "---\ntitle: Unlisted\ndate: 2026-11-02\nheadless: true\nslug: spring\n---\n"),
        ("content/newer.md", "---\ntitle: Newer\ndate: 2026-11-05\nslug: spring\n---\n"),
    ];
    let (issues, findings) = listed("", &files[..5]);
    assert_eq!(issues, ["content/spring.md /spring/"]);
    assert_eq!(findings.len(), 4);
    assert!(findings.iter().all(|finding| finding.contains("duplicate-issue: its permalink")), "{findings:?}");
    assert_eq!(listed("", &files).0, ["content/newer.md /spring/"], "the newer one, as no lock knows them");
    let entry = LockEntry {
        id: IssueId::new("https://tides.example.org/spring/").unwrap(),
        published: "2026-10-01T00:00:00Z".parse().unwrap(),
        hash: "0".repeat(64),
        like: None,
        former: BTreeSet::new(),
        seconds: 0,
        is_backfilled: false,
    };
    let lock = Lock { entries: BTreeMap::from([("content/spring.md".to_owned(), entry)]), ..Lock::default() }.to_text();
    let known: Vec<(&str, &str)> = files.into_iter().chain([("feeds.lock", lock.as_str())]).collect();
    assert_eq!(listed("", &known).0, ["content/spring.md /spring/"]);
}

#[test]
fn a_setting_of_hugo_that_cannot_be_read_is_a_warning() {
    let files = [
        ("hugo.toml", "title = \n"),
        ("config/_default/permalinks.yaml", "log: /:nosuch/\n"),
        ("content/a.md", &page("")),
    ];
    let (issues, findings) = listed("", &files);
    assert_eq!(issues, ["content/a.md /a/"]);
    let [pattern, file] = findings.as_slice() else { panic!("{findings:?}") };
    let unknown = "hugo-config: Hugo's configuration: `/:nosuch/` in `permalinks` is not a valid pattern: unknown token `:nosuch`";
    assert!(pattern.ends_with(unknown), "{pattern}");
    assert!(file.starts_with("hugo.toml hugo-config: Hugo's configuration cannot be read: "), "{file}");
}

use super::*;

const PROJECT_FILE: &str = "title: T\nbase_url: https://example.org\n";

/// The issues of a project with these files, and its findings as `path rule: message`.
fn loaded(files: &[(&str, &[u8])]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new(folder.path());
    project.write("slugline.yaml", PROJECT_FILE.as_bytes()).unwrap();
    for (path, bytes) in files {
        project.write(path, bytes).unwrap();
    }
    let loaded = issues(&project, &config(&project, "slugline.yaml").unwrap())?;
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
    let issues = issues(&project, &config(&project, "slugline.yaml").unwrap()).unwrap().issues;
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
    let issues = issues(&project, &config(&project, "slugline.yaml").unwrap()).unwrap().issues;
    assert_eq!(body(&project, &issues[0]).unwrap(), "one\r\n");
    assert_eq!(issues[0].body.line, 5);
    let finding = body(&project, &issues[1]).unwrap_err();
    assert_eq!((finding.rule, finding.place.unwrap().to_string()), ("not-utf8", "content/b.md:6".to_owned()));
}

use std::fs;

use super::*;
use crate::preview::overview::Hidden;

struct Written {
    folder: tempfile::TempDir,
    preview: Preview,
}

impl Written {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let preview = Preview::new(Project::new(folder.path()), "slugline.yaml");
        let written = Self { folder, preview };
        written.write("slugline.yaml", "title: T\nbase_url: https://example.org\nmail: {from: n@example.org}\n");
        written.write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-05\n---\n\nLow water.\n");
        written
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.preview.changed();
    }

    fn view(&self) -> IssueView {
        self.preview.view("content/neap.md", now()).unwrap()
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter_map(|finding| Some(finding.place.as_ref()?.to_string())).collect()
}

#[test]
fn a_broken_template_keeps_the_last_good_edition_and_the_new_entry() {
    let written = Written::new();
    assert!(written.view().edition.good.unwrap().text.contains("Low water."));
    written.write("templates/edition.html", "<p>{{ isue.title }}</p>");
    written.write("content/neap.md", "---\ntitle: Neap\ndate: 2026-11-05\n---\n\nLowest water.\n");
    let view = written.view();
    assert!(view.entry.good.unwrap().html.contains("Lowest water.") && !view.entry.is_old);
    assert!(view.edition.good.unwrap().text.contains("Low water.") && view.edition.is_old);
    assert_eq!(places(&view.problems), ["templates/edition.html:1:7"]);
    written.write("templates/edition.html", "<p>{{ issue.title }}</p>");
    let view = written.view();
    assert!(
        view.edition.good.unwrap().text.contains("Lowest water.") && !view.edition.is_old && view.problems.is_empty()
    );
}

#[test]
fn an_unreadable_issue_keeps_its_last_good_version() {
    let written = Written::new();
    written.view();
    written.write("content/neap.md", "---\ntitle: [Neap\n---\n\nLow water.\n");
    let view = written.view();
    assert!(view.entry.is_old && view.entry.good.is_some() && view.edition.is_old);
    assert!(places(&view.problems)[0].starts_with("content/neap.md:"), "{:?}", view.problems);
    let rows = written.preview.overview(now()).rows;
    assert_eq!((rows[0].path.as_str(), rows[0].hidden), ("content/neap.md", Some(Hidden::LeftOut)));
    written.write("slugline.yaml", "title: T\nbase_url: nowhere\n");
    let overview = written.preview.overview(now());
    assert_eq!((overview.title.as_str(), overview.rows.len(), overview.problems.len()), ("T", 1, 1));
    assert!(written.view().entry.good.is_some());
    assert_eq!(written.preview.view("content/none.md", now()).map(|view| view.path), None);
}

#[test]
fn files_are_read_again_only_after_a_change() {
    let written = Written::new();
    let before = written.view();
    let path = written.folder.path().join("content/neap.md");
    fs::write(path, "---\ntitle: Neap\ndate: 2026-11-05\n---\n\nHigh water.\n").unwrap();
    assert!(Arc::ptr_eq(&before.edition.good.unwrap(), &written.view().edition.good.unwrap()));
    written.preview.changed();
    assert!(written.view().edition.good.unwrap().text.contains("High water."));
}

#[test]
fn only_files_that_findings_are_about_are_shown() {
    let written = Written::new();
    written.write("templates/edition.txt", "x");
    written.write("password", "secret");
    for path in ["slugline.yaml", "content/neap.md", "templates/edition.txt"] {
        assert!(written.preview.source(path, now()).is_some(), "{path}");
    }
    for path in ["password", "templates/../password", "../password", "/etc/hosts", "content/../password"] {
        assert_eq!(written.preview.source(path, now()), None, "{path}");
    }
}

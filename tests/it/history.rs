//! Dates of changes from git: the real program in real repositories, created here with fixed dates.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::program::slugline;

const PROJECT_FILE: &str = "title: Tide Notes\nbase_url: https://tides.example.org\nupdated_from: git\n";

/// A repository with a project in its folder `site`.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"], 1);
        repository.write("site/slugline.yaml", PROJECT_FILE);
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str], day: u32) -> String {
        git(self.folder.path(), arguments, day)
    }

    /// Commits everything and returns the hash.
    fn commit(&self, day: u32, subject: &str) -> String {
        self.git(&["add", "--all"], day);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject], day);
        self.git(&["rev-parse", "HEAD"], day).trim().to_owned()
    }

    fn program(&self) -> Command {
        let mut program = slugline(&self.folder.path().join("site"));
        program.env("PATH", env::var_os("PATH").unwrap_or_default());
        program
    }

    /// What the program lists as updated, by title: the day of November, or else the complete date.
    fn updated(&self) -> BTreeMap<String, String> {
        updated(self.program().args(["list", "--json"]).output().unwrap())
    }
}

/// Makes a folder a repository containing all its files.
pub fn commit_all(folder: &Path) {
    git(folder, &["init", "--quiet"], 1);
    git(folder, &["add", "--all"], 1);
    git(folder, &["commit", "--quiet", "-m", "Begin"], 1);
}

/// Runs git on a day of November as author; the committer date is in December.
fn git(folder: &Path, arguments: &[&str], day: u32) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env_clear();
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
    command.envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")]);
    command.envs([("GIT_COMMITTER_NAME", "B"), ("GIT_COMMITTER_EMAIL", "b@example.org")]);
    command.env("PATH", env::var_os("PATH").unwrap_or_default());
    command.env("GIT_AUTHOR_DATE", format!("2026-11-{day:02}T08:00:00+08:00"));
    command.env("GIT_COMMITTER_DATE", format!("2026-12-{day:02}T08:00:00+08:00"));
    let output = command.output().expect("these tests need git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn updated(output: Output) -> BTreeMap<String, String> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |issue: &serde_json::Value, field: &str| issue[field].as_str().unwrap().to_owned();
    let day = |updated: String| {
        let day = updated.strip_prefix("2026-11-").and_then(|rest| rest.strip_suffix("T08:00:00+08:00"));
        day.map(str::to_owned).unwrap_or(updated)
    };
    let issues = document["issues"].as_array().unwrap();
    issues.iter().map(|issue| (text(issue, "title"), day(text(issue, "updated")))).collect()
}

fn issue(title: &str, front: &str, body: &str) -> String {
    format!("---\ntitle: {title}\ndate: 2026-11-01T08:00:00+08:00\n{front}---\n\n{body}\n")
}

fn days(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(title, day)| ((*title).to_owned(), (*day).to_owned())).collect()
}

const BODY: &str = "The neap tide is the tide of half moons: high water is low, and low water is high.";

#[test]
fn the_last_visible_change_counts() {
    let repository = Repository::new();
    for name in ["begun", "edited", "moved 海", "tagged", "spaced", "typo", "formatted", "dated", "scheduled"] {
        repository.write(&format!("site/content/{name}.md"), &issue(name, "", BODY));
    }
    repository.commit(2, "Begin");
    let edited = format!("{BODY} Twice a month.");
    for name in ["edited", "moved 海", "tagged", "spaced", "typo", "formatted"] {
        repository.write(&format!("site/content/{name}.md"), &issue(name, "", &edited));
    }
    repository.write("site/content/dated.md", &issue("dated", "lastmod: 2026-11-03T08:00:00+08:00\n", &edited));
    let scheduled = issue("scheduled", "", &edited).replace("2026-11-01", "2026-11-28");
    repository.write("site/content/scheduled.md", &scheduled);
    repository.commit(4, "Say how often");
    repository.git(&["mv", "site/content/moved 海.md", "site/content/new 海.md"], 5);
    repository.write("site/content/tagged.md", &issue("tagged", "tags: [tide]\n", &edited));
    repository.write("site/content/spaced.md", &issue("spaced", "", &edited.replace(". ", ".\r\n")));
    repository.commit(5, "Tidy up");
    repository.write("site/content/typo.md", &issue("typo", "", &edited.replace("Twice", "Two times")));
    repository.commit(6, "Mend a word [skip updated]");
    repository.write("site/content/formatted.md", &issue("formatted", "", &edited.replace("month", "*month*")));
    let formatted = repository.commit(7, "Format");
    repository.write(".git-blame-ignore-revs", &format!("# formats only\n{formatted}\n"));
    repository.commit(8, "Ignore it");
    repository.write("site/content/uncommitted.md", &issue("uncommitted", "", BODY));
    repository.write("site/content/edited.md", &issue("edited", "", "Quite another text."));
    assert_eq!(
        repository.updated(),
        days(&[
            ("begun", "01"),
            ("dated", "03"),
            ("edited", "04"),
            ("formatted", "04"),
            ("moved 海", "04"),
            ("scheduled", "28"),
            ("spaced", "04"),
            ("tagged", "04"),
            ("typo", "04"),
            ("uncommitted", "01"),
        ])
    );
}

#[test]
fn both_branches_of_a_merge_count() {
    let repository = Repository::new();
    for name in ["left", "right"] {
        repository.write(&format!("site/content/{name}.md"), &issue(name, "", BODY));
    }
    repository.commit(2, "Begin");
    repository.git(&["switch", "--quiet", "--create", "right"], 2);
    repository.write("site/content/right.md", &issue("right", "", "Other words."));
    repository.commit(3, "Change right");
    repository.git(&["switch", "--quiet", "main"], 3);
    repository.write("site/content/left.md", &issue("left", "", "Other words."));
    repository.commit(4, "Change left");
    repository.git(&["merge", "--quiet", "--no-edit", "right"], 5);
    assert_eq!(repository.updated(), days(&[("left", "04"), ("right", "03")]));
}

/// A hook of another repository, a user who signs commits, a symbolic link.
#[test]
fn the_environment_of_the_repository_does_not_matter() {
    let repository = Repository::new();
    repository.write("elsewhere/a.md", &issue("a", "", BODY));
    repository.commit(2, "Begin");
    repository.write("elsewhere/a.md", &issue("a", "", "Other words."));
    repository.commit(3, "Change");
    link(Path::new("../elsewhere"), &repository.folder.path().join("site/content"));
    let settings = repository.folder.path().join("gitconfig");
    fs::write(
        &settings,
        "[log]\nshowSignature = true\ndate = relative\n[diff]\nrenames = false\n[color]\nui = always\n",
    )
    .unwrap();
    let mut program = repository.program();
    program.env("GIT_DIR", "/nonexistent").env("GIT_WORK_TREE", "/nonexistent").env("GIT_CONFIG_GLOBAL", settings);
    program.env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8");
    assert_eq!(updated(program.args(["list", "--json"]).output().unwrap()), days(&[("a", "03")]));
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}

#[test]
fn plain_files_have_the_title_of_their_heading_and_the_date_of_their_first_commit() {
    let repository = Repository::new();
    let project = "title: Tides\nbase_url: https://tides.example.org\ncontent: docs\nformat: plain\nfeeds: {formats: {json: feed.json}}\n";
    repository.write("site/slugline.yaml", project);
    repository.write("old/one.md", "[![build](b.svg)](/b)\n\n# Low *tide*: `1` [here](/a)\n\nText of the first.\n");
    repository.write("site/docs/README.md", "# Tides\n\nAll issues.\n");
    repository.commit(2, "Begin [skip updated]");
    repository.git(&["mv", "old/one.md", "site/docs/Issue 1.md"], 3);
    repository.commit(3, "Move");
    repository.write("site/docs/sea/2026-11-01-two.md", "Text without a heading.\n");
    repository.write("site/docs/three.md", "---\ntitle: Three\ndate: 2026-11-05\n---\n# Heading\n");
    repository.commit(6, "More");
    repository.write("site/docs/four.md", "# Not committed\n");
    let listed = repository.program().args(["list", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let issue = |issue: &serde_json::Value| {
        ["title", "date", "permalink"].map(|key| issue[key].as_str().unwrap_or_default().to_owned()).join(" ")
    };
    let issues: Vec<String> = listed["issues"].as_array().unwrap().iter().map(issue).collect();
    let expected = [
        "Three 2026-11-05T00:00:00+00:00 https://tides.example.org/docs/three/",
        "Low tide: 1 here 2026-11-02T08:00:00+08:00 https://tides.example.org/docs/issue-1/",
        "two 2026-11-01T00:00:00+00:00 https://tides.example.org/docs/sea/2026-11-01-two/",
        "Not committed  https://tides.example.org/docs/four/",
    ];
    assert_eq!(issues, expected);
    assert!(repository.program().arg("build").output().unwrap().status.success());
    let feed = fs::read_to_string(repository.folder.path().join("site/public/feed.json")).unwrap();
    let feed: serde_json::Value = serde_json::from_str(&feed).unwrap();
    let texts: Vec<_> = feed["items"].as_array().unwrap().iter().map(|item| item["content_html"].as_str()).collect();
    let first = "<p><a href=\"https://tides.example.org/b\"><img src=\"https://tides.example.org/docs/issue-1/b.svg\" alt=\"build\"></a></p>\n\
                 <p>Text of the first.</p>\n";
    let expected = ["<h1>Heading</h1>\n", first, "<p>Text without a heading.</p>\n"];
    assert_eq!(texts, expected.map(Some));

    let shallow = Repository { folder: tempfile::tempdir().unwrap() };
    let origin = format!("file://{}", repository.folder.path().display());
    shallow.git(&["clone", "--quiet", "--depth=1", &origin, "."], 7);
    refuses(shallow.program(), "git fetch --unshallow");
    let no_repository = Repository { folder: tempfile::tempdir().unwrap() };
    no_repository.write("site/slugline.yaml", project);
    no_repository.write("site/docs/a.md", "# A\n");
    refuses(no_repository.program(), "give each file a `date`");
}

#[test]
fn incomplete_history_is_an_error() {
    let repository = Repository::new();
    repository.write("site/content/a.md", &issue("a", "", BODY));
    repository.commit(2, "Begin");
    repository.write("site/content/a.md", &issue("a", "", "Other words."));
    repository.commit(3, "Change");

    let shallow = Repository { folder: tempfile::tempdir().unwrap() };
    let origin = format!("file://{}", repository.folder.path().display());
    shallow.git(&["clone", "--quiet", "--depth=1", &origin, "."], 4);
    refuses(shallow.program(), "git fetch --unshallow");

    let no_repository = Repository { folder: tempfile::tempdir().unwrap() };
    no_repository.write("site/slugline.yaml", PROJECT_FILE);
    no_repository.write("site/content/a.md", &issue("a", "", BODY));
    refuses(no_repository.program(), "remove `updated_from`");

    let mut no_git = repository.program();
    no_git.env("PATH", "/nonexistent");
    refuses(no_git, "install git");

    let unborn = Repository::new();
    unborn.write("site/content/a.md", &issue("a", "", BODY));
    refuses(unborn.program(), "does not have any commits yet");
}

fn refuses(mut program: Command, says: &str) {
    let output = program.arg("build").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error[git-history]:") && said.contains(says), "{said}");
}

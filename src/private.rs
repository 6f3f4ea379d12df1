//! The private files of a project, and where they would be exposed: in its git repository, and on the web.
//!
//! Takes the project file, returns findings. It changes nothing: what was pushed or published is the user's to withdraw.

use std::path::{Path, PathBuf};

use crate::check::private::{published, published_by, tracked};
use crate::config::{Config, Via};
use crate::content::path::with_slashes;
use crate::disk::{Project, git};
use crate::finding::{Finding, Place};
use crate::inbox::Source;
use crate::store::Location;
use crate::store::sqlite::FILES;

/// A private file or folder.
struct Private {
    path: PathBuf,
    what: &'static str,
    /// The key of the project file that names it.
    keys: &'static [&'static str],
}

/// Folder that Hugo publishes unchanged.
const STATIC: &str = "static";

/// What `init` writes into `.gitignore`.
pub const IGNORED: [&str; 6] = ["/slugline.db*", "/outbox/", "/secret*.txt", "/password*.txt", "/*.pem", "/*.csv"];

/// Finds the private files that others can see, or will; `path` and `text` are those of the project file.
pub fn exposed(project: &Project, config: &Config, path: &str, text: &str) -> Vec<Finding> {
    let files = files(config);
    let mut findings = Vec::new();
    for file in &files {
        let shown = file.path.to_string_lossy();
        let at = |finding: Finding| finding.at(Place::of_value(path, text, file.keys));
        if let Some(folder) = published_in(project, config, &file.path) {
            findings.push(at(published(&shown, file.what, &folder.to_string_lossy())));
        } else if project.path(&file.path).exists() && publishes(config, &file.path) {
            findings.push(at(published_by(&shown, file.what, config.format.format.generator().title())));
        }
        for name in tracked_at(project, file) {
            findings.push(at(tracked(&name, file.what)));
        }
    }
    findings
}

fn files(config: &Config) -> Vec<Private> {
    let mut files = Vec::new();
    let mut add = |path: &Path, what, keys| files.push(Private { path: path.to_owned(), what, keys });
    match &config.store {
        Location::Sqlite(file) => add(file, "the store of subscribers", &["store"]),
        Location::Postgres(database) => {
            database.password_file.iter().for_each(|file| add(file, "a password", &["store_password_file"]));
        }
    }
    config.secret_file.iter().for_each(|file| add(file, "the secret for tokens", &["secret_file"]));
    match config.inbox.as_ref().and_then(|options| options.source.as_ref()) {
        Some(Source::Path(path)) => add(path, "mail of readers", &["inbox", "path"]),
        Some(Source::Imap(account)) => {
            account.password_file.iter().for_each(|file| add(file, "a password", &["inbox", "password_file"]));
        }
        None => {}
    }
    let Some(mail) = &config.mail else { return files };
    mail.subscribers.iter().for_each(|list| add(&list.file, "the list of subscribers", &["mail", "subscribers"]));
    mail.dkim.iter().for_each(|key| add(&key.key_file, "a key that signs mail", &["mail", "dkim"]));
    mail.password_file.iter().for_each(|file| add(file, "a password", &["mail", "password_file"]));
    match &mail.via {
        Via::Outbox(folder) => add(folder, "the outbox", &["mail", "via"]),
        Via::Smtp(servers) => {
            let passwords = servers.iter().filter_map(|server| server.password_file.as_ref());
            passwords.for_each(|file| add(file, "a password", &["mail", "via"]));
        }
    }
    files
}

/// The folder of the site that contains a file. The project folder itself does not count: it contains everything.
fn published_in<'a>(project: &Project, config: &'a Config, file: &Path) -> Option<&'a Path> {
    let real = |path: &Path| project.real_path(path).unwrap_or_else(|| plain(&project.path(path)));
    let (root, real_file) = (real(Path::new(".")), real(file));
    let named = config.content.iter().chain(&config.static_folders).map(PathBuf::as_path);
    let folders = named.chain([Path::new(STATIC), &config.output]);
    folders.filter(|folder| real(folder) != root).find(|folder| {
        // As written, or after following links.
        plain(file).starts_with(plain(folder)) || real_file.starts_with(real(folder))
    })
}

/// Whether the generator of the site publishes a file as it is.
fn publishes(config: &Config, file: &Path) -> bool {
    let path = with_slashes(file);
    let in_site = path.strip_prefix(&config.format.folder).filter(|_| file.is_relative() && !path.starts_with(".."));
    in_site.is_some_and(|path| config.format.format.publishes(path))
}

/// A path without `.` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

/// The files at that path that git tracks, or those below it if it is a folder.
fn tracked_at(project: &Project, file: &Private) -> Vec<String> {
    let is_store = file.keys == ["store"];
    let endings = if is_store { &FILES[..] } else { &[""][..] };
    let paths = endings.iter().map(|ending| {
        let mut path = file.path.clone().into_os_string();
        path.push(ending);
        path.to_string_lossy().into_owned()
    });
    let mut names = git::tracked(project.folder(), &paths.collect::<Vec<_>>());
    // One message is as useful as a thousand.
    names.truncate(FILES.len());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings for a project file.
    fn found(project_file: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("title: T\nbase_url: https://example.org\n{project_file}");
        let config = Config::parse("slugline.yaml", &text).unwrap();
        let found = exposed(&Project::new(folder.path()), &config, "slugline.yaml", &text);
        found.iter().map(|finding| format!("{} {}", finding.rule, finding.message)).collect()
    }

    #[test]
    fn private_files_in_the_sources_or_output_of_the_site_are_found() {
        let safe = "content: [content, .]\nmail: {from: a@example.org, subscribers: readers.csv}\n";
        assert_eq!(found(safe), [] as [&str; 0]);
        let open = "content: posts\noutput: dist\nstore: sqlite:./static/s.db\nsecret_file: dist/secret.txt\nmail:\n  \
                    from: a@example.org\n  via: dist/outbox\n  subscribers: posts/../posts/readers.csv\n  \
                    dkim: {selector: s, key_file: static-keys/dkim.pem}\n";
        let open = open.replace("posts/../posts/", "posts/");
        let expected = [
            "private-published `./static/s.db`, the store of subscribers, is in `static`",
            "private-published `dist/secret.txt`, the secret for tokens, is in `dist`",
            "private-published `posts/readers.csv`, the list of subscribers, is in `posts`",
        ];
        assert_eq!(found(&open.replace("  via: dist/outbox\n", "")), expected);
    }

    #[test]
    fn jekyll_publishes_the_project_folder() {
        let folder = tempfile::tempdir().unwrap();
        let text = "title: T\nbase_url: https://example.org\nformat: jekyll\nsecret_file: _secret.txt\nmail: {from: a@example.org, \
                    subscribers: readers.csv}\n";
        let config = Config::parse("slugline.yaml", text).unwrap();
        let project = Project::new(folder.path());
        for file in ["readers.csv", "_secret.txt", "slugline.db"] {
            project.write(file, b"").unwrap();
        }
        let found = exposed(&project, &config, "slugline.yaml", text);
        let said: Vec<_> = found.iter().map(|finding| (finding.rule, finding.message.as_str())).collect();
        let of = |file: &str, what: &str| format!("`{file}`, {what}, is where Jekyll publishes every file");
        let (store, list) =
            (of("slugline.db", "the store of subscribers"), of("readers.csv", "the list of subscribers"));
        assert_eq!(said, [("private-published", store.as_str()), ("private-published", list.as_str())]);
    }
}

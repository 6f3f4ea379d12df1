//! Pictures of the project's own, as a part of the page: so that they show before the site is published.

use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::Config;
use crate::disk::Project;

/// A larger picture is left to the web: no page should grow so.
const MOST_BYTES: usize = 8 << 20;

/// Folders whose content Hugo puts at the root of the site.
const ROOT_FOLDERS: [&str; 2] = ["static", "assets"];

/// The picture at `address` as a `data:` URL, if it is a file of the project: beside the issue at `path`, or below the
/// root of the site.
pub(super) fn embedded(
    project: &Project,
    config: &Config,
    path: &str,
    permalink: &str,
    address: &str,
) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let kind = mime_guess::from_path(url.path()).first().filter(|kind| kind.type_() == mime_guess::mime::IMAGE)?;
    let file = candidates(config, path, permalink, &url);
    let bytes = file.iter().find_map(|file| project.bytes(file).ok()).filter(|bytes| bytes.len() <= MOST_BYTES)?;
    Some(format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
}

fn candidates(config: &Config, path: &str, permalink: &str, url: &Url) -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    let address = url.as_str().split(['?', '#']).next().unwrap_or_default();
    if let Some(beside) = address.strip_prefix(permalink).and_then(inside) {
        candidates.push(Path::new(path).parent().unwrap_or(Path::new("")).join(beside));
    }
    let base = &config.publication.base_url;
    if let Some(below) = address.strip_prefix(base.as_str()).and_then(inside) {
        let folders = ROOT_FOLDERS.iter().map(Path::new).chain(config.content.iter().map(PathBuf::as_path));
        candidates.extend(folders.map(|folder| folder.join(&below)));
    }
    candidates
}

/// A path as part of a URL, decoded; `None` when it leads out of its folder.
fn inside(path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    let path = PathBuf::from(decoded.as_ref());
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    (stays && !path.as_os_str().is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_project_are_embedded() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join("project").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in ["content/surge/a b.png", "static/b.svg", "static/notes.txt", "../secret.png"] {
            write(path);
        }
        let project = Project::new(folder.path().join("project"));
        let config = Config::parse("slugline.yaml", "title: T\nbase_url: https://example.org\n").unwrap();
        let embedded = |address: &str| {
            embedded(&project, &config, "content/surge/index.md", "https://example.org/surge/", address)
        };
        assert_eq!(embedded("https://example.org/surge/a%20b.png").as_deref(), Some("data:image/png;base64,eA=="));
        assert_eq!(embedded("https://example.org/b.svg?v=1").as_deref(), Some("data:image/svg+xml;base64,eA=="));
        for other in [
            "https://example.org/notes.txt",
            "https://example.org/%2e%2e%2fsecret.png",
            "https://example.org/%2Fetc%2Fa.png",
            "https://example.com/b.svg",
            "b.svg",
        ] {
            assert_eq!(embedded(other), None, "{other}");
        }
    }
}

//! Embeds the project's own pictures in the page, so that they show before the site is published.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::Config;
use crate::disk::Project;
use crate::resources::Resources;

/// Larger pictures are loaded from the web instead, to keep the page small.
const MAX_EMBEDDED_BYTES: usize = 8 << 20;

/// The picture at `address` as a `data:` URL, if it is a file of the project: beside the issue at `path`, or below the
/// site root.
pub(super) fn embedded(
    project: &Project,
    config: &Config,
    path: &str,
    permalink: &str,
    address: &str,
) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let kind = mime_guess::from_path(url.path()).first().filter(|kind| kind.type_() == mime_guess::mime::IMAGE)?;
    let file = Resources::new(project, config).at(path, &Url::parse(permalink).ok()?, &url)?;
    let bytes = project.bytes(file).ok().filter(|bytes| bytes.len() <= MAX_EMBEDDED_BYTES)?;
    Some(format!("data:{kind};base64,{}", STANDARD.encode(bytes)))
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

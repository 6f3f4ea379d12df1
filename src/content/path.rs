//! Paths below the project folder, as text separated by `/`.

use std::borrow::Cow;
use std::path::{Component, Path};

use memchr::memrchr;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The folder of a file; empty at the top level.
pub fn folder(path: &str) -> &str {
    &path[..last(b'/', path).unwrap_or(0)]
}

/// The last path segment.
pub fn file_name(path: &str) -> &str {
    &path[last(b'/', path).map_or(0, |slash| slash + 1)..]
}

/// Whether a file is the page of its folder (a leaf bundle).
pub fn is_index(file: &str) -> bool {
    last(b'.', file).is_some_and(|dot| file[..dot].eq_ignore_ascii_case("index"))
}

/// Several times as fast as `rfind`: a build asks for each of a hundred thousand files.
fn last(sign: u8, path: &str) -> Option<usize> {
    memrchr(sign, path.as_bytes())
}

/// Whether the text of a file is HTML, not Markdown.
pub fn is_html(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ["html", "htm"].iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

/// The file name without extension; for a bundle, the name of its folder, which is empty at the top.
pub fn base_name(path: &str) -> &str {
    let file = file_name(path);
    if is_index(file) {
        return file_name(folder(path));
    }
    &file[..last(b'.', file).unwrap_or(file.len())]
}

/// The folder that contains a page; a bundle is its own folder.
pub fn container(path: &str) -> &str {
    if is_index(file_name(path)) { folder(folder(path)) } else { folder(path) }
}

/// Resolves a relative path, including `.` and `..`; `None` if it leaves the project.
pub fn joined(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A path whose letters are composed (NFC). macOS may write `é` as two characters, which makes no other name.
pub fn composed(path: &str) -> Cow<'_, str> {
    match path.is_ascii() || is_nfc_quick(path.chars()) == IsNormalized::Yes {
        true => Cow::Borrowed(path),
        false => Cow::Owned(path.nfc().collect()),
    }
}

/// A path separated by `/`, without `.` segments.
pub fn with_slashes(path: &Path) -> String {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_composed() {
        assert_eq!(composed("cafe\u{301}/\u{1112}\u{1161}\u{11ab}/が.md"), "caf\u{e9}/\u{d55c}/が.md");
        assert!(matches!(composed("caf\u{e9}/潮.md"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_relative_path_stays_in_the_project() {
        assert_eq!(joined("content/a", "../b/./c.md").as_deref(), Some("content/b/c.md"));
        assert_eq!(joined("a", "../../b"), None);
    }

    #[test]
    fn the_folder_of_a_bundle_is_the_page() {
        for (path, name, folder) in [
            ("a.md", "a", ""),
            ("p/a.b.md", "a.b", "p"),
            ("p/q/index.md", "q", "p"),
            ("q/index.md", "q", ""),
            ("index.md", "", ""),
            ("q/INDEX.md", "q", ""),
        ] {
            assert_eq!((base_name(path), container(path)), (name, folder), "{path}");
        }
    }
}

//! Covers that are files of the project: what they really are.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use crate::disk::Project;
use crate::issue::{Cover, Issue};

/// Hugo publishes what lies in these folders at the root of the site.
const ROOT_FOLDERS: [&str; 2] = ["static", "assets"];

impl Project {
    /// The cover of an issue with type (by magic number), size in bytes and in pixels, where it is a file of the
    /// project: beside the issue, in `static/` or in `assets/`. Any other cover is given as it is.
    pub fn measured_cover(&self, issue: &Issue) -> Option<Cover> {
        let cover = issue.cover.as_ref()?;
        let measured = self.cover_files(issue, cover).into_iter().find_map(|file| measured(&file, cover));
        Some(measured.unwrap_or_else(|| cover.clone()))
    }

    fn cover_files(&self, issue: &Issue, cover: &Cover) -> Vec<PathBuf> {
        let written = cover.written.split(['?', '#']).next().unwrap_or_default();
        if written.contains("://") || written.starts_with("//") || written.split('/').any(|part| part == "..") {
            return Vec::new();
        }
        let decoded = percent_encoding::percent_decode_str(written).decode_utf8_lossy();
        match decoded.strip_prefix('/') {
            Some(below_root) => ROOT_FOLDERS.iter().map(|folder| self.path(folder).join(below_root)).collect(),
            None => {
                let folder = issue.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                vec![self.path(folder).join(decoded.as_ref())]
            }
        }
    }
}

fn measured(file: &PathBuf, cover: &Cover) -> Option<Cover> {
    const ENOUGH_FOR_MAGIC: u64 = 64;
    let length = fs::metadata(file).ok().filter(fs::Metadata::is_file)?.len();
    let mut magic = Vec::new();
    File::open(file).ok()?.take(ENOUGH_FOR_MAGIC).read_to_end(&mut magic).ok()?;
    let mime_type = mime_type(&magic).map(str::to_owned).or_else(|| cover.mime_type.clone());
    let pixels =
        imagesize::size(file).ok().and_then(|size| Some((size.width.try_into().ok()?, size.height.try_into().ok()?)));
    Some(Cover { mime_type, bytes: Some(length), size: pixels, ..cover.clone() })
}

/// The MIME type of a picture by its first bytes.
fn mime_type(magic: &[u8]) -> Option<&'static str> {
    match imagesize::image_type(magic).ok()? {
        imagesize::ImageType::Png => Some("image/png"),
        imagesize::ImageType::Jpeg => Some("image/jpeg"),
        imagesize::ImageType::Gif => Some("image/gif"),
        imagesize::ImageType::Webp => Some("image/webp"),
        imagesize::ImageType::Bmp => Some("image/bmp"),
        imagesize::ImageType::Tiff => Some("image/tiff"),
        imagesize::ImageType::Heif(imagesize::Compression::Av1) => Some("image/avif"),
        imagesize::ImageType::Heif(_) => Some("image/heif"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a PNG of 3 by 2 pixels: all that its type and size are read from.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

    fn measured(cover: &str) -> Cover {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        project.write("slugline.yaml", b"title: T\nbase_url: https://example.org\n").unwrap();
        project.write("content/a/index.md", format!("---\ntitle: a\ncover: '{cover}'\n---\n").as_bytes()).unwrap();
        project.write("content/a/海 1.jpg", PNG).unwrap();
        project.write("static/root.gif", b"no picture").unwrap();
        let config = crate::load::config(&project, "slugline.yaml").unwrap();
        let issues = crate::load::issues(&project, &config).unwrap().issues;
        project.measured_cover(&issues[0]).unwrap()
    }

    #[test]
    fn the_bytes_tell_type_and_size_not_the_name() {
        for written in ["海 1.jpg", "%E6%B5%B7%201.jpg?v=2"] {
            let cover = measured(written);
            assert_eq!(cover.mime_type.as_deref(), Some("image/png"), "{written}");
            assert_eq!((cover.bytes, cover.size), (Some(PNG.len() as u64), Some((3, 2))));
        }
    }

    #[test]
    fn a_file_that_is_no_picture_keeps_the_type_of_its_name() {
        let cover = measured("/root.gif");
        assert_eq!((cover.mime_type.as_deref(), cover.bytes, cover.size), (Some("image/gif"), Some(10), None));
    }

    #[test]
    fn what_is_elsewhere_is_not_measured() {
        for written in ["https://example.com/海 1.jpg", "../a/海 1.jpg", "//example.com/root.gif", "/nothing.png"] {
            assert_eq!(measured(written).bytes, None, "{written}");
        }
    }
}

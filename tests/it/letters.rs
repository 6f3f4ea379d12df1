//! Editions to look at: the issues of the demonstration, and a weekly with the habits of Chinese newsletters.

use std::fs;
use std::path::Path;

use crate::program::{copy_folder, repository, slugline};

/// One edition, as the default templates make it.
pub struct Letter {
    pub name: &'static str,
    pub html: String,
    pub text: String,
}

/// Where the pictures of all issues are, as their editions write it.
pub const BASE: &str = "https://ebbline.example.org/";

/// A project in `folder` that holds all issues; its pictures lie below `content` as they do below `BASE`.
pub fn project(folder: &Path) {
    let repository = repository();
    copy_folder(&repository.join("content"), &folder.join("content")).unwrap();
    fs::copy(repository.join("slugline.yaml"), folder.join("slugline.yaml")).unwrap();
    copy_folder(&repository.join("tests/letters"), &folder.join("content/issues")).unwrap();
    transparent_picture(&folder.join("content/issues/lantern.png"));
}

/// The editions of the project in `folder`.
pub fn all(folder: &Path) -> Vec<Letter> {
    let names = ["first-water", "harmonics", "spring-tides", "storm-surge", "lantern-weekly", "tide-in-arabic"];
    names
        .map(|name| Letter { name, html: printed(folder, name, "--html"), text: printed(folder, name, "--text") })
        .into()
}

fn printed(folder: &Path, name: &str, form: &str) -> String {
    let output = slugline(folder).args(["--now", "2026-11-20T08:00:00Z", "edition", name, form]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Far wider than any column: dark bars on nothing.
fn transparent_picture(file: &Path) {
    const SIZE: (u32, u32) = (1600, 200);
    let mut encoder = png::Encoder::new(fs::File::create(file).unwrap(), SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgba);
    let pixel = |at: u32| if ((at % SIZE.0) / 80).is_multiple_of(2) { [0x14, 0x16, 0x1a, 0xff] } else { [0; 4] };
    let bytes: Vec<u8> = (0..SIZE.0 * SIZE.1).flat_map(pixel).collect();
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}

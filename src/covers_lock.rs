//! `covers.lock`: the measurements of covers hosted elsewhere, so that builds need no network.
//!
//! One line per cover, ordered by URL: URL, MIME type, bytes, width x height. Parses and writes this text; `covers`
//! fetches, `disk` reads and writes the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use url::Url;

use crate::finding::{Finding, Place};

/// The file, below the project folder.
pub const FILE: &str = "covers.lock";

const HEADER: &str = "\
# Covers hosted elsewhere: URL, type, bytes, width x height. Builds read this file instead of the web.
# Written by `slugline covers fetch`; commit it. To measure every cover again, run `slugline covers fetch --all`.
";

/// Written if the picture has no size.
const NO_SIZE: &str = "-";

/// Measured covers by URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoversLock {
    covers: BTreeMap<String, CoverEntry>,
}

/// A measured cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverEntry {
    /// MIME type, from the bytes.
    pub mime_type: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
}

impl CoversLock {
    /// Parses the text of the file. An unreadable line is skipped and reported.
    pub fn parse(text: &str) -> (Self, Vec<Finding>) {
        let mut lock = Self::default();
        let mut findings = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match entry(line) {
                Some((address, measured)) => {
                    lock.covers.insert(address.to_owned(), measured);
                }
                None => findings.push(unreadable(text, number)),
            }
        }
        (lock, findings)
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (address, measured) in &self.covers {
            let size = measured.size.map_or(NO_SIZE.to_owned(), |(width, height)| format!("{width}x{height}"));
            let _ = writeln!(text, "{address} {} {} {size}", measured.mime_type, measured.bytes);
        }
        text
    }

    /// The entry of a URL.
    pub fn of(&self, url: &Url) -> Option<&CoverEntry> {
        self.covers.get(address(url).as_str())
    }

    /// Adds or replaces the entry of a URL.
    pub fn insert(&mut self, url: &Url, measured: CoverEntry) {
        self.covers.insert(address(url).into(), measured);
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.covers.is_empty()
    }

    /// Removes all entries except those of these URLs; returns the removed URLs.
    pub fn keep_only<'a>(&mut self, urls: impl IntoIterator<Item = &'a Url>) -> Vec<String> {
        let mut before = std::mem::take(&mut self.covers);
        self.covers = urls.into_iter().filter_map(|url| before.remove_entry(address(url).as_str())).collect();
        before.into_keys().collect()
    }
}

/// The URL as requested: without fragment, which is never sent, and without credentials, which belong in no file.
pub fn address(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    let _ = (url.set_username(""), url.set_password(None));
    url
}

fn entry(line: &str) -> Option<(&str, CoverEntry)> {
    let mut fields = line.split_ascii_whitespace();
    let (address, mime_type) = (fields.next()?, fields.next().filter(|text| text.starts_with("image/"))?);
    let bytes = fields.next()?.parse().ok()?;
    let size = match fields.next()? {
        NO_SIZE => None,
        size => {
            let (width, height) = size.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        }
    };
    let measured = CoverEntry { mime_type: mime_type.to_owned(), bytes, size };
    fields.next().is_none().then_some((address, measured))
}

fn unreadable(text: &str, line: usize) -> Finding {
    Finding::warning("covers-lock", "the line is not `URL TYPE BYTES WIDTHxHEIGHT` and is ignored")
        .help("rewrite the file with `slugline covers fetch`")
        .at(Place::at_line(FILE, text, line, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn measured(bytes: u64, size: Option<(u32, u32)>) -> CoverEntry {
        CoverEntry { mime_type: "image/png".to_owned(), bytes, size }
    }

    #[test]
    fn entries_round_trip_in_the_order_of_their_urls() {
        let mut lock = CoversLock::default();
        lock.insert(&url("https://b.example.org/图 1.png?a=1#top"), measured(7, Some((3, 2))));
        lock.insert(&url("https://me:secret@a.example.org"), measured(8, None));
        let text = lock.to_text();
        let (_, lines) = text.split_once("--all`.\n").unwrap();
        assert_eq!(
            lines,
            "https://a.example.org/ image/png 8 -\nhttps://b.example.org/%E5%9B%BE%201.png?a=1 image/png 7 3x2\n"
        );
        assert_eq!(CoversLock::parse(&text), (lock.clone(), vec![]));
        assert_eq!(lock.of(&url("https://b.example.org/图 1.png?a=1")), Some(&measured(7, Some((3, 2)))));
    }

    #[test]
    fn an_unreadable_line_is_reported_and_affects_no_other() {
        let text =
            "# a\n<<<<<<< HEAD\r\nhttps://a.example.org/ image/png 8 1x1\r\nhttps://b.example.org/ image/png x 1x1\n";
        let (lock, findings) = CoversLock::parse(text);
        assert_eq!(lock.covers.len(), 1);
        let places: Vec<String> = findings.iter().map(|one| one.place.as_ref().unwrap().to_string()).collect();
        assert_eq!(places, ["covers.lock:2:1", "covers.lock:4:1"]);
    }

    #[test]
    fn unused_covers_are_removed() {
        let mut lock = CoversLock::default();
        let (a, b) = (url("https://a.example.org/"), url("https://b.example.org/"));
        lock.insert(&a, measured(1, None));
        lock.insert(&b, measured(2, None));
        assert_eq!(lock.keep_only([&b, &b]), ["https://a.example.org/"]);
        assert_eq!((lock.of(&a), lock.of(&b).is_some()), (None, true));
    }
}

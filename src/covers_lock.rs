//! `covers.lock`: what covers elsewhere on the web were when they were last measured, so that builds need no network.
//!
//! One line per cover, in the order of their addresses: address, MIME type, bytes, width x height. Takes and gives that
//! text; asking the web is left to `covers`, the file to `disk`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use url::Url;

use crate::finding::{Finding, Place};

/// The file, below the project folder.
pub const FILE: &str = "covers.lock";

const HEADER: &str = "\
# What covers elsewhere on the web are: address, type, bytes, width x height. Builds read this file, never the web.
# `slugline covers fetch` writes it; commit it. Measure everything again with `slugline covers fetch --all`.
";

/// What stands for a size that the picture does not tell.
const NO_SIZE: &str = "-";

/// CoverEntry covers by their addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoversLock {
    covers: BTreeMap<String, CoverEntry>,
}

/// What a cover is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverEntry {
    /// MIME type, by its bytes.
    pub mime_type: String,
    /// Exact size in bytes.
    pub bytes: u64,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
}

impl CoversLock {
    /// Reads the text of the file. A line that cannot be read is left out, and a finding.
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

    /// What is known of the picture at an address.
    pub fn of(&self, url: &Url) -> Option<&CoverEntry> {
        self.covers.get(address(url).as_str())
    }

    /// Notes what is at an address.
    pub fn note(&mut self, url: &Url, measured: CoverEntry) {
        self.covers.insert(address(url).into(), measured);
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.covers.is_empty()
    }

    /// Keeps only the covers at these addresses; gives those that were dropped.
    pub fn keep_only<'a>(&mut self, urls: impl IntoIterator<Item = &'a Url>) -> Vec<String> {
        let mut before = std::mem::take(&mut self.covers);
        self.covers = urls.into_iter().filter_map(|url| before.remove_entry(address(url).as_str())).collect();
        before.into_keys().collect()
    }
}

/// An address as it is asked for: a fragment is never sent, and a password belongs into no file.
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
    Finding::warning("covers-lock", "the line is not `ADDRESS TYPE BYTES WIDTHxHEIGHT`, so it is left out")
        .help("write the file anew with `slugline covers fetch`")
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
    fn what_is_written_is_read_again_in_the_order_of_the_addresses() {
        let mut lock = CoversLock::default();
        lock.note(&url("https://b.example.org/图 1.png?a=1#top"), measured(7, Some((3, 2))));
        lock.note(&url("https://me:secret@a.example.org"), measured(8, None));
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
    fn a_line_that_cannot_be_read_is_named_and_harms_no_other() {
        let text =
            "# a\n<<<<<<< HEAD\r\nhttps://a.example.org/ image/png 8 1x1\r\nhttps://b.example.org/ image/png x 1x1\n";
        let (lock, findings) = CoversLock::parse(text);
        assert_eq!(lock.covers.len(), 1);
        let places: Vec<String> = findings.iter().map(|one| one.place.as_ref().unwrap().to_string()).collect();
        assert_eq!(places, ["covers.lock:2:1", "covers.lock:4:1"]);
    }

    #[test]
    fn covers_that_nobody_uses_are_dropped() {
        let mut lock = CoversLock::default();
        let (a, b) = (url("https://a.example.org/"), url("https://b.example.org/"));
        lock.note(&a, measured(1, None));
        lock.note(&b, measured(2, None));
        assert_eq!(lock.keep_only([&b, &b]), ["https://a.example.org/"]);
        assert_eq!((lock.of(&a), lock.of(&b).is_some()), (None, true));
    }
}

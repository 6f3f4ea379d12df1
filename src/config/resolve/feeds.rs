//! What is written below `feeds`.
//!
//! Takes the mapping as written; returns formats, taxonomies, archives and limits.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;

use url::Url;

use crate::config::raw::{OneOrMany, RawArchive, RawFeedContent, RawFeeds, RawFormats};
use crate::config::resolve::{Problems, stays_inside};
use crate::feed::{Archive, Format, Options, Taxonomy, stylesheet};

/// `have_archive_pages`: whether the project has a web archive.
pub(super) fn feeds(raw: &RawFeeds, have_archive_pages: bool, problems: &mut Problems<'_>) -> Options {
    if raw.ttl == Some(0) {
        problems.value(&["feeds", "ttl"], "it counts minutes from 1", "write 720 for half a day, or remove it");
    }
    let formats = formats(raw.formats.as_ref(), problems);
    let has_xml = formats.keys().any(|format| *format != Format::Json);
    Options {
        have_archive_pages,
        stylesheet: has_xml && raw.stylesheet.unwrap_or(true),
        opml: raw.opml.as_deref().map(|file| opml(file, &formats, problems)),
        formats,
        limit: raw.limit.unwrap_or(20),
        content: RawFeedContent::extent(raw.content),
        ttl: raw.ttl,
        by: taxonomies(raw.by.as_ref(), problems),
        archive: problems
            .check(archive(raw.archive.as_ref()), &["feeds", "archive"], "no such archive", ARCHIVE_HELP)
            .unwrap_or(Archive::Off),
        max_bytes: Some(raw.max_bytes.unwrap_or(250_000)).filter(|bytes| *bytes > 0),
        hubs: hubs(raw.hub.as_ref(), problems),
    }
}

fn taxonomies(raw: Option<&OneOrMany>, problems: &mut Problems<'_>) -> Vec<Taxonomy> {
    let check =
        |name: &str| problems.check(taxonomy(name), &["feeds", "by"], "there are no feeds by it", TAXONOMY_HELP);
    let mut taxonomies: Vec<Taxonomy> =
        raw.map(OneOrMany::items).unwrap_or_default().into_iter().filter_map(check).collect();
    taxonomies.sort();
    taxonomies.dedup();
    taxonomies
}

fn hubs(raw: Option<&OneOrMany>, problems: &mut Problems<'_>) -> Vec<Url> {
    const HELP: &str = "write the hub's whole address, such as `https://hub.example.org/`";
    let check = |address: &str| problems.check(hub(address), &["feeds", "hub"], "not a WebSub hub", HELP);
    let mut hubs: Vec<Url> = raw.map(OneOrMany::items).unwrap_or_default().into_iter().filter_map(check).collect();
    let mut known = HashSet::new();
    hubs.retain(|hub| known.insert(hub.clone()));
    hubs
}

/// The address is public, so it must not contain a login.
fn hub(address: &str) -> Result<Url, String> {
    let url = Url::parse(address.trim()).map_err(|_| format!("`{address}` is not an absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not contain a login".to_owned());
    }
    let web = matches!(url.scheme(), "http" | "https");
    if web { Ok(url) } else { Err(format!("`{}` is not a scheme of the web", url.scheme())) }
}

fn formats(raw: Option<&RawFormats>, problems: &mut Problems<'_>) -> BTreeMap<Format, String> {
    let written = match raw {
        None => [Some("feed.xml"), Some("atom.xml"), Some("feed.json")],
        Some(raw) => [raw.rss.as_deref(), raw.atom.as_deref(), raw.json.as_deref()],
    };
    let mut formats = BTreeMap::new();
    for ((format, key), file) in
        [(Format::Rss, "rss"), (Format::Atom, "atom"), (Format::Json, "json")].into_iter().zip(written)
    {
        let Some(file) = file else { continue };
        let keys = ["feeds", "formats", key];
        check_file(file, &keys, "write a name such as `feed.xml`", problems);
        if formats.values().any(|other| other == file) {
            problems.value(&keys, format!("`{file}` is taken by another format"), "give each format its own file");
        }
        formats.insert(format, file.to_owned());
    }
    formats
}

fn opml(file: &str, formats: &BTreeMap<Format, String>, problems: &mut Problems<'_>) -> String {
    const HELP: &str = "write a name such as `feeds.opml`";
    check_file(file, &["feeds", "opml"], HELP, problems);
    if formats.values().any(|feed| feed == file) {
        problems.value(&["feeds", "opml"], format!("`{file}` is a feed"), HELP);
    }
    file.to_owned()
}

/// Checks that a file can be written below `output` without overwriting another.
fn check_file(file: &str, keys: &[&str], help: &str, problems: &mut Problems<'_>) {
    if file.is_empty() || !stays_inside(Path::new(file)) || file.ends_with('/') {
        problems.value(keys, format!("`{file}` is not a file name below `output`"), help);
    }
    if file == stylesheet::FILE {
        problems.value(keys, format!("`{file}` is the style sheet of the feeds"), help);
    }
}

const TAXONOMY_HELP: &str = "write `categories`, `tags`, `authors`, or a list of them";
const ARCHIVE_HELP: &str = "write `year`, a number of issues such as 50, or `off`";

/// A taxonomy by its name.
fn taxonomy(name: &str) -> Result<Taxonomy, String> {
    Taxonomy::ALL.into_iter().find(|taxonomy| taxonomy.name() == name).ok_or_else(|| format!("`{name}`"))
}

/// Archives are off by default because they need the text of every issue.
fn archive(raw: Option<&RawArchive>) -> Result<Archive, String> {
    match raw {
        None | Some(RawArchive::Truth(false)) => Ok(Archive::Off),
        Some(RawArchive::Number(number)) => NonZeroUsize::new(*number)
            .map(Archive::Every)
            .ok_or_else(|| "an archive contains at least 1 issue".to_owned()),
        Some(RawArchive::Word(word)) if word == "off" => Ok(Archive::Off),
        Some(RawArchive::Word(word)) if word == "year" => Ok(Archive::Yearly),
        Some(RawArchive::Word(word)) => Err(format!("`{word}`")),
        Some(RawArchive::Truth(true)) => Err("`true`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_a_web_address_without_a_login() {
        assert_eq!(hub(" https://hub.example.org ").map(String::from), Ok("https://hub.example.org/".to_owned()));
        assert_eq!(hub("hub.example.org"), Err("`hub.example.org` is not an absolute URL".to_owned()));
        assert_eq!(hub("mailto:hub@example.org"), Err("`mailto` is not a scheme of the web".to_owned()));
        assert_eq!(hub("https://me:secret@hub.example.org/"), Err("the URL must not contain a login".to_owned()));
    }

    #[test]
    fn taxonomies_and_archives_are_parsed() {
        assert_eq!(taxonomy("tags"), Ok(Taxonomy::Tags));
        assert_eq!(taxonomy("tag"), Err("`tag`".to_owned()));
        let every = |number| NonZeroUsize::new(number).map(Archive::Every).ok_or(String::new());
        assert_eq!(archive(None), Ok(Archive::Off));
        assert_eq!(archive(Some(&RawArchive::Truth(false))), Ok(Archive::Off));
        assert_eq!(archive(Some(&RawArchive::Word("year".to_owned()))), Ok(Archive::Yearly));
        assert_eq!(archive(Some(&RawArchive::Number(50))), every(50));
        for problems in [RawArchive::Number(0), RawArchive::Truth(true), RawArchive::Word("month".to_owned())] {
            assert!(archive(Some(&problems)).is_err(), "{problems:?}");
        }
    }
}

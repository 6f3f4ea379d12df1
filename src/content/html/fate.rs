//! What becomes of the raw HTML of an author, for whoever tells the author of it.

use crate::content::html::DROPPED;
use crate::content::html::raw::{ELEMENTS, PLAYERS, address};
use crate::content::html::tag::{Tag, Tags};

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Readers see what it means, as far as they can.
    Shown,
    /// It is left out, and so is what it holds.
    LeftOut,
    /// It plays something, and becomes a bare link.
    Link,
    /// No element has this name: its characters are shown.
    Text,
}

/// The start tags of `html` with their places and fates; what an element that is left out holds is passed over.
pub(crate) fn fates(html: &str) -> Vec<(usize, Tag<'_>, Fate)> {
    let mut fates = Vec::new();
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        if tag.closes {
            continue;
        }
        let fate = fate(&tag);
        if fate == Fate::LeftOut {
            tags.at += tags.before_end_of(&tag.name);
        }
        fates.push((start, tag, fate));
    }
    fates
}

fn fate(tag: &Tag<'_>) -> Fate {
    let name = tag.name.as_str();
    if ELEMENTS.binary_search(&name).is_err() {
        return Fate::Text;
    }
    if DROPPED.contains(&name) || (name == "embed" || name == "iframe") && address(tag).is_none() {
        return Fate::LeftOut;
    }
    let has_poster = tag.plain_attribute("poster").is_some_and(|poster| !poster.trim().is_empty());
    if PLAYERS.contains(&name) && !has_poster { Fate::Link } else { Fate::Shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_a_fate() {
        let html =
            "<b><Info><script>'<x>'</script><style></style><iframe src=a></iframe><video poster=p src=v></video>";
        let expected = [
            ("b", Fate::Shown),
            ("info", Fate::Text),
            ("script", Fate::LeftOut),
            ("style", Fate::LeftOut),
            ("iframe", Fate::Link),
            ("video", Fate::Shown),
        ];
        let found: Vec<(String, Fate)> = fates(html).into_iter().map(|(_, tag, fate)| (tag.name, fate)).collect();
        assert_eq!(found, expected.map(|(name, fate)| (name.to_owned(), fate)));
    }
}

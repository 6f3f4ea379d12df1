//! What becomes of the raw HTML of an author, for whoever tells the author of it.

use crate::content::html::DROPPED;
use crate::content::html::raw::{ELEMENTS, PLAYERS, address};
use crate::content::html::tag::{Tag, Tags};

/// What becomes of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Readers see what it means, as far as they can.
    Rendered,
    /// It is left out, and so is what it holds.
    Dropped,
    /// It plays something, and becomes a bare link.
    Link,
    /// No element has this name: its characters are shown.
    Text,
}

/// The start tags of `html` with their places and treatments; what an element that is left out holds is passed over.
pub(crate) fn treatments(html: &str) -> Vec<(usize, Tag<'_>, Treatment)> {
    let mut treatments = Vec::new();
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        if tag.closes {
            continue;
        }
        let treatment = treatment(&tag);
        if treatment == Treatment::Dropped {
            tags.at += tags.before_end_of(&tag.name);
        }
        treatments.push((start, tag, treatment));
    }
    treatments
}

fn treatment(tag: &Tag<'_>) -> Treatment {
    let name = tag.name.as_str();
    if ELEMENTS.binary_search(&name).is_err() {
        return Treatment::Text;
    }
    if DROPPED.contains(&name) || (name == "embed" || name == "iframe") && address(tag).is_none() {
        return Treatment::Dropped;
    }
    let has_poster = tag.plain_attribute("poster").is_some_and(|poster| !poster.trim().is_empty());
    if PLAYERS.contains(&name) && !has_poster { Treatment::Link } else { Treatment::Rendered }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_a_treatment() {
        let html =
            "<b><Info><script>'<x>'</script><style></style><iframe src=a></iframe><video poster=p src=v></video>";
        let expected = [
            ("b", Treatment::Rendered),
            ("info", Treatment::Text),
            ("script", Treatment::Dropped),
            ("style", Treatment::Dropped),
            ("iframe", Treatment::Link),
            ("video", Treatment::Rendered),
        ];
        let found: Vec<(String, Treatment)> =
            treatments(html).into_iter().map(|(_, tag, treatment)| (tag.name, treatment)).collect();
        assert_eq!(found, expected.map(|(name, treatment)| (name.to_owned(), treatment)));
    }
}

//! Determines which raw HTML subscribers do not see as the author intended; `check` reports it.

use crate::content::html::DROPPED;
use crate::content::html::raw::{ELEMENTS, PLAYERS, source_url};
use crate::content::html::tag::{Tag, Tags};

/// How a tag is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// As intended, as far as readers can.
    Rendered,
    /// Removed together with its content.
    Dropped,
    /// Media, replaced by a plain link.
    Link,
    /// Not an HTML element: shown as text.
    Text,
}

/// The start tags of `html` with their offsets and treatment; skips the content of dropped elements.
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
    if DROPPED.contains(&name) || (name == "embed" || name == "iframe") && source_url(tag).is_none() {
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

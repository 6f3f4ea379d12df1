//! Limits how deep elements nest. No author nests deeper on purpose, and the time an HTML parser takes grows with the
//! square of the depth.

use std::collections::BTreeMap;

use crate::content::html::tag::Tag;

/// Elements inside each other.
pub(super) const MAX_DEPTH: usize = 64;

/// Void elements, and elements that end implicitly where the next one begins: they add no depth.
const FLAT: [&str; 30] = [
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img", "input", "li",
    "link", "meta", "option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
];

/// The elements open at one position.
#[derive(Debug, Default)]
pub(super) struct Depth {
    open: Vec<String>,
    left_out: BTreeMap<String, usize>,
}

impl Depth {
    /// Whether this tag may stay; an end tag is dropped if its start tag was.
    pub fn admits(&mut self, tag: &Tag<'_>) -> bool {
        if FLAT.binary_search(&tag.name.as_str()).is_ok() {
            return true;
        }
        if tag.closes { self.close(&tag.name) } else { self.open(&tag.name) }
    }

    fn open(&mut self, name: &str) -> bool {
        let admitted = self.open.len() < MAX_DEPTH;
        if admitted {
            self.open.push(name.to_owned());
        } else {
            *self.left_out.entry(name.to_owned()).or_default() += 1;
        }
        admitted
    }

    fn close(&mut self, name: &str) -> bool {
        if let Some(count) = self.left_out.get_mut(name).filter(|count| **count > 0) {
            *count -= 1;
            return false;
        }
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.open.remove(at);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(FLAT.is_sorted());
    }

    #[test]
    fn tags_nested_too_deep_are_dropped_with_their_end_tags() {
        let mut depth = Depth::default();
        let (open, close) = (Tag::at("<div>").unwrap(), Tag::at("</div>").unwrap());
        let opened = (0..100).filter(|_| depth.admits(&open)).count();
        let closed = (0..100).filter(|_| depth.admits(&close)).count();
        assert_eq!((opened, closed), (MAX_DEPTH, MAX_DEPTH));
    }

    #[test]
    fn items_without_end_tags_add_no_depth() {
        let mut depth = Depth::default();
        let item = Tag::at("<li>").unwrap();
        assert!((0..100).all(|_| depth.admits(&item)));
    }
}

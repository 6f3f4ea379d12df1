//! Changes of a text that keep every line on its line.
//!
//! Takes ranges and what replaces them, in any order; returns the new text and what was lost. Of two ranges that overlap, the
//! one that begins first counts.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use crate::content::format::Lost;

/// The changes of one text.
#[derive(Debug)]
pub(in crate::content::format) struct Edits<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
    lost: Vec<Lost>,
}

impl<'a> Edits<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, edits: Vec::new(), lost: Vec::new() }
    }

    /// Replaces a range by a text without more lines than it has.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.edits.push((range, with.into()));
    }

    /// Removes a range.
    pub fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Records that readers do not see this range.
    pub fn lose(&mut self, range: Range<usize>, what: impl Into<String>) {
        self.lost.push(Lost { range, what: what.into() });
    }

    /// The new text, and what was lost, in order.
    pub fn finish(mut self) -> (Cow<'a, str>, Vec<Lost>) {
        self.lost.sort_by_key(|lost| lost.range.start);
        if self.edits.is_empty() {
            return (Cow::Borrowed(self.text), self.lost);
        }
        self.edits.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
        let mut out = String::with_capacity(self.text.len());
        let mut copied = 0;
        for (range, with) in self.edits {
            if range.start < copied {
                continue;
            }
            out.push_str(&self.text[copied..range.start]);
            out.push_str(&with);
            let lines = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
            let missing = lines(&self.text[range.clone()]).saturating_sub(lines(&with));
            out.extend(std::iter::repeat_n('\n', missing));
            copied = range.end;
        }
        out.push_str(&self.text[copied..]);
        (Cow::Owned(out), self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_the_first_of_two_counts() {
        let mut edits = Edits::new("a {b\nc} d <e> f");
        edits.replace(10..13, "E");
        edits.replace(2..7, "B");
        edits.remove(3..4);
        edits.lose(2..7, "x");
        let (text, lost) = edits.finish();
        assert_eq!((text.as_ref(), lost.len()), ("a B\n d E f", 1));
        assert!(matches!(Edits::new("a").finish().0, Cow::Borrowed("a")));
    }
}

//! Where code is in Markdown: between fences, and between backticks.
//!
//! Takes Markdown; returns the bytes that tags and shortcodes do not reach. Looks at each byte a bounded number of times.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// A piece of code, with its fences or backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its bytes.
    pub range: Range<usize>,
    /// Whether it is a block.
    pub is_fenced: bool,
}

/// The fence that begins a block.
struct Fence {
    character: u8,
    length: usize,
    at: usize,
}

/// All code of a text, in order. A fence without its counterpart reaches to the end, as in CommonMark.
pub fn code(markdown: &str) -> Vec<Code> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    let (mut paragraph, mut at) = (0, 0);
    for line in markdown.split_inclusive('\n') {
        let end = at + line.len();
        let fence = fence(line);
        match (&open, fence) {
            (Some(Fence { character, length, at: begin }), Some((other, count, is_bare)))
                if is_bare && other == *character && count >= *length =>
            {
                found.push(Code { range: *begin..end, is_fenced: true });
                (open, paragraph) = (None, end);
            }
            (None, Some((character, length, is_bare)))
                if is_bare || character == b'~' || !has_later_tick(line, length) =>
            {
                spans(markdown, paragraph..at, &mut found);
                open = Some(Fence { character, length, at });
            }
            (None, _) if line.trim().is_empty() => {
                spans(markdown, paragraph..at, &mut found);
                paragraph = end;
            }
            _ => {}
        }
        at = end;
    }
    match open {
        Some(Fence { at, .. }) => found.push(Code { range: at..markdown.len(), is_fenced: true }),
        None => spans(markdown, paragraph..markdown.len(), &mut found),
    }
    found
}

/// The character and length of a fence at the start of a line, which may be quoted or in a list, and whether nothing follows.
fn fence(line: &str) -> Option<(u8, usize, bool)> {
    let text = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let text = if digits.len() < text.len() { digits.strip_prefix(['.', ')'])?.trim_start() } else { text };
    let character = *text.as_bytes().first().filter(|byte| b"`~".contains(byte))?;
    let length = text.bytes().take_while(|byte| *byte == character).count();
    (length >= 3).then(|| (character, length, text[length..].trim().is_empty()))
}

/// Whether backticks follow a fence of them: then it is code within a line.
fn has_later_tick(line: &str, length: usize) -> bool {
    line.find('`').is_some_and(|at| line[at + length..].contains('`'))
}

/// Code between backticks in a paragraph: as many at its end as at its beginning.
fn spans(markdown: &str, paragraph: Range<usize>, found: &mut Vec<Code>) {
    let text = &markdown[paragraph.clone()];
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some((begin, length)) if *begin + *length == at => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    let mut by_length: HashMap<usize, VecDeque<usize>> = HashMap::new();
    for (index, (_, length)) in runs.iter().enumerate() {
        by_length.entry(*length).or_default().push_back(index);
    }
    let mut next = 0;
    while let Some((begin, length)) = runs.get(next).copied() {
        let same = by_length.entry(length).or_default();
        while same.front().is_some_and(|index| *index <= next) {
            same.pop_front();
        }
        let is_escaped = text[..begin].ends_with('\\');
        match same.front() {
            Some(closing) if !is_escaped => {
                let range = paragraph.start + begin..paragraph.start + runs[*closing].0 + length;
                found.push(Code { range, is_fenced: false });
                next = closing + 1;
            }
            _ => next += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(markdown: &str) -> Vec<&str> {
        code(markdown).into_iter().map(|code| &markdown[code.range]).collect()
    }

    #[test]
    fn code_is_between_fences_and_between_backticks() {
        assert_eq!(found("a `b` c ``d ` e`` f"), ["`b`", "``d ` e``"]);
        assert_eq!(found("a\n```js\n`x`\n```\nb `c`\n"), ["```js\n`x`\n```\n", "`c`"]);
        assert_eq!(found("- ~~~\n  ```\n  ~~~\n`z`"), ["- ~~~\n  ```\n  ~~~\n", "`z`"]);
        assert_eq!(found("> 1. ````\n> ```\n> ````\n"), ["> 1. ````\n> ```\n> ````\n"]);
        assert_eq!(found("```a``` b\n"), ["```a```"]);
        assert_eq!(found("```\nopen"), ["```\nopen"]);
        assert_eq!(found("a ` b\n\nc ` d"), Vec::<&str>::new());
        assert_eq!(found("\\`a `b`"), ["`b`"]);
    }

    proptest! {
        #[test]
        fn any_text_has_code_in_order(text in "[`~> \n\\\\a1.-]{0,60}") {
            let mut from = 0;
            for code in code(&text) {
                prop_assert!(code.range.start >= from && text.get(code.range.clone()).is_some());
                from = code.range.end;
            }
        }
    }

    #[test]
    fn a_megabyte_takes_no_time() {
        let begun = std::time::Instant::now();
        let falling: String = (1..1400).rev().map(|count| "`".repeat(count) + "\n").collect();
        for text in ["` `` ".repeat(200_000), "`".repeat(1_000_000), "```\n~~~\n".repeat(100_000), falling] {
            code(&text);
        }
        assert!(begun.elapsed().as_secs() < 10);
    }
}

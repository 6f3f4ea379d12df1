//! Finds the code in Markdown: fenced and indented blocks, spans between backticks, comments, and elements of code.
//!
//! Takes Markdown, also with the components of MDX around it; returns ranges of bytes, in linear time. Blocks are found line
//! by line and lists followed by their indentation, because components hide both from a parser of Markdown.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr3, memmem};

/// The code of a text.
#[derive(Debug, Default)]
pub(in crate::content::format) struct Code {
    /// In order, without overlap.
    ranges: Vec<Range<usize>>,
    /// What follows the opening fences of blocks.
    pub infos: Vec<Range<usize>>,
    /// Elements `script` and `style`, which are among the ranges.
    pub scripts: Vec<Range<usize>>,
}

impl Code {
    /// The code in a text; MDX has no indented code, and braces mean something in elements.
    pub fn of(text: &str, is_mdx: bool) -> Self {
        let mut scan =
            Scan { text, is_mdx, at: 0, lists: Vec::new(), goes_on: false, missing: Vec::new(), code: Self::default() };
        while scan.at < text.len() {
            scan.line();
        }
        scan.code
    }

    /// Adds ranges to it.
    pub fn cover(&mut self, ranges: Vec<Range<usize>>) {
        self.ranges.extend(ranges);
        self.ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(self.ranges.len());
        for range in self.ranges.drain(..) {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        self.ranges = merged;
    }

    /// Where the code around a byte ends.
    pub fn end_around(&self, at: usize) -> Option<usize> {
        let range = &self.ranges[self.ranges.partition_point(|range| range.end <= at)..].first()?;
        (range.start <= at).then_some(range.end)
    }
}

/// The elements whose content is code. In MDX only the first two: braces in the others are expressions.
const ELEMENTS: [&str; 4] = ["script", "style", "pre", "code"];

struct Scan<'a> {
    text: &'a str,
    is_mdx: bool,
    at: usize,
    /// How far the texts of the open items of lists are indented.
    lists: Vec<usize>,
    /// Whether the line before is text that indented code cannot follow.
    goes_on: bool,
    /// What no more follows: searching again for each of many would take quadratic time.
    missing: Vec<&'static str>,
    code: Code,
}

impl<'a> Scan<'a> {
    fn line(&mut self) {
        let line = line_at(self.text, self.at);
        if line.trim().is_empty() {
            self.goes_on = false;
            self.at += line.len();
            return;
        }
        let indent = indent(line);
        let marker = marker(line.trim_start());
        if !self.goes_on || marker.is_some() {
            self.lists.truncate(self.lists.iter().take_while(|list| **list <= indent).count());
        }
        let container = self.lists.last().copied().unwrap_or_default();
        if !self.is_mdx && !self.goes_on && indent >= container + 4 {
            self.code.ranges.push(self.at..self.at + line.len());
            self.at += line.len();
            return;
        }
        let rest = self.inside(line);
        match fence(rest) {
            Some(fence) => self.fenced(line, rest, fence),
            None => self.paragraph(line),
        }
    }

    /// What follows the marks of quotations and items on a line; opens the items.
    fn inside(&mut self, line: &'a str) -> &'a str {
        let mut rest = line.trim_start();
        for _ in 0..16 {
            if let Some(inside) = rest.strip_prefix('>') {
                rest = inside.trim_start();
            } else if let Some(length) = marker(rest) {
                let inside = rest[length..].trim_start();
                let spaces = rest.len() - length - inside.len();
                let column = indent(line) + (line.trim_start().len() - rest.len());
                if !line.trim_start().starts_with('>') {
                    self.lists.push(column + length + if spaces > 4 { 1 } else { spaces });
                }
                rest = inside;
            } else {
                break;
            }
        }
        rest
    }

    fn fenced(&mut self, line: &'a str, rest: &'a str, fence: (u8, usize)) {
        let start = self.at + (line.len() - rest.len());
        let in_quotation = line.trim_start().starts_with('>');
        let container = self.lists.last().copied().unwrap_or_default();
        let info = start + fence.1..start + rest.trim_end().len();
        self.code.infos.push(info);
        self.at += line.len();
        let mut end = self.at;
        while self.at < self.text.len() {
            let line = line_at(self.text, self.at);
            let content = line.trim_start();
            let leaves_item = container > 0 && !content.is_empty() && !in_quotation && indent(line) < container;
            if in_quotation && !content.starts_with('>') || leaves_item {
                break;
            }
            self.at += line.len();
            end = self.at;
            let content = if in_quotation { content.trim_start_matches(['>', ' ', '\t']) } else { content };
            if closes(content, fence) {
                break;
            }
        }
        self.code.ranges.push(start..end);
        self.goes_on = false;
    }

    /// Lines of text up to the next block.
    fn paragraph(&mut self, first: &'a str) {
        let is_line = |line: &str| line.trim_start().starts_with(['#', '|']);
        let mut end = self.at + first.len();
        while end < self.text.len() && !is_line(first) {
            let line = line_at(self.text, end);
            let content = line.trim();
            let begins_block =
                is_line(line) || marker(content).is_some() || fence(content.trim_start_matches(['>', ' '])).is_some();
            if content.is_empty() || begins_block {
                break;
            }
            end += line.len();
        }
        self.goes_on = true;
        self.at = self.inline(self.at, end).max(end);
    }

    /// Finds code within a paragraph; returns the end of the last, which may lie behind the paragraph.
    fn inline(&mut self, start: usize, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut spans = Spans::default();
        let mut at = start;
        while let Some(found) = (at < end).then(|| memchr3(b'`', b'<', b'$', &bytes[at..end])).flatten() {
            at += found;
            let code_end = match bytes[at] {
                b'`' => spans.end(&bytes[..end], at),
                b'<' => self.element(at),
                _ if self.is_mdx => self.formula(at, end),
                _ => None,
            };
            at = match code_end {
                Some(code_end) => {
                    self.code.ranges.push(at..code_end);
                    code_end
                }
                None => at + run(bytes, at),
            };
        }
        at
    }

    /// The end of a comment or an element of code.
    fn element(&mut self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        if rest.starts_with("<!--") {
            return self.find("-->", at + 4).map(|found| found + 3);
        }
        let names = if self.is_mdx { &ELEMENTS[..2] } else { &ELEMENTS[..] };
        let name = names.iter().find(|name| {
            let begins = rest.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            begins && rest[1 + name.len()..].starts_with(|c: char| c.is_whitespace() || c == '>')
        })?;
        let closing = match *name {
            "script" => "</script>",
            "style" => "</style>",
            "pre" => "</pre>",
            _ => "</code>",
        };
        let end = self.find(closing, at)? + closing.len();
        if closing.starts_with("</s") {
            self.code.scripts.push(at..end);
        }
        Some(end)
    }

    /// The end of a formula: `$$…$$`, or `$…$` in a line.
    fn formula(&mut self, at: usize, end: usize) -> Option<usize> {
        if self.text[at..].starts_with("$$") {
            return self.find("$$", at + 2).map(|found| found + 2);
        }
        let line = line_at(&self.text[..end], at);
        let inside = line[1..].split('$').next()?;
        let closes = inside.len() + 1 < line.len() && !inside.is_empty();
        (closes && !inside.starts_with(' ') && !inside.ends_with([' ', '\\'])).then(|| at + inside.len() + 2)
    }

    fn find(&mut self, text: &'static str, from: usize) -> Option<usize> {
        if self.missing.contains(&text) {
            return None;
        }
        let found = memmem::find(&self.text.as_bytes()[from.min(self.text.len())..], text.as_bytes());
        if found.is_none() {
            self.missing.push(text);
        }
        found.map(|found| from + found)
    }
}

/// The runs of backticks in a paragraph.
#[derive(Default)]
struct Spans {
    /// The places of runs by their length, last place first.
    runs: Option<HashMap<usize, Vec<usize>>>,
}

impl Spans {
    /// The end of the span that begins at a byte of a text.
    fn end(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let length = run(text, at);
        let is_escaped = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let runs = self.runs.get_or_insert_with(|| {
            let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
            let mut from = at;
            while let Some(found) = memchr::memchr(b'`', &text[from..]) {
                let length = run(text, from + found);
                runs.entry(length).or_default().push(from + found);
                from += found + length;
            }
            runs.values_mut().for_each(|places| places.reverse());
            runs
        });
        let places = runs.get_mut(&length)?;
        while places.pop_if(|place| *place <= at).is_some() {}
        if is_escaped { None } else { places.pop().map(|place| place + length) }
    }
}

/// How often the byte at a place is repeated there.
fn run(text: &[u8], at: usize) -> usize {
    let byte = text[at];
    if byte == b'`' { text[at..].iter().take_while(|other| **other == byte).count() } else { 1 }
}

/// The line that begins at a byte, with its end.
pub(in crate::content::format) fn line_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1)]
}

/// The columns of white space before a line.
pub(super) fn indent(line: &str) -> usize {
    line.bytes().map_while(|byte| matches!(byte, b' ' | b'\t').then_some(byte)).fold(0, |columns, byte| match byte {
        b'\t' => columns / 4 * 4 + 4,
        _ => columns + 1,
    })
}

/// The length of the marker that begins an item of a list.
fn marker(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mark = line[digits..].chars().next()?;
    let is_marker =
        if digits == 0 { matches!(mark, '-' | '*' | '+') } else { digits < 10 && matches!(mark, '.' | ')') };
    (is_marker && line[digits + 1..].starts_with([' ', '\t'])).then_some(digits + 1)
}

/// The character and length of the fence that begins a line.
fn fence(line: &str) -> Option<(u8, usize)> {
    let byte = *line.as_bytes().first()?;
    let length = line.bytes().take_while(|other| *other == byte).count();
    let is_fence = length >= 3 && (byte == b'~' || byte == b'`' && !line[length..].contains('`'));
    is_fence.then_some((byte, length))
}

fn closes(line: &str, (byte, length): (u8, usize)) -> bool {
    let line = line.trim_end();
    line.len() >= length && line.bytes().all(|other| other == byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text with `.` for each byte of code but the ends of lines.
    fn masked(text: &str, is_mdx: bool) -> String {
        let code = Code::of(text, is_mdx);
        text.char_indices().map(|(at, c)| if c != '\n' && code.end_around(at).is_some() { '.' } else { c }).collect()
    }

    #[test]
    fn code_is_found_in_every_container() {
        for (text, expected) in [
            ("a\n```js\nb\n```\nc", "a\n.....\n.\n...\nc"),
            ("- a\n  ~~~\n  b\n\n  c\n  ~~~\n- d", "- a\n  ...\n...\n\n...\n.....\n- d"),
            ("> ```\n> a\nb", "> ...\n...\nb"),
            ("1. ```\n   a\n\nb", "1. ...\n....\n\nb"),
            ("a\n\n    b\n\n    c\nd", "a\n\n.....\n\n.....\nd"),
            ("- a\n\n    b\n\n      c", "- a\n\n    b\n\n......."),
            ("a\n    b", "a\n    b"),
            ("a `b` ``c ` d`` `e", "a ... ......... `e"),
            ("a `b\nc` d\n\n`e\n\nf`", "a ..\n.. d\n\n`e\n\nf`"),
            ("- a `b\n- c` d", "- a `b\n- c` d"),
            ("\\`a `b`", "\\`a ..."),
            ("a <!-- b\n\nc --> d", "a ......\n\n..... d"),
            ("<pre>\na\n\nb</pre> c", ".....\n.\n\n....... c"),
            ("````\n```\na\n````\nb", "....\n...\n.\n....\nb"),
        ] {
            assert_eq!(masked(text, false), expected, "{text}");
        }
        assert_eq!(masked("a\n\n    b", true), "a\n\n    b");
        assert_eq!(masked("a $x_{1}$ $5 and $6", true), "a ....... $5 and $6");
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for part in ["`", "`` ` ", "<!--", "<pre>", "```\n", "- ", "> ", "    a\n", "$", "$$ "] {
            let text = part.repeat(1 << 18);
            Code::of(&text, false);
            Code::of(&text, true);
        }
    }

    proptest! {
        #[test]
        fn ranges_are_in_order(text in "[-`~<>!/preco \n\t$1.潮]{0,80}", is_mdx: bool) {
            let code = Code::of(&text, is_mdx);
            let mut at = 0;
            for range in &code.ranges {
                prop_assert!(range.start >= at && range.end <= text.len() && range.start < range.end);
                prop_assert!(text.get(range.clone()).is_some());
                at = range.end;
            }
        }
    }
}

//! Rewrites a body piece by piece, with each line on its line.
//!
//! Takes replacements in the order of the text; returns the new text. Whoever replaces decides by what.

use std::ops::Range;

use crate::content::format::{Lost, Translated};

/// Quotations within each other: deeper ones are not indented further.
const MAX_QUOTES: usize = 8;

/// A body that is being rewritten.
#[derive(Debug)]
pub struct Rewriting<'a> {
    body: &'a str,
    text: String,
    copied: usize,
    quoted: Vec<Range<usize>>,
    lost: Vec<Lost>,
}

impl<'a> Rewriting<'a> {
    /// Begins.
    pub fn of(body: &'a str) -> Self {
        Self { body, text: String::with_capacity(body.len()), copied: 0, quoted: Vec::new(), lost: Vec::new() }
    }

    /// Replaces bytes that follow those replaced before; the line breaks in them stay. Bytes within those replaced before
    /// are left out already.
    pub fn replace(&mut self, range: Range<usize>, text: &str) {
        if range.start < self.copied {
            return;
        }
        self.text.push_str(&self.body[self.copied..range.start]);
        self.text.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        self.text.extend(self.body[range.clone()].matches('\n'));
        self.copied = range.end;
    }

    /// Puts all lines that contain these bytes of the body into a quotation.
    pub fn quote(&mut self, range: Range<usize>) {
        self.quoted.push(range);
    }

    /// Notes what readers do not see.
    pub fn lose(&mut self, range: Range<usize>, what: String) {
        self.lost.push(Lost { range, what });
    }

    /// The new text.
    pub fn finish(mut self) -> Translated<'a> {
        self.lost.sort_by_key(|lost| lost.range.start);
        if self.copied == 0 && self.text.is_empty() && self.quoted.is_empty() {
            return Translated { lost: self.lost, ..Translated::unchanged(self.body) };
        }
        self.text.push_str(&self.body[self.copied..]);
        let text = if self.quoted.is_empty() { self.text } else { with_quotations(self.body, &self.text, self.quoted) };
        Translated { markdown: text.into(), lost: self.lost }
    }
}

/// The text, line by line that of the body, with the sign of a quotation on the lines of these bytes.
fn with_quotations(body: &str, text: &str, mut quoted: Vec<Range<usize>>) -> String {
    quoted.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut quoted = quoted.into_iter().peekable();
    // Of each quotation that is open: where it ends, and how far it is indented.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (line, original) in text.split_inclusive('\n').zip(body.split_inclusive('\n').chain([""])) {
        let end = at + original.len();
        open.retain(|(end, _)| *end > at);
        while let Some(range) = quoted.next_if(|range| range.start < end) {
            if open.len() < MAX_QUOTES && range.end > at {
                open.push((range.end, original.len() - original.trim_start().len()));
            }
        }
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        let indent = open.first().map_or(0, |(_, indent)| (*indent).min(blank));
        out.push_str(&line[..indent]);
        out.push_str(&"> ".repeat(open.len()));
        out.push_str(&line[indent..]);
        at = end;
    }
    out
}

/// Whether only blanks precede an offset on its line.
pub fn starts_line(body: &str, at: usize) -> bool {
    let before = body[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

/// A picture in Markdown.
pub fn picture(address: &str, words: &str, title: &str) -> String {
    let title = if title.is_empty() { String::new() } else { format!(" \"{}\"", title.replace(['"', '\\'], "'")) };
    format!("![{}](<{}>{title})", bracketed(words), address_in_markdown(address))
}

/// A link in Markdown; without words its address is shown.
pub fn link(address: &str, words: &str) -> String {
    let words = if words.trim().is_empty() { address } else { words };
    format!("[{}](<{}>)", bracketed(words), address_in_markdown(address))
}

/// Words between brackets.
fn bracketed(words: &str) -> String {
    words.replace(['\n', '\r'], " ").replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn address_in_markdown(address: &str) -> String {
    address.replace('<', "%3C").replace('>', "%3E").replace(['\n', '\r'], "%0A").replace('\\', "/")
}

/// The address of a video, a snippet or a frame, given the name of a tag or shortcode and what identifies it there.
pub fn embedded(name: &str, id: &str) -> Option<String> {
    let before = match name.to_ascii_lowercase().as_str() {
        "youtube" | "youtuber" => "https://www.youtube.com/watch?v=",
        "vimeo" => "https://vimeo.com/",
        "gist" => "https://gist.github.com/",
        "jsfiddle" => "https://jsfiddle.net/",
        "bilibili" => "https://www.bilibili.com/video/",
        "streamable" => "https://streamable.com/",
        "asciinema" => "https://asciinema.org/a/",
        "codepen" => "https://codepen.io/",
        _ => return None,
    };
    if id.starts_with("http://") || id.starts_with("https://") {
        return Some(id.to_owned());
    }
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte));
    is_id.then(|| format!("{before}{id}"))
}

/// Whether an address is that of a picture, by its ending.
pub fn is_picture(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ["png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "bmp"].contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_stays_on_its_line() {
        let body = "a X\nY b\n  c\nd";
        let mut rewriting = Rewriting::of(body);
        rewriting.replace(2..5, "z\nz");
        rewriting.replace(3..4, "within the one before");
        rewriting.quote(8..11);
        rewriting.lose(2..5, "X".into());
        let translated = rewriting.finish();
        assert_eq!(translated.markdown, "a z z\n b\n  > c\nd");
        assert_eq!(translated.lost, [Lost { range: 2..5, what: "X".into() }]);
        assert_eq!(Rewriting::of(body).finish(), Translated::unchanged(body));
    }

    #[test]
    fn quotations_are_nested_up_to_a_bound() {
        let body = "a\nb\n  c\nd";
        let mut rewriting = Rewriting::of(body);
        rewriting.quote(0..body.len());
        rewriting.quote(2..7);
        assert_eq!(rewriting.finish().markdown, "> a\n> > b\n> >   c\n> d");
        let mut rewriting = Rewriting::of("a");
        (0..100_000).for_each(|_| rewriting.quote(0..1));
        assert_eq!(rewriting.finish().markdown, "> ".repeat(8) + "a");
    }

    #[test]
    fn pictures_and_links_are_escaped() {
        assert_eq!(picture("a b.png", "x]y", "\"t\""), r#"![x\]y](<a b.png> "'t'")"#);
        assert_eq!(link("https://e.org/>", " "), "[https://e.org/>](<https://e.org/%3E>)");
        assert_eq!(embedded("youtube", "a_B-1").as_deref(), Some("https://www.youtube.com/watch?v=a_B-1"));
        assert_eq!((embedded("youtube", "a b"), embedded("x", "https://e.org")), (None, None));
    }
}

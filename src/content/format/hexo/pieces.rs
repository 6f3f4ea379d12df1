//! Finds in a body what is not Markdown to Hexo: tags, values, and names of asset folders.
//!
//! Takes a body; returns the pieces in order. `{% raw %}` and code protect what they contain, but indented code does not. Looks at
//! each byte a bounded number of times.

use std::collections::HashSet;
use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use crate::content::format::code::{Code, code};
use crate::content::format::rewriting::starts_line;

/// Something that is not Markdown.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece<'a> {
    /// `{% name arguments %}`
    Tag(Tag<'a>),
    /// `{{ value }}`
    Value(Range<usize>, &'a str),
    /// `<!-- tab title -->`
    Heading(Range<usize>, &'a str),
    /// The name of the asset folder in front of that of a file, with its slash.
    Folder(Range<usize>),
    /// A comment, or one of the tags around a raw text.
    Gone(Range<usize>),
    /// A character that is special in HTML.
    Special(usize, &'static str),
}

/// A tag as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag<'a> {
    pub name: &'a str,
    pub arguments: &'a str,
    pub range: Range<usize>,
}

impl<'a> Piece<'a> {
    /// The tag, if it is one.
    pub fn tag(&self) -> Option<&Tag<'a>> {
        match self {
            Self::Tag(tag) => Some(tag),
            _ => None,
        }
    }

    fn start(&self) -> usize {
        match self {
            Self::Tag(Tag { range, .. })
            | Self::Value(range, _)
            | Self::Heading(range, _)
            | Self::Folder(range)
            | Self::Gone(range) => range.start,
            Self::Special(at, _) => *at,
        }
    }
}

/// The pieces of a body, in order. `folder` is the name of the folder of assets beside the file.
pub(super) fn pieces<'a>(body: &'a str, folder: Option<&str>) -> Vec<Piece<'a>> {
    let mut scanner = Scanner {
        body,
        folder,
        code: code(body).into_iter().peekable(),
        pieces: Vec::new(),
        braces: Next::new("}"),
        comments: Next::new("#}"),
        html_comments: Next::new("-->"),
        code_elements: Next::new("</code>"),
        unclosed: HashSet::new(),
    };
    let mut at = 0;
    while let Some(found) = body[at..].find(['{', '<', ']']) {
        at = scanner.read(at + found);
    }
    scanner.pieces.sort_by_key(Piece::start);
    scanner.pieces
}

/// Whether nothing else is on the lines of these bytes.
pub(super) fn is_alone(body: &str, range: &Range<usize>) -> bool {
    let after = body[range.end..].trim_start_matches([' ', '\t', '\r']);
    starts_line(body, range.start) && (after.is_empty() || after.starts_with('\n'))
}

/// A fence for code, longer than any row of backticks in it.
pub(super) fn fence(code: &str) -> String {
    let (mut longest, mut length) = (0, 0);
    for byte in code.bytes() {
        length = if byte == b'`' { length + 1 } else { 0 };
        longest = longest.max(length);
    }
    "`".repeat((longest + 1).max(3))
}

/// The next occurrence of a text, searched for once while the text goes on.
struct Next {
    needle: &'static str,
    known: Option<usize>,
    from: usize,
}

impl Next {
    fn new(needle: &'static str) -> Self {
        Self { needle, known: None, from: 0 }
    }

    /// The first occurrence at or after an offset; offsets never fall.
    fn after(&mut self, body: &str, at: usize) -> Option<usize> {
        if self.from <= at && self.known.is_none_or(|known| known < at) {
            self.known = body[at..].find(self.needle).map(|found| at + found);
            self.from = if self.known.is_some() { at } else { usize::MAX };
        }
        self.known
    }
}

struct Scanner<'a, 'f> {
    body: &'a str,
    folder: Option<&'f str>,
    code: Peekable<IntoIter<Code>>,
    pieces: Vec<Piece<'a>>,
    braces: Next,
    comments: Next,
    html_comments: Next,
    code_elements: Next,
    /// Names of tags that are not closed any more.
    unclosed: HashSet<&'a str>,
}

impl<'a> Scanner<'a, '_> {
    /// Reads what begins at an offset; returns where to go on.
    fn read(&mut self, at: usize) -> usize {
        while self.code.next_if(|code| code.range.end <= at).is_some() {}
        if let Some(code) = self.code.next_if(|code| code.range.start <= at) {
            if !code.is_fenced {
                self.remove_raw_tags(at..code.range.end);
            }
            return code.range.end;
        }
        let rest = &self.body[at..];
        match rest.as_bytes() {
            [b'{', b'%', ..] => self.tag(at),
            [b'{', b'{', ..] => self.value(at),
            [b'{', b'#', ..] => self.comment(at),
            [b'<', ..] => self.html(at),
            [b']', b'(', ..] => {
                self.asset(at + 2);
                at + 2
            }
            _ => at + 1,
        }
    }

    fn tag(&mut self, at: usize) -> usize {
        let Some(tag) = tag(self.body, at) else { return at + 2 };
        let (end, name) = (tag.range.end, tag.name);
        match name {
            "raw" => match self.closing(name, end) {
                Some(closing) => {
                    self.pieces.extend([Piece::Gone(tag.range), Piece::Gone(closing.range.clone())]);
                    return closing.range.end;
                }
                None => self.pieces.push(Piece::Gone(tag.range)),
            },
            "codeblock" | "code" | "mermaid" => {
                let closing = self.closing(name, end);
                self.pieces.push(Piece::Tag(tag.clone()));
                if let Some(closing) = closing {
                    self.code_between(&tag, &closing);
                    let end = closing.range.end;
                    self.pieces.push(Piece::Tag(closing));
                    return end;
                }
            }
            _ => self.pieces.push(Piece::Tag(tag)),
        }
        end
    }

    /// The closing tag of this name after an offset.
    fn closing(&mut self, name: &'a str, from: usize) -> Option<Tag<'a>> {
        if self.unclosed.contains(name) {
            return None;
        }
        let mut tags = self.body[from..].match_indices("{%").filter_map(|(at, _)| tag(self.body, from + at));
        let found = tags.find(|tag| tag.name.strip_prefix("end") == Some(name));
        if found.is_none() {
            self.unclosed.insert(name);
        }
        found
    }

    /// The code between two tags: without tags around raw texts, and with the characters that HTML would not show, unless it
    /// becomes a fenced block.
    fn code_between(&mut self, tag: &Tag<'a>, closing: &Tag<'a>) {
        let inner = tag.range.end..closing.range.start;
        let has_title = tag.name != "mermaid" && super::meaning::code_title(tag.arguments).is_some();
        if !has_title && is_alone(self.body, &tag.range) && is_alone(self.body, &closing.range) {
            return self.remove_raw_tags(inner);
        }
        for (at, byte) in self.body[inner.clone()].bytes().enumerate() {
            let entity = match byte {
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'&' => "&amp;",
                _ => continue,
            };
            self.pieces.push(Piece::Special(inner.start + at, entity));
        }
    }

    fn remove_raw_tags(&mut self, range: Range<usize>) {
        let tags = self.body[range.clone()].match_indices("{%").filter_map(|(at, _)| tag(self.body, range.start + at));
        let raw = tags.filter(|tag| matches!(tag.name, "raw" | "endraw") && tag.range.end <= range.end);
        self.pieces.extend(raw.map(|tag| Piece::Gone(tag.range)));
    }

    fn value(&mut self, at: usize) -> usize {
        let Some(close) = self.braces.after(self.body, at + 2) else { return at + 2 };
        let inner = &self.body[at + 2..close];
        if !self.body[close..].starts_with("}}") || has_empty_line(inner) {
            return at + 2;
        }
        self.pieces.push(Piece::Value(at..close + 2, inner));
        close + 2
    }

    /// `{# … #}` on a line.
    fn comment(&mut self, at: usize) -> usize {
        let close = self.comments.after(self.body, at + 2).filter(|close| !self.body[at..*close].contains('\n'));
        let Some(close) = close else { return at + 2 };
        self.pieces.push(Piece::Gone(at..close + 2));
        close + 2
    }

    fn html(&mut self, at: usize) -> usize {
        let rest = &self.body[at..];
        if rest.starts_with("<!--") {
            let Some(close) = self.html_comments.after(self.body, at + 4) else { return at + 4 };
            let range = at..close + 3;
            if let Some(title) = heading(&self.body[at + 4..close]) {
                self.pieces.push(Piece::Heading(range, title));
            }
            return close + 3;
        }
        if rest.starts_with("<code>") || rest.starts_with("<code ") {
            return self.code_elements.after(self.body, at).unwrap_or(at + 1);
        }
        if rest.starts_with("<img") {
            let element = &rest[..rest.bytes().take(2000).position(|byte| byte == b'>').unwrap_or(0)];
            if let Some(source) = ["src=\"", "src='"].iter().find_map(|name| Some(element.find(name)? + name.len())) {
                self.asset(at + source);
            }
        }
        at + 1
    }

    /// Finds the name of the asset folder where an address begins.
    fn asset(&mut self, at: usize) {
        let Some(folder) = self.folder else { return };
        let begin = at + usize::from(self.body[at..].starts_with('<'));
        let rest = &self.body[begin..];
        let path = rest.strip_prefix("./").unwrap_or(rest);
        let longest = folder.len() * 3;
        let Some(slash) = path.bytes().take(longest + 1).position(|byte| byte == b'/') else { return };
        let name = percent_encoding::percent_decode_str(&path[..slash]).decode_utf8_lossy();
        if name == folder {
            self.pieces.push(Piece::Folder(begin..begin + (rest.len() - path.len()) + slash + 1));
        }
    }
}

/// The tag at an offset. It may continue on the next line, but not after an empty one.
fn tag(body: &str, at: usize) -> Option<Tag<'_>> {
    let inner = at + 2;
    let percent = body[inner..]
        .match_indices('%')
        .map(|(found, _)| inner + found)
        .find(|found| body[found + 1..].starts_with('}') || body[..*found].ends_with('{') && *found > inner)?;
    let written = body[inner..percent].strip_prefix('-').unwrap_or(&body[inner..percent]);
    let written = written.strip_suffix('-').unwrap_or(written).trim();
    // Whatever follows the name belongs to the arguments: `{% note, … %}`, `{% gallery::::one %}`.
    let end = written.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).unwrap_or(written.len());
    let (name, arguments) = written.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_tag = body[percent + 1..].starts_with('}') && is_name && !has_empty_line(written);
    let arguments = arguments.trim_start_matches([',', ':']).trim();
    is_tag.then_some(Tag { name, arguments, range: at..percent + 2 })
}

fn has_empty_line(text: &str) -> bool {
    text.contains("\n\n") || text.contains("\n\r\n")
}

/// The title in a comment that begins a tab or an entry of a timeline, without its sign; empty if it has none.
fn heading(comment: &str) -> Option<&str> {
    let comment = comment.trim();
    let (name, title) = comment.split_once(char::is_whitespace).unwrap_or((comment, ""));
    let title = title.split('@').next().unwrap_or_default().trim();
    ["tab", "subtab", "node", "timeline"].contains(&name).then_some(title)
}

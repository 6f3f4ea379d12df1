//! Boxes between lines of colons: `:::tip[Title]` … `:::`, as Docusaurus, VuePress, VitePress, MyST and others have them.
//!
//! Takes Markdown; returns it with each box as an alert (`> [!TIP] Title`), and without the lines of containers that only lay
//! out. A box may contain others, and ends with its item, with its quotation or with the text if nothing closes it.

use std::borrow::Cow;

use memchr::{memmem, memrchr};

use crate::content::format::body::code::{Code, indent, line_at};

/// Types that are their own titles.
const KINDS: [&str; 32] = [
    "abstract", "attention", "bug", "caution", "danger", "details", "error", "example", "failure", "hint", "important",
    "info", "information", "note", "notice", "question", "quote", "secondary", "seealso", "spoiler", "success",
    "summary", "theorem", "tip", "tips", "todo", "warn", "warning", "warnings", "definition", "proof", "remark",
];

/// Types that only lay out.
const LAYOUT: [&str; 14] = [
    "raw",
    "v-pre",
    "code-group",
    "code-group-item",
    "tabs",
    "code-tabs",
    "slot",
    "demo",
    "center",
    "left",
    "right",
    "columns",
    "column",
    "div",
];

/// Whether a name is that of a text set apart.
pub(super) fn is_kind(name: &str) -> bool {
    KINDS.contains(&name)
}

/// Boxes within boxes that are shown as such; those deeper are parts of the one around them.
const MAX_DEPTH: usize = 8;

/// Translates the boxes of a text.
pub(super) fn translate(text: Cow<'_, str>, is_mdx: bool) -> Cow<'_, str> {
    if memmem::find(text.as_bytes(), b":::").is_none() {
        return text;
    }
    let code = Code::of(&text, is_mdx);
    let out = String::with_capacity(text.len() + text.len() / 16);
    let mut writer = Writer { open: Vec::new(), out, changed: false, last_close: last_close(&text) };
    let mut at = 0;
    while at < text.len() {
        let line = line_at(&text, at);
        let content = at + line.len() - line.trim_start_matches([' ', '\t', '>']).len();
        writer.line(line, at, code.end_around(content.min(text.len() - 1)).is_some());
        at += line.len();
    }
    let Writer { out, changed, .. } = writer;
    if changed { Cow::Owned(out) } else { text }
}

/// The offset of the last line that may close a box.
fn last_close(text: &str) -> usize {
    let closes = |line: &str| parts(line).1.trim_end_matches(':').is_empty();
    memmem::rfind_iter(text.as_bytes(), b":::")
        .map(|at| memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |newline| newline + 1))
        .find(|start| closes(line_at(text, *start)))
        .unwrap_or_default()
}

/// An open box.
#[derive(Debug)]
struct Open<'a> {
    colons: usize,
    /// What precedes it on its line: white space, marks of quotations, the marker of an item.
    before: &'a str,
    /// How far its text is indented.
    column: usize,
    /// Whether it is shown, and not only its text.
    is_shown: bool,
    /// Whether it contains tabs, whose titles are lines such as `@tab npm`.
    has_tabs: bool,
}

struct Writer<'a> {
    open: Vec<Open<'a>>,
    out: String,
    changed: bool,
    last_close: usize,
}

impl<'a> Writer<'a> {
    fn line(&mut self, line: &'a str, at: usize, is_code: bool) {
        let (before, content) = parts(line);
        if is_code || !content.starts_with(":::") {
            self.leave(before, content.is_empty());
            let tab = self.open.last().is_some_and(|inner| inner.has_tabs && !is_code).then(|| tab(content)).flatten();
            return match tab {
                Some(title) => self.write(before, &format!("**{title}**"), line),
                None => self.write(before, content, line),
            };
        }
        let colons = content.bytes().take_while(|byte| *byte == b':').count();
        let rest = content[colons..].trim();
        self.leave(before, rest.is_empty());
        if rest.is_empty() {
            self.changed = true;
            // A line that closes nothing is not text either.
            let closed = self.closed_by(colons).unwrap_or(self.open.len());
            self.open.truncate(closed);
            return self.write(before, "", line);
        }
        let is_box = |head: &Head| self.open.len() < MAX_DEPTH && (head.is_known() || at < self.last_close);
        let Some(head) = Head::of(rest).filter(is_box) else {
            return self.write(before, content, line);
        };
        self.changed = true;
        self.write(before, &head.shown(), line);
        let has_tabs = matches!(head.kind.as_str(), "tabs" | "code-tabs");
        let is_shown = head.is_shown();
        self.open.push(Open { colons, before, column: column_after(before), is_shown, has_tabs });
    }

    /// Closes the boxes whose quotation a line is not in, and those whose item it is not in, unless it may be indented less.
    fn leave(&mut self, before: &str, is_lazy: bool) {
        let quotations = |before: &str| before.matches('>').count();
        let (own, column) = (quotations(before), column_after(before));
        let is_inside =
            |open: &Open<'_>| own >= quotations(open.before) && (is_lazy || own > 0 || column >= open.column);
        let inside = self.open.iter().take_while(|open| is_inside(open)).count();
        self.open.truncate(inside);
    }

    /// The box that a line with this number of colons closes.
    fn closed_by(&self, colons: usize) -> Option<usize> {
        let last = |is_it: &dyn Fn(&Open<'_>) -> bool| self.open.iter().rposition(is_it);
        last(&|open| open.colons == colons).or_else(|| last(&|open| open.colons < colons))
    }

    /// Writes a line in the quotations of the open boxes.
    fn write(&mut self, before: &str, content: &str, line: &str) {
        let shown: Vec<&Open<'_>> = self.open.iter().filter(|open| open.is_shown).collect();
        let Some(outer) = shown.first() else {
            self.out.push_str(before);
            self.out.push_str(content);
            self.out.push_str(&line[line.trim_end_matches(['\n', '\r']).len()..]);
            return;
        };
        let (marks, rest) = split_at_column(before, outer);
        self.out.push_str(&marks);
        self.out.push_str(&"> ".repeat(shown.len()));
        self.out.push_str(rest);
        self.out.push_str(content);
        let length = self.out.trim_end_matches(' ').len();
        self.out.truncate(length);
        self.out.push_str(&line[line.trim_end_matches(['\n', '\r']).len()..]);
    }
}

/// The marks that precede a box on a line in it, and what precedes the text on the line beyond these.
fn split_at_column<'b>(before: &'b str, outer: &Open<'_>) -> (String, &'b str) {
    let marks: String = outer.before.chars().map(|c| if matches!(c, '>' | '\t') { c } else { ' ' }).collect();
    let quotations = outer.before.matches('>').count();
    if quotations > 0 {
        let end = before.match_indices('>').nth(quotations - 1).map_or(before.len(), |(at, _)| at + 1);
        let rest = &before[end..];
        return (marks, rest.strip_prefix(' ').unwrap_or(rest));
    }
    let fits = |length: &usize| indent(&before[..*length]) <= outer.column;
    let white = before.len() - before.trim_start_matches([' ', '\t']).len();
    let cut = (0..=white).rev().find(fits).unwrap_or_default();
    (marks, &before[cut..])
}

/// What precedes the text of a line, and the text: white space and marks of quotations, and before colons the marker of an item.
fn parts(line: &str) -> (&str, &str) {
    let line = line.trim_end_matches(['\n', '\r']);
    let content = line.trim_start_matches([' ', '\t', '>']);
    let marker = content.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_item =
        marker.strip_prefix(['-', '*', '+', '.', ')']).map(str::trim_start).filter(|rest| rest.starts_with(":::"));
    let content = is_item.unwrap_or(content);
    let content = if content.starts_with(":::") { content.trim_end() } else { content };
    let start = content.as_ptr() as usize - line.as_ptr() as usize;
    (&line[..start], content)
}

fn column_after(before: &str) -> usize {
    let blank: String = before.chars().map(|c| if c == '\t' { c } else { ' ' }).collect();
    indent(&blank)
}

/// The title in a line such as `@tab:active npm`.
fn tab(content: &str) -> Option<&str> {
    let rest = content.strip_prefix("@tab")?;
    let title = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim();
    (!title.is_empty() && rest.starts_with([' ', ':'])).then_some(title.split('#').next().unwrap_or(title).trim())
}

/// What follows the colons that open a box.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    /// In lower case; empty if there are only attributes.
    kind: String,
    title: String,
}

impl Head {
    /// `tip`, `tip Title`, `tip[Title]{#id}`, `tip{title="Title"}`, `{note} Title`, `{.note title="Title"}`
    fn of(rest: &str) -> Option<Self> {
        if let Some(inside) = rest.strip_prefix('{') {
            let (attributes, after) = inside.split_once('}')?;
            let kind = match attributes.trim().starts_with(['.', '#']) {
                true => class(attributes).unwrap_or_default(),
                false => attributes.split_whitespace().next()?.to_lowercase(),
            };
            let title = titled(attributes).unwrap_or_else(|| after.trim().to_owned());
            return Some(Self { kind, title });
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
        let (kind, after) = rest.split_at(length);
        if kind.is_empty() || !after.is_empty() && !after.starts_with([' ', '\t', '[', '{', ':']) {
            return None;
        }
        let after = after.trim_start_matches(':');
        let (label, after) = match after.strip_prefix('[').and_then(label) {
            Some((label, after)) => (Some(label), after),
            None => (None, after),
        };
        let after = after.trim().trim_end_matches(':').trim_end();
        let start = after.rfind('{').filter(|start| after.ends_with('}') && !after[..*start].ends_with('{'));
        let (words, attributes) = after.split_at(start.unwrap_or(after.len()));
        let title = label.map(str::to_owned).or_else(|| titled(attributes)).unwrap_or_else(|| words.trim().to_owned());
        Some(Self { kind: kind.to_lowercase(), title })
    }

    fn is_kind(&self) -> bool {
        is_kind(&self.kind) || self.kind == "admonition"
    }

    /// Whether it opens a box even if nothing closes it.
    fn is_known(&self) -> bool {
        self.is_kind() || LAYOUT.contains(&self.kind.as_str())
    }

    /// Containers of other types without a title, and those of VuePress and VitePress that have none, only lay out.
    fn is_shown(&self) -> bool {
        !LAYOUT.contains(&self.kind.as_str()) && (self.is_kind() || !self.title.is_empty())
    }

    /// The first line of the alert.
    fn shown(&self) -> String {
        if self.kind == "code-group-item" && !self.title.is_empty() {
            return format!("**{}**", self.title);
        }
        if !self.is_shown() {
            return String::new();
        }
        let kind: String = self.kind.chars().map(|c| if c.is_alphabetic() { c } else { '-' }).collect();
        let space = if self.title.is_empty() { "" } else { " " };
        format!("> [!{}]{space}{}", kind.to_uppercase(), self.title)
    }
}

/// The text up to the bracket that closes a label, and what follows it.
fn label(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let closes = |c: char| match c {
        '[' => {
            depth += 1;
            false
        }
        ']' if depth == 0 => true,
        ']' => {
            depth -= 1;
            false
        }
        _ => false,
    };
    let end = text.find(closes)?;
    Some((text[..end].trim(), &text[end + 1..]))
}

/// The title among attributes.
fn titled(attributes: &str) -> Option<String> {
    let (_, rest) = attributes.split_once("title=")?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(rest[1..].split_once(quote)?.0.trim().to_owned()).filter(|title| !title.is_empty())
}

/// The first class among attributes, as a type: `.callout-note` is `note`.
fn class(attributes: &str) -> Option<String> {
    let class = attributes.split_whitespace().find_map(|part| part.strip_prefix('.'))?;
    Some(class.strip_prefix("callout-").unwrap_or(class).to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn translated(text: &str) -> String {
        translate(Cow::Borrowed(text), false).into_owned()
    }

    #[test]
    fn boxes_become_alerts() {
        for (text, expected) in [
            (":::tip\nA\n:::\nB", "> [!TIP]\n> A\n\nB"),
            (":::warning[High *water*]\n\nA\n\n:::\n", "> [!WARNING] High *water*\n>\n> A\n>\n\n"),
            ("::: tip Own title\nA\n:::", "> [!TIP] Own title\n> A\n"),
            (":::tip{title=\"T\"}\nA\n:::", "> [!TIP] T\n> A\n"),
            (":::note[A [b](c)]{#id .x}\nA\n:::", "> [!NOTE] A [b](c)\n> A\n"),
            ("::: details Open {open}\nA\n:::", "> [!DETAILS] Open\n> A\n"),
            (":::{note} T\nA\n:::", "> [!NOTE] T\n> A\n"),
            ("::: {.callout-tip title='T'}\nA\n:::", "> [!TIP] T\n> A\n"),
            (":::sidenote 潮\nA\n:::", "> [!SIDENOTE] 潮\n> A\n"),
            (":::: note\n::: tip T\nA\n:::\nB\n::::\nC", "> [!NOTE]\n> > [!TIP] T\n> > A\n>\n> B\n\nC"),
            ("::: note\n::: tip\nA\n:::\nB\n:::\nC", "> [!NOTE]\n> > [!TIP]\n> > A\n>\n> B\n\nC"),
            (":::: note\n::: tip\nA\n::::\nC", "> [!NOTE]\n> > [!TIP]\n> > A\n\nC"),
            ("::: raw\nA\n:::", "\nA\n"),
            ("::: center\n::: tip\nA\n:::\n:::", "\n> [!TIP]\n> A\n\n"),
            ("::: code-group\n```sh [npm]\na\n```\n:::", "\n```sh [npm]\na\n```\n"),
            ("::: code-tabs\n@tab npm\nA\n@tab:active yarn#y\n:::", "\n**npm**\nA\n**yarn**\n"),
            (":::\nA\n:::\nB", "\nA\n\nB"),
            (":::wide\nA\n:::\n:::narrow\nB", "\nA\n\n:::narrow\nB"),
            ("A\r\n:::tip\r\nB\r\n:::\r\n", "A\r\n> [!TIP]\r\n> B\r\n\r\n"),
        ] {
            assert_eq!(translated(text), expected, "{text}");
        }
    }

    #[test]
    fn boxes_stay_in_their_containers() {
        for (text, expected) in [
            ("- a\n\n  :::tip\n  A\n\n  - b\n  :::\n- c", "- a\n\n  > [!TIP]\n  > A\n  >\n  > - b\n  \n- c"),
            ("- a\n  :::tip\n  A\nB", "- a\n  > [!TIP]\n  > A\nB"),
            ("1. :::tip\n   A\n   :::\n", "1. > [!TIP]\n   > A\n   \n"),
            ("> :::tip\n> A\n>\n> B\n> :::\nC", "> > [!TIP]\n> > A\n> >\n> > B\n> \nC"),
            ("> :::tip\n> A\n\nB", "> > [!TIP]\n> > A\n\nB"),
            ("- a\n  :::tip\n  A\n:::\nB", "- a\n  > [!TIP]\n  > A\n\nB"),
            (":::tip\nA\n\n    code", "> [!TIP]\n> A\n>\n>     code"),
            (":::tip\n```\n:::\n```\n:::", "> [!TIP]\n> ```\n> :::\n> ```\n"),
        ] {
            assert_eq!(translated(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_box_stays() {
        for text in ["```\n:::tip\n:::\n```", "a ::: b", ":: tip", "    :::tip", ":::(a)", "`:::tip`"] {
            assert_eq!(translated(text), text, "{text}");
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for part in [":::a b\n", "- :::a b\n", "> :::a b\n", ":::\n", ":::a[\n", ":::note\n:::\n"] {
            translated(&part.repeat(1 << 16));
        }
    }

    proptest! {
        #[test]
        fn every_line_stays(text in "[-:>` \n\tatip\\[\\]{}1.潮]{0,80}", is_mdx: bool) {
            let out = translate(Cow::Borrowed(&text), is_mdx);
            prop_assert_eq!(out.matches('\n').count(), text.matches('\n').count());
        }

        #[test]
        fn every_box_keeps_its_text(words in proptest::collection::vec("(::: ?tip|:::+|word[a-z]|> word|- word|  word| )", 0..12)) {
            let text = words.join("\n");
            let out = translated(&text);
            prop_assert_eq!(out.matches("word").count(), text.matches("word").count());
        }
    }
}

//! Bold text that CommonMark leaves as asterisks because of a space inside, or a letter behind: `**Word: **`, `** 词**`,
//! `**Word:**text`.
//!
//! Takes the events of a text with their bytes; pairs the runs of two asterisks that are left in each block, in order,
//! and moves the spaces out of the bold text. A text without CJK characters means what CommonMark says, but for labels. Operators (`2 ** 3`), names (`**kwargs`) and paths (`**/*.md`) stay.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use crate::content::cjk::is_cjk;

type Placed<'a> = (Event<'a>, Range<usize>);

/// Whether two asterisks may be left in the text.
pub(super) fn may_be_in<'e>(mut events: impl Iterator<Item = &'e Event<'e>>) -> bool {
    let mut follows_star = false;
    events.any(|event| {
        let Event::Text(text) = event else {
            follows_star = false;
            return false;
        };
        let had_star = std::mem::replace(&mut follows_star, text.contains('*'));
        text.contains("**") || had_star && follows_star
    })
}

/// Pairs what is left. `source` is the text that the bytes count in.
pub(super) fn paired<'a>(source: &'a str, events: Vec<Placed<'a>>) -> Vec<Placed<'a>> {
    let events = merged(source, events);
    let pairs = pairs(source, &events);
    if pairs.is_empty() { events } else { with_bold(events, &pairs) }
}

/// Merges neighbouring texts that are as in the source: the parser may split a run.
fn merged<'a>(source: &'a str, events: Vec<Placed<'a>>) -> Vec<Placed<'a>> {
    let mut out: Vec<Placed<'a>> = Vec::with_capacity(events.len());
    for (event, range) in events {
        if let (Some((Event::Text(before), place)), Event::Text(text)) = (out.last_mut(), &event)
            && place.end == range.start
            && source.get(place.clone()) == Some(before)
            && source.get(range.clone()) == Some(text)
        {
            place.end = range.end;
            *before = source[place.clone()].into();
        } else {
            out.push((event, range));
        }
    }
    out
}

/// A run of two asterisks: the event it is in, and its offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    event: usize,
    at: usize,
    before: char,
    after: char,
    /// At the beginning and at the end of the block.
    is_first: bool,
    is_last: bool,
}

impl Run {
    /// Whether it is an operator between spaces, unless it ends or begins bold text.
    fn is_spaced(&self) -> bool {
        self.before.is_whitespace() && self.after.is_whitespace()
    }

    /// Whether the run ends what `open` begins, with `inner` between them; `only_labels` if nothing but a label, which ends with a
    /// colon, counts.
    fn ends(&self, open: &Run, inner: &str, only_labels: bool) -> bool {
        let words = inner.trim_matches(|c: char| c.is_whitespace() || c == '*');
        let is_label = words.ends_with([':', '：']);
        let is_path = open.after == '/' || self.after == '/';
        // `2** 3` is a power.
        let is_power = open.after.is_whitespace() && open.before.is_ascii_digit();
        let follows_space = !open.is_first && open.is_spaced();
        let is_ended = match (open.after.is_whitespace(), self.is_spaced()) {
            (true, true) => open.is_first && (self.is_last || is_label),
            (true, false) if follows_space => !self.before.is_whitespace() && words.contains(is_cjk),
            _ => true,
        };
        if words.is_empty() || is_path || is_power || !is_ended || only_labels && !is_label {
            return false;
        }
        // An address such as `a**/b**c` is not bold.
        let has_space_inside = open.after.is_whitespace() || self.before.is_whitespace();
        let edges = [open.before, open.after, self.before, self.after];
        let is_sentence = open.before.is_whitespace() && ":.!?)”»".contains(self.before) && self.after.is_alphabetic();
        // `**kwargs and **options` are two names.
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let are_names = self.before.is_whitespace() && is_name(open.after) && is_name(self.after);
        (has_space_inside || is_sentence || edges.into_iter().any(is_cjk))
            && (!are_names || is_label || words.ends_with(is_cjk))
    }
}

/// An element while its events are read.
#[derive(Default)]
struct Frame {
    open: Option<Run>,
    /// The text since `open`.
    inner: String,
}

fn pairs(source: &str, events: &[Placed<'_>]) -> Vec<[Run; 2]> {
    let only_labels = !source.contains(is_cjk);
    let mut reader = Reader { source, frames: vec![Frame::default()], only_labels, ..Reader::default() };
    for (index, (event, range)) in events.iter().enumerate() {
        match event {
            Event::Start(tag) => reader.start(tag),
            Event::End(tag) => reader.end(tag),
            Event::Text(text) if !reader.is_literal => {
                reader.text(index, text, range, events.get(index + 1).map(|(event, _)| event));
            }
            other => reader.show(first_char(Some(other))),
        }
    }
    reader.pairs
}

/// Reads the events of a text.
#[derive(Default)]
struct Reader<'s> {
    source: &'s str,
    frames: Vec<Frame>,
    /// The last character of the block so far.
    before: Option<char>,
    /// In code or an address.
    is_literal: bool,
    /// In a text without CJK characters.
    only_labels: bool,
    pairs: Vec<[Run; 2]>,
}

impl Reader<'_> {
    fn start(&mut self, tag: &Tag<'_>) {
        self.is_literal = has_no_markup(tag);
        if !is_inline(&tag.to_end()) {
            self.before = None;
            self.frames.last_mut().map(std::mem::take);
        }
        self.frames.push(Frame::default());
    }

    fn end(&mut self, tag: &TagEnd) {
        self.is_literal = false;
        let inner = self.frames.pop().map(|frame| frame.inner).unwrap_or_default();
        match self.frames.last_mut() {
            Some(frame) if is_inline(tag) => frame.inner.push_str(&inner),
            Some(frame) => (*frame, self.before) = (Frame::default(), None),
            None => {}
        }
    }

    fn text(&mut self, event: usize, text: &str, range: &Range<usize>, next: Option<&Event<'_>>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let ends_block = match next {
            Some(Event::End(tag)) => !is_inline(tag),
            next => next.is_none(),
        };
        let is_source = self.source.get(range.clone()) == Some(text);
        let mut copied = 0;
        for (at, length) in runs(text).filter(|_| is_source) {
            frame.inner.push_str(&text[copied..at]);
            copied = at + length;
            let is_escaped = self.source[..range.start + at].ends_with('\\');
            let before = text[..at].chars().next_back().or(self.before);
            let after = text[copied..].chars().next();
            if length == 2 && !is_escaped {
                let (is_first, is_last) = (before.is_none(), after.is_none() && ends_block);
                let (before, after) = (before.unwrap_or(' '), after.unwrap_or_else(|| first_char(next)));
                let run = Run { event, at, before, after, is_first, is_last };
                frame.add(run, self.only_labels, &mut self.pairs);
            }
        }
        frame.inner.push_str(&text[copied..]);
        self.before = text.chars().next_back().or(self.before);
    }

    fn show(&mut self, shown: char) {
        self.before = Some(shown);
        self.frames.last_mut().into_iter().for_each(|frame| frame.inner.push(shown));
    }
}

impl Frame {
    fn add(&mut self, run: Run, only_labels: bool, pairs: &mut Vec<[Run; 2]>) {
        match self.open.filter(|open| run.ends(open, &self.inner, only_labels)) {
            Some(open) => {
                pairs.push([open, run]);
                self.open = None;
            }
            None => {
                self.open = Some(run);
                self.inner.clear();
            }
        }
    }
}

/// The runs of asterisks in a text, with their lengths.
fn runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text[from..].find('*')?;
        let length = text[at..].bytes().take_while(|byte| *byte == b'*').count();
        from = at + length;
        Some((at, length))
    })
}

/// Whether the text in this element is code or an address.
fn has_no_markup(tag: &Tag<'_>) -> bool {
    match tag {
        Tag::Link { link_type, .. } => matches!(link_type, LinkType::Autolink | LinkType::Email),
        tag => matches!(tag, Tag::CodeBlock(_) | Tag::HtmlBlock),
    }
}

fn is_inline(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

/// What an event shows first, as far as spaces matter.
fn first_char(event: Option<&Event<'_>>) -> char {
    match event {
        Some(Event::Text(text)) => text.chars().next().unwrap_or(' '),
        None | Some(Event::SoftBreak | Event::HardBreak | Event::End(_) | Event::Rule) => ' ',
        Some(Event::Start(tag)) if !is_inline(&tag.to_end()) => ' ',
        Some(_) => '`',
    }
}

fn with_bold<'a>(events: Vec<Placed<'a>>, pairs: &[[Run; 2]]) -> Vec<Placed<'a>> {
    let mut marks: Vec<(usize, usize, bool)> = Vec::with_capacity(2 * pairs.len());
    for [open, close] in pairs {
        marks.extend([(open.event, open.at, true), (close.event, close.at, false)]);
    }
    marks.sort_unstable();
    let mut marks = marks.into_iter().peekable();
    let mut out = Vec::with_capacity(events.len() + 2 * pairs.len());
    for (index, (event, range)) in events.into_iter().enumerate() {
        let Event::Text(text) = &event else {
            out.push((event, range));
            continue;
        };
        let mut copied = 0;
        while let Some((_, at, opens)) = marks.next_if(|(event, ..)| *event == index) {
            push_text(&mut out, &text[copied..at], range.start + copied);
            copied = at + 2;
            let place = range.start + at..range.start + copied;
            if opens { out.push((Event::Start(Tag::Strong), place)) } else { close(&mut out, place) }
        }
        if copied == 0 { out.push((event, range)) } else { push_text(&mut out, &text[copied..], range.start + copied) }
    }
    out
}

fn push_text(out: &mut Vec<Placed<'_>>, text: &str, start: usize) {
    if !text.is_empty() {
        out.push((Event::Text(text.to_owned().into()), start..start + text.len()));
    }
}

/// Ends the bold text; the spaces at its edges go outside.
fn close(out: &mut Vec<Placed<'_>>, end: Range<usize>) {
    let is_start = |(event, range): &Placed<'_>| *event == Event::Start(Tag::Strong) && is_own(range);
    let Some(start) = out.iter().rposition(is_start) else { return };
    let start = move_spaces_before(out, start);
    let mut after = Vec::new();
    while let Some((event, range)) = out.pop_if(|(event, _)| matches!(event, Event::Text(_) | Event::SoftBreak)) {
        let Event::Text(text) = &event else {
            after.push((event, range));
            continue;
        };
        let words = text.trim_end();
        if !words.is_empty() {
            let split = range.start + words.len().min(range.len());
            if words.len() < text.len() {
                after.push((Event::Text(text[words.len()..].to_owned().into()), split..range.end));
            }
            out.push((Event::Text(words.to_owned().into()), range.start..split));
            break;
        }
        after.push((event, range));
    }
    if let Some((_, place)) = out.get_mut(start) {
        place.end = end.end;
    }
    out.push((Event::End(TagEnd::Strong), end));
    out.extend(after.into_iter().rev());
}

/// Moves the spaces at the beginning of the bold text that starts at event `start` before it, or drops them at the
/// beginning of a line. Returns where the bold text starts now.
fn move_spaces_before(out: &mut Vec<Placed<'_>>, start: usize) -> usize {
    let Some((Event::Text(text), range)) = out.get(start + 1).cloned() else { return start };
    let words = text.trim_start().to_owned();
    let spaces = text.len() - words.len();
    if spaces == 0 {
        return start;
    }
    let split = range.start + spaces.min(range.len());
    out[start + 1] = (Event::Text(words.into()), split..range.end);
    let begins_line = start.checked_sub(1).is_none_or(|at| matches!(out[at].0, Event::Start(_) | Event::SoftBreak));
    if begins_line {
        return start;
    }
    out.insert(start, (Event::Text(text[..spaces].to_owned().into()), range.start..split));
    start + 1
}

/// Whether bold text was begun here: only its two asterisks are known yet.
fn is_own(range: &Range<usize>) -> bool {
    range.len() == 2
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn bold_text_with_a_space_inside_is_bold() {
        for (markdown, expected) in [
            ("**主题: **https", "<strong>主题:</strong> https"),
            ("**主题:&nbsp;**Dubbo", "<strong>主题:</strong>\u{a0}Dubbo"),
            ("**1、@张三 **提问：", "<strong>1、@张三</strong> 提问："),
            ("中心** （如一区） **进行", "中心 <strong>（如一区）</strong> 进行"),
            ("** 推荐**\n\n字", "<strong>推荐</strong></p>\n<p>字"),
            ("**Repo: **x 与 **站点 **y", "<strong>Repo:</strong> x 与 <strong>站点</strong> y"),
            ("**官网: **见 [a](b) **地址 **", "<strong>官网:</strong> 见 <a href=\"b\">a</a> <strong>地址</strong> "),
            ("**见 [链 **接](b) 文 **", "<strong>见 <a href=\"b\">链 **接</a> 文</strong> "),
            ("** 步骤如下 **", "<strong>步骤如下</strong> "),
            ("可用 ** SQL 报错**。", "可用 <strong>SQL 报错</strong>。"),
            ("**Goal : **Donations", "<strong>Goal :</strong> Donations"),
            ("** Free : ** Anyone", "<strong>Free :</strong> Anyone"),
            ("**Open:**The", "<strong>Open:</strong>The"),
        ] {
            assert_eq!(html(markdown).trim_end().replace("  ", " "), format!("<p>{expected}</p>"), "{markdown}");
        }
    }

    #[test]
    fn other_asterisks_stay() {
        for markdown in [
            "次方 2 ** 3 ** 4",
            "中 ** 文 ** 字",
            "参数 **kwargs 与 a.\n\nb **",
            "def f(\\*\\*args \\*\\*) 字",
            "**词\n\n词 **",
            "用 **args 和 x(a, **kwargs)",
            "密码 **** 与 **** 字",
            "见 x.example/a**/b**c",
            "**foo bar **",
            "** foo bar**",
            "the **value ** is",
            "**a.**b",
            "powers: 2 ** 3 ** 4, 2** 3 and 4** 5",
            "use **args and **kwargs",
            "f(**a, **b) and f(**a,**b)",
            "src/**/*.js, **/*.md and **/*.rs",
        ] {
            assert!(!html(markdown).contains("<strong>"), "{markdown}: {}", html(markdown));
        }
        assert_eq!(html("use **args and **kwargs 字"), "<p>use **args and **kwargs 字</p>\n");
    }
}

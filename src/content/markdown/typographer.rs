//! Typographic quotes, apostrophes, dashes and dots, as Goldmark's typographer sets them.
//!
//! Takes the events of a text; returns them with the characters replaced, except in code, HTML and addresses, and where
//! the author escaped them or wrote references: `with_marks` finds these while the source is known.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

/// Stands before a character that stays.
const LITERAL: char = '\u{fdd3}';

const SPECIAL: [char; 6] = ['\'', '"', '-', '.', '<', '>'];

/// The events, with marks before special characters that are escaped or written as references in `source`.
pub(super) fn with_marks<'a>(source: &str, events: Vec<(Event<'a>, Range<usize>)>) -> Vec<Event<'a>> {
    let marked = |(event, range): (Event<'a>, Range<usize>)| match event {
        Event::Text(text) if text.starts_with(SPECIAL) && is_literal(source, &range, &text) => {
            Event::Text(format!("{LITERAL}{text}").into())
        }
        event => event,
    };
    events.into_iter().map(marked).collect()
}

fn is_literal(source: &str, range: &Range<usize>, text: &str) -> bool {
    let before = &source[..range.start];
    let escapes = before.len() - before.trim_end_matches('\\').len();
    escapes % 2 == 1 || source.get(range.clone()) != Some(text)
}

/// Replaces the characters; takes out the marks.
pub(super) fn typeset(mut events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut block = Block::default();
    let mut is_address = false;
    let mut in_code = false;
    for at in 0..events.len() {
        match &events[at] {
            Event::Text(_) if in_code => {}
            Event::Text(_) if is_address => block.push(at, '/', false),
            Event::Text(text) => block.text(at, text),
            Event::SoftBreak | Event::HardBreak => block.push(at, '\n', false),
            Event::Start(Tag::Link { link_type, .. }) => {
                is_address = matches!(link_type, LinkType::Autolink | LinkType::Email);
                block.push(at, '[', false);
            }
            Event::InlineHtml(html) => block.markup(at, html),
            Event::Start(Tag::Image { .. }) => block.markup(at, "!["),
            Event::Start(tag) if is_inline(&tag.to_end()) => block.markup(at, written(&tag.to_end())),
            Event::End(tag) if is_inline(tag) => {
                is_address &= *tag != TagEnd::Link;
                block.markup(at, written(tag));
            }
            Event::Start(tag) => {
                in_code = matches!(tag, Tag::CodeBlock(_) | Tag::HtmlBlock);
                block = block.typeset(&mut events);
            }
            Event::End(_) | Event::Rule => {
                in_code = false;
                block = block.typeset(&mut events);
            }
            _ => block.push(at, '`', false),
        }
    }
    block.typeset(&mut events);
    events
}

fn is_inline(tag: &TagEnd) -> bool {
    matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

/// How the end of an element is written, as far as it matters to quotes beside it.
fn written(tag: &TagEnd) -> &'static str {
    match tag {
        TagEnd::Strong => "**",
        TagEnd::Strikethrough => "~~",
        TagEnd::Link | TagEnd::Image => "](/)",
        _ => "*",
    }
}

/// A character of a block, and the event it is in; markup stands as it is written.
#[derive(Debug, Clone, Copy)]
struct Unit {
    event: usize,
    shown: char,
    is_text: bool,
    is_literal: bool,
}

/// The inline content of a block, and how many quotes were opened in the text so far: a paragraph may end the quote of
/// another.
#[derive(Debug, Default)]
struct Block {
    units: Vec<Unit>,
    has_special: bool,
    open_single: usize,
    open_double: usize,
}

impl Block {
    fn push(&mut self, event: usize, shown: char, is_text: bool) {
        self.units.push(Unit { event, shown, is_text, is_literal: !is_text });
    }

    fn markup(&mut self, event: usize, written: &str) {
        for c in written.chars() {
            self.push(event, c, false);
        }
    }

    fn text(&mut self, event: usize, text: &str) {
        self.has_special |= text.contains(SPECIAL) || text.contains(LITERAL);
        let mut is_literal = false;
        for shown in text.chars() {
            if shown != LITERAL {
                self.units.push(Unit { event, shown, is_text: true, is_literal });
            }
            is_literal = shown == LITERAL;
        }
    }

    /// Replaces the characters of the block; returns the next one, which is empty.
    fn typeset(mut self, events: &mut [Event<'_>]) -> Self {
        if self.has_special {
            self.replace(events);
        }
        self.units.clear();
        Self { has_special: false, ..self }
    }

    fn replace(&mut self, events: &mut [Event<'_>]) {
        let mut texts: Vec<(usize, String)> = Vec::new();
        let mut at = 0;
        while at < self.units.len() {
            let unit = self.units[at];
            let (shown, length) = if unit.is_literal { (unit.shown, 1) } else { self.replaced(at) };
            for skipped in self.units[at..at + length].iter().filter(|unit| unit.is_text) {
                if texts.last().is_none_or(|(event, _)| *event != skipped.event) {
                    texts.push((skipped.event, String::new()));
                }
            }
            if let Some((_, text)) = texts.iter_mut().rev().find(|(event, _)| unit.is_text && *event == unit.event) {
                text.push(shown);
            }
            at += length;
        }
        for (event, text) in texts {
            events[event] = Event::Text(text.into());
        }
    }

    /// The character so many places after `at`, up to the end of the line.
    fn after(&self, at: usize, places: usize) -> Option<char> {
        let line = self.units.get(at..=at + places)?;
        let is_in_line = line[..places].iter().all(|unit| unit.shown != '\n');
        line.last().map(|unit| unit.shown).filter(|_| is_in_line)
    }

    /// Whether these characters of the text stand at `at`.
    fn is(&self, at: usize, expected: &str) -> bool {
        let units = self.units.get(at..at + expected.len()).unwrap_or_default();
        !units.is_empty() && units.iter().zip(expected.chars()).all(|(unit, c)| !unit.is_literal && unit.shown == c)
    }

    /// What the characters at `at` become, and how many they are.
    fn replaced(&mut self, at: usize) -> (char, usize) {
        for (typed, shown) in [("---", '—'), ("--", '–'), ("...", '…'), ("<<", '«'), (">>", '»')] {
            if self.is(at, typed) {
                return (shown, typed.len());
            }
        }
        let shown = match self.units[at].shown {
            '\'' => self.single(at).unwrap_or('\''),
            '"' => self.double(at).unwrap_or('"'),
            other => other,
        };
        (shown, 1)
    }

    fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or('\n', |before| self.units[before].shown)
    }

    /// Whether a quote at `at` can open and close, by CommonMark's rules for delimiter runs.
    fn flanks(&self, at: usize) -> [bool; 2] {
        let quote = self.units[at].shown;
        let run = self.units[at..].iter().take_while(|unit| unit.shown == quote && !unit.is_literal).count();
        let before = self.before(at);
        let after = self.after(at, run).unwrap_or(' ');
        let opens = !is_space(after) && (!is_punctuation(after) || is_space(before) || is_punctuation(before));
        let closes = !is_space(before) && (!is_punctuation(before) || is_space(after) || is_punctuation(after));
        [opens, closes]
    }

    fn single(&mut self, at: usize) -> Option<char> {
        let [opens, closes] = self.flanks(at);
        let before = self.before(at);
        let [next, second, third, fourth] = [1, 2, 3, 4].map(|places| self.after(at, places));
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let ends_word = |c: Option<char>| c.is_none_or(|c| is_space(c) || is_punctuation(c));
        let is_decade =
            opens && !closes && is_digit(next) && is_digit(second) && third == Some('s') && ends_word(fourth);
        // `'twas`, `'em`, `'net`; Goldmark looks at the first letter only.
        let follows_symbol = "$+<=>^`|~".contains(before);
        let is_clipped = (is_space(before) || is_punctuation(before) && !follows_symbol)
            && matches!(next, Some('t' | 'e' | 'n' | 'l'));
        if is_decade || is_clipped || before.is_alphanumeric() && next.is_some_and(char::is_alphabetic) {
            return Some('’');
        }
        if opens && !closes {
            let is_suffix = match (next, second) {
                (Some('s' | 'm' | 't' | 'd'), second) if ends_word(second) => true,
                (Some('v'), Some('e')) | (Some('l'), Some('l')) | (Some('r'), Some('e')) => ends_word(third),
                _ => false,
            };
            self.open_single += usize::from(!is_suffix);
            return Some(if is_suffix { '’' } else { '‘' });
        }
        if second.is_some() && !is_digit(next) {
            return Some('’');
        }
        if self.open_single > 0 && self.is_end(at, [opens, closes]) {
            self.open_single -= 1;
            return Some('’');
        }
        None
    }

    fn double(&mut self, at: usize) -> Option<char> {
        let [opens, closes] = self.flanks(at);
        if opens && !closes {
            self.open_double += 1;
            return Some('“');
        }
        if self.open_double == 0 || !self.is_end(at, [opens, closes]) {
            return None;
        }
        // The first of `21""` is inches.
        if self.after(at, 1) == Some('"') && self.before(at).is_ascii_digit() {
            return None;
        }
        self.open_double -= 1;
        Some('”')
    }

    fn is_end(&self, at: usize, [opens, closes]: [bool; 2]) -> bool {
        let [next, second] = [1, 2].map(|places| self.after(at, places));
        let precedes_end = next.is_some_and(is_punctuation) && second.is_none_or(|c| is_space(c) || is_punctuation(c));
        closes && (!opens || precedes_end)
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Placeholders of shortcodes count as letters.
fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control() && !('\u{fdd0}'..='\u{fdef}').contains(&c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::Event;

    use crate::content::markdown::{Dialect, Document};

    fn html(markdown: &str) -> String {
        let dialect = Dialect { typographer: true, ..Dialect::default() };
        let mut html = String::new();
        let document = Document::parse_as(markdown, dialect);
        pulldown_cmark::html::push_html(&mut html, document.events().iter().cloned());
        html.trim_end().to_owned()
    }

    #[test]
    fn quotes_dashes_and_dots_are_typographic() {
        for (markdown, expected) in [
            ("\"Hi\", 'he' *said*", "“Hi”, ‘he’ <em>said</em>"),
            ("it's the '90s, 'twas O'Neil's", "it’s the ’90s, ’twas O’Neil’s"),
            ("we 've and I 'd", "we ’ve and I ’d"),
            ("a -- b---c... d-e.", "a – b—c… d-e."),
            ("<< a >> b", "« a » b"),
            ("\"**bold**\" \"`code`\" \"[a](b)\"", "“<strong>bold</strong>” “<code>code</code>” “<a href=\"b\">a</a>”"),
            ("“文”和\"文\"", "“文”和\"文\""),
            ("5' 11\" and \"21\"\"", "5’ 11\" and “21\"”"),
            ("\\\"a\\\" &quot;b&quot; \\-- &#45;-", "\"a\" \"b\" -- --"),
            (
                "`--` https://a.example/x--y",
                "<code>--</code> <a href=\"https://a.example/x--y\">https://a.example/x--y</a>",
            ),
            ("a\"", "a\""),
            ("a <b>\"</b>b<i>\"</i>", "a <b>\"</b>b<i>\"</i>"),
        ] {
            assert_eq!(html(markdown), format!("<p>{expected}</p>"), "{markdown}");
        }
        assert_eq!(html("```\n\"a\" --\n```"), "<pre><code>\"a\" --\n</code></pre>");
    }

    #[test]
    fn a_quote_may_go_on_in_another_paragraph() {
        assert_eq!(html("\"One.\n\ntwo\" x\n\nthree\" x"), "<p>“One.</p>\n<p>two” x</p>\n<p>three\" x</p>");
    }

    proptest! {
        #[test]
        fn only_special_characters_change(markdown in "[\"'.<>*_`\\\\ \n\\[\\](){}#|:a文1s-]{0,60}") {
            let words = |typographer| {
                let document = Document::parse_as(&markdown, Dialect { typographer, ..Dialect::default() });
                let text = |event: &Event<'_>| match event {
                    Event::Text(text) => text.to_string(),
                    _ => "\n".to_owned(),
                };
                let shown: String = document.events().iter().map(text).collect();
                shown.replace(|c| "'\"-.<>‘’“”–—…«»".contains(c), "")
            };
            prop_assert_eq!(words(true), words(false));
        }
    }

    #[test]
    fn attributes_keep_their_quotes() {
        assert_eq!(html("Text \"a\".\n{.wide title=\"x--y\"}"), "<p>Text “a”.</p>");
    }
}

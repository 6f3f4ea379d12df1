//! Line breaks of the source: which are spaces, which are nothing, and which are meant.
//!
//! Takes events and returns them. Between lines of scripts written without spaces, a break is kept where the author
//! ended a line on purpose: after a sentence, after bold text, and where lines are too short for wrapped prose. The
//! breaks of wrapped prose vanish.

use pulldown_cmark::{Event, Tag, TagEnd};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::content::cjk::{is_unspaced, join_without_space};

/// In columns: prose is not wrapped at less.
const NARROWEST_WRAPPED: usize = 40;

/// Punctuation that ends a sentence, and what may follow it.
const SENTENCE_ENDS: &str = "。！？；：…!?;:.";
const CLOSING: &str = "”’」』）】》)]\"'";

/// Punctuation that stays with the character before it.
const NOT_FIRST: &str = "、。，．：；？！）」』】》”’,.:;?!)";

/// Turns every line break into a hard one, as with Hugo's `hardWraps`.
pub(super) fn all_hard(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    events.into_iter().map(|event| if event == Event::SoftBreak { Event::HardBreak } else { event }).collect()
}

/// Keeps the breaks that are meant, and joins the other lines.
pub(super) fn between_cjk(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    if !events.contains(&Event::SoftBreak) {
        return events;
    }
    let mut decided: Vec<(usize, Break)> = Vec::new();
    let mut start = 0;
    for block in events.split(ends_block) {
        if block.contains(&Event::SoftBreak) {
            decide(start, block, &mut decided);
        }
        start += block.len() + 1;
    }
    let mut decided = decided.into_iter().peekable();
    let mut out = Vec::with_capacity(events.len());
    for (at, event) in events.into_iter().enumerate() {
        match decided.next_if(|(of, _)| *of == at) {
            Some((_, Break::Nothing)) => {}
            Some((_, Break::Meant)) => out.push(Event::HardBreak),
            _ => out.push(event),
        }
    }
    out
}

/// What becomes of a soft break.
enum Break {
    Nothing,
    Space,
    Meant,
}

/// A line of a block.
#[derive(Debug, Default)]
struct Line {
    width: usize,
    has_cjk: bool,
    first: Option<char>,
    /// Columns that the first word needs, with its punctuation.
    first_word: usize,
    last: Option<char>,
    ends_sentence: bool,
    ends_bold: bool,
    follows_hard_break: bool,
    /// Ends in `<br>`.
    ends_in_break: bool,
}

impl Line {
    fn add(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.add_text(text),
            Event::End(TagEnd::Strong) => self.ends_bold = true,
            Event::InlineHtml(html) if matches!(html.as_ref(), "</b>" | "</strong>") => self.ends_bold = true,
            Event::InlineHtml(html) if html.starts_with("<br") => self.ends_in_break = true,
            Event::Start(_) | Event::End(_) => {}
            _ => {
                self.ends_bold = false;
                self.add_text(" ");
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        if self.first.is_none() {
            self.first = text.chars().next();
            self.first_word = first_word(text);
        }
        self.last = text.chars().next_back().or(self.last);
        self.width += text.width();
        self.has_cjk |= text.chars().any(is_unspaced);
        if let Some(last) = text.trim_end().chars().rev().find(|c| !CLOSING.contains(*c)) {
            self.ends_sentence = SENTENCE_ENDS.contains(last);
        }
        self.ends_bold &= text.trim().is_empty();
        self.ends_in_break &= text.trim().is_empty();
    }

    /// Whether a sentence or bold text ends here.
    fn is_ended(&self) -> bool {
        self.ends_sentence || self.ends_bold
    }

    /// Whether the next word would not have fitted.
    fn is_full(&self, next: &Line, widest: usize) -> bool {
        self.width + next.first_word + widest / 4 > widest
    }
}

/// Columns of the first word; of scripts without spaces, a word is a character.
fn first_word(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    let rest = chars.as_str();
    let goes_on =
        |c: char| if is_unspaced(first) { NOT_FIRST.contains(c) } else { !c.is_whitespace() && !is_unspaced(c) };
    let end = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
    first.width().unwrap_or(0) + rest[..end].width()
}

/// Decides about the soft breaks of a block, the first of whose events has this index.
fn decide(start: usize, block: &[Event<'_>], decided: &mut Vec<(usize, Break)>) {
    let mut lines = vec![Line::default()];
    let mut breaks: Vec<usize> = Vec::new();
    for (at, event) in block.iter().enumerate() {
        match event {
            Event::SoftBreak => {
                breaks.push(start + at);
                lines.push(Line::default());
            }
            Event::HardBreak => lines.push(Line { follows_hard_break: true, ..Line::default() }),
            other => lines.last_mut().into_iter().for_each(|line| line.add(other)),
        }
    }
    let widest = lines.iter().map(|line| line.width).max().unwrap_or(0);
    let soft = || lines.windows(2).filter(|pair| !pair[1].follows_hard_break);
    // Of wrapped prose, every line is as full as its words allow.
    let is_wrapped = widest >= NARROWEST_WRAPPED
        && soft().all(|pair| pair[0].is_ended() || pair[0].ends_in_break || pair[0].is_full(&pair[1], widest));
    for (at, pair) in breaks.into_iter().zip(soft()) {
        let [line, next] = pair else { continue };
        let joins = matches!((line.last, next.first), (Some(last), Some(first)) if join_without_space(last, first));
        let is_meant = line.has_cjk && next.has_cjk && !line.ends_in_break && (line.is_ended() || !is_wrapped);
        let kept = match is_meant {
            true => Break::Meant,
            false if joins => Break::Nothing,
            false => Break::Space,
        };
        decided.push((at, kept));
    }
}

fn ends_block(event: &Event<'_>) -> bool {
    let is_inline = |tag: &TagEnd| {
        matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
    };
    match event {
        Event::Start(Tag::Superscript | Tag::Subscript) | Event::End(TagEnd::Superscript | TagEnd::Subscript) => false,
        Event::Start(tag) => !is_inline(&tag.to_end()),
        Event::End(tag) => !is_inline(tag),
        event => *event == Event::Rule,
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn breaks_that_are_meant_stay() {
        for (markdown, expected) in [
            ("潮水已退。\n渔船进港。", "潮水已退。<br />\n渔船进港。"),
            ("**每周精选**\n**同步进展，欢迎**", "<strong>每周精选</strong><br />\n<strong>同步进展，欢迎</strong>"),
            ("床前明月光\n疑是地上霜", "床前明月光<br />\n疑是地上霜"),
            ("他说：“好！”\n于是大家都走了", "他说：“好！”<br />\n于是大家都走了"),
            ("一行  \n二行\n三行", "一行<br />\n二行<br />\n三行"),
            ("好的。<br/>\n再见", "好的。<br/>再见"),
            ("<b>标题</b>\n正文", "<b>标题</b><br />\n正文"),
            (
                "欢迎大家向公众号留言提问或在群里与我们互动\n我们会筛选\n再回复",
                "欢迎大家向公众号留言提问或在群里与我们互动<br />\n我们会筛选<br />\n再回复",
            ),
            ("一行\nline", "一行\nline"),
            ("한 줄.\n두 줄", "한 줄.\n두 줄"),
        ] {
            assert_eq!(html(markdown), format!("<p>{expected}</p>\n"), "{markdown}");
        }
    }

    #[test]
    fn lines_of_wrapped_prose_are_joined() {
        let lines = [
            "潮水每天涨落两次，港口的时刻表因此每天不同，渔民在前一晚查好第二天的",
            "时刻再决定出海的时间，因为错过一次潮水就要等上半天，而市场在清晨六点",
            "开门",
        ];
        assert_eq!(html(&lines.join("\n")), format!("<p>{}</p>\n", lines.concat()));
    }
}

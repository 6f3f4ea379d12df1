//! Wraps text by East Asian width with kinsoku: no line starts with closing punctuation or ends with opening
//! punctuation.
//!
//! Takes a single line of text and a width; returns the lines, and whether there was a space at each break. The caller
//! adds what precedes a line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters that must not start a line (JIS X 4051, GB/T 15834).
const NOT_FIRST: &str =
    "、。，．：；？！）］｝」』】〉》〕〗〙”’…‥・ー々ゝゞヽヾぁぃぅぇぉっゃゅょァィゥェォッャュョ゛゜％‰℃,.:;?!)]}%";

/// Characters that must not end a line.
const NOT_LAST: &str = "（［｛「『【〈《〔〖〘“‘([{";

/// A line and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    /// The text continues on the next line.
    pub goes_on: bool,
    /// The line was broken at a space.
    pub space_after: bool,
}

/// Unbreakable text, and whether a space precedes it.
struct Segment<'a> {
    text: &'a str,
    space_before: bool,
}

/// Wraps `text` to at most `columns` columns; a wider segment gets a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut line = String::new();
    let mut width = 0;
    for segment in segments(text) {
        let space = usize::from(segment.space_before && !line.is_empty());
        let segment_width = segment.text.width();
        if !line.is_empty() && width + space + segment_width > columns {
            lines.push(Line { text: std::mem::take(&mut line), goes_on: true, space_after: segment.space_before });
            width = 0;
        } else if space == 1 {
            line.push(' ');
            width += 1;
        }
        line.push_str(segment.text);
        width += segment_width;
    }
    lines.push(Line { text: line, goes_on: false, space_after: false });
    lines
}

/// Whether the character belongs to a script written without spaces between words: Chinese or Japanese, and their
/// punctuation.
fn is_unspaced(character: char) -> bool {
    let hangul = matches!(character, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}');
    character.width() == Some(2) && !hangul && !is_emoji(character)
}

fn is_emoji(character: char) -> bool {
    matches!(character, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}')
}

fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    for (index, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let mut start = 0;
        let mut before = None;
        for (at, character) in word.char_indices() {
            if before.is_some_and(|before| may_break(before, character)) {
                segments.push(Segment { text: &word[start..at], space_before: index > 0 && start == 0 });
                start = at;
            }
            before = Some(character);
        }
        segments.push(Segment { text: &word[start..], space_before: index > 0 && start == 0 });
    }
    segments
}

fn may_break(before: char, after: char) -> bool {
    (is_unspaced(before) || is_unspaced(after))
        && after.width().is_some_and(|width| width > 0)
        && !NOT_FIRST.contains(after)
        && !NOT_LAST.contains(before)
        && !(before == after && matches!(before, '—' | '─'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, columns: usize) -> Vec<String> {
        wrap(text, columns).into_iter().map(|line| line.text + if line.space_after { "_" } else { "" }).collect()
    }

    #[test]
    fn latin_text_breaks_at_spaces_and_cjk_between_characters() {
        assert_eq!(lines("one two three", 8), ["one two_", "three"]);
        assert_eq!(lines("一二三四五", 6), ["一二三", "四五"]);
        assert_eq!(lines("发布 SOFABoot 三", 8), ["发布_", "SOFABoot_", "三"]);
        assert_eq!(lines("https://example.org/long 一", 8), ["https://example.org/long_", "一"]);
        assert_eq!(lines("", 8), [""]);
    }

    #[test]
    fn punctuation_stays_with_its_word() {
        assert_eq!(lines("一二三。四", 6), ["一二", "三。四"]);
        assert_eq!(lines("一二（三四）", 6), ["一二", "（三", "四）"]);
        assert_eq!(lines("한국어 문장입니다", 8), ["한국어_", "문장입니다"]);
    }
}

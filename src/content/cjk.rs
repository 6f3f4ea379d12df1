//! Emphasis for text in Chinese, Japanese and Korean, where no blanks stand between words.
//!
//! CommonMark lets `**` open or close only where blanks or punctuation are on the right sides, so `**主题：**正文` stays
//! as it is written. Takes Markdown, gives the same with a sentinel beside each run that must open or close by the
//! rules of the `markdown-cjk-friendly` specification: there punctuation of these scripts counts as a letter, and one of
//! their characters beside a run counts as a blank. Two runs side by side (`：****正文`) are told apart too. Whoever
//! parses the result takes the sentinels out of every string again (`without_sentinels`).

use std::borrow::Cow;

/// A noncharacter (never in real text) that CommonMark takes for a letter.
pub const SENTINEL: char = '\u{fdd0}';

/// Markdown in which runs of `*` and `~` beside CJK text have sentinels; the text itself where there are none.
pub fn with_sentinels(markdown: &str) -> Cow<'_, str> {
    let mut marked = String::new();
    let mut copied = 0;
    let mut bold_is_open = false;
    let mut chars = markdown.char_indices().peekable();
    let mut before = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                before = chars.next().map(|(_, escaped)| escaped);
                continue;
            }
            '\n' if matches!(chars.peek(), None | Some((_, '\n' | '\r'))) => bold_is_open = false,
            '*' | '~' => {
                let length = markdown[at..].chars().take_while(|other| *other == c).count();
                let end = at + length;
                for _ in 1..length {
                    chars.next();
                }
                let run = Run {
                    marker: c,
                    length,
                    before: visible_before(&markdown[..at], before),
                    after: visible_after(&markdown[end..]),
                };
                if let Some(text) = run.with_sentinels(bold_is_open) {
                    marked.push_str(&markdown[copied..at]);
                    marked.push_str(&text);
                    copied = end;
                }
                if c == '*' && matches!(length, 2 | 3) {
                    bold_is_open = !bold_is_open;
                }
            }
            _ => {}
        }
        before = Some(c);
    }
    if copied == 0 {
        return Cow::Borrowed(markdown);
    }
    marked.push_str(&markdown[copied..]);
    Cow::Owned(marked)
}

/// The text without sentinels.
pub fn without_sentinels(text: &str) -> Cow<'_, str> {
    if text.contains(SENTINEL) { Cow::Owned(text.replace(SENTINEL, "")) } else { Cow::Borrowed(text) }
}

/// Whether a line break between these two characters stands for no blank: both are of a script that writes none.
pub fn join_without_space(before: char, after: char) -> bool {
    let wide = |c| is_cjk(c) && !is_hangul(c);
    wide(before) && wide(after)
}

/// A run of markers with what stands beside it.
struct Run {
    marker: char,
    length: usize,
    before: char,
    after: char,
}

impl Run {
    /// The run with its sentinels; `None` when it needs none.
    fn with_sentinels(&self, bold_is_open: bool) -> Option<String> {
        let run: String = std::iter::repeat_n(self.marker, self.length).collect();
        if self.is_two_runs(bold_is_open) {
            let half = &run[..2];
            return Some(format!("{SENTINEL}{half}{SENTINEL}{half}{SENTINEL}"));
        }
        let (opens, closes) = (self.opens(cjk_friendly_class), self.closes(cjk_friendly_class));
        let mut before = closes && !self.closes(commonmark_class);
        let mut after = opens && !self.opens(commonmark_class);
        // A letter put on one side takes away what punctuation on the other side allowed.
        before |= after && closes && is_punctuation(self.before);
        after |= before && opens && is_punctuation(self.after);
        if !before && !after {
            return None;
        }
        let beside = |needed: bool| if needed { SENTINEL.to_string() } else { String::new() };
        Some(format!("{}{run}{}", beside(before), beside(after)))
    }

    /// The end of one bold run and the begin of the next.
    fn is_two_runs(&self, bold_is_open: bool) -> bool {
        let inside = !self.before.is_whitespace() && !self.after.is_whitespace();
        self.marker == '*' && self.length == 4 && bold_is_open && inside && (is_cjk(self.before) || is_cjk(self.after))
    }

    /// CommonMark's left-flanking.
    fn opens(&self, class: fn(char) -> CharClass) -> bool {
        match class(self.after) {
            CharClass::Whitespace => false,
            CharClass::Punctuation => class(self.before) != CharClass::Letter,
            CharClass::Letter | CharClass::Cjk => true,
        }
    }

    /// CommonMark's right-flanking.
    fn closes(&self, class: fn(char) -> CharClass) -> bool {
        match class(self.before) {
            CharClass::Whitespace => false,
            CharClass::Punctuation => class(self.after) != CharClass::Letter,
            CharClass::Letter | CharClass::Cjk => true,
        }
    }
}

/// What a character beside a run counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CharClass {
    Whitespace,
    Punctuation,
    Letter,
    Cjk,
}

/// As CommonMark counts.
fn commonmark_class(c: char) -> CharClass {
    if c.is_whitespace() {
        CharClass::Whitespace
    } else if is_punctuation(c) {
        CharClass::Punctuation
    } else {
        CharClass::Letter
    }
}

/// As the CJK-friendly rules count.
fn cjk_friendly_class(c: char) -> CharClass {
    if is_cjk(c) && !c.is_whitespace() { CharClass::Cjk } else { commonmark_class(c) }
}

/// The character before a run; one of no width does not hide the character before it, nor does one that chooses the form
/// of it. A line's begin is a blank.
fn visible_before(text: &str, last: Option<char>) -> char {
    const FULL_WIDTH_FORM: char = '\u{fe01}';
    let hides = |c: char| is_zero_width(c) || matches!(c, '\u{fe00}'..='\u{fe0e}' | '\u{e0100}'..='\u{e01ef}');
    if last.is_some_and(|last| !hides(last)) {
        return last.unwrap_or(' ');
    }
    match text.chars().rev().find(|c| !hides(*c)).unwrap_or(' ') {
        '‘' | '’' | '“' | '”' if last == Some(FULL_WIDTH_FORM) => '「',
        visible => visible,
    }
}

fn visible_after(text: &str) -> char {
    text.chars().find(|c| !is_zero_width(*c)).unwrap_or(' ')
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Unicode categories P and S; of characters without a use beside emphasis, perhaps some more.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    let is_mark = matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control() && !is_mark && !is_zero_width(c) && c != SENTINEL
}

/// Characters of Chinese, Japanese and Korean, their punctuation and full-width forms included.
pub fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{33ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a000}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ffef}' | '\u{1aff0}'..='\u{1b16f}' | '\u{1f200}'..='\u{1f265}' | '\u{20000}'..='\u{3fffd}')
        || is_hangul(c)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Options, Parser, html};

    use super::*;

    fn rendered(markdown: &str) -> String {
        let mut out = String::new();
        html::push_html(&mut out, Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH));
        out
    }

    fn friendly(markdown: &str) -> String {
        without_sentinels(&rendered(&with_sentinels(markdown))).trim_end().to_owned()
    }

    #[test]
    fn bold_meant_is_bold_shown() {
        for (markdown, expected) in [
            ("达到**700+**。", "达到<strong>700+</strong>。"),
            ("**主题：**正文", "<strong>主题：</strong>正文"),
            ("**主题：**Dubbo", "<strong>主题：</strong>Dubbo"),
            ("正文**（注）**正文", "正文<strong>（注）</strong>正文"),
            ("**“引用”**是", "<strong>“引用”</strong>是"),
            ("使用**`code`**写", "使用<strong><code>code</code></strong>写"),
            ("**分享主题：****Dubbo 基于 MOSN**", "<strong>分享主题：</strong><strong>Dubbo 基于 MOSN</strong>"),
            ("**一。****二。****三**", "<strong>一。</strong><strong>二。</strong><strong>三</strong>"),
            ("*斜体。*正文", "<em>斜体。</em>正文"),
            ("~~删除。~~正文", "<del>删除。</del>正文"),
            ("**foo.**\u{200b}正文", "<strong>foo.</strong>\u{200b}正文"),
            ("正文\u{200b}**(foo)**\u{200b}正文", "正文\u{200b}<strong>(foo)</strong>\u{200b}正文"),
            ("**[链接](https://example.org/)**正文", "<strong><a href=\"https://example.org/\">链接</a></strong>正文"),
            ("これは**私のやりたかったこと。**だから", "これは<strong>私のやりたかったこと。</strong>だから"),
            ("**스크립트(script)**라고", "<strong>스크립트(script)</strong>라고"),
        ] {
            assert_eq!(friendly(markdown), format!("<p>{expected}</p>"), "{markdown}");
        }
    }

    #[test]
    fn what_is_no_emphasis_stays() {
        for markdown in [
            "2 * 3 * 4",
            "中 ** 文",
            "* 项目",
            "***",
            "\\*\\*文：\\*\\*字",
            "`**文：**字`",
            "中****文",
            "a*\"foo\"*",
            "**foo.**bar",
        ] {
            assert_eq!(friendly(markdown), rendered(markdown).trim_end(), "{markdown}");
        }
    }

    /// What `markdown-it-cjk-friendly` makes of the same.
    #[test]
    fn every_script_and_form_has_its_emphasis() {
        for (markdown, expected) in [
            ("**「東京」**です", "<strong>「東京」</strong>です"),
            ("이것은**(주)**입니다", "이것은<strong>(주)</strong>입니다"),
            ("**일본어.**한국", "<strong>일본어.</strong>한국"),
            ("ㅋ**(ㅎ)**ㅋ", "ㅋ<strong>(ㅎ)</strong>ㅋ"),
            ("**ꀀ。**ꀀ", "<strong>ꀀ。</strong>ꀀ"),
            ("𠮷**（よし）**野", "𠮷<strong>（よし）</strong>野"),
            ("**🎉**中文", "<strong>🎉</strong>中文"),
            ("中文**🎉**", "中文<strong>🎉</strong>"),
            ("**⚠\u{fe0f}**注意", "<strong>⚠\u{fe0f}</strong>注意"),
            ("**㈱**会社", "<strong>㈱</strong>会社"),
            ("町**。\u{fe01}**字", "町<strong>。\u{fe01}</strong>字"),
            ("**葛\u{e0100}（かつ）**です", "<strong>葛\u{e0100}（かつ）</strong>です"),
            ("**“\u{fe01}引”\u{fe01}**号", "<strong>“\u{fe01}引”\u{fe01}</strong>号"),
            ("**ﾃｽﾄ｡**半角", "<strong>ﾃｽﾄ｡</strong>半角"),
            ("全角**！？**です", "全角<strong>！？</strong>です"),
            ("**Ａ＋**得点", "<strong>Ａ＋</strong>得点"),
            ("a**（b）**c", "a<strong>（b）</strong>c"),
            ("**true.**假", "<strong>true.</strong>假"),
            ("新~~旧。~~新", "新<del>旧。</del>新"),
            ("**100%**的", "<strong>100%</strong>的"),
            ("**‘引’**号", "<strong>‘引’</strong>号"),
            ("***粗斜。***字", "<em><strong>粗斜。</strong></em>字"),
            ("**粗*斜。*字**后", "<strong>粗<em>斜。</em>字</strong>后"),
            ("**字[链](u)**字", "<strong>字<a href=\"u\">链</a></strong>字"),
            ("**<b>x</b>**字", "<strong><b>x</b></strong>字"),
            ("**…省略…**字", "<strong>…省略…</strong>字"),
            ("**①。**②", "<strong>①。</strong>②"),
            ("**～波～**字", "<strong>～波～</strong>字"),
            ("中_（a）_文", "中_（a）_文"),
            ("__注意：__请看", "__注意：__请看"),
        ] {
            assert_eq!(friendly(markdown), format!("<p>{expected}</p>"), "{markdown}");
        }
    }

    /// Beyond it: editors put these beside markers, to make other programs see them.
    #[test]
    fn characters_of_no_width_hide_nothing() {
        for invisible in ['\u{200b}', '\u{feff}', '\u{2060}'] {
            for (open, close, tag) in [("**", "**", "strong"), ("*", "*", "em"), ("~~", "~~", "del")] {
                let markdown = format!("文{invisible}{open}（注）{close}{invisible}文");
                let expected = format!("<p>文{invisible}<{tag}>（注）</{tag}>{invisible}文</p>");
                assert_eq!(friendly(&markdown), expected);
                let markdown = format!("文{open}注。{invisible}{close}文");
                assert_eq!(friendly(&markdown), format!("<p>文<{tag}>注。{invisible}</{tag}>文</p>"));
            }
        }
    }

    proptest! {
        #[test]
        fn text_without_cjk_is_never_touched(markdown in "[ -~\n]{0,80}") {
            prop_assert!(matches!(with_sentinels(&markdown), Cow::Borrowed(_)));
        }

        #[test]
        fn nor_is_text_of_other_scripts(markdown in "[*~_`é“”…–«»€🎉\u{a0}\u{200b}\u{301} a.\n\\\\\\[\\]()<>]{0,60}") {
            prop_assert!(matches!(with_sentinels(&markdown), Cow::Borrowed(_)));
        }

        #[test]
        fn sentinels_come_out_again(markdown in "[*~ a。文（\n]{0,40}") {
            let marked = with_sentinels(&markdown);
            prop_assert_eq!(without_sentinels(&marked), markdown.as_str());
        }
    }
}

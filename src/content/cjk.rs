//! Emphasis in Chinese, Japanese and Korean text, where words are not separated by spaces.
//!
//! CommonMark lets `**` open or close only next to the right spaces or punctuation, so `**主题：**正文` is not emphasized.
//! Takes Markdown and returns it with a sentinel beside each run that must open or close under the
//! `markdown-cjk-friendly` specification: CJK punctuation counts as a letter there, and a CJK character beside a run
//! counts as a space. Also separates two adjacent runs (`：****正文`). Callers remove the sentinels from every parsed
//! string (`without_sentinels`).

use std::borrow::Cow;

use memchr::{memchr_iter, memchr3};

/// A noncharacter, never in real text, that CommonMark treats as a letter.
pub const SENTINEL: char = '\u{fdd0}';

/// Adds sentinels beside runs of `*` and `~` next to CJK text; borrows the input if there are none.
pub fn with_sentinels(markdown: &str) -> Cow<'_, str> {
    let bytes = markdown.as_bytes();
    let next = |from: usize| Some(from + memchr3(b'\\', b'*', b'~', bytes.get(from..)?)?);
    let ends_paragraph = |line_end: usize| matches!(bytes.get(line_end + 1), None | Some(b'\n' | b'\r'));
    let mut marked = String::new();
    let (mut copied, mut from) = (0, 0);
    let mut bold_is_open = false;
    while let Some(at) = next(from) {
        if bold_is_open {
            bold_is_open = !memchr_iter(b'\n', &bytes[from..at]).any(|end| ends_paragraph(from + end));
        }
        from = at + 1;
        match bytes[at] {
            // What is escaped is text; the later bytes of a longer character are never special.
            b'\\' => from += 1,
            marker => {
                from = at + bytes[at..].iter().take_while(|byte| **byte == marker).count();
                let run = Run {
                    marker: char::from(marker),
                    length: from - at,
                    before: visible_before(&markdown[..at]),
                    after: visible_after(&markdown[from..]),
                };
                if let Some(text) = run.with_sentinels(bold_is_open) {
                    marked.push_str(&markdown[copied..at]);
                    marked.push_str(&text);
                    copied = from;
                }
                if marker == b'*' && matches!(run.length, 2 | 3) {
                    bold_is_open = !bold_is_open;
                }
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(markdown);
    }
    marked.push_str(&markdown[copied..]);
    Cow::Owned(marked)
}

/// Removes the sentinels.
pub fn without_sentinels(text: &str) -> Cow<'_, str> {
    if text.contains(SENTINEL) { Cow::Owned(text.replace(SENTINEL, "")) } else { Cow::Borrowed(text) }
}

/// Whether a line break between these characters is not a space: both belong to scripts written without spaces.
pub fn join_without_space(before: char, after: char) -> bool {
    is_unspaced(before) && is_unspaced(after)
}

/// Whether the character belongs to a script written without spaces between words: Chinese or Japanese.
pub fn is_unspaced(c: char) -> bool {
    is_cjk(c) && !is_hangul(c)
}

/// A run of markers and the characters around it.
struct Run {
    marker: char,
    length: usize,
    before: char,
    after: char,
}

impl Run {
    /// The run with its sentinels; `None` if it needs none.
    fn with_sentinels(&self, bold_is_open: bool) -> Option<String> {
        let run: String = std::iter::repeat_n(self.marker, self.length).collect();
        if self.is_two_runs(bold_is_open) {
            let half = &run[..2];
            return Some(format!("{SENTINEL}{half}{SENTINEL}{half}{SENTINEL}"));
        }
        // `ASSERT_*` is a pattern of names, whatever follows.
        if self.length == 1 && self.before == '_' {
            return None;
        }
        let (opens, closes) = (self.opens(cjk_friendly_class), self.closes(cjk_friendly_class));
        let mut before = closes && !self.closes(commonmark_class);
        let mut after = opens && !self.opens(commonmark_class);
        // A letter added on one side removes what punctuation on the other side allowed.
        before |= after && closes && is_punctuation(self.before);
        after |= before && opens && is_punctuation(self.after);
        if !before && !after {
            return None;
        }
        let beside = |needed: bool| if needed { SENTINEL.to_string() } else { String::new() };
        Some(format!("{}{run}{}", beside(before), beside(after)))
    }

    /// Whether this is the end of one bold run and the start of the next.
    fn is_two_runs(&self, bold_is_open: bool) -> bool {
        let inside = !self.before.is_whitespace() && !self.after.is_whitespace();
        self.marker == '*' && self.length == 4 && bold_is_open && inside && (is_cjk(self.before) || is_cjk(self.after))
    }

    /// CommonMark's left-flanking delimiter run.
    fn opens(&self, class: fn(char) -> CharClass) -> bool {
        match class(self.after) {
            CharClass::Whitespace => false,
            CharClass::Punctuation => class(self.before) != CharClass::Letter,
            CharClass::Letter | CharClass::Cjk => true,
        }
    }

    /// CommonMark's right-flanking delimiter run.
    fn closes(&self, class: fn(char) -> CharClass) -> bool {
        match class(self.before) {
            CharClass::Whitespace => false,
            CharClass::Punctuation => class(self.after) != CharClass::Letter,
            CharClass::Letter | CharClass::Cjk => true,
        }
    }
}

/// How a character beside a run is classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CharClass {
    Whitespace,
    Punctuation,
    Letter,
    Cjk,
}

/// The class under CommonMark.
fn commonmark_class(c: char) -> CharClass {
    if c.is_whitespace() {
        CharClass::Whitespace
    } else if is_punctuation(c) {
        CharClass::Punctuation
    } else {
        CharClass::Letter
    }
}

/// The class under the CJK-friendly rules.
fn cjk_friendly_class(c: char) -> CharClass {
    if is_cjk(c) && !c.is_whitespace() { CharClass::Cjk } else { commonmark_class(c) }
}

/// The character before a run, skipping zero-width characters and variation selectors. The start of a line is a space.
fn visible_before(text: &str) -> char {
    const FULL_WIDTH_FORM: char = '\u{fe01}';
    let hides = |c: char| is_zero_width(c) || matches!(c, '\u{fe00}'..='\u{fe0e}' | '\u{e0100}'..='\u{e01ef}');
    let last = text.chars().next_back();
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

/// Unicode categories P and S, approximated for characters that do not occur beside emphasis.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    let is_mark = matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control() && !is_mark && !is_zero_width(c) && c != SENTINEL
}

/// Chinese, Japanese and Korean characters, including their punctuation and full-width forms.
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
    fn intended_bold_is_rendered_bold() {
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
    fn text_without_emphasis_is_unchanged() {
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

    /// The same results as `markdown-it-cjk-friendly`, but for patterns of names.
    #[test]
    fn emphasis_works_in_every_script_and_form() {
        for (markdown, expected) in [
            ("**「東京」**です", "<strong>「東京」</strong>です"),
            ("宏 ASSERT_*和EXPECT_*系列", "宏 ASSERT_*和EXPECT_*系列"),
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

    /// Beyond the specification: editors insert these beside markers as a workaround for other programs.
    #[test]
    fn zero_width_characters_are_ignored() {
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
        fn text_without_cjk_is_unchanged(markdown in "[ -~\n]{0,80}") {
            prop_assert!(matches!(with_sentinels(&markdown), Cow::Borrowed(_)));
        }

        #[test]
        fn text_in_other_scripts_is_unchanged(markdown in "[*~_`é“”…–«»€🎉\u{a0}\u{200b}\u{301} a.\n\\\\\\[\\]()<>]{0,60}") {
            prop_assert!(matches!(with_sentinels(&markdown), Cow::Borrowed(_)));
        }

        #[test]
        fn sentinels_are_removed_again(markdown in "[*~ a。文（\n]{0,40}") {
            let marked = with_sentinels(&markdown);
            prop_assert_eq!(without_sentinels(&marked), markdown.as_str());
        }
    }
}

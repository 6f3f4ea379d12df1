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

//! The fixed texts of the web archive, in the reader's language.

use serde::Serialize;

use crate::templates::language::Language;
use crate::templates::locale;

/// The fixed texts of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Labels {
    /// On the link to the index.
    all: &'static str,
    /// On the link to the previous issue, or to older ones.
    older: &'static str,
    /// On the link to the next issue, or to newer ones.
    newer: &'static str,
    /// Before the links to the feeds.
    subscribe: &'static str,
    colon: &'static str,
    /// Between the items of a list in a sentence.
    comma: &'static str,
}

impl Labels {
    /// The labels of an issue's page in a language, by its BCP 47 tag; English if there is no translation.
    pub fn of_issue(tag: &str) -> Self {
        let [all, older, newer, subscribe, colon] = match Language::of(tag) {
            Language::SimplifiedChinese => ["往期目录", "上一期", "下一期", "订阅", "："],
            Language::TraditionalChinese => ["歷期目錄", "上一期", "下一期", "訂閱", "："],
            Language::Japanese => ["バックナンバー", "前の号", "次の号", "購読", "："],
            Language::Korean => ["지난 호 목록", "이전 호", "다음 호", "구독", ": "],
            Language::English => ["All issues", "Older", "Newer", "Subscribe", ": "],
        };
        let comma = locale::Locale::of_language(tag).comma;
        Self { all, older, newer, subscribe, colon, comma }
    }

    /// The labels of an index page, where `older` and `newer` lead to many issues.
    pub fn of_index(tag: &str) -> Self {
        let [older, newer] = match Language::of(tag) {
            Language::SimplifiedChinese => ["更早的期数", "较新的期数"],
            Language::TraditionalChinese => ["更早的期數", "較新的期數"],
            Language::Japanese => ["過去の号", "新しい号"],
            Language::Korean => ["이전 호 더 보기", "최근 호 보기"],
            Language::English => ["Older", "Newer"],
        };
        Self { older, newer, ..Self::of_issue(tag) }
    }
}

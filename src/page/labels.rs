//! The few fixed words of the web archive, in the reader's language.

use serde::Serialize;

use crate::templates::locale;

/// The fixed words of the pages of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Labels {
    /// On the link to the index.
    all: &'static str,
    /// On the link to what is older.
    older: &'static str,
    /// On the link to what is newer.
    newer: &'static str,
    /// Before the links to the feeds.
    subscribe: &'static str,
    colon: &'static str,
    /// Between the items of a list in a sentence.
    comma: &'static str,
}

impl Labels {
    /// The words of a language, by its BCP 47 tag; English where there are none yet.
    pub fn of_language(tag: &str) -> Self {
        let comma = locale::Locale::of_language(tag).comma;
        let tag = tag.to_ascii_lowercase();
        let mut subtags = tag.split(['-', '_']);
        let [all, older, newer, subscribe, colon] = match subtags.next() {
            Some("zh") if subtags.any(|subtag| matches!(subtag, "hant" | "tw" | "hk" | "mo")) => {
                ["所有期數", "較早的", "較新的", "訂閱", "："]
            }
            Some("zh") => ["所有期数", "更早的", "更新的", "订阅", "："],
            Some("ja") => ["バックナンバー", "前の号", "次の号", "購読", "："],
            Some("ko") => ["모든 호", "이전 글", "다음 글", "구독", ": "],
            _ => ["All issues", "Older", "Newer", "Subscribe", ": "],
        };
        Self { all, older, newer, subscribe, colon, comma }
    }
}

//! The few fixed words of an edition, and dates in words, in the reader's language.

use chrono::{DateTime, FixedOffset};

/// The fixed words of an edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// On the link to the page.
    pub read_in_browser: &'static str,
    /// Why the mail came; `{publication}` in it is the publication's title.
    why: &'static str,
    /// On the link to leave.
    pub unsubscribe: &'static str,
    /// Between the items of a list in a sentence.
    pub comma: &'static str,
    /// Form of a date, for chrono's `format`.
    date: &'static str,
}

const ENGLISH: Words = Words {
    read_in_browser: "Read in your browser",
    why: "You get this mail because you subscribed to {publication}.",
    unsubscribe: "Unsubscribe",
    comma: ", ",
    date: "%-d %B %Y",
};

const SIMPLIFIED_CHINESE: Words = Words {
    read_in_browser: "在浏览器中阅读",
    why: "你收到这封邮件，是因为你订阅了《{publication}》。",
    unsubscribe: "退订",
    comma: "、",
    date: "%Y年%-m月%-d日",
};

const TRADITIONAL_CHINESE: Words = Words {
    read_in_browser: "在瀏覽器中閱讀",
    why: "你收到這封郵件，是因為你訂閱了《{publication}》。",
    unsubscribe: "取消訂閱",
    ..SIMPLIFIED_CHINESE
};

const JAPANESE: Words = Words {
    read_in_browser: "ブラウザで読む",
    why: "このメールは「{publication}」を購読されている方にお送りしています。",
    unsubscribe: "配信停止",
    ..SIMPLIFIED_CHINESE
};

const KOREAN: Words = Words {
    read_in_browser: "브라우저에서 읽기",
    why: "‘{publication}’ 구독자께 보내 드리는 메일입니다.",
    unsubscribe: "구독 취소",
    comma: ", ",
    date: "%Y년 %-m월 %-d일",
};

impl Words {
    /// The words of a language, by its BCP 47 tag; English where there are none yet.
    pub fn of_language(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let mut subtags = tag.split(['-', '_']);
        match subtags.next() {
            Some("zh") if subtags.any(|subtag| matches!(subtag, "hant" | "tw" | "hk" | "mo")) => TRADITIONAL_CHINESE,
            Some("zh") => SIMPLIFIED_CHINESE,
            Some("ja") => JAPANESE,
            Some("ko") => KOREAN,
            _ => ENGLISH,
        }
    }

    /// Why the mail came, to readers of the publication with this title.
    pub fn why(&self, publication: &str) -> String {
        self.why.replace("{publication}", publication)
    }

    /// The day in words, such as `14 August 2020` or `2020年8月14日`.
    pub fn date(&self, date: DateTime<FixedOffset>) -> String {
        date.format(self.date).to_string()
    }
}

/// Which way the language is written: `rtl` or `ltr`.
pub fn direction(tag: &str) -> &'static str {
    let tag = tag.to_ascii_lowercase();
    match tag.split(['-', '_']).next() {
        Some("ar" | "he" | "fa" | "ur" | "yi" | "ps" | "sd" | "ug" | "dv") => "rtl",
        _ => "ltr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_language_has_them() {
        let date = DateTime::parse_from_rfc3339("2020-08-04T23:00:00+08:00").unwrap();
        for (tag, expected) in [
            ("en-GB", "4 August 2020"),
            ("zh-CN", "2020年8月4日"),
            ("zh-Hant-TW", "2020年8月4日"),
            ("JA", "2020年8月4日"),
            ("ko-KR", "2020년 8월 4일"),
            ("xx", "4 August 2020"),
        ] {
            assert_eq!(Words::of_language(tag).date(date), expected, "{tag}");
        }
    }

    #[test]
    fn every_language_names_the_publication() {
        for tag in ["en", "zh", "zh-TW", "ja", "ko"] {
            assert!(Words::of_language(tag).why("周刊").contains("周刊"), "{tag}");
        }
        assert_eq!((direction("ar-EG"), direction("zh")), ("rtl", "ltr"));
    }
}

//! The fixed texts of an edition, and the formats of dates, in the reader's language.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

use crate::templates::language::Language;
use crate::templates::locale::message::MessageTexts;

pub mod message;

/// The fixed texts and date formats of a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// On the link to the page.
    pub read_in_browser: &'static str,
    /// Why the recipient gets the email; `{publication}` becomes the publication's title.
    why: &'static str,
    /// On the unsubscribe link.
    pub unsubscribe: &'static str,
    /// The question to a reader to whom the email was forwarded.
    pub forwarded: &'static str,
    /// On the link for that reader; `{publication}` becomes the publication's title.
    subscribe: &'static str,
    /// What a picture without words is called.
    picture: &'static str,
    /// Between the items of a list in a sentence.
    pub comma: &'static str,
    /// After a label.
    pub colon: &'static str,
    /// On the link from a summary to the complete issue.
    pub read_on: &'static str,
    /// The heading of a digest's table of contents.
    pub contents: &'static str,
    /// The format of a date, for chrono's `format`.
    date: &'static str,
    /// The format of a month.
    month: &'static str,
    /// The formats of the first and last day of a period within a month.
    within_month: [&'static str; 2],
    /// The same for a period within a year.
    within_year: [&'static str; 2],
    /// Between two complete dates.
    to: &'static str,
    /// The texts of transactional messages.
    pub message: &'static MessageTexts,
}

const ENGLISH: Locale = Locale {
    read_in_browser: "View in browser",
    why: "You're receiving this email because you subscribed to {publication}.",
    unsubscribe: "Unsubscribe",
    forwarded: "Was this email forwarded to you?",
    subscribe: "Subscribe to {publication}",
    picture: "picture",
    comma: ", ",
    colon: ": ",
    read_on: "Read more",
    contents: "In this email",
    date: "%-d %B %Y",
    month: "%B %Y",
    within_month: ["%-d–", "%-d %B %Y"],
    within_year: ["%-d %B – ", "%-d %B %Y"],
    to: " – ",
    message: &message::ENGLISH,
};

const SIMPLIFIED_CHINESE: Locale = Locale {
    read_in_browser: "在浏览器中查看",
    why: "你收到这封邮件，是因为你订阅了《{publication}》。",
    unsubscribe: "退订",
    forwarded: "这封邮件是别人转发给你的？",
    subscribe: "订阅《{publication}》",
    picture: "图片",
    comma: "、",
    colon: "：",
    read_on: "阅读全文",
    contents: "本期内容",
    date: "%Y年%-m月%-d日",
    month: "%Y年%-m月",
    within_month: ["%Y年%-m月%-d日", "—%-d日"],
    within_year: ["%Y年%-m月%-d日", "—%-m月%-d日"],
    to: "—",
    message: &message::SIMPLIFIED_CHINESE,
};

const TRADITIONAL_CHINESE: Locale = Locale {
    read_in_browser: "在瀏覽器中檢視",
    why: "您收到這封郵件，是因為您訂閱了《{publication}》。",
    unsubscribe: "取消訂閱",
    forwarded: "這封郵件是別人轉寄給您的嗎？",
    subscribe: "訂閱《{publication}》",
    picture: "圖片",
    read_on: "閱讀全文",
    contents: "本期內容",
    message: &message::TRADITIONAL_CHINESE,
    ..SIMPLIFIED_CHINESE
};

const JAPANESE: Locale = Locale {
    read_in_browser: "ブラウザで表示",
    why: "このメールは「{publication}」を購読されている方にお送りしています。",
    unsubscribe: "配信停止",
    forwarded: "このメールを転送で受け取られた方へ：",
    subscribe: "「{publication}」を購読する",
    picture: "画像",
    read_on: "続きを読む",
    contents: "目次",
    within_month: ["%Y年%-m月%-d日", "〜%-d日"],
    within_year: ["%Y年%-m月%-d日", "〜%-m月%-d日"],
    to: "〜",
    message: &message::JAPANESE,
    ..SIMPLIFIED_CHINESE
};

const KOREAN: Locale = Locale {
    read_in_browser: "브라우저에서 보기",
    why: "이 메일은 ‘{publication}’ 구독자분께 보내 드립니다.",
    unsubscribe: "구독 취소",
    forwarded: "다른 분에게서 전달받은 메일인가요?",
    subscribe: "‘{publication}’ 구독하기",
    picture: "그림",
    comma: ", ",
    colon: ": ",
    read_on: "계속 읽기",
    contents: "목차",
    date: "%Y년 %-m월 %-d일",
    month: "%Y년 %-m월",
    within_month: ["%Y년 %-m월 %-d일", "~%-d일"],
    within_year: ["%Y년 %-m월 %-d일", "~%-m월 %-d일"],
    to: " ~ ",
    message: &message::KOREAN,
};

impl Locale {
    /// The locale of a BCP 47 tag; English if there is no translation.
    pub fn of_language(tag: &str) -> Self {
        match Language::of(tag) {
            Language::English => ENGLISH,
            Language::SimplifiedChinese => SIMPLIFIED_CHINESE,
            Language::TraditionalChinese => TRADITIONAL_CHINESE,
            Language::Japanese => JAPANESE,
            Language::Korean => KOREAN,
        }
    }

    /// Why the recipient gets the email, with the title of the publication.
    pub fn why(&self, publication: &str) -> String {
        self.why.replace("{publication}", publication)
    }

    /// What precedes the name of a picture without words.
    pub fn picture_label(&self) -> String {
        format!("{}{}", self.picture, self.colon)
    }

    /// The invitation to subscribe, with the title of the publication.
    pub fn subscribe(&self, publication: &str) -> String {
        self.subscribe.replace("{publication}", publication)
    }

    /// A date in words, such as `14 August 2020` or `2020年8月14日`.
    pub fn date(&self, date: DateTime<FixedOffset>) -> String {
        date.format(self.date).to_string()
    }

    /// A period in words, such as `16–22 November 2026` or `November 2026`.
    pub fn period(&self, first: NaiveDate, last: NaiveDate) -> String {
        let same_month = (first.year(), first.month()) == (last.year(), last.month());
        let is_month = same_month && first.day() == 1 && last.succ_opt().is_none_or(|next| next.day() == 1);
        if first == last {
            return first.format(self.date).to_string();
        }
        if is_month {
            return first.format(self.month).to_string();
        }
        let joined = |[a, b]: [&str; 2]| format!("{}{}", first.format(a), last.format(b));
        match (same_month, first.year() == last.year()) {
            (true, _) => joined(self.within_month),
            (false, true) => joined(self.within_year),
            (false, false) => format!("{}{}{}", first.format(self.date), self.to, last.format(self.date)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_language() {
        let date = DateTime::parse_from_rfc3339("2020-08-04T23:00:00+08:00").unwrap();
        for (tag, expected) in [
            ("en-GB", "4 August 2020"),
            ("zh-CN", "2020年8月4日"),
            ("zh-Hant-TW", "2020年8月4日"),
            ("JA", "2020年8月4日"),
            ("ko-KR", "2020년 8월 4일"),
            ("xx", "4 August 2020"),
        ] {
            assert_eq!(Locale::of_language(tag).date(date), expected, "{tag}");
        }
    }

    #[test]
    fn periods_repeat_no_month_or_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (first, last, english, chinese) in [
            ("2026-11-16", "2026-11-22", "16–22 November 2026", "2026年11月16日—22日"),
            ("2026-11-30", "2026-12-06", "30 November – 6 December 2026", "2026年11月30日—12月6日"),
            ("2026-12-28", "2027-01-03", "28 December 2026 – 3 January 2027", "2026年12月28日—2027年1月3日"),
            ("2028-02-01", "2028-02-29", "February 2028", "2028年2月"),
            ("2026-11-20", "2026-11-20", "20 November 2026", "2026年11月20日"),
        ] {
            let in_words = |tag| Locale::of_language(tag).period(day(first), day(last));
            assert_eq!((in_words("en"), in_words("zh")), (english.to_owned(), chinese.to_owned()));
        }
        let korean = Locale::of_language("ko").period(day("2026-11-16"), day("2026-11-22"));
        assert_eq!(korean, "2026년 11월 16일~22일");
    }

    #[test]
    fn every_language_names_the_publication() {
        for tag in ["en", "zh", "zh-TW", "ja", "ko"] {
            let locale = Locale::of_language(tag);
            assert!(locale.why("周刊").contains("周刊") && locale.subscribe("周刊").contains("周刊"), "{tag}");
        }
    }
}

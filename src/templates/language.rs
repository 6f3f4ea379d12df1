//! The languages into which the fixed texts of emails and pages are translated.

/// A language with fixed texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `en`, and every language without a translation.
    English,
    /// `zh`, unless it is written in traditional characters.
    SimplifiedChinese,
    /// `zh-Hant`, `zh-TW`, `zh-HK`, `zh-MO`.
    TraditionalChinese,
    /// `ja`
    Japanese,
    /// `ko`
    Korean,
}

impl Language {
    /// The language of a BCP 47 tag.
    pub fn of(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let mut subtags = tag.split(['-', '_']);
        match subtags.next() {
            Some("zh") if subtags.any(|subtag| matches!(subtag, "hant" | "tw" | "hk" | "mo")) => {
                Self::TraditionalChinese
            }
            Some("zh") => Self::SimplifiedChinese,
            Some("ja") => Self::Japanese,
            Some("ko") => Self::Korean,
            _ => Self::English,
        }
    }

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::SimplifiedChinese => "zh-Hans",
            Self::TraditionalChinese => "zh-Hant",
            Self::Japanese => "ja",
            Self::Korean => "ko",
        }
    }
}

//! The writing direction of languages and texts (Unicode UAX #9, rules P2 and P3).

/// The direction in which a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

impl Direction {
    /// The direction of a language, by its BCP 47 tag.
    pub fn of_language(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        match tag.split(['-', '_']).next() {
            Some("ar" | "he" | "fa" | "ur" | "yi" | "ps" | "sd" | "ug" | "dv") => Self::Rtl,
            _ => Self::Ltr,
        }
    }

    /// The direction of the first letter of a text; `None` if it has none.
    pub fn of_text(text: &str) -> Option<Self> {
        let letter = text.chars().find(|c| c.is_alphabetic())?;
        Some(if is_right_to_left(letter) { Self::Rtl } else { Self::Ltr })
    }

    /// The value of the HTML attribute `dir`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// Whether a letter has the bidirectional class R or AL: Hebrew, Arabic, Syriac, Thaana, NKo, and the blocks reserved for others.
pub fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_decides() {
        for (text, expected) in [
            ("1. “Hi” שלום", Some(Direction::Ltr)),
            ("(2) שלום, world", Some(Direction::Rtl)),
            ("مرحبا", Some(Direction::Rtl)),
            ("潮汐", Some(Direction::Ltr)),
            ("12 – 13 ٣", None),
        ] {
            assert_eq!(Direction::of_text(text), expected, "{text}");
        }
        assert_eq!(["ar-EG", "he", "zh"].map(|tag| Direction::of_language(tag).as_str()), ["rtl", "rtl", "ltr"]);
    }
}

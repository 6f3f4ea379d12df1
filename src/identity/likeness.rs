//! How alike two issues are: whether their titles are the same, and how much of their text.
//!
//! Takes title and body; returns 72 hexadecimal digits, which `feeds.lock` stores. The title is hashed to 32 bits. The text
//! is sketched by one-permutation minhash: 64 bins of 4 bits estimate the Jaccard similarity of all runs of five
//! characters, with a mean error of 0.03. Only letters and digits count. The hashes must never change.

use std::fmt;
use std::str::FromStr;

/// Number of characters in a shingle.
const SHINGLE_CHARS: usize = 5;
const BINS: usize = 64;
/// The number of values of a bin; 0 is an empty one.
const VALUES: u64 = 15;
/// Bins in use from about 100 shingles on. Shorter texts may be equal by chance, such as a template nobody filled in.
const MIN_BINS_OF_LONG_TEXT: usize = 50;

/// The likeness of an issue, as `feeds.lock` records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// Its title.
    pub title: TitleHash,
    /// Its body.
    pub text: TextSketch,
}

/// Hash of a title, ignoring case, width, spaces and punctuation. 0 if nothing else is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TitleHash(u32);

/// Sketch of a text: the smallest hash of each bin, reduced to 4 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSketch([u8; BINS]);

impl TitleHash {
    /// The hash of a title.
    pub fn of(title: &str) -> Self {
        let mut hash = None;
        each_letter(title, |letter| hash = Some(mix(hash.unwrap_or_default() ^ letter)));
        Self(hash.map_or(0, |hash| u32::try_from(hash >> 32).unwrap_or_default().max(1)))
    }

    /// Whether the titles are the same, and say something.
    pub fn is_same(self, other: Self) -> bool {
        self.0 != 0 && self == other
    }
}

impl TextSketch {
    /// The sketch of a body.
    pub fn of(body: &str) -> Self {
        let mut least = [u64::MAX; BINS];
        // A rolling polynomial of the last letters.
        let (mut shingle, mut rolling) = ([0_u64; SHINGLE_CHARS], 0_u64);
        let leaving = MULTIPLIER.wrapping_pow(SHINGLE_CHARS as u32);
        let mut at = 0;
        each_letter(body, |letter| {
            let oldest = std::mem::replace(&mut shingle[at % SHINGLE_CHARS], letter);
            at += 1;
            rolling = rolling.wrapping_mul(MULTIPLIER).wrapping_add(letter).wrapping_sub(oldest.wrapping_mul(leaving));
            if at >= SHINGLE_CHARS {
                let hash = mix(rolling);
                let bin = &mut least[(hash >> 58) as usize];
                *bin = (*bin).min(hash);
            }
        });
        Self(least.map(|hash| if hash == u64::MAX { 0 } else { u8::try_from(1 + hash % VALUES).unwrap_or(1) }))
    }

    /// The estimated Jaccard similarity of two texts, between 0 and 1.
    pub fn similarity(&self, other: &Self) -> f64 {
        let used = self.0.iter().zip(&other.0).filter(|pair| *pair != (&0, &0));
        let (all, equal) = used.fold((0_u32, 0_u32), |(all, equal), (a, b)| (all + 1, equal + u32::from(a == b)));
        if all == 0 {
            return 0.0;
        }
        let chance = 1.0 / VALUES as f64;
        ((f64::from(equal) / f64::from(all) - chance) / (1.0 - chance)).max(0.0)
    }

    /// Whether the text is long enough to be compared by itself.
    pub fn is_long(&self) -> bool {
        self.0.iter().filter(|bin| **bin != 0).count() >= MIN_BINS_OF_LONG_TEXT
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.title.0)?;
        self.text.0.iter().try_for_each(|bin| write!(f, "{bin:x}"))
    }
}

impl FromStr for Likeness {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(());
        let (title, text) = text.split_at_checked(8).ok_or(())?;
        if text.len() != BINS || !title.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        let mut bins = [0; BINS];
        for (bin, byte) in bins.iter_mut().zip(text.bytes()) {
            *bin = digit(byte)?;
        }
        Ok(Self { title: TitleHash(u32::from_str_radix(title, 16).map_err(drop)?), text: TextSketch(bins) })
    }
}

/// Calls `each` with the letters and digits of a text in lower case; full-width ones as ASCII.
fn each_letter(text: &str, mut each: impl FnMut(u64)) {
    for letter in text.chars() {
        let narrow = match letter {
            // Unified ideographs, most of a Chinese text, are letters without case: no table needs to be searched.
            '\u{4e00}'..='\u{9fff}' => {
                each(u64::from(u32::from(letter)));
                continue;
            }
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
            letter => letter,
        };
        if narrow.is_ascii_alphanumeric() {
            each(u64::from(u32::from(narrow.to_ascii_lowercase())));
        } else if narrow.is_alphanumeric() {
            narrow.to_lowercase().for_each(|letter| each(u64::from(u32::from(letter))));
        }
    }
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: every bit of the input changes half of those of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(MULTIPLIER);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of this many different words.
    fn words(range: std::ops::Range<u32>) -> String {
        range.map(|number| format!("{} ", mix(u64::from(number)))).collect()
    }

    fn similarity(one: &str, other: &str) -> f64 {
        TextSketch::of(one).similarity(&TextSketch::of(other))
    }

    #[test]
    fn titles_are_compared_by_letters_and_digits() {
        let same = |one: &str, other: &str| TitleHash::of(one).is_same(TitleHash::of(other));
        assert!(same("Spring tides, 2026!", " spring  TIDES 2026"));
        assert!(same("潮汐 ２０２６", "潮汐2026"));
        assert!(!same("Spring tides 2026", "Spring tides 2027"));
        assert!(!same("?!", "…"), "titles without letters are never the same");
    }

    #[test]
    fn the_similarity_is_close_to_the_exact_one() {
        let text = words(0..400);
        assert!((similarity(&text, &text) - 1.0).abs() < 1e-9);
        assert!((similarity(&text, &text.to_uppercase().replace(' ', "\n\n")) - 1.0).abs() < 1e-9);
        assert!(similarity(&text, &words(400..800)) < 0.2);
        // Half of each text is the same: a third of the union.
        let third = similarity(&words(0..400), &words(200..600));
        assert!((0.13..0.53).contains(&third), "{third}");
        assert!(similarity(&text, &text.replacen(&text[..6], "corrected", 1)) > 0.9);
        assert!(similarity("", "").abs() < 1e-9);
    }

    #[test]
    fn a_long_text_has_about_a_hundred_shingles() {
        assert!(!TextSketch::of("TODO: write this down one day").is_long());
        assert!(TextSketch::of(&words(0..12)).is_long());
    }

    #[test]
    fn unified_ideographs_are_letters_without_case() {
        let is_letter = |c: char| c.is_alphanumeric() && c.to_lowercase().eq([c]);
        assert!(('\u{4e00}'..='\u{9fff}').all(is_letter));
    }

    #[test]
    fn the_text_round_trips_and_never_changes() {
        let likeness = Likeness { title: TitleHash::of("Neap tide"), text: TextSketch::of("The sea rests.") };
        let text = likeness.to_string();
        assert_eq!(text, "f9b3089a0c000000000000000000000400070000000000070100000000000b0d00000000");
        assert_eq!(text.parse(), Ok(likeness));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('0', "g"), "潮汐", &format!("+{}", &text[1..])]
        {
            assert_eq!(wrong.parse::<Likeness>(), Err(()), "{wrong}");
        }
    }
}

//! One response of an IMAP server: lines of text with the literals between them.
//!
//! Takes what `stream` has read; returns what a caller asks of it. Everything unknown is left out, as RFC 9051 section 2.2.2
//! requires.

/// A response: text, and a literal behind every text but the last.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Response {
    /// The text before each literal, without its `{length}`, and the text after the last one.
    pub texts: Vec<String>,
    pub literals: Vec<Vec<u8>>,
}

impl Response {
    /// Whether it is `* WORD …`.
    pub fn is_untagged(&self, word: &str) -> bool {
        let first = self.texts.first().and_then(|text| text.strip_prefix("* ")).unwrap_or_default();
        first.split(' ').next().unwrap_or_default().eq_ignore_ascii_case(word)
    }

    /// The length of its texts and literals together.
    pub fn bytes(&self) -> usize {
        self.texts.iter().map(String::len).chain(self.literals.iter().map(Vec::len)).sum()
    }

    /// Whether the server waits for the rest of a command.
    pub fn is_continuation(&self) -> bool {
        self.texts.first().is_some_and(|text| text.starts_with('+'))
    }

    /// What follows the tag, if this completes its command: `OK …`, `NO …` or `BAD …`.
    pub fn completion(&self, tag: &str) -> Option<String> {
        let rest = self.texts.first()?.strip_prefix(tag)?.strip_prefix(' ')?;
        let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(format!("{} {text}", word.to_ascii_uppercase()).trim_end().to_owned())
    }

    /// The text without the `* ` in front, on one line.
    pub fn text(&self) -> String {
        let text = self.texts.join(" ");
        text.strip_prefix("* ").unwrap_or(&text).to_owned()
    }

    /// UID and content of a message that was fetched; a message without content is empty.
    pub fn into_fetched(mut self) -> Option<(u32, Vec<u8>)> {
        let words = self.texts.first()?.strip_prefix("* ")?.split_once(' ')?.1;
        if !words.get(..6)?.eq_ignore_ascii_case("FETCH ") {
            return None;
        }
        let all = self.texts.join(" ").to_ascii_uppercase();
        let (_, uid) = all.split_once("UID ")?;
        let uid = uid.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?;
        if !all.contains("BODY[]") {
            return None;
        }
        Some((uid, if self.literals.is_empty() { Vec::new() } else { self.literals.swap_remove(0) }))
    }
}

/// The numbers in a response to SEARCH.
pub(super) fn uids_of_search(response: &Response) -> Vec<u32> {
    if !response.is_untagged("SEARCH") {
        return Vec::new();
    }
    response.text().split(' ').filter_map(|word| word.parse().ok()).collect()
}

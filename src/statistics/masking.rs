//! Masks addresses in server replies, for public pages.
//!
//! Takes a reply and the recipient's address; returns the reply with `…` in place of every address, and of the recipient's
//! local part wherever it is a separate word. In doubt it masks too much.

use crate::email::EmailAddress;

/// Replaces an address.
const MASK: &str = "…";

/// Returns `words` without addresses.
pub fn masked(words: &str, recipient: Option<&EmailAddress>) -> String {
    let local_part = recipient.map_or("", EmailAddress::local_part);
    let mut masked = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        masked.push_str(&if contains_address(token) { MASK.into() } else { mask_name(token, local_part) });
        let next = after.find(|letter| !is_delimiter(letter)).unwrap_or(after.len());
        masked.push_str(&after[..next]);
        rest = &after[next..];
    }
    // A quoted local part may contain spaces.
    if !local_part.is_empty() && masked.contains(local_part) { mask_name(&masked, local_part) } else { masked }
}

/// Delimiters of addresses.
fn is_delimiter(letter: char) -> bool {
    letter.is_whitespace() || "<>()[]{},;\"'".contains(letter)
}

/// Whether it contains `@`, or one of its encodings in URLs and return addresses.
fn contains_address(token: &str) -> bool {
    let token = token.to_ascii_lowercase();
    token.contains(['@', '＠']) || ["%40", "=40", "&#64", "&#x40"].iter().any(|at| token.contains(at))
}

/// Masks a name that is a separate word, ignoring ASCII case.
fn mask_name(token: &str, name: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric();
    let (mut masked, mut copied, mut from) = (String::new(), 0, 0);
    while let Some((start, end)) = found(token, name, from) {
        let stands_alone = !token[..start].chars().next_back().is_some_and(is_part)
            && !token[end..].chars().next().is_some_and(is_part);
        if stands_alone {
            masked.push_str(&token[copied..start]);
            masked.push_str(MASK);
            copied = end;
        }
        from = end;
    }
    masked.push_str(&token[copied..]);
    masked
}

/// Finds a name from this byte on, ignoring ASCII case.
fn found(text: &str, name: &str, from: usize) -> Option<(usize, usize)> {
    let starts = text[from..].char_indices().map(|(at, _)| from + at);
    let is_there = |start: &usize| {
        text.as_bytes().get(*start..start + name.len()).is_some_and(|part| part.eq_ignore_ascii_case(name.as_bytes()))
    };
    starts
        .filter(|start| !name.is_empty() && text.is_char_boundary(start + name.len()))
        .find(is_there)
        .map(|start| (start, start + name.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(words: &str) -> String {
        masked(words, Some(&"maren.solvik@example.org".parse().unwrap()))
    }

    #[test]
    fn addresses_and_the_name_are_masked() {
        for (words, expected) in [
            ("5.1.1 <maren.solvik@example.org>: User unknown", "5.1.1 <…>: User unknown"),
            ("5.1.1 maren.solvik@example.org... No such user", "5.1.1 … No such user"),
            ("No mailbox Maren.Solvik here", "No mailbox … here"),
            ("see https://example.org/?to=maren.solvik%40example.org now", "see … now"),
            ("rejected (other@example.net), ask postmaster@example.org", "rejected (…), ask …"),
            ("account:maren.solvik is full", "account:… is full"),
            ("written to outbox/neap/maren.solvik@example.org.eml", "written to …"),
            ("5.2.2 Over quota", "5.2.2 Over quota"),
        ] {
            assert_eq!(of(words), expected);
        }
    }

    #[test]
    fn a_short_name_masks_no_parts_of_words() {
        assert_eq!(masked("a mailbox at all", Some(&"a@example.org".parse().unwrap())), "… mailbox at all");
    }

    proptest! {
        #[test]
        fn no_address_is_left(before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let shown = of(&format!("{before} maren.solvik@example.org {after}"));
            prop_assert!(!shown.contains('@'), "{shown}");
            let shown = of(&format!("{before} maren.solvik {after}"));
            prop_assert!(!shown.contains(" maren.solvik "), "{shown}");
        }
    }
}

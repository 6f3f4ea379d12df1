//! Takes addresses out of what servers say, for pages that anybody may read.
//!
//! Takes the words of a server and the address they were said about; gives the words with `…` in place of every address,
//! and of the recipient's name wherever it stands by itself. In doubt too much is taken out.

use crate::email::EmailAddress;

/// What stands in place of an address.
const MASK: &str = "…";

/// The words without addresses.
pub fn masked(words: &str, recipient: Option<&EmailAddress>) -> String {
    let local_part = recipient.map_or("", EmailAddress::local_part);
    let mut shown = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let end = rest.find(is_between).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        shown.push_str(&if holds_address(token) { MASK.into() } else { without(token, local_part) });
        let next = after.find(|letter| !is_between(letter)).unwrap_or(after.len());
        shown.push_str(&after[..next]);
        rest = &after[next..];
    }
    // A quoted name has blanks in it.
    if !local_part.is_empty() && shown.contains(local_part) { without(&shown, local_part) } else { shown }
}

/// What addresses are written between.
fn is_between(letter: char) -> bool {
    letter.is_whitespace() || "<>()[]{},;\"'".contains(letter)
}

/// `@`, and the ways it is written in URLs and return addresses.
fn holds_address(token: &str) -> bool {
    let token = token.to_ascii_lowercase();
    token.contains(['@', '＠']) || ["%40", "=40", "&#64", "&#x40"].iter().any(|at| token.contains(at))
}

/// A token without a name that stands by itself in it, be it in other case.
fn without(token: &str, name: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric();
    let (mut shown, mut copied, mut from) = (String::new(), 0, 0);
    while let Some((start, end)) = found(token, name, from) {
        let stands_alone = !token[..start].chars().next_back().is_some_and(is_part)
            && !token[end..].chars().next().is_some_and(is_part);
        if stands_alone {
            shown.push_str(&token[copied..start]);
            shown.push_str(MASK);
            copied = end;
        }
        from = end;
    }
    shown.push_str(&token[copied..]);
    shown
}

/// Where a name is found from that byte on, whatever the case of its ASCII letters.
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
    fn addresses_and_the_name_are_taken_out() {
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
    fn a_short_name_takes_out_no_parts_of_words() {
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

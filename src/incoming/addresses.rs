//! Addresses in header fields and in running text.
//!
//! Takes text; returns addresses that are valid, in their order. Which of them is a recipient is left to others.

use crate::email::EmailAddress;

/// The addresses of a field: what is in angle brackets, or else whatever is an address. Display names are left out.
pub(super) fn of_field(value: &str) -> Vec<EmailAddress> {
    let bracketed = value.split('<').skip(1).filter_map(|part| part.split_once('>')?.0.parse().ok());
    let bracketed: Vec<EmailAddress> = bracketed.collect();
    match (bracketed.is_empty(), value.trim().parse()) {
        (false, _) => bracketed,
        (true, Ok(address)) => vec![address],
        (true, Err(_)) => in_text(value).map(|(_, address)| address).collect(),
    }
}

/// The addresses in running text, each with its place in bytes. Local parts are ASCII here: nothing else parts them from the
/// words of a language without spaces.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = (usize, EmailAddress)> + '_ {
    text.match_indices('@').filter_map(|(at, _)| {
        let local = text[..at].rfind(|c: char| !is_of_local_part(c)).map_or(0, |place| place + width(text, place));
        let local = local + text[local..at].find(|c: char| c.is_ascii_alphanumeric() || c == '_')?;
        let domain = &text[at + 1..];
        let end = domain.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(domain.len());
        let domain = domain[..end].trim_end_matches(['.', '-']);
        let address: EmailAddress = text.get(local..at + 1 + domain.len())?.parse().ok()?;
        address.domain().contains('.').then_some((local, address))
    })
}

fn width(text: &str, place: usize) -> usize {
    text[place..].chars().next().map_or(1, char::len_utf8)
}

fn is_of_local_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

//! Authors in feeds: separates name and email address, which readers would otherwise guess.

use crate::content::html::urls;
use crate::email::EmailAddress;
use crate::feed::Person;
use crate::feed::text::{plain, without_reference_lookalikes};
use crate::publication::Author;

impl Person {
    /// `None` if no name is left without characters that XML forbids. Splits `Name <address>`; an address alone is
    /// named by its local part.
    pub(super) fn new(author: &Author) -> Option<Self> {
        let (name, address) = split(&plain(&author.name));
        let email = author.email.clone().or(address);
        (!name.is_empty()).then(|| Self {
            name: without_reference_lookalikes(&name),
            email: email.map(|email| email.as_str().to_owned()),
            url: author.url.as_ref().filter(|url| urls::is_web_address(url)).map(urls::encode),
        })
    }
}

/// Separates a name from the first address in it.
fn split(text: &str) -> (String, Option<EmailAddress>) {
    const AROUND: [char; 11] = ['<', '>', '(', ')', '[', ']', ',', ';', ':', '"', '\''];
    if !text.contains('@') {
        return (text.to_owned(), None);
    }
    let spaced = text.replace('<', " <");
    let is_address = |word: &&str| {
        word.trim_matches(AROUND).split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
    };
    let (addresses, words): (Vec<&str>, Vec<&str>) = spaced.split_whitespace().partition(is_address);
    let address =
        addresses.iter().find_map(|word| word.trim_matches(AROUND).trim_start_matches("mailto:").parse().ok());
    let before_at =
        || addresses.first().and_then(|word| word.trim_matches(AROUND).split('@').next()).unwrap_or_default();
    let name = if words.is_empty() { before_at().to_owned() } else { words.join(" ") };
    (name, address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_no_addresses() {
        for (text, name, email) in [
            ("Ann <ann@example.org>", "Ann", Some("ann@example.org")),
            ("安<ann@example.org>", "安", Some("ann@example.org")),
            ("ann@example.org (Ann B)", "(Ann B)", Some("ann@example.org")),
            ("ann@example.org", "ann", Some("ann@example.org")),
            ("潮ann@example.org", "潮ann", Some("潮ann@example.org")),
            ("mail: ann@, or bob@example..org", "mail: ann@, or", None),
            ("Ann @ann", "Ann @ann", None),
            ("Ann <B> & Co", "Ann <B> & Co", None),
            ("R&D2 &#0; Q&A", "R&\u{2060}D2 &\u{2060}#0; Q&A", None),
        ] {
            let person = Person::new(&Author { name: text.into(), email: None, url: None }).unwrap();
            assert_eq!((person.name.as_str(), person.email.as_deref()), (name, email));
        }
    }
}

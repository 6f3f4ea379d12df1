//! Names of authors as people write them: `[Ann Example](https://ann.example.org) (Sea Labs), [Bo Example](…)`.
//!
//! Takes the text of an author field; returns its people with their links. Splits a list only where
//! every part is a whole name: `Acme, Inc.` and `Research and Development` are one author.

/// A person of a byline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person<'a> {
    pub name: String,
    pub link: Option<&'a str>,
}

/// The people in the text, in order; `、` always separates them.
pub(super) fn people(text: &str) -> Vec<Person<'_>> {
    let parts = text.split('、').flat_map(parts);
    parts.map(person).filter(|person| !person.name.is_empty()).collect()
}

/// Splits at commas, semicolons and `and`, outside brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' | '<' => depth += 1,
            ']' | ')' | '>' => depth = depth.saturating_sub(1),
            ',' | ';' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    let is_list = !parts.is_empty();
    match [" and ", " & "].iter().find_map(|and| last.rsplit_once(and)) {
        Some((before, after)) => parts.extend([before.trim(), after.trim()]),
        None => parts.push(last.strip_prefix("and ").unwrap_or(last)),
    }
    parts.retain(|part| !part.is_empty());
    let are_names = parts.iter().all(|part| part.contains("](") || is_list && is_full_name(part));
    if are_names { parts } else { vec![text] }
}

/// Two to four words that begin like names.
fn is_full_name(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| !word.starts_with('('));
    let starts_well = |word: &str| word.chars().next().is_some_and(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let particles = ["af", "bin", "da", "de", "del", "den", "der", "di", "dos", "la", "le", "ten", "van", "von"];
    (2..=4).contains(&words.clone().count()) && words.clone().all(|word| starts_well(word) || particles.contains(&word))
}

/// `[name](link)` with what is said about the person behind it, or a name.
fn person(text: &str) -> Person<'_> {
    let text = text.trim();
    if let Some((name, rest)) = text.strip_prefix('[').and_then(|text| text.split_once("](")) {
        let link = rest[..end_of_link(rest)].split_whitespace().next();
        return Person { name: plain(name), link };
    }
    Person { name: plain(text), link: None }
}

/// Where the parenthesis around a link closes.
fn end_of_link(text: &str) -> usize {
    let mut depth = 0_usize;
    let closes = |c: char| {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return true,
            ')' => depth -= 1,
            _ => {}
        }
        false
    };
    text.find(closes).unwrap_or(text.len())
}

/// Without the asterisks of emphasis around it, and with characters instead of HTML references, as in titles.
fn plain(name: &str) -> String {
    let name = name.trim();
    let stripped = name.trim_matches('*').trim();
    html_escape::decode_html_entities(if stripped.contains('*') { name } else { stripped }).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |person: Person<'_>| {
            let link = person.link.map(|link| format!(" {link}")).unwrap_or_default();
            person.name + &link
        };
        people(text).into_iter().map(show).collect()
    }

    #[test]
    fn people_are_found() {
        for (text, expected) in [
            ("[Ann Example](https://ann.example) (Sea Labs)", vec!["Ann Example https://ann.example"]),
            ("[Ann](https://a.example/x(1)) (Labs, Inc.), [Bo B](/bo)", vec!["Ann https://a.example/x(1)", "Bo B /bo"]),
            ("[Ann](/a) and [Bo](/b)", vec!["Ann /a", "Bo /b"]),
            ("Ann Example, Bo Example and Cy van Example", vec!["Ann Example", "Bo Example", "Cy van Example"]),
            ("Ann Example, Bo Example, and Cy Example", vec!["Ann Example", "Bo Example", "Cy Example"]),
            ("**Ann**", vec!["Ann"]),
            ("甲、乙", vec!["甲", "乙"]),
            ("Fish &amp; Co", vec!["Fish & Co"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn one_author_stays_one() {
        for text in [
            "Acme, Inc.",
            "Research and Development",
            "Smith, John",
            "Tides & Winds",
            "The Ann and Bo Fund",
            "Department of Health, Education and Welfare",
            "SOFA 团队",
            "Ann [Sea]",
        ] {
            assert_eq!(shown(text), [text]);
        }
    }
}

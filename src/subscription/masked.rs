//! What messages show of a list: enough to find the place, but no address.

/// The beginning of a text, with each address in it masked.
pub(super) fn masked(text: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 60;
    let parts = text.split_inclusive(|char: char| char.is_whitespace() || ";,<>()\"".contains(char));
    let mask = |part: &str| match part.rsplit_once('@') {
        Some((local, domain)) => format!("{}...@{domain}", local.chars().take(1).collect::<String>()),
        None => part.to_owned(),
    };
    let mut shown = String::new();
    for part in parts {
        shown.push_str(&mask(part));
        if shown.len() > MAX_SHOWN_CHARS {
            break;
        }
    }
    let shown: String = shown.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    if shown.chars().count() <= MAX_SHOWN_CHARS {
        return shown;
    }
    shown.chars().take(MAX_SHOWN_CHARS).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        for (text, shown) in [
            ("maren@example.org", "m...@example.org"),
            ("a.b@x.example; cd@y.example", "a...@x.example; c...@y.example"),
            ("Maren <maren@example.org>,lin@example.org", "Maren <m...@example.org>,l...@example.org"),
            ("ab@cd@example.org", "a...@example.org"),
            ("no address", "no address"),
            ("李@例え.jp", "李...@例え.jp"),
            ("on\ntwo lines", "on two lines"),
            ("", ""),
        ] {
            assert_eq!(masked(text), shown);
        }
        assert_eq!(masked(&format!("a@{}", "x".repeat(200_000))).chars().count(), 61);
    }
}

//! The part of a greeting that identifies a server and its version.
//!
//! Takes the text of the 220 reply (RFC 5321 4.2) and drops what changes between connections. What is trusted because
//! of it is left to `delivery`.

/// The maximum length of the result.
const MAX_CHARS: usize = 200;

const DAYS_AND_MONTHS: [&str; 19] = [
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
    "oct", "nov", "dec",
];

/// The greeting without dates, times and session ids. Host names, program names and versions such as `4.96` stay.
pub fn stable_part(greeting: &str) -> String {
    let words = greeting.split_ascii_whitespace().filter(|word| is_stable(word));
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_CHARS).collect()
}

fn is_stable(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    if DAYS_AND_MONTHS.contains(&word.to_ascii_lowercase().as_str()) {
        return false;
    }
    // A version or a name contains dots. `14:43:44`, `2026`, `+0000` and `d9443c01a7336-2a0` do not.
    !word.contains(|c: char| c.is_ascii_digit()) || word.contains('.') && !word.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_between_connections_is_dropped() {
        for (greeting, expected) in [
            ("mail.example.org ESMTP Postfix (Debian/GNU)", "mail.example.org ESMTP Postfix (Debian/GNU)"),
            ("mx ESMTP Exim 4.96 Sun, 29 Nov 2026 14:43:44 +0000", "mx ESMTP Exim 4.96"),
            (
                "mx ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2+deb12u2; Sun, 29 Nov 2026 14:41:23 GMT; (No UCE/UBE)",
                "mx ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2+deb12u2; GMT; (No UCE/UBE)",
            ),
            ("mx.example.com ESMTP d9443c01a7336-2a0f42a1b2csi1234567 - gsmtp", "mx.example.com ESMTP - gsmtp"),
            ("", ""),
        ] {
            assert_eq!(stable_part(greeting), expected);
        }
        assert_eq!(stable_part(&"é".repeat(900)).chars().count(), MAX_CHARS);
    }
}

//! The extensions of a server: the lines of its reply to EHLO (RFC 5321 4.1.1.1).
//!
//! An unknown keyword is ignored; a malformed one counts as not offered.

/// The extensions of a server that this program uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    /// STARTTLS: RFC 3207.
    pub(super) starttls: bool,
    /// The best way to log in that this program knows.
    pub(super) login: Option<Mechanism>,
    /// Content with bytes above 127: RFC 6152.
    pub(super) eight_bit_mime: bool,
    /// International addresses and headers: RFC 6531.
    pub(super) smtputf8: bool,
    /// Wishes about reports: RFC 3461.
    pub(super) dsn: bool,
    /// Commands in groups: RFC 2920.
    pub(super) pipelining: bool,
    /// The message size in MAIL: RFC 1870.
    pub(super) size: bool,
    /// The maximum size of a message in bytes, if the server states it.
    pub(super) max_bytes: Option<usize>,
}

/// An AUTH mechanism: RFC 4954.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Name and password in one response: RFC 4616.
    Plain,
    /// One after the other, when asked.
    Login,
}

impl Extensions {
    /// Parses the lines of the reply; the first names the server.
    pub(super) fn read<'line>(lines: impl Iterator<Item = &'line str>) -> Self {
        let mut extensions = Self::default();
        for line in lines.skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or("").to_ascii_uppercase().as_str() {
                "STARTTLS" => extensions.starttls = true,
                "AUTH" => extensions.login = mechanism(words).or(extensions.login),
                "8BITMIME" => extensions.eight_bit_mime = true,
                "SMTPUTF8" => extensions.smtputf8 = true,
                "DSN" => extensions.dsn = true,
                "PIPELINING" => extensions.pipelining = true,
                "SIZE" => {
                    extensions.size = true;
                    // 0 means no fixed limit: RFC 1870 4.
                    extensions.max_bytes = words.next().and_then(|most| most.parse().ok()).filter(|most| *most > 0);
                }
                _ => (),
            }
        }
        extensions
    }
}

/// The best of the offered mechanisms.
fn mechanism<'word>(mut offered: impl Iterator<Item = &'word str> + Clone) -> Option<Mechanism> {
    let plain = offered.clone().any(|word| word.eq_ignore_ascii_case("PLAIN")).then_some(Mechanism::Plain);
    plain.or_else(|| offered.any(|word| word.eq_ignore_ascii_case("LOGIN")).then_some(Mechanism::Login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_case_insensitive_and_the_first_line_is_none() {
        let read = |text: &str| Extensions::read(text.split('|'));
        let none = Extensions::default();
        assert_eq!(read("mail.example.org|pipelining"), Extensions { pipelining: true, ..none });
        assert_eq!(read("PIPELINING|STARTTLS-SOON|X-PIPELINING"), none);
        assert_eq!(read("a|AUTH CRAM-MD5 login"), Extensions { login: Some(Mechanism::Login), ..none });
        assert_eq!(read("a|AUTH LOGIN PLAIN|AUTH"), Extensions { login: Some(Mechanism::Plain), ..none });
        assert_eq!(read("a|SIZE 1000"), Extensions { size: true, max_bytes: Some(1000), ..none });
        assert_eq!(read("a|Dsn"), Extensions { dsn: true, ..none });
        for unlimited in ["a|SIZE", "a|SIZE 0", "a|size many"] {
            assert_eq!(read(unlimited), Extensions { size: true, ..none }, "{unlimited}");
        }
        assert_eq!(read(""), none);
    }
}

//! What a server said it can do: the lines of its reply to EHLO (RFC 5321 4.1.1.1).
//!
//! Takes the lines, gives what the mail transaction goes by. An unknown keyword means nothing; one that is written
//! wrong counts as not offered.

/// Extensions of a server, as far as this program uses them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    /// TLS may begin: RFC 3207.
    pub(super) starttls: bool,
    /// How to log in, the best way this program knows.
    pub(super) login: Option<Mechanism>,
    /// The content may hold bytes above 127: RFC 6152.
    pub(super) eight_bit_mime: bool,
    /// Addresses and headers may be international: RFC 6531.
    pub(super) smtputf8: bool,
    /// Commands may be sent in groups: RFC 2920.
    pub(super) pipelining: bool,
    /// MAIL may name the size of the message: RFC 1870.
    pub(super) size: bool,
    /// The most bytes a message may have, where the server says so.
    pub(super) max_bytes: Option<usize>,
}

/// A way to log in: RFC 4954.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Name and password at once: RFC 4616.
    Plain,
    /// One after the other, as asked.
    Login,
}

impl Extensions {
    /// Reads the lines of the reply; the first names the server.
    pub(super) fn read<'line>(lines: impl Iterator<Item = &'line str>) -> Self {
        let mut extensions = Self::default();
        for line in lines.skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or("").to_ascii_uppercase().as_str() {
                "STARTTLS" => extensions.starttls = true,
                "AUTH" => extensions.login = mechanism(words).or(extensions.login),
                "8BITMIME" => extensions.eight_bit_mime = true,
                "SMTPUTF8" => extensions.smtputf8 = true,
                "PIPELINING" => extensions.pipelining = true,
                "SIZE" => {
                    extensions.size = true;
                    // 0 means that there is no fixed limit: RFC 1870 4.
                    extensions.max_bytes = words.next().and_then(|most| most.parse().ok()).filter(|most| *most > 0);
                }
                _ => (),
            }
        }
        extensions
    }
}

/// The best of the mechanisms offered.
fn mechanism<'word>(mut offered: impl Iterator<Item = &'word str> + Clone) -> Option<Mechanism> {
    let plain = offered.clone().any(|word| word.eq_ignore_ascii_case("PLAIN")).then_some(Mechanism::Plain);
    plain.or_else(|| offered.any(|word| word.eq_ignore_ascii_case("LOGIN")).then_some(Mechanism::Login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_the_servers_name_is_none() {
        let read = |text: &str| Extensions::read(text.split('|'));
        let none = Extensions::default();
        assert_eq!(read("mail.example.org|pipelining"), Extensions { pipelining: true, ..none });
        assert_eq!(read("PIPELINING|STARTTLS-SOON|X-PIPELINING"), none);
        assert_eq!(read("a|AUTH CRAM-MD5 login"), Extensions { login: Some(Mechanism::Login), ..none });
        assert_eq!(read("a|AUTH LOGIN PLAIN|AUTH"), Extensions { login: Some(Mechanism::Plain), ..none });
        assert_eq!(read("a|SIZE 1000"), Extensions { size: true, max_bytes: Some(1000), ..none });
        for unlimited in ["a|SIZE", "a|SIZE 0", "a|size many"] {
            assert_eq!(read(unlimited), Extensions { size: true, ..none }, "{unlimited}");
        }
        assert_eq!(read(""), none);
    }
}

//! Searches bytes for an address: in a list, a message or a database file.

use std::io::{self, Read};

use memchr::memchr_iter;

use crate::email::EmailAddress;

/// Bytes that are searched at a time.
const WINDOW_BYTES: u64 = 1 << 20;

impl EmailAddress {
    /// Whether the bytes contain the address in UTF-8, with ASCII letters in any case, and the domain as A-labels or U-labels. It may
    /// be part of a longer address.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn occurs_in(&self, mut bytes: impl Read) -> io::Result<bool> {
        let spellings = self.spellings();
        let longest = spellings.iter().map(String::len).max().unwrap_or_default();
        let mut window = Vec::new();
        loop {
            // An address may begin at the end of the last window.
            window.drain(..window.len().saturating_sub(longest));
            if (&mut bytes).take(WINDOW_BYTES).read_to_end(&mut window)? == 0 {
                return Ok(false);
            }
            if spellings.iter().any(|spelling| contains(&window, spelling)) {
                return Ok(true);
            }
        }
    }

    fn spellings(&self) -> Vec<String> {
        let (unicode, _) = idna::domain_to_unicode(self.domain());
        let mut spellings = vec![self.text.clone(), self.key()];
        for local_part in [self.local_part().to_owned(), self.local_part().to_lowercase()] {
            spellings.push(format!("{local_part}@{unicode}"));
        }
        spellings.sort();
        spellings.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        spellings
    }
}

fn contains(bytes: &[u8], address: &str) -> bool {
    let Some(at) = address.rfind('@') else { return false };
    let at_position = |found: usize| {
        let start = found.checked_sub(at)?;
        bytes.get(start..start + address.len()).filter(|part| part.eq_ignore_ascii_case(address.as_bytes()))
    };
    memchr_iter(b'@', bytes).any(|found| at_position(found).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurs_in(address: &str, bytes: &[u8]) -> bool {
        address.parse::<EmailAddress>().unwrap().occurs_in(bytes).unwrap()
    }

    #[test]
    fn an_address_is_found_in_any_case_and_anywhere() {
        assert!(occurs_in("maren@example.org", b"\0maren@example.orgMaren"));
        assert!(occurs_in("Maren@example.org", b"@@ MAREN@EXAMPLE.ORG"));
        assert!(occurs_in("maren@xn--r8jz45g.jp", "<maren@例え.jp>".as_bytes()));
        assert!(occurs_in("Ünal@example.org", "ünal@example.org".as_bytes()));
        assert!(!occurs_in("maren@example.org", b"maren@example.com, aren@example.org, maren"));
        assert!(!occurs_in("maren@example.org", b""));
    }

    #[test]
    fn an_address_is_found_across_two_windows() {
        let address = b"maren@example.org";
        for before in (WINDOW_BYTES as usize - address.len() - 1)..=WINDOW_BYTES as usize + 1 {
            let bytes = [vec![b'@'; before], address.to_vec()].concat();
            assert!(occurs_in("maren@example.org", &bytes), "{before}");
        }
    }
}

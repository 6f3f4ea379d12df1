//! Finding an address among bytes: in a file, be it a list, a letter or a database.

use std::io::{self, Read};

use memchr::memchr_iter;

use crate::email::EmailAddress;

/// So many bytes are looked at together.
const TOGETHER: u64 = 1 << 20;

impl EmailAddress {
    /// Whether the address stands among these bytes: in UTF-8, its ASCII letters in any case, its domain as A-labels or in
    /// the letters of its language. It may be a part of a longer one.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn occurs_in(&self, mut bytes: impl Read) -> io::Result<bool> {
        let spellings = self.spellings();
        let longest = spellings.iter().map(String::len).max().unwrap_or_default();
        let mut window = Vec::new();
        loop {
            // What began at the end of the last window ends in this one.
            window.drain(..window.len().saturating_sub(longest));
            if (&mut bytes).take(TOGETHER).read_to_end(&mut window)? == 0 {
                return Ok(false);
            }
            if spellings.iter().any(|spelling| holds(&window, spelling)) {
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

fn holds(bytes: &[u8], address: &str) -> bool {
    let Some(at) = address.rfind('@') else { return false };
    let is_there = |found: usize| {
        let start = found.checked_sub(at)?;
        bytes.get(start..start + address.len()).filter(|part| part.eq_ignore_ascii_case(address.as_bytes()))
    };
    memchr_iter(b'@', bytes).any(|found| is_there(found).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurs_in(address: &str, bytes: &[u8]) -> bool {
        address.parse::<EmailAddress>().unwrap().occurs_in(bytes).unwrap()
    }

    #[test]
    fn an_address_is_found_in_any_case_and_wherever_it_stands() {
        assert!(occurs_in("maren@example.org", b"\0maren@example.orgMaren"));
        assert!(occurs_in("Maren@example.org", b"@@ MAREN@EXAMPLE.ORG"));
        assert!(occurs_in("maren@xn--r8jz45g.jp", "<maren@例え.jp>".as_bytes()));
        assert!(occurs_in("Ünal@example.org", "ünal@example.org".as_bytes()));
        assert!(!occurs_in("maren@example.org", b"maren@example.com, aren@example.org, maren"));
        assert!(!occurs_in("maren@example.org", b""));
    }

    #[test]
    fn an_address_is_found_where_two_windows_meet() {
        let address = b"maren@example.org";
        for before in (TOGETHER as usize - address.len() - 1)..=TOGETHER as usize + 1 {
            let bytes = [vec![b'@'; before], address.to_vec()].concat();
            assert!(occurs_in("maren@example.org", &bytes), "{before}");
        }
    }
}

//! Sets of bytes: the characters that stay as they are in a URL.

/// ASCII letters and digits, and some other bytes.
#[derive(Debug)]
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// Letters, digits, and these signs.
    pub const fn alphanumeric_and(signs: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            set[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < signs.len() {
            set[signs[at] as usize] = true;
            at += 1;
        }
        Self(set)
    }

    /// Whether it contains a byte.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }

    /// Whether it contains each byte of a text.
    pub fn contains_all(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.contains(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_the_signs_are_in_it() {
        static SET: ByteSet = ByteSet::alphanumeric_and(b"-\xff");
        let is_expected = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == 0xff;
        assert!((0..=u8::MAX).all(|byte| SET.contains(byte) == is_expected(byte)));
        assert!(SET.contains_all("a-0") && SET.contains_all("") && !SET.contains_all("a b"));
    }
}

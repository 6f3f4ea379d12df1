//! Hexadecimal encoding, for hashes and random numbers in files, headers and addresses.

/// Encodes the bytes as lower-case hexadecimal digits, two per byte.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digits = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex([0x00, 0x0a, 0xff]), "000aff");
    }
}

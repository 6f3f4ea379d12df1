//! The few elements of DER (X.690) that private and public RSA keys consist of.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// The AlgorithmIdentifier `rsaEncryption` with its NULL parameters (RFC 3279 section 2.3.1).
pub(super) const RSA_ENCRYPTION: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// An element of this tag, with the parts one after the other as its content.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let length = &length[content.len().leading_zeros() as usize / 8..];
    let mut der = vec![tag];
    // From 128 on, the length is preceded by its own number of bytes.
    if content.len() >= 0x80 {
        der.push(0x80 | length.len() as u8);
    }
    der.extend(length);
    if content.is_empty() {
        der.push(0);
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(element(OCTET_STRING, &[]), [4, 0]);
        assert_eq!(element(OCTET_STRING, &[b"a", b"b"]), [4, 2, b'a', b'b']);
        assert_eq!(element(OCTET_STRING, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(element(OCTET_STRING, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(element(OCTET_STRING, &[&[0; 1190]])[..4], [4, 0x82, 4, 0xa6]);
    }
}

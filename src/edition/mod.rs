//! The e-mail edition of one issue: HTML, plain text, and the message each recipient gets.

pub mod body;
pub mod header;
pub mod message;
pub mod recipient;

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! `:abbrlink` of posts whose front matter does not have it yet: hexo-abbrlink makes it of the title.
//!
//! Takes a title and the settings; returns a number. The plugin counts on when two posts have the same, which is left out here.

use serde_json::Value;

use crate::content::format::Settings;

/// The link of a title: its CRC-16 or CRC-32, in decimal or hexadecimal digits.
pub(super) fn of(title: &str, settings: &Settings) -> String {
    let setting = |name: &str| settings.get("abbrlink").and_then(|abbrlink| abbrlink.get(name)).and_then(Value::as_str);
    let bytes = title.as_bytes();
    let number = match setting("alg") {
        Some("crc32") => !remainder(bytes, 0xedb8_8320, !0),
        _ => remainder(bytes, 0xa001, 0),
    };
    if setting("rep") == Some("hex") { format!("{number:x}") } else { number.to_string() }
}

/// The remainder of a division by a polynomial whose bits are in reverse.
fn remainder(bytes: &[u8], polynomial: u32, initial: u32) -> u32 {
    bytes.iter().fold(initial, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { polynomial } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_a_checksum_of_the_title() {
        let of = |title: &str, settings: Value| of(title, &Settings::from_iter([("abbrlink".to_owned(), settings)]));
        assert_eq!((of("Ebb", json!({})), of("潮汐 é", json!(null))), ("23737".into(), "7089".into()));
        assert_eq!(of("Ebb", json!({ "alg": "crc32" })), "2103943016");
        assert_eq!(of("潮汐 é", json!({ "alg": "crc32", "rep": "hex" })), "d2286634");
    }
}

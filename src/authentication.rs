//! The DNS records that authenticate a sender: who may send (SPF, RFC 7208), which key signs (DKIM, RFC 6376), and the
//! policy for mail that neither authenticates (DMARC, RFC 7489).
//!
//! Parses the text of records, or says what is wrong in the words of their RFC. Querying the DNS is left to `dns`,
//! interpreting records for this sender to `diagnosis`.

pub mod dkim;
pub mod dmarc;
pub mod spf;
mod tags;

/// A TXT record in zone file syntax: a DNS string has at most 255 bytes (RFC 1035 section 3.3), so a longer record
/// becomes several strings, which receivers join. `name` has no final dot.
pub fn zone_line(name: &str, value: &str) -> String {
    let mut strings = vec![String::new()];
    for letter in value.chars() {
        if strings.last().is_some_and(|last| last.len() + letter.len_utf8() > 255) {
            strings.push(String::new());
        }
        strings.last_mut().into_iter().for_each(|last| last.push(letter));
    }
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let strings: Vec<String> = strings.iter().map(quoted).collect();
    match strings.as_slice() {
        [one] => format!("{name}. IN TXT {one}"),
        several => format!("{name}. IN TXT ( {} )", several.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_is_several_strings() {
        assert_eq!(zone_line("a.example.org", "v=spf1 -all"), "a.example.org. IN TXT \"v=spf1 -all\"");
        let line = zone_line("a", &"x".repeat(300));
        assert_eq!(line, format!("a. IN TXT ( \"{}\" \"{}\" )", "x".repeat(255), "x".repeat(45)));
        assert_eq!(zone_line("a", "\"\\"), r#"a. IN TXT "\"\\""#);
    }
}

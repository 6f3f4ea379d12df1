//! Header fields: of a message, of a returned message, and of the groups of a machine-readable report.
//!
//! Takes text with LF line ends; returns names and unfolded values in their order (RFC 5322 2.2). What a field means is left
//! to others.

use crate::email::EmailAddress;
use crate::incoming::addresses;

/// Fields in their order: names in lower case, values unfolded and trimmed.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// Addresses that are taken from fields: no mail system writes to more.
const MOST_ADDRESSES: usize = 200;

impl Fields {
    /// The fields at the beginning of the text, up to an empty line or to the end. A line that is not a field is left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut is_continued = false;
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut().filter(|_| is_continued) {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                continue;
            }
            let field = field(line);
            is_continued = field.is_some();
            fields.extend(field.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())));
        }
        Self(fields)
    }

    /// The value of the first field with this name, in lower case.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a field with this name, in lower case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The addresses in the fields with these names, each once: in the order of the names, at most 200.
    pub(super) fn addresses(&self, names: &[&str]) -> Vec<EmailAddress> {
        let mut found: Vec<EmailAddress> = Vec::new();
        let values = names.iter().flat_map(|name| self.all(name));
        for address in values.flat_map(addresses::of_field).take(MOST_ADDRESSES) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found
    }
}

/// Name and value of a line that begins a field.
pub(super) fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let is_name = !name.is_empty() && name.len() <= 76 && name.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    is_name.then_some((name, value))
}

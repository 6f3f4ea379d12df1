//! Parses `Name <address>` and `Name <label.example.org>` in the project file.

use crate::edition::{ListId, Mailbox};
use crate::email::{EmailAddress, InvalidAddress};

/// Why a text is not a mailbox.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidMailbox {
    /// There are several.
    #[error("it contains several mailboxes, and only one is possible")]
    Several,
    /// The address is invalid.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
}

/// Parses `Name <address>`, `"Name" <address>` or a bare address.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, InvalidMailbox> {
    if are_several(text) {
        return Err(InvalidMailbox::Several);
    }
    let (name, address) = name_and_angle(text);
    Ok(Mailbox { name, address: address.parse::<EmailAddress>()? })
}

/// Parses `Name <list-id>` or a bare identifier; `None` if the identifier is not dotted ASCII of at most 255
/// characters (RFC 2919 section 3).
pub(super) fn list_id(text: &str) -> Option<ListId> {
    let (name, id) = name_and_angle(text);
    let allowed = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let valid = id.len() <= 255 && id.contains('.') && id.split('.').all(allowed);
    valid.then(|| ListId { name, id: id.to_ascii_lowercase() })
}

/// Whether commas, semicolons or angle brackets outside quotes separate several addresses.
fn are_several(text: &str) -> bool {
    let text = text.replace("\\\"", "");
    let unquoted: String = text.split('"').step_by(2).collect();
    let with_address = unquoted.split([',', ';', '>']).filter(|part| part.contains('@'));
    with_address.count() > 1
}

fn name_and_angle(text: &str) -> (Option<String>, &str) {
    let text = text.trim();
    let Some((name, rest)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return (None, text);
    };
    let name = unquoted(name.trim());
    ((!name.is_empty()).then_some(name), rest.trim())
}

/// The text of a quoted string (RFC 5322 section 3.2.4). Quotes around only a part of the name belong to it.
fn unquoted(name: &str) -> String {
    let inside = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let is_quoted = inside.len() < name.len() && !inside.replace("\\\\", "").replace("\\\"", "").contains('"');
    if is_quoted { inside.replace("\\\"", "\"").replace("\\\\", "\\").trim().to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mailboxes() {
        let full = mailbox("\"周刊, Weekly\" <news@example.org>").unwrap();
        assert_eq!((full.name.as_deref(), full.address.as_str()), (Some("周刊, Weekly"), "news@example.org"));
        assert_eq!(mailbox(" news@example.org ").unwrap().name, None);
        assert!(mailbox("Weekly").is_err());
        assert!(mailbox("Weekly <news@example.org").is_err());
        assert!(mailbox("Tides, Moon & Co <news@example.org>").is_ok());
        assert!(mailbox("\"a@example.org, b@example.org\" <news@example.org>").is_ok());
    }

    #[test]
    fn quotes_inside_a_name_are_kept() {
        for (text, name) in [
            (r#"The "Neap" Tide <news@example.org>"#, r#"The "Neap" Tide"#),
            (r#""Neap" Tide <news@example.org>"#, r#""Neap" Tide"#),
            (r#"Tide "Neap" <news@example.org>"#, r#"Tide "Neap""#),
            (r#""Neap" and "Spring" <news@example.org>"#, r#""Neap" and "Spring""#),
            (r#""The \"Neap\" Tide" <news@example.org>"#, r#"The "Neap" Tide"#),
            (r#"" Tide " <news@example.org>"#, "Tide"),
            (r#""Neap <news@example.org>"#, r#""Neap"#),
        ] {
            assert_eq!(mailbox(text).unwrap().name.as_deref(), Some(name), "{text}");
        }
    }

    #[test]
    fn several_mailboxes_are_refused() {
        for text in [
            "a@example.org, b@example.org",
            "A <a@example.org>, B <b@example.org>",
            "A <a@example.org>; b@example.org",
            "A <a@example.org> B <b@example.org>",
        ] {
            assert_eq!(mailbox(text), Err(InvalidMailbox::Several), "{text}");
        }
    }

    #[test]
    fn a_list_id_is_dotted_ascii() {
        let id = list_id("周刊 <Weekly.example.org>").unwrap();
        assert_eq!((id.name.as_deref(), id.id.as_str()), (Some("周刊"), "weekly.example.org"));
        assert_eq!(list_id("weekly"), None);
        assert_eq!(list_id("Weekly <a b.example.org>"), None);
    }
}

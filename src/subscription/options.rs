//! The user's options about a list: its columns, the meaning of its status values, its encoding.
//!
//! Parsed from the flags of `subscribers import` and from `mail.subscribers`. `layout` applies them to a header, and
//! checks whether the columns exist.

use encoding_rs::Encoding;

use crate::subscriber::Status;

/// Options about a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Columns by their content.
    pub columns: Columns,
    /// The meaning of status values.
    pub states: Vec<Meaning>,
    /// Columns to keep as attributes, which are not the status.
    pub keep: Vec<String>,
    /// The status of everyone in the list, whatever its columns say.
    pub whole_list: Option<Status>,
    /// Its encoding, if it is not UTF-8 and has no byte order mark.
    pub encoding: Option<&'static Encoding>,
    /// Where the options come from.
    pub source: OptionSource,
}

/// Headers of columns by their content.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// The address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The status: one column, or several that can each deactivate.
    pub status: Vec<String>,
}

/// A status value and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The value in the list; `*` stands for every other value, an empty text for an empty cell.
    pub word: String,
    /// Its meaning.
    pub status: Status,
}

/// Where options come from, so that messages name flags or keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OptionSource {
    /// On the command line.
    #[default]
    Flags,
    /// Below `mail.subscribers` in the project file.
    ProjectFile,
}

impl Columns {
    /// Sets the column of `what`: `email`, `name` or `status`.
    ///
    /// # Errors
    /// If it is another word.
    pub fn set(&mut self, what: &str, column: &str) -> Result<(), String> {
        match what {
            "email" => self.email = Some(column.to_owned()),
            "name" => self.name = Some(column.to_owned()),
            "status" => self.status.push(column.to_owned()),
            _ => return Err(format!("there is no `{what}`; use email, name or status")),
        }
        Ok(())
    }
}

/// Parses `STATUS=VALUE,…`, such as `active=1,left=2`. A part without `=` belongs to the value before it.
///
/// # Errors
/// If there is no `=`, or a status is unknown.
pub fn meanings(text: &str) -> Result<Vec<Meaning>, String> {
    let mut meanings: Vec<Meaning> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), meanings.last_mut()) {
            (Some((status, word)), _) => {
                meanings.push(Meaning { word: word.trim().to_owned(), status: status_of(status)? })
            }
            (None, Some(last)) => last.word = format!("{},{part}", last.word),
            (None, None) => return Err("use STATUS=VALUE, such as `active=1,left=2`".to_owned()),
        }
    }
    Ok(meanings)
}

/// Parses a status, or `left` for unsubscribed.
///
/// # Errors
/// If it is another word.
pub fn status_of(word: &str) -> Result<Status, String> {
    let word = word.trim().to_lowercase();
    let status = if word == "left" { Some(Status::Unsubscribed) } else { Status::from_word(&word) };
    status
        .ok_or_else(|| format!("there is no status `{word}`; use one of {}, or left for unsubscribed", Status::words()))
}

/// The encoding with this name, such as `gb18030` or `windows-1252` (the labels of the WHATWG Encoding Standard).
///
/// # Errors
/// If there is no such encoding.
pub fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let found = Encoding::for_label_no_replacement(name.trim().as_bytes());
    found.ok_or_else(|| "there is no such encoding; try gb18030, big5, shift_jis, euc-kr or windows-1252".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_are_parsed() {
        let meaning = |word: &str, status| Meaning { word: word.to_owned(), status };
        let parsed = meanings("active=1, LEFT=2,left=opted, out,bounced=a=b,active=,suppressed=*").unwrap();
        let expected = [
            meaning("1", Status::Active),
            meaning("2", Status::Unsubscribed),
            meaning("opted, out", Status::Unsubscribed),
            meaning("a=b", Status::Bounced),
            meaning("", Status::Active),
            meaning("*", Status::Suppressed),
        ];
        assert_eq!(parsed, expected);
        assert!(meanings("1").is_err());
        assert!(meanings("gone=1").unwrap_err().contains("`gone`"));
    }
}

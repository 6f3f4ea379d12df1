//! What a person says about a list: which column is what, what its words mean, how it is encoded.
//!
//! Parsed from the flags of `subscribers import` and from `mail.subscribers`; `layout` applies it to a header. Whether the
//! columns exist is left to that.

use encoding_rs::Encoding;

use crate::subscriber::Status;

/// What is said about a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Columns by what they hold.
    pub columns: Columns,
    /// What the words of the column of the status mean.
    pub states: Vec<Meaning>,
    /// Columns to keep as attributes, which say nothing about the status.
    pub keep: Vec<String>,
    /// The status of everybody in the list, whatever its columns say.
    pub whole_list: Option<Status>,
    /// Its encoding, where it is not UTF-8 and has no byte order mark.
    pub encoding: Option<&'static Encoding>,
    /// Where the person says it.
    pub source: OptionSource,
}

/// Columns by what they hold, by their headers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// The address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The status: one column, or several of which one alone takes somebody away.
    pub status: Vec<String>,
}

/// A word in the column of the status, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The word as the list has it; `*` stands for every other word, and nothing for a blank cell.
    pub word: String,
    /// What it means.
    pub status: Status,
}

/// Where a person says what a list means, so that messages speak of flags or of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OptionSource {
    /// On the command line.
    #[default]
    Flags,
    /// Below `mail.subscribers` in the project file.
    ProjectFile,
}

impl Columns {
    /// CellRule which column holds `what`: `email`, `name` or `status`.
    ///
    /// # Errors
    /// When it is another word.
    pub fn set(&mut self, what: &str, column: &str) -> Result<(), String> {
        match what {
            "email" => self.email = Some(column.to_owned()),
            "name" => self.name = Some(column.to_owned()),
            "status" => self.status.push(column.to_owned()),
            _ => return Err(format!("there is no `{what}`: it is one of email, name, status")),
        }
        Ok(())
    }
}

/// Parses `WORD=VALUE,…`, such as `active=1,left=2`. A part without `=` belongs to the value before it.
///
/// # Errors
/// When there is no `=`, or a word is not that of a status.
pub fn meanings(text: &str) -> Result<Vec<Meaning>, String> {
    let mut meanings: Vec<Meaning> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), meanings.last_mut()) {
            (Some((status, word)), _) => {
                meanings.push(Meaning { word: word.trim().to_owned(), status: status_of(status)? })
            }
            (None, Some(last)) => last.word = format!("{},{part}", last.word),
            (None, None) => return Err("write STATUS=VALUE, such as `active=1,left=2`".to_owned()),
        }
    }
    Ok(meanings)
}

/// The status of a word: its own, or `left`.
///
/// # Errors
/// When it is another word.
pub fn status_of(word: &str) -> Result<Status, String> {
    let word = word.trim().to_lowercase();
    let status = if word == "left" { Some(Status::Unsubscribed) } else { Status::from_word(&word) };
    status.ok_or_else(|| {
        format!("there is no status `{word}`: it is one of {}, or left for unsubscribed", Status::words())
    })
}

/// The encoding of a name, such as `gb18030` or `windows-1252` (the labels of the WHATWG Encoding Standard).
///
/// # Errors
/// When there is none of that name.
pub fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let found = Encoding::for_label_no_replacement(name.trim().as_bytes());
    found.ok_or_else(|| "there is no such encoding; try gb18030, big5, shift_jis, euc-kr or windows-1252".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_words_mean_is_read() {
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

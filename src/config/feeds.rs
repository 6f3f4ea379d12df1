//! What is written below `feeds`: families and archives, from their names.
//!
//! Takes a value as written; gives what it means, or why it means nothing. Where it stands is left to `resolve`.

use std::num::NonZeroUsize;

use crate::config::raw::RawArchive;
use crate::config::{Archive, Family};

pub(super) const FAMILY_HELP: &str = "write `categories`, `tags`, `authors`, or a list of them";
pub(super) const ARCHIVE_HELP: &str = "write `year`, a number of issues such as 50, or `off`";

/// A family by its name.
pub(super) fn family(name: &str) -> Result<Family, String> {
    Family::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| format!("`{name}`"))
}

/// No archives unless they are asked for: they cost the text of every issue.
pub(super) fn archive(raw: Option<&RawArchive>) -> Result<Archive, String> {
    match raw {
        None | Some(RawArchive::Truth(false)) => Ok(Archive::Off),
        Some(RawArchive::Number(number)) => {
            NonZeroUsize::new(*number).map(Archive::Every).ok_or_else(|| "an archive holds 1 issue or more".to_owned())
        }
        Some(RawArchive::Word(word)) if word == "off" => Ok(Archive::Off),
        Some(RawArchive::Word(word)) if word == "year" => Ok(Archive::Yearly),
        Some(RawArchive::Word(word)) => Err(format!("`{word}`")),
        Some(RawArchive::Truth(true)) => Err("`true`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_archives_go_by_their_names() {
        assert_eq!(family("tags"), Ok(Family::Tags));
        assert_eq!(family("tag"), Err("`tag`".to_owned()));
        let every = |number| NonZeroUsize::new(number).map(Archive::Every).ok_or(String::new());
        assert_eq!(archive(None), Ok(Archive::Off));
        assert_eq!(archive(Some(&RawArchive::Truth(false))), Ok(Archive::Off));
        assert_eq!(archive(Some(&RawArchive::Word("year".to_owned()))), Ok(Archive::Yearly));
        assert_eq!(archive(Some(&RawArchive::Number(50))), every(50));
        for wrong in [RawArchive::Number(0), RawArchive::Truth(true), RawArchive::Word("month".to_owned())] {
            assert!(archive(Some(&wrong)).is_err(), "{wrong:?}");
        }
    }
}

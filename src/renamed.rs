//! Names that changed: commands and their flags, keys of the project file, rules of `check`.
//!
//! An old name still works, with a warning that names the new one. `cli` rewrites old commands with this table, `config`
//! old keys and rules. Old names appear nowhere else: no help, no completion and no document shows them.

use std::ffi::{OsStr, OsString};

use crate::finding::Finding;

/// What has another name now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A command, or a command with one of its flags.
    Command,
    /// A key of the project file, with the keys above it.
    Key,
    /// A rule of `check`.
    Rule,
}

/// An old name and its new one.
#[derive(Debug, PartialEq, Eq)]
pub struct Renamed {
    /// What was renamed.
    pub kind: Kind,
    /// The name it had.
    pub old: &'static str,
    /// The name it has.
    pub new: &'static str,
}

/// Every name that changed.
pub const RENAMED: &[Renamed] = &[
    // The value of the old flag is the argument of the new command.
    Renamed { kind: Kind::Command, old: "doctor --dkim-key", new: "key dkim" },
    Renamed { kind: Kind::Command, old: "doctor --secret", new: "key secret" },
    Renamed { kind: Kind::Key, old: "mail.canary.most_failures", new: "mail.canary.max_failures" },
    Renamed { kind: Kind::Rule, old: "front-matter-open", new: "front-matter-unclosed" },
    Renamed { kind: Kind::Rule, old: "repeated", new: "duplicate-issue" },
    Renamed { kind: Kind::Rule, old: "page-taken", new: "page-conflict" },
    Renamed { kind: Kind::Rule, old: "cover-no-picture", new: "cover-not-image" },
    Renamed { kind: Kind::Rule, old: "history", new: "git-history" },
    Renamed { kind: Kind::Rule, old: "shortcode-wrong", new: "shortcode-invalid" },
    Renamed { kind: Kind::Rule, old: "cover-pasted", new: "cover-markdown" },
    Renamed { kind: Kind::Rule, old: "title-blank", new: "title-empty" },
    Renamed { kind: Kind::Rule, old: "title-repeated", new: "title-duplicate" },
    Renamed { kind: Kind::Rule, old: "html-left-out", new: "html-dropped" },
    Renamed { kind: Kind::Rule, old: "emphasis-left", new: "emphasis-literal" },
    Renamed { kind: Kind::Rule, old: "link-left", new: "link-literal" },
    Renamed { kind: Kind::Rule, old: "characters-damaged", new: "characters-invalid" },
    Renamed { kind: Kind::Rule, old: "characters-misread", new: "mojibake" },
    Renamed { kind: Kind::Rule, old: "leave-missing", new: "unsubscribe-recommended" },
    Renamed { kind: Kind::Rule, old: "from-free", new: "from-freemail" },
    Renamed { kind: Kind::Rule, old: "subject-answers", new: "subject-fake-reply" },
    Renamed { kind: Kind::Rule, old: "link-deceives", new: "link-misleading" },
    Renamed { kind: Kind::Rule, old: "link-number", new: "link-ip-address" },
    Renamed { kind: Kind::Rule, old: "mail-leave", new: "mail-unsubscribe" },
];

impl Renamed {
    /// The entry for an old name.
    pub fn of(kind: Kind, old: &str) -> Option<&'static Self> {
        RENAMED.iter().find(|renamed| renamed.kind == kind && renamed.old == old)
    }

    /// The warning that names the new name.
    pub fn warning(&self) -> Finding {
        let Self { old, new, .. } = self;
        Finding::warning("renamed", format!("`{old}` is now called `{new}`")).help(format!("write `{new}`"))
    }
}

/// Rewrites a command line that uses an old command or flag; the first argument is the program's name. `None` if it uses
/// none.
pub fn rewrite(arguments: &[OsString]) -> Option<(Vec<OsString>, &'static Renamed)> {
    let commands = RENAMED.iter().filter(|renamed| renamed.kind == Kind::Command);
    commands.filter_map(|renamed| Some((rewritten(arguments, renamed)?, renamed))).next()
}

fn rewritten(arguments: &[OsString], renamed: &Renamed) -> Option<Vec<OsString>> {
    let (old, old_flag) = command_and_flag(renamed.old);
    let (new, new_flag) = command_and_flag(renamed.new);
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let mut result = arguments.to_vec();
    if let Some(old_flag) = old_flag {
        let (at, value) = arguments[..end].iter().enumerate().find_map(|(at, argument)| {
            let value = argument.to_str()?.strip_prefix(old_flag)?;
            value.is_empty().then_some((at, None)).or_else(|| Some((at, Some(value.strip_prefix('=')?))))
        })?;
        let replacement = match (new_flag, value) {
            (Some(flag), None) => vec![flag.to_owned()],
            (Some(flag), Some(value)) => vec![format!("{flag}={value}")],
            (None, value) => value.into_iter().map(str::to_owned).collect(),
        };
        result.splice(at..=at, replacement.into_iter().map(OsString::from));
    }
    // The words of a command follow one another, with options between them at most.
    let mut from = 1;
    let mut positions = Vec::new();
    for word in &old {
        let found = result.iter().skip(from).position(|argument| argument == OsStr::new(word))? + from;
        positions.push(found);
        from = found + 1;
    }
    positions.iter().rev().for_each(|at| drop(result.remove(*at)));
    let at = *positions.first()?;
    result.splice(at..at, new.into_iter().map(OsString::from));
    Some(result)
}

/// The words of a command, and the flag after them if there is one.
fn command_and_flag(name: &str) -> (Vec<&str>, Option<&str>) {
    let (flags, words): (Vec<&str>, Vec<&str>) = name.split(' ').partition(|word| word.starts_with('-'));
    (words, flags.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    fn rewritten_by(old: &'static str, new: &'static str, line: &str) -> Option<String> {
        let renamed = Renamed { kind: Kind::Command, old, new };
        let rewritten = rewritten(&words(line), &renamed)?;
        Some(rewritten.join(OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn an_old_command_or_flag_is_replaced_where_it_is() {
        for (old, new, line, expected) in [
            ("doctor --key", "key dkim", "slugline doctor --key a.pem --json", "slugline key dkim a.pem --json"),
            ("doctor --key", "key dkim", "slugline --dir d doctor --key=a.pem", "slugline --dir d key dkim a.pem"),
            ("send --old", "send --new", "slugline send --old=3 neap", "slugline send --new=3 neap"),
            ("store keep", "store abort", "slugline store --json keep --lost", "slugline store abort --json --lost"),
        ] {
            assert_eq!(rewritten_by(old, new, line).as_deref(), Some(expected));
        }
    }

    #[test]
    fn other_command_lines_are_left_alone() {
        for line in ["slugline doctor", "slugline send --key a", "slugline doctor --keys a", "slugline doctor -- --key"]
        {
            assert_eq!(rewritten_by("doctor --key", "key dkim", line), None, "{line}");
        }
    }

    #[test]
    fn an_old_name_is_listed_once_and_no_new_name_is_old() {
        for Renamed { kind, old, new } in RENAMED {
            assert_eq!(RENAMED.iter().filter(|other| other.kind == *kind && other.old == *old).count(), 1, "{old}");
            assert_eq!(Renamed::of(*kind, new), None, "{new}");
        }
    }
}

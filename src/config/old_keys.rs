//! Old keys of the project file: they are read as the keys they are called now, each with a warning at its line.
//!
//! Takes the text and the key that was not known; returns the text with the new key, as `renamed` lists it.

use crate::finding::{Finding, Place};
use crate::renamed::{Kind, Renamed};

/// The text with the key at `keys` (`mail.canary.wait`), which serde found at `line` or after it, under its new name.
pub(super) fn rewritten(path: &str, text: &str, keys: &str, line: usize) -> Option<(String, Finding)> {
    let renamed = Renamed::of(Kind::Key, keys)?;
    let (old, new) = (last(renamed.old), last(renamed.new));
    let line_start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = position(text, line_start, old).or_else(|| position(text, 0, old))?;
    let warning = renamed.warning().at(Place::in_text(path, text, at)).over(old.chars().count());
    Some((format!("{}{new}{}", &text[..at], &text[at + old.len()..]), warning))
}

fn last(keys: &str) -> &str {
    keys.rsplit('.').next().unwrap_or(keys)
}

/// Where `key` is used as a key, from a byte on.
fn position(text: &str, from: usize, key: &str) -> Option<usize> {
    let is_key = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start_matches(' ');
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_') && after.starts_with(':')
    };
    text[from..].match_indices(key).map(|(at, _)| from + at).find(|at| is_key(*at))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::renamed::{Kind, RENAMED};

    /// A project file that uses a key, in block style or on one line.
    fn project_file(keys: &str, value: &str, block: bool) -> String {
        let keys: Vec<&str> = keys.split('.').collect();
        let mut text = "title: T\nbase_url: https://example.org\n".to_owned();
        for (depth, key) in keys.iter().enumerate() {
            let is_last = depth + 1 == keys.len();
            let opening = if depth == 0 || block { format!("{}{key}:", "  ".repeat(depth)) } else { format!("{key}:") };
            let is_mail = depth == 0 && *key == "mail";
            text.push_str(&match (is_last, block) {
                (true, _) => format!("{opening} {value}"),
                (false, true) if is_mail => format!("{opening}\n  from: a@example.org\n"),
                (false, true) => format!("{opening}\n"),
                (false, false) if is_mail => format!("{opening} {{from: a@example.org, "),
                (false, false) => format!("{opening} {{"),
            });
        }
        if !block {
            text.push_str(&"}".repeat(keys.len() - 1));
        }
        text + "\n"
    }

    #[test]
    fn every_old_key_is_read_as_the_new_one_with_a_warning_at_its_line() {
        for renamed in RENAMED.iter().filter(|renamed| renamed.kind == Kind::Key) {
            for block in [true, false] {
                let [old, new] = [renamed.old, renamed.new]
                    .map(|keys| Config::parse("slugline.yaml", &project_file(keys, "7%", block)).unwrap());
                let [warning] = old.warnings.as_slice() else { panic!("{:?}", old.warnings) };
                assert_eq!((warning.rule, warning.message.contains(renamed.new)), ("renamed", true));
                let source = warning.place.as_ref().and_then(|place| place.source.clone()).unwrap();
                assert!(source.contains(super::last(renamed.old)), "{source}");
                assert_eq!(Config { warnings: Vec::new(), ..old }, new, "{} means something else", renamed.old);
            }
        }
    }
}

//! The position of a key in the text of a YAML file, for findings about its value.
//!
//! Takes the text in block style. It does not parse YAML, and returns `None` for a key it cannot find (flow style, anchors);
//! the finding then names only the file.

/// Line and column (from 1) of the value of a nested key, such as `["mail", "from"]`.
pub(super) fn of_value(text: &str, keys: &[&str]) -> Option<(usize, usize)> {
    let mut from = 0;
    let mut deeper_than = None;
    let mut found = None;
    for key in keys {
        let (index, indent, column) = key_line(text, from, deeper_than, key)?;
        from = index + 1;
        deeper_than = Some(indent);
        found = Some((index + 1, column));
    }
    found
}

/// Line and column (from 1) of `key` at `line` or, failing that, on the nearest line after it that begins with it.
pub(super) fn of_key_near(text: &str, line: usize, key: &str) -> Option<(usize, usize)> {
    let begins = |candidate: &&(usize, &str)| name_and_value(candidate.1).is_some_and(|(name, _)| name == key);
    let lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    let after = lines.iter().filter(|(index, _)| index + 1 >= line).find(begins);
    let (index, found) = after.or_else(|| lines.iter().find(begins))?;
    Some((index + 1, indent_of(found) + 1))
}

/// Index, indent and column of the value of the first `key:` from line `from` on, in the block that begins there: deeper than
/// `deeper_than`, or at the margin if it is `None`.
fn key_line(text: &str, from: usize, deeper_than: Option<usize>, key: &str) -> Option<(usize, usize, usize)> {
    let mut block = None;
    for (index, line) in text.lines().enumerate().skip(from) {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = indent_of(line);
        if deeper_than.is_some_and(|outer| indent <= outer) {
            return None;
        }
        if indent != *block.get_or_insert(if deeper_than.is_none() { 0 } else { indent }) {
            continue;
        }
        if let Some((name, value)) = name_and_value(line)
            && name.eq_ignore_ascii_case(key)
        {
            let before_value = line.chars().count() - value.chars().count();
            return Some((index, indent, before_value + 1));
        }
    }
    None
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Splits `key: value` or `key = value` (TOML), without quotes around the key.
fn name_and_value(line: &str) -> Option<(&str, &str)> {
    let at = line.find([':', '='])?;
    let name = line[..at].trim().trim_matches(['"', '\'']);
    Some((name, line[at + 1..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# from: no\ntitle: T\nfeeds:\n  limit: x\nmail:\n  # from\n  from: 信 <a>\n  list:\n    from: deep\n";

    #[test]
    fn finds_nested_values() {
        assert_eq!(of_value(TEXT, &["title"]), Some((2, 8)));
        assert_eq!(of_value(TEXT, &["mail", "from"]), Some((7, 9)));
        assert_eq!(of_value(TEXT, &["mail", "list", "from"]), Some((9, 11)));
        assert_eq!(of_value(TEXT, &["feeds", "from"]), None);
        assert_eq!(of_value(TEXT, &["from"]), None);
    }

    #[test]
    fn finds_a_key_near_a_line() {
        assert_eq!(of_key_near(TEXT, 8, "from"), Some((9, 5)));
        assert_eq!(of_key_near(TEXT, 9, "limit"), Some((4, 3)));
        assert_eq!(of_key_near(TEXT, 1, "nowhere"), None);
    }
}

//! Rewords serde's messages about invalid values for users.
//!
//! Takes a message such as "feeds.limit: invalid type: string \"many\", expected usize"; returns the message and remedy to
//! show. Other messages are returned unchanged.

/// The message and remedy for a value of the wrong type.
pub(super) fn of_value(message: &str) -> (String, Option<String>) {
    let Some((key, problem)) = message.split_once(": ").filter(|(key, _)| is_key(key)) else {
        return (message.to_owned(), None);
    };
    if let Some(variant) = problem.strip_prefix("unknown variant ")
        && let Some((found, expected)) = variant.split_once(", expected ")
    {
        let expected = expected.trim_start_matches("one of ");
        return (format!("`{key}`: there is no {found}"), Some(format!("write {expected}")));
    }
    let wrong = ["invalid type: ", "invalid value: "].iter().find_map(|kind| problem.strip_prefix(kind));
    match wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            let (kind, help) = kind_and_help(expected);
            let what = if is_too_large(found, expected) { "too large".to_owned() } else { format!("not {kind}") };
            (format!("`{key}`: {} is {what}", thing(found)), Some(help.to_owned()))
        }
        None => (format!("`{key}`: {problem}"), None),
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.[]0123456789".contains(&byte))
}

fn is_too_large(found: &str, expected: &str) -> bool {
    matches!(expected, "usize" | "u32" | "u64") && found.starts_with("integer `") && !found.contains('-')
}

/// A description of the value found.
fn thing(found: &str) -> String {
    let quoted =
        found.strip_prefix("string \"").and_then(|text| text.strip_suffix('"')).map(|text| format!("`{text}`"));
    let marked = || found.split('`').nth(1).map(|value| format!("`{value}`"));
    quoted.or_else(marked).unwrap_or_else(|| match found {
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        _ => "nothing".to_owned(),
    })
}

/// A description of the expected value, and how to write it.
fn kind_and_help(expected: &str) -> (&str, &str) {
    match expected {
        "usize" | "u32" | "u64" => ("a whole number from 0 up", "write a number such as 20"),
        "a boolean" => ("`true` or `false`", "write `true` or `false`"),
        "a string" => ("text", "write text, between quotes if it holds `: `, `#` or brackets"),
        _ if expected.starts_with("struct ") => ("a mapping", "write `key: value` lines below it, indented"),
        other => (other, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_common_names() {
        for (said, message, help) in [
            (
                "feeds.limit: invalid type: string \"many, expected x\", expected usize",
                "`feeds.limit`: `many, expected x` is not a whole number from 0 up",
                "write a number such as 20",
            ),
            (
                "feeds.ttl: invalid value: integer `99999999999`, expected u32",
                "`feeds.ttl`: `99999999999` is too large",
                "write a number such as 20",
            ),
            (
                "feeds.stylesheet: invalid type: integer `1`, expected a boolean",
                "`feeds.stylesheet`: `1` is not `true` or `false`",
                "write `true` or `false`",
            ),
            (
                "mail: invalid type: sequence, expected struct RawMail",
                "`mail`: a list is not a mapping",
                "write `key: value` lines below it, indented",
            ),
            (
                "title: invalid type: unit value, expected a string",
                "`title`: nothing is not text",
                "write text, between quotes if it holds `: `, `#` or brackets",
            ),
            (
                "feeds.content: unknown variant `al`, expected `full` or `summary`",
                "`feeds.content`: there is no `al`",
                "write `full` or `summary`",
            ),
        ] {
            assert_eq!(of_value(said), (message.to_owned(), Some(help.to_owned())));
        }
    }

    #[test]
    fn other_messages_are_unchanged() {
        let syntax = "mapping values are not allowed in this context";
        assert_eq!(of_value(syntax), (syntax.to_owned(), None));
        let known = "author: expected a name, or a mapping of name, email and url";
        assert_eq!(of_value(known).0, "`author`: expected a name, or a mapping of name, email and url");
    }
}

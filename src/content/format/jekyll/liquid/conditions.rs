//! Conditions of `if`, `unless` and `when`.
//!
//! Takes the text of a condition and what values are; returns whether it holds, `None` if that depends on what is unknown.

use serde_json::Value;

use crate::content::format::jekyll::liquid::filters::{is_true, text};
use crate::content::format::jekyll::liquid::lexer::words;

/// Whether a condition holds. Like Liquid, `and` and `or` associate to the right.
pub fn holds(condition: &str, value: &dyn Fn(&str) -> Option<Value>) -> Option<bool> {
    let words = words(condition);
    let mut result: Option<Option<bool>> = None;
    let mut end = words.len();
    loop {
        let start = words[..end].iter().rposition(|word| matches!(*word, "and" | "or")).map_or(0, |at| at + 1);
        let one = comparison(&words[start..end], value);
        let operator = words.get(end).copied();
        result = Some(match (result, operator) {
            (Some(rest), Some("and")) => and(one, rest),
            (Some(rest), Some(_)) => and(one.map(|it| !it), rest.map(|it| !it)).map(|it| !it),
            _ => one,
        });
        if start == 0 {
            return result.flatten();
        }
        end = start - 1;
    }
}

fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (one, other) => Some(one? && other?),
    }
}

fn comparison(words: &[&str], value: &dyn Fn(&str) -> Option<Value>) -> Option<bool> {
    match words {
        [] => Some(false),
        [left, operator, right, ..] => compare(left, operator, right, &value(left)?, &value(right)?),
        [one, ..] => Some(is_true(&value(one)?)),
    }
}

fn compare(left_word: &str, operator: &str, right_word: &str, left: &Value, right: &Value) -> Option<bool> {
    let equal = || match (left_word, right_word) {
        (_, "empty" | "blank") => is_empty(left),
        ("empty" | "blank", _) => is_empty(right),
        _ => left == right,
    };
    let order = || match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ if left.is_string() && right.is_string() => text(left).partial_cmp(&text(right)),
        _ => None,
    };
    Some(match operator {
        "==" => equal(),
        "!=" | "<>" => !equal(),
        "contains" => match left {
            Value::Array(items) => items.contains(right),
            Value::String(left) => left.contains(&text(right)),
            _ => false,
        },
        "<" => order().is_some_and(std::cmp::Ordering::is_lt),
        ">" => order().is_some_and(std::cmp::Ordering::is_gt),
        "<=" => order().is_some_and(std::cmp::Ordering::is_le),
        ">=" => order().is_some_and(std::cmp::Ordering::is_ge),
        _ => return None,
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_hold_or_not_or_are_unknown() {
        let value = |word: &str| match word {
            "yes" | "true" => Some(json!(true)),
            "no" | "nil" => Some(json!(null)),
            "list" => Some(json!(["a"])),
            "5" => Some(json!(5)),
            "unknown" => None,
            word => Some(json!(word.trim_matches('\''))),
        };
        for (condition, expected) in [
            ("yes", Some(true)),
            ("no", Some(false)),
            ("", Some(false)),
            ("unknown", None),
            ("unknown or yes", Some(true)),
            ("unknown and no", Some(false)),
            ("unknown and yes", None),
            ("no and yes or yes", Some(false)),
            ("yes or yes and no", Some(true)),
            ("'a' == 'a' and list contains 'a'", Some(true)),
            ("'ab' contains 'b'", Some(true)),
            ("'a'!='b'", Some(true)),
            ("5 >= 5", Some(true)),
            ("5 < 'a'", Some(false)),
            ("no == empty", Some(true)),
            ("list != blank", Some(true)),
            ("no == nil", Some(true)),
            ("5 is 5", None),
        ] {
            assert_eq!(holds(condition, &value), expected, "{condition}");
        }
    }
}

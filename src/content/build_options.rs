//! Hugo's build options: whether a page is in lists, and whether it exists.
//!
//! Takes `build` (before 0.145 `_build`) and `headless`; returns whether readers find the page. Any value but those Hugo
//! knows counts as absent, as in Hugo.

use serde_json::Value;

/// Whether lists contain a page with these options. A page that is not rendered has no address, so it cannot be listed; one
/// with `render: link` has an address that something else serves.
pub fn is_listed(build: Option<&Value>, headless: Option<&Value>) -> bool {
    if headless.is_some_and(is_true) {
        return false;
    }
    let option = |name: &str| {
        let (_, value) = build?.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(match value {
            Value::Bool(false) => "never",
            Value::Number(number) if number.as_i64() == Some(0) => "never",
            Value::Bool(_) | Value::Number(_) => "always",
            value => value.as_str()?,
        })
    };
    let is = |name: &str, values: &[&str]| option(name).is_some_and(|value| values.contains(&value));
    !is("list", &["never", "local", "0"]) && !is("render", &["never", "0"])
}

/// Whether Hugo takes a value for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => ["1", "t", "T", "true", "TRUE", "True"].contains(&text.as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_listed_unless_its_options_forbid_it() {
        for (build, headless, expected) in [
            (json!({}), json!(null), true),
            (json!({"list": "always", "render": "link"}), json!(false), true),
            (json!({"list": "never"}), json!(null), false),
            (json!({"list": "local"}), json!(null), false),
            (json!({"List": false}), json!(null), false),
            (json!({"list": true, "render": true}), json!("false"), true),
            (json!({"render": "never"}), json!(null), false),
            (json!({"render": false}), json!(null), false),
            (json!({"render": "sometimes"}), json!(null), true),
            (json!("never"), json!(null), true),
            (json!({}), json!(true), false),
            (json!({}), json!("true"), false),
        ] {
            assert_eq!(is_listed(Some(&build), Some(&headless)), expected, "{build} {headless}");
        }
        assert!(is_listed(None, None));
    }
}

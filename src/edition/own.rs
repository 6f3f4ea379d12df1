//! The values that most templates show of a recipient, such as `subscriber.name | default("reader", true)`, found
//! without running a template: a message has several, and running one costs more than all else it is made of.
//!
//! Takes the text of an expression; gives what `template` would make of it for a recipient, or nothing where it has to.

use minijinja::HtmlEscape;
use serde_json::Value as Json;

use crate::edition::recipient::{Leave, Recipient};

/// An expression that shows one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    field: Field,
    /// What is shown where there is no such field.
    default: Option<String>,
    /// It is shown for a blank one too.
    or_blank: bool,
    /// It stands in HTML.
    escapes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Address,
    Name,
    Attribute(String),
    Link,
    Url,
    Mailto,
}

impl Own {
    /// The expression in a template whose name ends so, if it is of this kind.
    pub fn parse(expression: &str, end: &str) -> Option<Self> {
        let escapes = match end {
            ".html" => true,
            ".txt" => false,
            _ => return None,
        };
        let (path, filter) = expression.split_once('|').map_or((expression, None), |(path, rest)| (path, Some(rest)));
        let field = Field::parse(path.trim())?;
        let Some(filter) = filter else { return Some(Self { field, default: None, or_blank: false, escapes }) };
        let arguments = filter.trim().strip_prefix("default(")?.strip_suffix(')')?.trim();
        let quote = arguments.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (default, rest) = arguments[1..].split_once(quote)?;
        let or_blank = match rest.trim() {
            "" => false,
            rest => rest.strip_prefix(',')?.trim() == "true",
        };
        let is_plain = !default.contains('\\') && (or_blank || rest.trim().is_empty());
        is_plain.then(|| Self { field, default: Some(default.to_owned()), or_blank, escapes })
    }

    /// What is shown to a recipient; `None` where that has to be left to the template.
    pub fn value(&self, recipient: &Recipient, leave: &Leave) -> Option<String> {
        let default = self.default.as_deref();
        let value = match (&self.field, leave.link()) {
            (Field::Address, _) => recipient.address.as_str(),
            (Field::Name, _) => recipient.name.as_str(),
            (Field::Attribute(name), _) => match recipient.attributes.get(name) {
                Some(Json::String(text)) => text,
                Some(_) => return None,
                None => default?,
            },
            (Field::Link, Some(link)) => link,
            (Field::Url, Some(_)) => leave.url.as_deref()?,
            (Field::Mailto, Some(_)) => leave.mailto.as_deref()?,
            (_, None) => return None,
        };
        let value = default.filter(|_| self.or_blank && value.is_empty()).unwrap_or(value);
        Some(if self.escapes { escaped(value) } else { value.to_owned() })
    }
}

impl Field {
    fn parse(path: &str) -> Option<Self> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match path {
            "subscriber.address" => Some(Self::Address),
            "subscriber.name" => Some(Self::Name),
            "unsubscribe.link" => Some(Self::Link),
            "unsubscribe.url" => Some(Self::Url),
            "unsubscribe.mailto" => Some(Self::Mailto),
            _ => {
                let name = path.strip_prefix("subscriber.attributes.")?;
                is_name(name).then(|| Self::Attribute(name.to_owned()))
            }
        }
    }
}

/// As templates escape, but for single quotes and slashes, which no attribute and no mail needs escaped.
fn escaped(value: &str) -> String {
    match value.contains(['<', '>', '&', '"']) {
        true => unescaped_where_harmless(HtmlEscape(value).to_string()),
        false => value.to_owned(),
    }
}

/// What a template gave, with the single quotes and slashes it has escaped for the sake of scripts.
pub(super) fn unescaped_where_harmless(value: String) -> String {
    if value.contains("&#x") { value.replace("&#x2f;", "/").replace("&#x27;", "'") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_more_than_show_a_field_is_left_to_the_template() {
        for expression in [
            "subscriber",
            "subscriber.other",
            "subscriber.attributes",
            "subscriber.attributes.a.b",
            "subscriber.attributes.a-b",
            "subscriber.attributes['a']",
            "subscriber.name | upper",
            "subscriber.name | default(other)",
            "subscriber.name | default(\"a\" ~ \"b\")",
            "subscriber.name | default(\"a\\n\")",
            "subscriber.name | default(\"a\", false)",
            "subscriber.name | default(\"a\") | upper",
            "subscriber.name or \"reader\"",
        ] {
            assert_eq!(Own::parse(expression, ".html"), None, "{expression}");
        }
        assert_eq!(Own::parse("subscriber.name", ".xml"), None);
    }
}

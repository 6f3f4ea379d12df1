//! Splits a template into what depends on the recipient and what can be rendered once for all.
//!
//! Takes the text of a template; returns it with a placeholder for every `{{ … }}` that names the recipient, and these
//! expressions. A template that does more than show such values (`if`, loops, variables) cannot be split and has to be
//! rendered for each recipient. `template` renders.

/// The variables that depend on the recipient.
const RECIPIENT_VARIABLES: [&str; 2] = ["subscriber", "unsubscribe"];

/// Tags that leave a placeholder unchanged. Blocks such as `filter`, `call`, `macro` and `set` could change it.
const TAGS: [&str; 8] = ["else", "endif", "for", "endfor", "block", "endblock", "extends", "include"];

/// Tags that capture their content as a value: a file with them must not depend on the recipient.
const CAPTURING: [&str; 6] = ["macro", "endmacro", "import", "from", "with", "endwith"];

/// A split template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    /// The text of the template, with a string in place of each expression that depends on the recipient.
    pub source: String,
    /// These expressions in order.
    pub expressions: Vec<String>,
}

/// Splits a template; `placeholder` returns the placeholder of a numbered expression. `None` if the template has to be
/// rendered for each recipient.
pub(super) fn split(source: &str, placeholder: impl Fn(usize) -> String) -> Option<Split> {
    let mut split = Split { source: String::with_capacity(source.len()), expressions: Vec::new() };
    let (mut rest, mut captures) = (source, false);
    while let Some(at) = rest.find('{') {
        split.source.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest.as_bytes().get(1) {
            Some(b'#') => rest.find("#}")? + 2,
            Some(b'%') => end_of(rest, "%}")?,
            Some(b'{') => end_of(rest, "}}")?,
            _ => 1,
        };
        let (whole, after) = rest.split_at(end);
        rest = after;
        if whole.starts_with("{%") {
            let tag = inside(whole).1;
            captures |= is_capturing(tag);
            if !is_harmless(tag) {
                return None;
            }
        }
        if !whole.starts_with("{{") {
            split.source.push_str(whole);
            continue;
        }
        let (open, expression, close) = inside(whole);
        let words = words(expression);
        if words.contains(&"self") || (words.contains(&"super") && expression != "super()") {
            return None;
        }
        if !words.iter().any(|word| RECIPIENT_VARIABLES.contains(word)) {
            split.source.push_str(whole);
            continue;
        }
        let placeholder = placeholder(split.expressions.len());
        split.source.extend([open, " \"", &placeholder, "\" ", close]);
        split.expressions.push(expression.to_owned());
    }
    split.source.push_str(rest);
    (!captures || split.expressions.is_empty()).then_some(split)
}

/// Whether these names, used by an expression, depend on nothing but the recipient.
pub(super) fn depends_on_recipient_only(names: impl IntoIterator<Item = String>) -> bool {
    names.into_iter().all(|name| RECIPIENT_VARIABLES.contains(&name.as_str()))
}

/// Whether a tag leaves placeholders unchanged and does not depend on the recipient. It may ask whether there is an unsubscribe
/// link: that is the same for all.
fn is_harmless(tag: &str) -> bool {
    let words = words(tag);
    let [subscriber, unsubscribe] = RECIPIENT_VARIABLES.map(|own| words.contains(&own));
    match words.first() {
        _ if subscriber => false,
        Some(&("if" | "elif")) => !unsubscribe || !tag.contains(['=', '<', '>', '|', '~', '+', '(', '[', '"', '\'']),
        Some(&"set") => !unsubscribe && tag.contains('='),
        Some(word) => !unsubscribe && (TAGS.contains(word) || CAPTURING.contains(word)),
        None => false,
    }
}

fn is_capturing(tag: &str) -> bool {
    words(tag).first().is_some_and(|word| CAPTURING.contains(word))
}

/// The end of the tag that begins here: after `close`, unless it is inside a string or nested braces.
fn end_of(text: &str, close: &str) -> Option<usize> {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    for (at, byte) in text.bytes().enumerate().skip(2) {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, _) if depth == 0 && text.as_bytes()[at..].starts_with(close.as_bytes()) => {
                return Some(at + close.len());
            }
            (None, b'{') => depth += 1,
            (None, b'}') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The opening of a tag, its content, and its end; `-` and `+` next to the braces belong to these.
fn inside(whole: &str) -> (&str, &str, &str) {
    let is_sign = |byte: u8| matches!(byte, b'-' | b'+');
    let bytes = whole.as_bytes();
    let open = if is_sign(bytes[2]) { 3 } else { 2 };
    let close = whole.len() - if is_sign(bytes[whole.len() - 3]) && whole.len() > open + 2 { 3 } else { 2 };
    (&whole[..open], whole[open..close].trim(), &whole[close..])
}

/// The names in a tag, including words in strings, but not attributes such as `words.unsubscribe`.
fn words(text: &str) -> Vec<&str> {
    let is_other = |c: char| !(c.is_alphanumeric() || c == '_');
    let parts = text.split('.').enumerate();
    parts
        .flat_map(|(index, part)| {
            let is_attribute = index > 0 && part.trim_start().starts_with(|c: char| !is_other(c));
            part.split(is_other).filter(|word| !word.is_empty()).skip(usize::from(is_attribute))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Option<(String, Vec<String>)> {
        split(source, |number| format!("<{number}>")).map(|split| (split.source, split.expressions))
    }

    #[test]
    fn expressions_that_name_the_recipient_are_replaced() {
        let source = "{# {{ subscriber }} #}Hi {{- subscriber.name | default(\"}} reader\", true) -}}, {{ issue.title }}\
                      {% if unsubscribe %}{{ words.unsubscribe }}{{ unsubscribe.link }}{% endif %}{{ {'a': subscriber}.a }} {{ super() }} {";
        let expected = "{# {{ subscriber }} #}Hi {{- \"<0>\" -}}, {{ issue.title }}\
                        {% if unsubscribe %}{{ words.unsubscribe }}{{ \"<1>\" }}{% endif %}{{ \"<2>\" }} {{ super() }} {";
        let (split, expressions) = shown(source).unwrap();
        assert_eq!(split, expected);
        let own = ["subscriber.name | default(\"}} reader\", true)", "unsubscribe.link", "{'a': subscriber}.a"];
        assert_eq!(expressions, own);
    }

    #[test]
    fn macros_are_allowed_without_the_recipient() {
        let source = "{% macro a(x) %}{{ x }}{% endmacro %}{{ a(1) }}";
        assert_eq!(shown(source), Some((source.to_owned(), Vec::new())));
    }

    #[test]
    fn other_uses_of_the_recipient_prevent_a_split() {
        for source in [
            "{% if subscriber.name %}a{% endif %}",
            "{% set name = subscriber.name %}",
            "{% set leave = unsubscribe.link %}",
            "{% if unsubscribe.link == 'a' %}{% endif %}",
            "{% for way in unsubscribe %}{% endfor %}",
            "{% set a %}{{ subscriber.name }}{% endset %}",
            "{% filter upper %}{{ subscriber.name }}{% endfilter %}",
            "{% macro a() %}{{ subscriber.name }}{% endmacro %}",
            "{% autoescape false %}{{ subscriber.name }}{% endautoescape %}",
            "{% raw %}{{ subscriber.name }}{% endraw %}",
            "{% for subscriber in [1] %}{{ subscriber }}{% endfor %}",
            "{{ super() | upper }}",
            "{{ self.title() }}",
            "{{ subscriber.name",
        ] {
            assert_eq!(shown(source), None, "{source}");
        }
    }
}

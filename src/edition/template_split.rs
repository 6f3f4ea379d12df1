//! Which parts of a template are the recipient's own, so that everything else is rendered once for all.
//!
//! Takes the text of a template; gives it with marks in place of every `{{ … }}` that names the recipient, and what
//! stood there. Where a template does more than show such values (asks `if`, loops, sets variables), it says so:
//! then it has to be rendered for each recipient. Rendering is left to `template`.

/// What the recipient's own values are called in templates.
const OWN: [&str; 2] = ["subscriber", "unsubscribe"];

/// Tags through which a mark passes unchanged. `filter`, `call`, `macro`, `set` blocks and their like could change it.
const TAGS: [&str; 8] = ["else", "endif", "for", "endfor", "block", "endblock", "extends", "include"];

/// Tags whose content may be taken for a value: nothing of the recipient's may stand in a file that has them.
const CAPTURING: [&str; 6] = ["macro", "endmacro", "import", "from", "with", "endwith"];

/// A template with marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    /// The text of the template, a string in place of each expression that is the recipient's own.
    pub source: String,
    /// These expressions, in order.
    pub expressions: Vec<String>,
}

/// Splits a template; `mark` gives the mark of the expression of a number. `None` when the template has to be rendered
/// for each recipient.
pub(super) fn split(source: &str, mark: impl Fn(usize) -> String) -> Option<Split> {
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
        if !words.iter().any(|word| OWN.contains(word)) {
            split.source.push_str(whole);
            continue;
        }
        let mark = mark(split.expressions.len());
        split.source.extend([open, " \"", &mark, "\" ", close]);
        split.expressions.push(expression.to_owned());
    }
    split.source.push_str(rest);
    (!captures || split.expressions.is_empty()).then_some(split)
}

/// Whether the words of an expression show that nothing but the recipient decides on its value.
pub(super) fn is_own(names: impl IntoIterator<Item = String>) -> bool {
    names.into_iter().all(|name| OWN.contains(&name.as_str()))
}

/// A tag through which marks pass, and which does not ask who the recipient is. It may ask whether there is a way to leave:
/// that is the same for all.
fn is_harmless(tag: &str) -> bool {
    let words = words(tag);
    let [subscriber, unsubscribe] = OWN.map(|own| words.contains(&own));
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

/// Where a tag ends that begins here: behind `close`, which is not meant in a string or between braces of its own.
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

/// The opening of a tag, what stands in it, and its end; `-` and `+` beside the braces belong to these.
fn inside(whole: &str) -> (&str, &str, &str) {
    let is_sign = |byte: u8| matches!(byte, b'-' | b'+');
    let bytes = whole.as_bytes();
    let open = if is_sign(bytes[2]) { 3 } else { 2 };
    let close = whole.len() - if is_sign(bytes[whole.len() - 3]) && whole.len() > open + 2 { 3 } else { 2 };
    (&whole[..open], whole[open..close].trim(), &whole[close..])
}

/// The names in a tag, words of strings among them; not those of attributes, such as `words.unsubscribe`.
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
    fn what_names_the_recipient_is_cut_out() {
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
    fn macros_may_be_where_the_recipient_is_not() {
        let source = "{% macro a(x) %}{{ x }}{% endmacro %}{{ a(1) }}";
        assert_eq!(shown(source), Some((source.to_owned(), Vec::new())));
    }

    #[test]
    fn what_does_more_than_show_it_is_for_each_recipient() {
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

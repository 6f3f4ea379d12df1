//! The templates in Markdown: `{{ … }}` of Vue, and Liquid or Nunjucks in the pages of Eleventy.
//!
//! Takes a body; returns it without them, with what is known of their values.

use std::ops::Range;

use html_escape::{encode_double_quoted_attribute as escaped, encode_text};
use memchr::memmem;

use crate::content::format::Translated;
use crate::content::format::body::code::{Code, line_at};
use crate::content::format::body::edits::Edits;
use crate::content::format::body::script::string;

/// Translates the expressions of Vue outside code.
pub(super) fn vue(body: &str) -> Translated<'_> {
    if memmem::find(body.as_bytes(), b"{{").is_none() {
        return Translated::unchanged(body);
    }
    let code = Code::of(body, false);
    let mut edits = Edits::new(body);
    let mut copied = 0;
    for at in memmem::find_iter(body.as_bytes(), b"{{") {
        let is_shortcode = body[at + 2..].starts_with(['<', '%', '{']);
        if at < copied || is_shortcode || code.end_around(at).is_some() {
            continue;
        }
        let line = line_at(body, at);
        match memmem::find(line.as_bytes(), b"}}") {
            Some(length) => {
                copied = at + length + 2;
                expression(body, at..copied, &mut edits);
            }
            None => copied = at + line.len(),
        }
    }
    finished(edits)
}

/// Translates the tags of Liquid and Nunjucks, also in code, as Eleventy does.
pub(super) fn eleventy(body: &str) -> Translated<'_> {
    let (bytes, mut at) = (body.as_bytes(), 0);
    let mut edits = Edits::new(body);
    let mut missing = [false; 3];
    let mut unclosed = Vec::new();
    while let Some(found) = memchr::memchr(b'{', &bytes[at..]) {
        at += found;
        let (kind, closing) = match bytes.get(at + 1) {
            Some(b'{') => (0, "}}"),
            Some(b'%') => (1, "%}"),
            Some(b'#') => (2, "#}"),
            _ => {
                at += 1;
                continue;
            }
        };
        let end = if missing[kind] { None } else { memmem::find(&bytes[at + 2..], closing.as_bytes()) };
        let Some(end) = end.map(|end| at + 2 + end + 2) else {
            missing[kind] = true;
            at += 1;
            continue;
        };
        at = match kind {
            0 => {
                expression(body, at..end, &mut edits);
                end
            }
            1 => tag(body, at..end, &mut unclosed, &mut edits),
            _ => {
                edits.remove(at..end);
                end
            }
        };
    }
    finished(edits)
}

fn finished(edits: Edits<'_>) -> Translated<'_> {
    let (markdown, lost) = edits.finish();
    Translated { markdown, lost }
}

/// Replaces `{{ … }}` by its text, if that is written in it.
fn expression(body: &str, range: Range<usize>, edits: &mut Edits<'_>) {
    let inside = body[range.start + 2..range.end - 2].trim_matches(['-', ' ', '\n', '\t']);
    let written = inside.split('|').next().unwrap_or_default().trim();
    match string(written) {
        Some(text) if !text.contains('\n') => edits.replace(range, encode_text(&text)),
        _ => {
            edits.remove(range.clone());
            if !inside.is_empty() {
                edits.lose(range, "an expression in double braces");
            }
        }
    }
}

/// Removes a tag but for what readers see of it; returns where to go on. `unclosed` are the tags whose ends do not follow.
fn tag<'b>(body: &'b str, range: Range<usize>, unclosed: &mut Vec<&'b str>, edits: &mut Edits<'_>) -> usize {
    let inside = body[range.start + 2..range.end - 2].trim_matches(['-', ' ', '\n', '\t']);
    let name = inside.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let end = range.end;
    if matches!(name, "raw" | "verbatim" | "comment") && !unclosed.contains(&name) {
        if let Some(closing) = closing_tag(body, end, name) {
            let after = closing.end;
            if name == "comment" {
                edits.remove(range.start..after);
            } else {
                edits.remove(range);
                edits.remove(closing);
            }
            return after;
        }
        unclosed.push(name);
    }
    match shown(name, inside) {
        Some(html) => edits.replace(range, html),
        None => {
            edits.remove(range.clone());
            if !is_silent(name) {
                edits.lose(range, format!("the tag `{{% {name} %}}`"));
            }
        }
    }
    end
}

/// The tag that ends one of this name.
fn closing_tag(body: &str, from: usize, name: &str) -> Option<Range<usize>> {
    let closing = format!("end{name}");
    memmem::find_iter(&body.as_bytes()[from..], closing.as_bytes()).find_map(|found| {
        let start = body[..from + found].trim_end_matches(['-', ' ']);
        let rest = body[from + found + closing.len()..].trim_start_matches(['-', ' ']);
        (start.ends_with("{%") && rest.starts_with("%}")).then(|| start.len() - 2..body.len() - rest.len() + 2)
    })
}

/// Tags that show nothing themselves.
fn is_silent(name: &str) -> bool {
    const SILENT: [&str; 20] = [
        "if", "elif", "elsif", "else", "unless", "case", "when", "for", "set", "assign", "capture", "import", "from",
        "macro", "block", "extends", "increment", "decrement", "css", "js",
    ];
    name.is_empty() || name.starts_with("end") || SILENT.contains(&name)
}

/// The picture or video that the arguments of a tag name.
fn shown(name: &str, inside: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let arguments = quoted(inside);
    let first = arguments.first().filter(|first| !first.is_empty())?;
    if ["image", "img", "picture", "figure", "photo"].iter().any(|word| name.contains(word)) {
        let alt = arguments.iter().skip(1).find(|argument| !argument.contains('/')).copied().unwrap_or_default();
        return Some(format!("<img src=\"{}\" alt=\"{}\">", escaped(first), escaped(alt)));
    }
    if name.contains("youtube") {
        let address = format!("https://www.youtube.com/watch?v={first}");
        return Some(format!("<a href=\"{}\">YouTube</a>", escaped(&address)));
    }
    let is_address = first.starts_with("https://") || first.starts_with("http://");
    is_address
        .then(|| format!("<a href=\"{}\">{}</a>", escaped(first), encode_text(first.trim_start_matches("https://"))))
}

/// The strings in the arguments of a tag.
fn quoted(inside: &str) -> Vec<&str> {
    let (mut strings, mut rest) = (Vec::new(), inside);
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = char::from(rest.as_bytes()[at]);
        let Some((text, after)) = rest[at + 1..].split_once(quote) else { break };
        strings.push(text);
        rest = after;
    }
    strings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lost<'t>(translated: &'t Translated<'_>) -> Vec<&'t str> {
        translated.lost.iter().map(|lost| lost.what.as_str()).collect()
    }

    #[test]
    fn expressions_of_vue_are_lost_outside_code() {
        for (text, expected, count) in [
            ("a {{ b }} c", "a  c", 1),
            ("{{ 'a < b' }}", "a &lt; b", 0),
            ("`{{ a }}`\n\n```\n{{ b }}\n```\n", "`{{ a }}`\n\n```\n{{ b }}\n```\n", 0),
            ("{{< figure >}} {{ a\n}}", "{{< figure >}} {{ a\n}}", 0),
        ] {
            let translated = vue(text);
            assert_eq!((translated.markdown.as_ref(), lost(&translated).len()), (expected, count), "{text}");
        }
    }

    #[test]
    fn tags_of_eleventy_leave_what_readers_see() {
        for (text, expected, what) in [
            ("a {% raw %}{{ b }}{% endraw %} c", "a {{ b }} c", vec![]),
            ("{# a #}{% set a = 1 %}{%- if b -%}c{% endif %}", "c", vec![]),
            ("{% comment %}a\n{{ b }}{% endcomment %}c", "\nc", vec![]),
            ("{% image \"/a.png\", \"A & B\" %}", "<img src=\"/a.png\" alt=\"A &amp; B\">", vec![]),
            ("{% callout \"a\" %}\nb\n{% endcallout %}", "\nb\n", vec!["the tag `{% callout %}`"]),
            ("[a]({{ '/a/' | url }}) {{ b }}", "[a](/a/) ", vec!["an expression in double braces"]),
            ("## A {#id} {% a", "## A {#id} {% a", vec![]),
        ] {
            let translated = eleventy(text);
            assert_eq!((translated.markdown.as_ref(), lost(&translated)), (expected, what), "{text}");
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for part in ["{{", "{%", "{{ }", "{% raw %}", "{% comment %} endcomment ", "{#"] {
            let text = part.repeat(1 << 16);
            eleventy(&text);
            vue(&text);
        }
    }

    proptest! {
        #[test]
        fn every_line_stays(text in "[-{}%#'\"|a \nrw`]{0,60}") {
            for translated in [vue(&text), eleventy(&text)] {
                prop_assert_eq!(translated.markdown.matches('\n').count(), text.matches('\n').count());
            }
        }
    }
}

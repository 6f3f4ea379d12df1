//! Blocks of HTML in Markdown: to kramdown they end with their element, to CommonMark at a blank line.
//!
//! Takes Markdown; returns it line for line so that CommonMark reads the same blocks. An empty comment in a blank line keeps a
//! block open, and before or after a tag it keeps the next line out of the block.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::content::format::jekyll::code_lines::CodeLines;

const NOTHING: &str = "<!---->";

/// Elements that begin no block in kramdown.
const SPANS: [&str; 45] = [
    "a", "abbr", "acronym", "b", "bdo", "big", "br", "button", "cite", "code", "del", "dfn", "em", "i", "img", "input",
    "ins", "kbd", "label", "mark", "option", "q", "rb", "rbc", "rp", "rt", "rtc", "ruby", "s", "samp", "select",
    "small", "span", "strong", "strike", "sub", "sup", "time", "tt", "u", "var", "wbr", "font", "nobr", "bdi",
];

/// Elements without an end.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// Elements whose blocks CommonMark ends with their element too.
const VERBATIM: [&str; 4] = ["pre", "script", "style", "textarea"];

/// The Markdown with blocks that CommonMark reads as kramdown does.
pub fn delimited(markdown: Cow<'_, str>) -> Cow<'_, str> {
    if !markdown.contains('<') {
        return markdown;
    }
    let lines: Vec<&str> = markdown.split('\n').collect();
    let ends = ends(&lines);
    let mut out: Vec<Cow<'_, str>> = Vec::with_capacity(lines.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let continues = |line: usize| lines.get(line + 1).is_some_and(|next| !next.trim().is_empty());
        match ends[at] {
            Some(End::Span) if continues(at) => out.push(Cow::Owned(format!("{}{NOTHING}", line.trim_end()))),
            Some(End::Line(end)) if end == at && continues(at) && line.trim_end().ends_with('>') => {
                out.push(Cow::Owned(format!("{NOTHING}{}", line.trim_start())));
            }
            Some(End::Line(end)) if end > at => {
                push_block(&lines[at..=end], continues(end), &mut out);
                at = end;
            }
            _ => out.push(Cow::Borrowed(line)),
        }
        at += 1;
    }
    Cow::Owned(out.join("\n"))
}

/// Adds the lines of one element.
fn push_block<'l>(lines: &[&'l str], continues: bool, out: &mut Vec<Cow<'l, str>>) {
    let is_verbatim = tags(lines[0]).next().is_some_and(|tag| VERBATIM.contains(&tag.name.as_str()));
    let mut is_comment = false;
    for (at, line) in lines.iter().enumerate() {
        let is_last = at + 1 == lines.len();
        match out.last_mut() {
            _ if line.trim().is_empty() && !is_comment && !is_verbatim => out.push(Cow::Borrowed(NOTHING)),
            // A blank line ends the block.
            Some(before) if is_last && continues && !is_verbatim && line.trim_end().ends_with('>') => {
                *before = Cow::Owned(format!("{}{}", before.trim_end_matches('\r'), line.trim()));
                out.push(Cow::Borrowed(""));
            }
            _ => out.push(Cow::Borrowed(line)),
        }
        is_comment = match (line.rfind("<!--"), line.rfind("-->")) {
            (Some(opening), Some(closing)) => opening > closing,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => is_comment,
        };
    }
}

/// What begins in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// An element that ends in this line.
    Line(usize),
    /// Nothing but a tag of a span.
    Span,
}

/// For each line what begins in it, as far as that is closed.
fn ends(lines: &[&str]) -> Vec<Option<End>> {
    let mut ends = vec![None; lines.len()];
    let mut open: HashMap<String, Vec<Option<usize>>> = HashMap::new();
    let mut code = CodeLines::new();
    for (at, line) in lines.iter().enumerate() {
        if code.is_code(line) {
            continue;
        }
        let is_first_in_line = line.trim_start().starts_with('<');
        for (number, tag) in tags(line).enumerate() {
            let begins = is_first_in_line && number == 0;
            let is_span = SPANS.contains(&tag.name.as_str());
            if begins && is_span && tag.is_alone {
                ends[at] = Some(End::Span);
            } else if begins && !is_span && (tag.is_empty || VOID.contains(&tag.name.as_str())) {
                ends[at] = Some(End::Line(at));
            } else if tag.is_closing {
                let begun = open.get_mut(&tag.name).and_then(Vec::pop).flatten();
                if let Some(begun) = begun {
                    ends[begun] = Some(End::Line(at));
                }
            } else if !is_span && !tag.is_empty && !VOID.contains(&tag.name.as_str()) {
                open.entry(tag.name).or_default().push(begins.then_some(at));
            }
        }
    }
    ends
}

/// A tag in a line.
struct Tag {
    name: String,
    is_closing: bool,
    /// `<a/>`
    is_empty: bool,
    /// Whether nothing else is in the line.
    is_alone: bool,
}

/// The tags in a line, but for those in code.
fn tags(line: &str) -> impl Iterator<Item = Tag> + '_ {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['<', '`'])?;
            let found = &rest[at..];
            if found.starts_with('`') {
                let length = found.bytes().take_while(|byte| *byte == b'`').count();
                let closing = found[length..].find(&found[..length]).map(|end| 2 * length + end);
                rest = &found[closing.unwrap_or(length)..];
                continue;
            }
            let inside = found[1..].strip_prefix('/').unwrap_or(&found[1..]);
            let length = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
            rest = &found[1..];
            if length == 0 {
                continue;
            }
            let end = found.find('>').map_or(found.len(), |end| end + 1);
            rest = &found[end..];
            return Some(Tag {
                name: inside[..length].to_ascii_lowercase(),
                is_closing: found[1..].starts_with('/'),
                is_empty: found[..end].ends_with("/>"),
                is_alone: line[..line.len() - found.len()].trim().is_empty() && rest.trim().is_empty(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::markdown::Document;

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        let markdown = delimited(Cow::Borrowed(markdown));
        pulldown_cmark::html::push_html(&mut html, Document::parse(&markdown).events().iter().cloned());
        html.replace(NOTHING, "").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn blocks_end_with_their_element() {
        for (markdown, expected) in [
            ("<hr>\n* [a](b)", "<hr> <ul> <li><a href=\"b\">a</a></li> </ul>"),
            ("<p>*a*</p>\n*b*", "<p>*a*</p> <p><em>b</em></p>"),
            ("<div>\n*a*\n</div>\n*b*", "<div> *a*</div> <p><em>b</em></p>"),
            (
                "<div>\n  <div>\n\n    <b>a</b>\n\n  </div>\n</div>\n\n*b*",
                "<div> <div> <b>a</b> </div> </div> <p><em>b</em></p>",
            ),
            ("<br>\n*a*", "<p><br> <em>a</em></p>"),
            ("<b>\n*a*\n</b>", "<p><b> <em>a</em> </b></p>"),
            ("<p>*a*\n\n*b*", "<p>*a* <p><em>b</em></p>"),
            (
                "<div>\n<!-- a\n\nb -->\n\n    c\n</div>",
                "<div> <!-- a <p>b --&gt;</p> <pre><code>c </code></pre> </div>",
            ),
            ("<pre>\na\n\n*b*\n</pre>\n*c*", "<pre> a *b* </pre> <p><em>c</em></p>"),
            ("`<div>` a\n\n*b*\n\n</div>\n", "<p><code>&lt;div&gt;</code> a</p> <p><em>b</em></p> </div>"),
            ("```\n<hr>\na\n```", "<pre><code>&lt;hr&gt; a </code></pre>"),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn long_texts_take_no_time() {
        for part in ["<div>\n", "<", "`", "``<", "</div>", "<div>", "<hr>\n", "<!--\n", "<a"] {
            delimited(Cow::Owned(part.repeat(200_000)));
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines(parts in proptest::collection::vec(prop_oneof![
            Just("<div>"), Just("</div>"), Just("<br>"), Just("<hr/>\n"), Just("<p>"), Just("</p>"), Just("\n"), Just("\r\n"), Just("é"),
            Just("```\n"), Just("`"), Just("<"), Just(">"), Just("<!--"), Just("-->"), Just("    "), Just("<pre>"), Just("</pre>"),
        ], 0..40)) {
            let text = parts.concat();
            let delimited = delimited(Cow::Borrowed(&text));
            prop_assert_eq!(delimited.matches('\n').count(), text.matches('\n').count());
        }
    }
}

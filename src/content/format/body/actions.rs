//! Actions of Go templates in Markdown, as the blog of Go has them: `{{image "sea.png" 600}}`.
//!
//! Takes Markdown and its code; pictures and videos stay, `raw` stays without its quotes, and files of code are lost.

use html_escape::{encode_double_quoted_attribute as escaped, encode_text};
use memchr::memmem;

use crate::content::format::body::code::{Code, line_at};
use crate::content::format::body::edits::Edits;

/// Translates the actions of a text; those with other names stay, since they may be templates of anything.
pub(super) fn translate(text: &str, code: &Code, edits: &mut Edits<'_>) {
    let mut searched = 0;
    for at in memmem::find_iter(text.as_bytes(), b"{{") {
        let inside = text[at + 2..].trim_start_matches(['-', ' ']);
        let name = &inside[..inside.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(inside.len())];
        if inside.starts_with('"') && code.end_around(at).is_none() {
            quoted(text, at, inside, edits);
        }
        if !matches!(name, "image" | "video" | "code" | "play" | "raw") || code.end_around(at).is_some() {
            continue;
        }
        let arguments = text.len() - inside.len() + name.len();
        if name == "raw" {
            raw(text, at, arguments, edits);
        } else if at >= searched {
            let line = line_at(text, arguments);
            let Some(length) = memmem::find(line.as_bytes(), b"}}") else {
                searched = arguments + line.len();
                continue;
            };
            let (range, arguments) = (at..arguments + length + 2, &text[arguments..arguments + length]);
            let Some((file, after)) = arguments.split_once('"').and_then(|(_, rest)| rest.split_once('"')) else {
                continue;
            };
            let width = after.split_whitespace().next().filter(|width| width.bytes().all(|byte| byte.is_ascii_digit()));
            let width = width.map(|width| format!(" width=\"{width}\"")).unwrap_or_default();
            match name {
                "image" => edits.replace(range, format!("<img src=\"{}\" alt=\"\"{width}>", escaped(file))),
                "video" => edits.replace(range, format!("<video src=\"{}\"></video>", escaped(file))),
                _ => {
                    edits.remove(range.clone());
                    edits.lose(range, "a file of code");
                }
            }
        }
    }
}

/// Replaces an action that is nothing but a quoted text by the text.
fn quoted(text: &str, at: usize, inside: &str, edits: &mut Edits<'_>) {
    let end = inside[1..].find(['"', '\n']).map(|end| end + 1).filter(|end| inside[*end..].starts_with('"'));
    let Some((written, after)) = end.map(|end| (&inside[1..end], &inside[end + 1..])) else { return };
    if let Some(after) = after.trim_start_matches([' ', '-']).strip_prefix("}}") {
        edits.replace(at..text.len() - after.len(), encode_text(written));
    }
}

/// Removes what is around a quoted text; `None` if nothing closes it.
fn raw(text: &str, at: usize, arguments: usize, edits: &mut Edits<'_>) -> Option<()> {
    let quote = text[arguments..].trim_start().strip_prefix('`')?;
    let start = text.len() - quote.len();
    let end = start + memchr::memchr(b'`', quote.as_bytes())?;
    let after = text[end + 1..].trim_start_matches([' ', '-']).strip_prefix("}}")?;
    edits.remove(at..start);
    edits.remove(end..text.len() - after.len());
    Some(())
}

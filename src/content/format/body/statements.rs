//! The statements of MDX: `import …` and `export …` at the start of a block, which readers do not see.
//!
//! Takes Markdown and its code; removes the statements and returns their ranges, and the names they give to pictures and texts.

use std::ops::Range;

use memchr::memmem;

use crate::content::format::body::code::{Code, line_at};
use crate::content::format::body::edits::Edits;
use crate::content::format::body::known::is_picture;
use crate::content::format::body::script::{Names, Scripts, value};

/// Whether a text may contain statements.
pub(super) fn may_contain(text: &str) -> bool {
    ["import", "export"].iter().any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// Removes the statements of a text.
pub(super) fn remove(text: &str, code: &Code, edits: &mut Edits<'_>) -> (Vec<Range<usize>>, Names) {
    let mut scripts = Scripts::new(text);
    let (mut ranges, mut names) = (Vec::new(), Names::new());
    let (mut at, mut begins_block) = (0, true);
    while at < text.len() {
        let line = line_at(text, at);
        let end = match code.end_around(at) {
            None if begins_block => statement(&mut scripts, at, &mut names),
            _ => None,
        };
        begins_block = end.is_some() || line.trim().is_empty();
        match end {
            Some(end) => {
                edits.remove(at..end);
                ranges.push(at..end);
                at = end + line_at(text, end).len();
            }
            None => at += line.len(),
        }
    }
    (ranges, names)
}

/// The end of the statement that begins at a byte, before the end of its line.
fn statement(scripts: &mut Scripts<'_>, at: usize, names: &mut Names) -> Option<usize> {
    let rest = &scripts.text[at..];
    if let Some(imported) = rest.strip_prefix("import") {
        return import(imported, names).map(|length| at + "import".len() + length);
    }
    let exported = rest.strip_prefix("export ")?.trim_start_matches(' ');
    let (word, after) =
        exported.split_at(exported.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(exported.len()));
    let line = line_at(after, 0);
    let is_statement = match word {
        "const" | "let" | "var" => line.contains('='),
        "function" | "async" | "class" | "interface" | "enum" => line.contains(['(', '{']),
        "type" => line.contains('='),
        "default" => line.contains(['(', '{', ';', '=']) || line.split_whitespace().count() == 1,
        "" => line.starts_with(['{', '*']),
        _ => false,
    };
    if !is_statement {
        return None;
    }
    let end = scripts.end_of_statement(at).or_else(|| end_of_block(scripts.text, at))?;
    if let Some((name, expression)) = scripts.text[at..end].split_once('=')
        && let Some(text) = value(expression.trim().trim_end_matches(';'), names)
        && let Some(name) = name.split(':').next().and_then(|name| name.split_whitespace().last())
    {
        names.insert(name.to_owned(), text);
    }
    Some(end)
}

/// The length of an import after its first word, up to the end of the line.
fn import(text: &str, names: &mut Names) -> Option<usize> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ',' | '{' | '}' | '*' | ' ' | '\t' | '\r');
    let mut chars = text.char_indices();
    let is_end = |(at, c): &(usize, char)| !is_name(*c) && (*c != '\n' || text[at + 1..].starts_with('\n'));
    let (bound, _) = chars.find(is_end).filter(|(_, c)| matches!(c, '"' | '\''))?;
    let bound_names = &text[..bound];
    if bound > 0 && !bound_names.starts_with([' ', '{', '\t', '\n']) {
        return None;
    }
    let bound_names = match bound_names.trim() {
        "" => "",
        names => names.strip_suffix("from")?,
    };
    let quote = &text[bound..=bound];
    let path = line_at(text, bound + 1).split_once(quote)?.0;
    let after = bound + 1 + path.len() + 1;
    let line = line_at(text, after).trim_end();
    let is_end =
        |rest: &str| rest.is_empty() || [";", "//", "/*", "with {", "assert {"].iter().any(|end| rest.starts_with(end));
    if !is_end(line.trim_start()) {
        return None;
    }
    let name = bound_names.split([',', '{']).next().unwrap_or_default().trim();
    if !name.is_empty() && is_picture(path) {
        names.insert(name.to_owned(), path.to_owned());
    }
    Some(after + line.len())
}

/// The end of the last line before an empty one.
fn end_of_block(text: &str, mut at: usize) -> Option<usize> {
    let mut end = at;
    while at < text.len() {
        let line = line_at(text, at);
        if line.trim().is_empty() {
            break;
        }
        end = at + line.trim_end().len();
        at += line.len();
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(text: &str) -> String {
        let mut edits = Edits::new(text);
        remove(text, &Code::of(text, false), &mut edits);
        edits.finish().0.into_owned()
    }

    #[test]
    fn statements_vanish_at_the_start_of_a_block() {
        for (text, expected) in [
            ("import A from './a'\nimport {B,\n  C} from \"b\";\n\nText", "\n\n\n\nText"),
            ("import './a.css'\nText", "\nText"),
            ("import * as a from 'a'; import b from 'b'\n", "\n"),
            ("export const year = 2026;\n\nText", "\n\nText"),
            ("export const A = () => {\n\n  return <p>It's</p>\n}\nText", "\n\n\n\nText"),
            ("export default ({children}) =>\n  <div>{children}</div>\n\nText", "\n\n\nText"),
            ("export function f() {\n  return 1\n}\n", "\n\n\n"),
            ("export const a = {\n\nText", "\n\nText"),
            ("```\n\nimport A from './a'\n```\n", "```\n\nimport A from './a'\n```\n"),
        ] {
            assert_eq!(removed(text), expected, "{text}");
        }
    }

    #[test]
    fn sentences_stay() {
        for text in [
            "import taxes rose from 'low' to high",
            "Text\nimport A from './a'",
            "import and export\n\nexport is up",
            "import\n",
            "export default\tprices are low",
            "imports 'a'",
            "- import a from 'b'",
        ] {
            assert_eq!(removed(text), text, "{text}");
        }
    }

    #[test]
    fn names_stand_for_pictures_and_texts() {
        let text =
            "import sea, {a} from './sea.png';\nimport B from './b'\nexport const year = 2026;\nexport const c = f()\n";
        let (ranges, names) = remove(text, &Code::of(text, false), &mut Edits::new(text));
        let expected = [("sea", "./sea.png"), ("year", "2026")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!((ranges.len(), names), (4, Names::from(expected)));
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for part in ["import {\n\n", "export const a = {\n\n", "import a from\n\n", "export {`\n\n"] {
            removed(&part.repeat(1 << 16));
        }
    }
}

//! `highlight`: code.
//!
//! Takes the tag and what is in the block; writes a fenced block if the code has lines of its own, and HTML otherwise.

use crate::content::format::jekyll::liquid::syntax::Markup;

/// Writes the code, line for line; the newlines of the closing tag are left to the caller.
pub fn push(tag: &Markup<'_>, inside: &str, is_html: bool, out: &mut String) {
    let language = language(tag);
    let tag_lines = tag.source.matches('\n').count();
    let start = inside.find(|c: char| !c.is_whitespace()).unwrap_or(inside.len());
    let first_line = inside[..start].rfind('\n');
    let end = inside.trim_end().len();
    let last_line = inside[end..].find('\n').map(|at| end + at);
    let before = out[out.rfind('\n').map_or(0, |at| at + 1)..].to_owned();
    let is_alone = before.trim_matches([' ', '\t', '>']).is_empty();
    match (first_line, last_line) {
        (Some(first), Some(last)) if is_alone && !is_html && first < last => {
            let code = &inside[first + 1..last];
            let fence = fence(code);
            let blank = |text: &str| "\n".repeat(text.matches('\n').count());
            // Blank lines at the beginning of the code come before it.
            let lines_before = blank(&inside[..first]) + &"\n".repeat(tag_lines);
            if !lines_before.is_empty() {
                out.push_str(&lines_before);
                out.push_str(&before);
            }
            let indent = inside[last..].rsplit('\n').next().unwrap_or_default();
            out.push_str(&format!("{fence}{language}\n{code}\n{indent}{fence}"));
            out.push_str(&blank(inside[last..].strip_prefix('\n').unwrap_or_default()));
        }
        _ => {
            let code = html_escape::encode_text(inside.trim_matches(['\n', '\r'])).replace("\r\n", "\n");
            let class = if language.is_empty() { String::new() } else { format!(" class=\"language-{language}\"") };
            out.push_str(&format!("<pre><code{class}>{}</code></pre>", code.replace('\n', "&#10;")));
            out.push_str(&"\n".repeat(tag_lines + inside.matches('\n').count()));
        }
    }
}

/// Its language: the first word, or in `codeblock` the value of `lang:`.
fn language(tag: &Markup<'_>) -> String {
    let mut words = tag.arguments.split_whitespace();
    let word = match tag.name {
        "codeblock" => words.find_map(|word| word.strip_prefix("lang:")),
        _ => words.next(),
    };
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '#' | '_' | '-');
    word.unwrap_or_default().to_ascii_lowercase().chars().filter(|c| is_part(*c)).collect()
}

/// A fence that the code does not contain.
fn fence(code: &str) -> String {
    let longest = code.lines().map(|line| line.trim_start().bytes().take_while(|byte| *byte == b'`').count()).max();
    "`".repeat(longest.unwrap_or(0).max(2) + 1)
}

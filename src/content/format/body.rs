//! What the Markdown of every format may contain besides Markdown: boxes, components, statements of scripts, inserted files.
//!
//! Takes a body; returns it as Markdown that slugline reads, line for line, and what was lost. Code stays as it is. What only
//! one generator does is the work of its format.

use memchr::memmem;

use crate::content::format::body::code::Code;
use crate::content::format::body::components::Tags;
use crate::content::format::body::edits::Edits;
use crate::content::format::body::script::{Names, Scripts};
use crate::content::format::{Body, Translated};

mod actions;
mod boxes;
pub(in crate::content::format) mod code;
mod components;
pub(in crate::content::format) mod edits;
mod elements;
mod expressions;
mod known;
pub(in crate::content::format) mod script;
mod snippets;
mod statements;
mod tag;

/// Translates a body; in MDX (`is_mdx`) braces contain expressions, and indented text is not code.
pub fn markdown<'m>(body: &'m str, _of: &Body<'_>, is_mdx: bool) -> Translated<'m> {
    translated(body, is_mdx)
}

fn translated(body: &str, is_mdx: bool) -> Translated<'_> {
    if !is_mdx && !may_need(body) {
        return Translated::unchanged(body);
    }
    let mut edits = Edits::new(body);
    let mut code = Code::of(body, is_mdx);
    for script in code.scripts.iter().filter(|script| is_of_vue(&body[(*script).clone()])) {
        edits.remove(script.clone());
    }
    let mut names = Names::new();
    if statements::may_contain(body) {
        let (statements, found) = statements::remove(body, &code, &mut edits);
        code.cover(statements);
        names = found;
    }
    snippets::remove(body, &code, &mut edits);
    snippets::plain_languages(body, &code, &mut edits);
    actions::translate(body, &code, &mut edits);
    dividers(body, &mut edits);
    let mut scripts = Scripts::new(body);
    let tags = Tags::of(&mut scripts, &code);
    components::translate(&tags, body, &names, is_mdx, &mut edits);
    let ranges = tags.tags.iter().map(|tag| tag.range.clone());
    expressions::translate(&mut scripts, &code, ranges, &names, is_mdx, &mut edits);
    let (markdown, lost) = edits.finish();
    Translated { markdown: boxes::translate(markdown, is_mdx), lost }
}

/// Whether a body may contain what is translated.
fn may_need(body: &str) -> bool {
    const SIGNS: [&str; 15] = [
        ":::", "{/*", "truncate", "={", "className", "<<<", "[[", "@[code", "include", "/>", "</", "import ",
        "export ", "=\"", "{{",
    ];
    SIGNS.iter().any(|sign| memmem::find(body.as_bytes(), sign.as_bytes()).is_some()) || body.contains("```")
}

/// Whether a script or style is one of a component of Vue, with attributes such as `setup` or `scoped`.
fn is_of_vue(element: &str) -> bool {
    let tag = element.split('>').next().unwrap_or_default();
    ["setup", "client", "scoped", "module", "lang"]
        .iter()
        .any(|attribute| tag.split(|c: char| c.is_whitespace() || c == '=').skip(1).any(|part| part == *attribute))
}

/// `<!-- truncate -->` is what Hugo writes `<!--more-->`.
fn dividers(body: &str, edits: &mut Edits<'_>) {
    for at in memmem::find_iter(body.as_bytes(), b"truncate") {
        let before = body[..at].trim_end_matches([' ', '\t']);
        let after = body[at + "truncate".len()..].trim_start_matches([' ', '\t']);
        if before.ends_with("<!--") && after.starts_with("-->") {
            edits.replace(before.len() - 4..body.len() - after.len() + 3, "<!--more-->");
        }
    }
}

#[cfg(test)]
mod tests;

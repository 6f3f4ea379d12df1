//! Hexo's tag plugins, `{% name arguments %}`, and Nunjucks' `{{ values }}`, in Markdown.
//!
//! Takes a body; puts what `meaning` says of each tag in its place. `pieces` finds them.

use std::collections::HashMap;

use crate::content::format::hexo::meaning::{self, Meaning, Place};
use crate::content::format::hexo::pieces::{Piece, Tag, fence, is_alone, pieces};
use crate::content::format::rewriting::{Rewriting, starts_line};
use crate::content::format::{Body, Translated};

/// The body without tags. `source` is the folder of the site's sources; in a site with asset folders, the name of such a folder is
/// left out in front of that of a file in it.
pub(super) fn translated<'m>(body: &'m str, of: &Body<'_>, source: &str, has_asset_folders: bool) -> Translated<'m> {
    let place = Place::new(of, source);
    let folder = has_asset_folders.then(|| place.asset_folder());
    let pieces = pieces(body, folder);
    let ends = ends(&pieces);
    let begins: HashMap<usize, usize> = ends.iter().map(|(begin, end)| (*end, *begin)).collect();
    let tag_at = |at: Option<&usize>| at.and_then(|at| pieces.get(*at)).and_then(Piece::tag);
    let mut rewriting = Rewriting::of(body);
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Gone(range) => rewriting.replace(range.clone(), ""),
            Piece::Folder(range) => rewriting.replace(range.clone(), place.assets()),
            Piece::Special(at, entity) => rewriting.replace(*at..at + 1, entity),
            Piece::Heading(range, title) => rewriting.replace(range.clone(), &bold(title)),
            Piece::Value(range, value) => {
                let literal = literal(value);
                if literal.is_none() {
                    rewriting.lose(range.clone(), format!("the value `{{{{{value}}}}}`"));
                }
                rewriting.replace(range.clone(), literal.unwrap_or_default());
            }
            Piece::Tag(tag) => match (tag_at(ends.get(&at)), tag_at(begins.get(&at))) {
                (Some(end), _) => open(&mut rewriting, body, tag, end),
                (None, Some(begin)) => rewriting.replace(tag.range.clone(), &closing(body, begin, tag)),
                (None, None) => single(&mut rewriting, body, tag, &place),
            },
        }
    }
    rewriting.finish()
}

/// The closing piece of each tag that has one, by index.
fn ends(pieces: &[Piece<'_>]) -> HashMap<usize, usize> {
    let mut open: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut ends = HashMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        let Some(tag) = piece.tag() else { continue };
        let begin = tag.name.strip_prefix("end").and_then(|name| open.get_mut(name)?.pop());
        match begin {
            Some(begin) => drop(ends.insert(begin, at)),
            None => open.entry(tag.name).or_default().push(at),
        }
    }
    ends
}

/// A title in a line of its own.
fn bold(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("**{title}**  ") }
}

/// A text in quotation marks or a number, which is its own value.
fn literal(value: &str) -> Option<&str> {
    let value = value.trim();
    let quoted = ['"', '\''].into_iter().find_map(|mark| value.strip_prefix(mark)?.strip_suffix(mark));
    quoted.or_else(|| value.parse::<f64>().is_ok().then_some(value))
}

/// The opening tag of a pair.
fn open(rewriting: &mut Rewriting<'_>, body: &str, tag: &Tag<'_>, end: &Tag<'_>) {
    let range = tag.range.clone();
    match meaning::of_pair(tag.name, tag.arguments) {
        Meaning::Quotation { .. } if !starts_line(body, range.start) => rewriting.replace(range, ""),
        Meaning::Quotation { first, last } => {
            // Without anything else on its line, the closing tag leaves an empty one, which ends the quotation.
            let is_empty = last.is_empty() && starts_line(body, end.range.start);
            let line = || body[..end.range.start].rfind('\n').map_or(range.end, |at| at + 1);
            rewriting.quote(range.start..if is_empty { line().max(range.end) } else { end.range.start + 1 });
            // An alert has its type and title in a line of their own.
            let title = first.split_once("] ").map(|(_, title)| format!("**{title}** ")).unwrap_or_default();
            rewriting.replace(range.clone(), if is_alone(body, &range) { &first } else { &title });
        }
        Meaning::Code { language, title } => {
            if tag.name == "mermaid" {
                rewriting.lose(range.clone(), "the diagram of the tag `{% mermaid %}`".to_owned());
            }
            let text = match code_fence(body, tag, end) {
                Some(fence) => format!("{fence}{language}"),
                None if title.is_empty() => "<pre><code>".to_owned(),
                None => format!("<pre><code><strong>{}</strong>", html_escape::encode_text(&title)),
            };
            rewriting.replace(range, &text);
        }
        Meaning::Titled(title) => rewriting.replace(range, &bold(&title)),
        Meaning::Signs(signs) => rewriting.replace(range, signs),
        Meaning::Words(words) | Meaning::Unknown(words) => {
            rewriting.lose(range.clone(), format!("the tag `{{% {} %}}`", tag.name));
            rewriting.replace(range, &words);
        }
    }
}

/// What the closing tag of a pair leaves.
fn closing(body: &str, tag: &Tag<'_>, end: &Tag<'_>) -> String {
    match meaning::of_pair(tag.name, tag.arguments) {
        Meaning::Quotation { last, .. } if starts_line(body, tag.range.start) => last,
        Meaning::Code { .. } => code_fence(body, tag, end).unwrap_or_else(|| "</code></pre>".to_owned()),
        Meaning::Signs(signs) => signs.to_owned(),
        _ => String::new(),
    }
}

/// The fence around the code of a pair of tags, if it can be one: there is no title, and both tags are alone on their lines.
fn code_fence(body: &str, tag: &Tag<'_>, end: &Tag<'_>) -> Option<String> {
    let Meaning::Code { title, .. } = meaning::of_pair(tag.name, tag.arguments) else { return None };
    let can_be = title.is_empty() && is_alone(body, &tag.range) && is_alone(body, &end.range);
    can_be.then(|| fence(&body[tag.range.end..end.range.start]))
}

/// A tag without a partner.
fn single(rewriting: &mut Rewriting<'_>, body: &str, tag: &Tag<'_>, place: &Place<'_, '_>) {
    let text = match meaning::of_single(tag.name, tag.arguments, place) {
        Meaning::Words(words) if words.starts_with("> ") && !starts_line(body, tag.range.start) => {
            words[2..].to_owned()
        }
        Meaning::Words(words) => words,
        Meaning::Unknown(words) => {
            if !tag.name.starts_with("end") {
                rewriting.lose(tag.range.clone(), format!("the tag `{{% {} %}}`", tag.name));
            }
            words
        }
        _ => String::new(),
    };
    rewriting.replace(tag.range.clone(), &text);
}

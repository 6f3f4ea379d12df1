//! Zola's shortcodes, `{{ name(key="value") }}` and `{% name() %}…{% end %}`, in Markdown.
//!
//! Takes a body; returns it with the words, pictures and links of each shortcode, whose template is Zola's. As in Zola, they are
//! expanded in code too; `{{/* … */}}` protects them.

use std::collections::HashMap;
use std::ops::Range;

use crate::content::format::Translated;
use crate::content::format::rewriting::{Rewriting, embedded, is_picture, link, picture, starts_line};
use crate::content::format::zola::arguments::Call;

/// A shortcode, or a sign of an escaped one.
#[derive(Debug)]
enum Piece<'a> {
    Inline(Range<usize>, Call<'a>),
    Begin(Range<usize>, Call<'a>),
    End(Range<usize>),
    /// What an escaped one shows: its outer signs without `/*` and `*/`.
    Shown(Range<usize>, &'static str),
}

/// The body without shortcodes.
pub(super) fn translated(body: &str) -> Translated<'_> {
    let pieces = pieces(body);
    let ends = ends(&pieces);
    let mut rewriting = Rewriting::of(body);
    let mut fences = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Shown(range, text) => rewriting.replace(range.clone(), text),
            Piece::End(range) => {
                let is_fence = fences.last() == Some(&at) && fences.pop().is_some();
                rewriting.replace(range.clone(), if is_fence { "```" } else { "" });
            }
            Piece::Inline(range, call) => {
                lose_unless(is_known(call), &mut rewriting, range, call);
                rewriting.replace(range.clone(), &shown(call, starts_line(body, range.start)));
            }
            Piece::Begin(range, call) => {
                lose_unless(is_box(call.name), &mut rewriting, range, call);
                let end = ends.get(&at).and_then(|end| Some((*end, pieces.get(*end)?.end()?)));
                let text = match end {
                    Some((end, closing)) if call.name == "mermaid" && is_block(body, range, &closing) => {
                        fences.push(end);
                        "```mermaid".to_owned()
                    }
                    Some((_, closing)) if is_box(call.name) && starts_line(body, range.start) => {
                        let line = body[..closing.start].rfind('\n').map_or(range.end, |at| at + 1);
                        let is_empty = starts_line(body, closing.start);
                        rewriting.quote(range.start..if is_empty { line.max(range.end) } else { closing.start + 1 });
                        alert(call)
                    }
                    _ => shown(call, false),
                };
                rewriting.replace(range.clone(), &text);
            }
        }
    }
    rewriting.finish()
}

impl Piece<'_> {
    fn end(&self) -> Option<Range<usize>> {
        match self {
            Self::End(range) => Some(range.clone()),
            _ => None,
        }
    }
}

fn lose_unless(is_known: bool, rewriting: &mut Rewriting<'_>, range: &Range<usize>, call: &Call<'_>) {
    if !is_known {
        rewriting.lose(range.clone(), format!("the shortcode `{}`", call.name));
    }
}

fn pieces(body: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    while let Some(found) = body[at..].find('{') {
        at += found;
        let (new, end) = piece(body, at).unwrap_or_else(|| (Vec::new(), at + 1));
        pieces.extend(new);
        at = end;
    }
    pieces
}

/// What is at an offset, and where to go on.
fn piece(body: &str, at: usize) -> Option<(Vec<Piece<'_>>, usize)> {
    let rest = &body[at..];
    let end_of = |after: &str| body.len() - after.len();
    if let Some(inner) = rest.strip_prefix("{{/*") {
        let end = end_of(Call::parse(inner)?.1.strip_prefix("*/}}")?);
        return Some((vec![Piece::Shown(at..at + 4, "{{"), Piece::Shown(end - 4..end, "}}")], end));
    }
    if let Some(inner) = rest.strip_prefix("{%/*") {
        let after = match Call::parse(inner) {
            Some((_, after)) => after,
            None => inner.trim_start().strip_prefix("end")?.trim_start(),
        };
        let end = end_of(after.strip_prefix("*/%}")?);
        return Some((vec![Piece::Shown(at..at + 4, "{%"), Piece::Shown(end - 4..end, "%}")], end));
    }
    if let Some(inner) = rest.strip_prefix("{{") {
        let (call, after) = Call::parse(inner)?;
        let end = end_of(after.strip_prefix("}}")?);
        return Some((vec![Piece::Inline(at..end, call)], end));
    }
    let inner = rest.strip_prefix("{%")?;
    if let Some((call, after)) = Call::parse(inner) {
        let end = end_of(after.strip_prefix("%}")?);
        return Some((vec![Piece::Begin(at..end, call)], end));
    }
    let end = end_of(inner.trim_start().strip_prefix("end")?.trim_start().strip_prefix("%}")?);
    Some((vec![Piece::End(at..end)], end))
}

/// The end of each shortcode with a body, by index.
fn ends(pieces: &[Piece<'_>]) -> HashMap<usize, usize> {
    let (mut open, mut ends) = (Vec::new(), HashMap::new());
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Begin(..) => open.push(at),
            Piece::End(_) => ends.extend(open.pop().map(|begin| (begin, at))),
            _ => {}
        }
    }
    ends
}

/// Whether the signs around a body are alone on their lines.
fn is_block(body: &str, begin: &Range<usize>, end: &Range<usize>) -> bool {
    let ends_line = |at: usize| {
        let after = body[at..].trim_start_matches([' ', '\t', '\r']);
        after.is_empty() || after.starts_with('\n')
    };
    let starts_lines = starts_line(body, begin.start) && starts_line(body, end.start);
    starts_lines && ends_line(begin.end) && ends_line(end.end) && !body[begin.end..end.start].contains("```")
}

/// Names of texts that are set apart.
const BOXES: [&str; 19] = [
    "admonition", "alert", "aside", "attention", "blockquote", "box", "callout", "caution", "danger", "hint",
    "important", "info", "note", "quote", "success", "tip", "todo", "warn", "warning",
];

fn is_box(name: &str) -> bool {
    BOXES.contains(&name.to_ascii_lowercase().as_str())
}

/// Arguments that identify a video or the like, that contain an address, and that contain words.
const IDS: [&str; 3] = ["id", "url", "src"];
const ADDRESSES: [&str; 9] = ["url", "src", "href", "link", "path", "image", "img", "source", "default_src"];
const WORDS: [&str; 9] = ["text", "content", "quote", "original", "message", "body", "description", "caption", "label"];

/// Whether readers see all that matters.
fn is_known(call: &Call<'_>) -> bool {
    let has_address = || call.named(&IDS).and_then(|id| embedded(call.name, id)).is_some();
    is_box(call.name) || has_address() || call.named(&ADDRESSES).is_some_and(is_picture)
}

/// The first line of a box: its type and title.
fn alert(call: &Call<'_>) -> String {
    let name = call.name.to_ascii_lowercase();
    let title = call.named(&["title", "author", "header"]).unwrap_or_default();
    if matches!(name.as_str(), "quote" | "blockquote" | "aside") {
        return if title.is_empty() { String::new() } else { format!("**{title}**  ") };
    }
    let is_general = matches!(name.as_str(), "admonition" | "alert" | "box" | "callout");
    let is_word = |kind: &&str| kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    let kind = call.named(&["type", "kind", "level", "class"]).filter(is_word);
    let kind = if is_general { kind.unwrap_or("note") } else { &name };
    format!("[!{}] {title}", kind.to_uppercase()).trim_end().to_owned()
}

/// The words, pictures and links of the arguments.
fn shown(call: &Call<'_>, starts_line: bool) -> String {
    let embedded = call.named(&IDS).and_then(|id| embedded(call.name, id)).filter(|address| !is_picture(address));
    if let Some(address) = embedded {
        return link(&address, call.named(&["title", "text", "label"]).unwrap_or_default());
    }
    if is_box(call.name) {
        let title = call.named(&["title", "author"]).map(|title| format!("**{title}** ")).unwrap_or_default();
        let text = format!("{title}{}", call.named(&WORDS).unwrap_or_default());
        return if starts_line && !text.is_empty() { format!("> {text}") } else { text };
    }
    let words = call.named(&["alt", "caption", "title", "text", "description"]).unwrap_or_default();
    // Variants for dark screens show the same.
    let pictures = call.all().filter(|(key, value)| is_picture(value) && !key.contains("dark"));
    let pictures: Vec<String> = pictures.map(|(_, address)| picture(address, words, "")).collect();
    if !pictures.is_empty() {
        return pictures.join(" ");
    }
    let address = call.named(&ADDRESSES).filter(|address| address.starts_with("http") || address.starts_with('/'));
    match address {
        Some(address) => link(address, words),
        None => call.named(&WORDS).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(body: &str) -> (String, Vec<String>) {
        let Translated { markdown, lost } = translated(body);
        assert_eq!(markdown.matches('\n').count(), body.matches('\n').count());
        (markdown.into_owned(), lost.into_iter().map(|lost| lost.what).collect())
    }

    #[test]
    fn shortcodes_leave_their_pictures_links_and_words() {
        let lost = |name: &str| vec![format!("the shortcode `{name}`")];
        for (body, expected, lost) in [
            (
                "a {{ youtube(id=\"dQ\", autoplay=true) }} b",
                "a [https://www.youtube.com/watch?v=dQ](<https://www.youtube.com/watch?v=dQ>) b",
                vec![],
            ),
            (
                "{{ gist(url=\"https://gist.github.com/a/1\") }}",
                "[https://gist.github.com/a/1](<https://gist.github.com/a/1>)",
                vec![],
            ),
            ("{{ image(src=\"a.png\", alt=\"An [ebb]\",\n width=3) }}\nb", "![An \\[ebb\\]](<a.png>)\n\nb", vec![]),
            ("{{ both(light_src='a.png', dark_src='b.png') }}", "![](<a.png>)", lost("both")),
            ("{{ tide(text=\"Ebb\") }}", "Ebb", lost("tide")),
            ("{{ note(title=\"T\", text=\"Ebb\") }}", "> **T** Ebb", vec![]),
            ("{% tide(n=1) %}\n*Ebb*\n{% end %}", "\n*Ebb*\n", lost("tide")),
            ("{% alert(type=\"tip\", title=\"T\") %}\na\n\nb\n{% end %}\nc", "> [!TIP] T\n> a\n> \n> b\n\nc", vec![]),
            ("{% quote(author=\"A\") %}a{% end %}", "> **A**  a", vec![]),
            ("{% mermaid() %}\na-->b\n{% end %}", "```mermaid\na-->b\n```", lost("mermaid")),
        ] {
            assert_eq!(shown(body), (expected.to_owned(), lost), "{body}");
        }
    }

    #[test]
    fn escaped_shortcodes_and_everything_else_are_text() {
        assert_eq!(shown("`{{/* youtube(id=\"a\") */}}`").0, "`{{ youtube(id=\"a\") }}`");
        assert_eq!(shown("{%/* a() */%}b{%/* end */%}").0, "{% a() %}b{% end %}");
        for text in
            ["{{ x }}", "{% if a %}", "{{ a(b) }}", "{{", "{%", "${{ github.ref }}", "{{ a(b=\"c) }}", "{{< x >}}"]
        {
            assert_eq!(translated(text), Translated::unchanged(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines(text in "(\\{\\{|\\{%|%\\}|\\}\\}|a\\(|\\)|b=|\"|end| |\n|/\\*|\\*/|é){0,40}") {
            shown(&text);
        }
    }

    #[test]
    fn a_megabyte_takes_no_time() {
        let begun = std::time::Instant::now();
        for text in ["{{", "{%", "{% a() %}", "{{ a(b=\"", "{{ a(b=[", "{% end %}", "{% note() %}\n"] {
            translated(&text.repeat(1_000_000 / text.len()));
        }
        assert!(begun.elapsed().as_secs() < 20);
    }
}

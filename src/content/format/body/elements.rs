//! Elements of HTML with attributes of JSX or Vue: `<img src={require('./a.png').default} style={{width: 80}}/>`.
//!
//! Takes a tag; rewrites it with the attributes whose values are known, as HTML.

use pulldown_cmark::{Event, Tag as MarkdownTag, TagEnd};

use crate::content::format::body::edits::Edits;
use crate::content::format::body::script::{Names, value};
use crate::content::format::body::tag::{Tag, Value};
use crate::content::markdown::Document;

/// Rewrites a tag if it has attributes that are not HTML, or closes an element that HTML would leave open.
pub(super) fn rewrite(text: &str, tag: &Tag<'_>, closes_itself: bool, names: &Names, edits: &mut Edits<'_>) {
    let is_foreign = |(name, value): &(&str, Value<'_>)| {
        matches!(value, Value::Script(_)) || *name == "className" || is_of_vue(name)
    };
    if !closes_itself && !tag.attributes.iter().any(is_foreign) {
        return;
    }
    let mut parts = vec![format!("<{}", tag.name)];
    let mut is_lost = false;
    for (name, value) in &tag.attributes {
        match attribute(name, *value, names) {
            Some(part) => parts.push(part),
            None => is_lost |= matches!(name.trim_start_matches(':'), "src" | "href" | "v-bind:src" | "v-bind:href"),
        }
    }
    if is_lost {
        edits.lose(tag.range.clone(), format!("the address of `<{}>`", tag.name));
    }
    if is_lost && tag.name == "img" {
        edits.remove(tag.range.clone());
        return;
    }
    let end = if closes_itself { format!("></{}>", tag.name) } else { ">".to_owned() };
    edits.replace(tag.range.clone(), on_as_many_lines(&parts, text[tag.range.clone()].matches('\n').count()) + &end);
}

/// Elements that contain a line of Markdown in MDX.
const LINES: [&str; 14] =
    ["caption", "dd", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "p", "summary", "td", "th"];

/// Renders the Markdown between the tags of an element, if it is in a line: HTML contains none outside MDX.
pub(super) fn render_line(text: &str, tag: &Tag<'_>, partner: &Tag<'_>, edits: &mut Edits<'_>) {
    let between = &text[tag.range.end..partner.range.start];
    let inside = between.trim();
    let start = tag.range.end + between.len() - between.trim_start().len();
    let range = start..start + inside.len();
    let is_markdown = inside.contains(['*', '_', '`']) || inside.contains("](");
    if !LINES.contains(&tag.name) || !is_markdown || inside.contains(['\n', '{', '<']) {
        return;
    }
    let document = Document::parse(inside);
    if let [Event::Start(MarkdownTag::Paragraph), events @ .., Event::End(TagEnd::Paragraph)] = document.events() {
        let mut html = String::new();
        pulldown_cmark::html::push_html(&mut html, events.iter().cloned());
        edits.replace(range, html.replace('\n', " "));
    }
}

/// Joins parts with this many ends of lines, none of which leaves an empty line in the tag.
fn on_as_many_lines(parts: &[String], lines: usize) -> String {
    let joints = parts.len() - 1;
    let mut out = "\n".repeat(lines.saturating_sub(joints));
    for (at, part) in parts.iter().enumerate() {
        out.push_str(match at {
            0 => "",
            at if at <= lines => "\n",
            _ => " ",
        });
        out.push_str(part);
    }
    out
}

fn is_of_vue(name: &str) -> bool {
    name.starts_with([':', '@', '#']) || name.starts_with("v-")
}

/// An attribute as HTML; `None` if readers need none, or its value is not known.
fn attribute(name: &str, written: Value<'_>, names: &Names) -> Option<String> {
    let bound = name.strip_prefix(':').or_else(|| name.strip_prefix("v-bind:"));
    let known = match (written, bound) {
        (Value::Text(text), Some(_)) => value(text, names)?,
        (_, None) if is_of_vue(name) => return None,
        (Value::Absent, _) => return Some(name.to_owned()),
        (Value::Text(text), None) => {
            let quote = if text.contains('"') { '\'' } else { '"' };
            return Some(format!("{}={quote}{text}{quote}", html_name(name)));
        }
        (Value::Script(script), _) => value(script, names)?,
    };
    let name = html_name(bound.unwrap_or(name));
    Some(format!("{name}=\"{}\"", html_escape::encode_double_quoted_attribute(&known.replace('\n', " "))))
}

fn html_name(name: &str) -> &str {
    if name == "className" { "class" } else { name }
}

//! Components of MDX and Vue, and elements with attributes that only these know.
//!
//! Takes Markdown, its code, and names that stand for texts; a component vanishes, and what is between its tags stays, with
//! what `known` keeps of it. A tag in PascalCase or with a hyphen is a component if it closes itself, has a partner or a
//! value: `List<Snow>` and `<CR>` stay text.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::content::format::body::code::{Code, indent, line_at};
use crate::content::format::body::edits::Edits;
use crate::content::format::body::script::{Names, Scripts};
use crate::content::format::body::tag::{Kind, Tag, Value};
use crate::content::format::body::{elements, known};
use crate::content::html::raw::is_element;

/// Elements without content.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "source", "wbr", "col", "link"];

/// Elements that only lay out; in MDX they contain Markdown.
const LAYOUT: [&str; 8] = ["article", "aside", "center", "div", "footer", "header", "main", "section"];

/// The tags of a text outside code, each with the index of its partner, if it has one.
pub(super) struct Tags<'a> {
    pub tags: Vec<Tag<'a>>,
    partners: Vec<Option<usize>>,
    /// How many elements that stay are open around each tag.
    depths: Vec<usize>,
}

impl<'a> Tags<'a> {
    /// Finds the tags.
    pub fn of(scripts: &mut Scripts<'a>, code: &Code) -> Self {
        let (text, mut tags, mut at) = (scripts.text, Vec::new(), 0);
        // Without its end, there is no shortcode.
        let shortcodes_end = memmem::rfind(text.as_bytes(), b">}}").unwrap_or_default();
        while let Some(found) = memchr(b'<', &text.as_bytes()[at..]) {
            at += found;
            if let Some(end) = code.end_around(at) {
                at = end;
                continue;
            }
            if at < shortcodes_end && text[..at].ends_with("{{") {
                // `{{<Name />}}` is a shortcode of Hugo.
                at += memmem::find(&text.as_bytes()[at..], b">}}").map_or(1, |length| length + 3);
                continue;
            }
            match Tag::at(scripts, at) {
                Some(tag) => {
                    at = tag.range.end;
                    tags.push(tag);
                }
                None => at += 1,
            }
        }
        let partners = partners(&tags);
        let depths = depths(&tags, &partners);
        Self { tags, partners, depths }
    }

    /// Whether this tag is one of a component, and no text.
    fn is_component(&self, at: usize) -> bool {
        let tag = &self.tags[at];
        let first = tag.name.starts_with(|c: char| c.is_ascii_uppercase());
        let is_html =
            is_element(&tag.name.to_ascii_lowercase()) && (!first || tag.name.chars().all(|c| !c.is_ascii_lowercase()));
        let is_slot = tag.name == "template" && tag.attributes.iter().any(|(name, _)| name.starts_with(['#', 'v']));
        if !is_slot && (is_html || !first && !tag.name.contains(['-', '.'])) {
            return false;
        }
        let has_value = || tag.attributes.iter().any(|(_, value)| *value != Value::Absent);
        tag.kind == Kind::Alone || self.partners[at].is_some() || has_value()
    }

    /// Whether this tag is one of an element that vanishes in MDX: a fragment, or one that only lays out.
    fn is_layout(&self, at: usize) -> bool {
        let name = self.tags[at].name;
        (name.is_empty() || LAYOUT.contains(&name)) && self.partners[at].is_some()
    }

    /// Whether this tag is one of a paragraph whose tags have their lines to themselves.
    fn is_paragraph(&self, at: usize, text: &str) -> bool {
        let stands_alone = |tag: &Tag<'_>| begins_line(text, tag.range.start) && ends_line(text, tag.range.end);
        let tag = &self.tags[at];
        tag.name == "p"
            && stands_alone(tag)
            && self.partners[at].is_some_and(|partner| stands_alone(&self.tags[partner]))
    }
}

/// Pairs each closing tag with the last open one of its name.
fn partners(tags: &[Tag<'_>]) -> Vec<Option<usize>> {
    let mut partners = vec![None; tags.len()];
    let mut open: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, tag) in tags.iter().enumerate() {
        match tag.kind {
            Kind::Opens => open.entry(tag.name).or_default().push(at),
            Kind::Closes => {
                if let Some(opening) = open.get_mut(tag.name).and_then(Vec::pop) {
                    partners[opening] = Some(at);
                    partners[at] = Some(opening);
                }
            }
            Kind::Alone => {}
        }
    }
    partners
}

fn depths(tags: &[Tag<'_>], partners: &[Option<usize>]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut depths = Vec::with_capacity(tags.len());
    for (tag, partner) in tags.iter().zip(partners) {
        let stays = partner.is_some() && is_element(tag.name) && !LAYOUT.contains(&tag.name);
        if stays && tag.kind == Kind::Closes {
            depth = depth.saturating_sub(1);
        }
        depths.push(depth);
        if stays && tag.kind == Kind::Opens {
            depth += 1;
        }
    }
    depths
}

/// Translates the components of a text; returns the tags that vanished.
pub(super) fn translate(tags: &Tags<'_>, text: &str, names: &Names, is_mdx: bool, edits: &mut Edits<'_>) {
    let mut dropped = 0;
    let mut dedented = Vec::new();
    for (at, tag) in tags.tags.iter().enumerate() {
        if tag.range.start < dropped {
            continue;
        }
        let partner = tags.partners[at].map(|partner| &tags.tags[partner]);
        let is_component = tags.is_component(at);
        if tag.kind != Kind::Closes
            && let Some(partner) = partner
            && (is_component || is_mdx)
            && begins_line(text, tag.range.start)
            && ends_line(text, tag.range.end)
        {
            dedented.push(tag.range.start..partner.range.start);
        }
        if is_component {
            match partner {
                _ if tag.kind == Kind::Closes => {}
                Some(partner) if known::is_for_machines(tag.name) => {
                    edits.remove(tag.range.start..partner.range.end);
                    dropped = partner.range.end;
                }
                partner => component(text, tag, partner, names, tags.depths[at] > 0, edits),
            }
        } else if is_mdx && (tags.is_layout(at) || tags.is_paragraph(at, text)) {
            edits.replace(tag.range.clone(), filler(text, &tag.range, tags.depths[at] > 0));
        } else if tag.kind != Kind::Closes && is_element(&tag.name.to_ascii_lowercase()) {
            let closes_itself = is_mdx && tag.kind == Kind::Alone && !VOID.contains(&tag.name);
            elements::rewrite(text, tag, closes_itself, names, edits);
            if let Some(partner) = partner.filter(|_| is_mdx && tags.partners[at] == Some(at + 1)) {
                elements::render_line(text, tag, partner, edits);
            }
        }
    }
    dedent(text, &dedented, edits);
}

/// Replaces the tags of a component by what readers see of it.
fn component(
    text: &str,
    tag: &Tag<'_>,
    partner: Option<&Tag<'_>>,
    names: &Names,
    in_html: bool,
    edits: &mut Edits<'_>,
) {
    let stands_alone = |range: &Range<usize>| begins_line(text, range.start) && ends_line(text, range.end);
    let place = known::Place {
        has_content: partner.is_some(),
        is_block: stands_alone(&tag.range) && partner.is_none_or(|partner| stands_alone(&partner.range)),
        is_followed: !is_last_of_block(text, tag.range.end),
        in_html,
    };
    let shown = known::shown(tag, place, names);
    if shown.is_lost {
        edits.lose(tag.range.clone(), format!("the component `<{}>`", tag.name));
    }
    let or_filler =
        |with: String, range: &Range<usize>| if with.is_empty() { filler(text, range, in_html) } else { with };
    edits.replace(tag.range.clone(), or_filler(shown.open, &tag.range));
    if let Some(partner) = partner {
        edits.replace(partner.range.clone(), or_filler(shown.close, &partner.range));
    }
}

/// What stands for a tag that vanishes: a line in the middle of HTML must not become empty, which would end the HTML.
fn filler(text: &str, range: &Range<usize>, in_html: bool) -> String {
    let needs = in_html && begins_line(text, range.start) && ends_line(text, range.end);
    if needs { "<!-- -->".to_owned() } else { String::new() }
}

/// Whether only white space and marks of quotations precede on the line.
fn begins_line(text: &str, at: usize) -> bool {
    let before = text[..at].bytes().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'>'));
    before.is_none_or(|byte| byte == b'\n')
}

fn ends_line(text: &str, at: usize) -> bool {
    let rest = text[at..].trim_start_matches([' ', '\t', '\r']);
    rest.is_empty() || rest.starts_with('\n')
}

/// Whether the line ends at a byte, and the next one is empty.
fn is_last_of_block(text: &str, at: usize) -> bool {
    let rest = text[at..].trim_start_matches([' ', '\t', '\r']);
    rest.is_empty() || rest.starts_with('\n') && ends_line(rest, 1)
}

/// Removes the indentation of what components contain, which would be code without their tags. Takes the ranges from an
/// opening tag on a line of its own to its partner, in the order of their starts.
fn dedent(text: &str, pairs: &[Range<usize>], edits: &mut Edits<'_>) {
    let mut lines: Vec<(usize, usize)> = Vec::new();
    let mut least: Vec<usize> = vec![usize::MAX; pairs.len()];
    let (mut open, mut next, mut at): (Vec<usize>, usize, usize) = (Vec::new(), 0, 0);
    while at < text.len() && (next < pairs.len() || !open.is_empty()) {
        let line = line_at(text, at);
        let end = at + line.len();
        while open.last().is_some_and(|pair| pairs[*pair].end < end) {
            open.pop();
        }
        if let Some(inner) = open.last() {
            if !line.trim().is_empty() {
                least[*inner] = least[*inner].min(indent(line));
            }
            lines.push((at, *inner));
        }
        while next < pairs.len() && pairs[next].start < end {
            if pairs[next].end >= end {
                open.push(next);
            }
            next += 1;
        }
        at = end;
    }
    let bases = bases(text, pairs);
    for (at, pair) in lines {
        let columns = least[pair].saturating_sub(bases[pair]);
        let line = line_at(text, at);
        let fits = |length: &usize| indent(&line[..*length]) <= columns;
        let white = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(length) = (1..=white).rev().find(fits).filter(|_| columns > 0 && columns < usize::MAX) {
            edits.remove(at..at + length);
        }
    }
}

/// How far the outermost tag around each pair is indented.
fn bases(text: &str, pairs: &[Range<usize>]) -> Vec<usize> {
    let (mut outer, mut base) = (0, 0);
    let base_of = |pair: &Range<usize>| {
        if pair.start >= outer {
            let start = text[..pair.start].rfind('\n').map_or(0, |end| end + 1);
            (outer, base) = (pair.end, indent(&text[start..]));
        }
        base
    };
    pairs.iter().map(base_of).collect()
}

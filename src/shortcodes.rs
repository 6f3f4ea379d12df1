//! Hugo's shortcodes in the Markdown of an issue: `{{< figure … >}}`, `{{% box %}}…{{% /box %}}`, and a project's own.
//!
//! Takes a body; gives its document, in which every shortcode is what readers are to see of it, and what is wrong with
//! those that cannot be. It is a pass before Markdown, as in Hugo: shortcodes count in code too, and an author shows one
//! as `{{</* name */>}}`. Reading a project's own templates is left to `load`.
//!
//! A document made so has no places: whoever needs them masks shortcodes byte for byte (`check`), which keeps every
//! place, while what is put in here is of another length.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::content::markdown::{Dialect, Document};
use crate::finding::{Finding, Place, nearest};
use crate::issue::Issue;
use crate::publication::Publication;
use crate::shortcodes::custom::Templates;
use crate::shortcodes::placeholders::{Placeholders, Replacement};
use crate::shortcodes::reference::PageIndex;
use crate::shortcodes::syntax::{Segment, Shortcode, may_contain, segments};

mod built_in;
mod custom;
mod placeholders;
mod reference;
pub mod syntax;

pub use custom::FOLDER;

/// How deep one shortcode may stand in another; a template may repeat what it is given, so each level may double it.
const MAX_DEPTH: usize = 8;

/// The shortcodes of a publication.
#[derive(Debug)]
pub struct Shortcodes<'a> {
    dialect: Dialect,
    issues: &'a [Issue],
    /// Made when the first reference is met.
    pages: OnceLock<PageIndex<'a>>,
    templates: Templates,
}

impl<'a> Shortcodes<'a> {
    /// Those that every project has, and those of these templates, by name. References lead to one of `issues`.
    /// Templates that are wrong are left out and named.
    pub fn new(
        publication: &Publication,
        dialect: Dialect,
        issues: &'a [Issue],
        templates: BTreeMap<String, String>,
    ) -> (Self, Vec<Finding>) {
        let (templates, findings) = Templates::new(publication, templates, dialect);
        (Self { dialect, issues, pages: OnceLock::new(), templates }, findings)
    }

    /// The document of an issue's body, and what is wrong with its shortcodes.
    pub fn document<'m>(&self, issue: &Issue, body: &'m str) -> (Document<'m>, Vec<Finding>) {
        if !may_contain(body) {
            return (Document::parse_as(body, self.dialect), Vec::new());
        }
        let mut expander = Expander::new(self, issue, body);
        let markdown = expander.expanded(0..expander.segments.len(), 0);
        let Expander { placeholders, findings, .. } = expander;
        let document = Document::parse_as(&markdown, self.dialect).map_events(|events| placeholders.shown(events));
        (document, findings)
    }

    /// What is wrong with the shortcodes of an issue's body.
    pub fn findings(&self, issue: &Issue, body: &str) -> Vec<Finding> {
        if !may_contain(body) {
            return Vec::new();
        }
        let mut expander = Expander::new(self, issue, body);
        expander.expanded(0..expander.segments.len(), 0);
        expander.findings
    }

    fn pages(&self) -> &PageIndex<'a> {
        self.pages.get_or_init(|| PageIndex::new(self.issues))
    }
}

/// The second half of every first one that has one, by the number of the segment.
fn ends(segments: &[Segment<'_>]) -> BTreeMap<usize, usize> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut ends = BTreeMap::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Open(shortcode) if !shortcode.closes_itself => open.push((shortcode.name, at)),
            Segment::Close(name, _) => {
                if let Some(begin) = open.iter().rposition(|(other, _)| other == name) {
                    ends.insert(open[begin].1, at);
                    open.truncate(begin);
                }
            }
            _ => {}
        }
    }
    ends
}

/// One body while its shortcodes become what they show.
struct Expander<'s, 'a, 'm> {
    shortcodes: &'s Shortcodes<'a>,
    issue: &'s Issue,
    body: &'m str,
    segments: Vec<Segment<'m>>,
    ends: BTreeMap<usize, usize>,
    placeholders: Placeholders,
    /// Names that nobody knows, each said once.
    unknown: BTreeSet<&'m str>,
    findings: Vec<Finding>,
}

impl<'s, 'a, 'm> Expander<'s, 'a, 'm> {
    fn new(shortcodes: &'s Shortcodes<'a>, issue: &'s Issue, body: &'m str) -> Self {
        let segments = segments(body);
        let ends = ends(&segments);
        Self {
            shortcodes,
            issue,
            body,
            ends,
            segments,
            placeholders: Placeholders::default(),
            unknown: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// The Markdown of these segments, with marks in place of what is no Markdown.
    fn expanded(&mut self, range: std::ops::Range<usize>, depth: usize) -> String {
        let mut markdown = String::new();
        let mut at = range.start;
        while at < range.end {
            match self.segments[at].clone() {
                Segment::Text(text) => markdown.push_str(text),
                Segment::Escaped([open, shown, close]) => {
                    markdown.push_str(&self.placeholders.insert(Replacement::text(open)));
                    markdown.push_str(shown);
                    markdown.push_str(&self.placeholders.insert(Replacement::text(close)));
                }
                Segment::Close(name, range) => {
                    if !self.ends.values().any(|end| *end == at) {
                        let message = format!("`{name}` ends here and does not begin before");
                        self.found(Finding::warning("shortcode-unpaired", message), range, "take it out");
                    }
                }
                Segment::Open(shortcode) => {
                    let end = self.ends.get(&at).copied().filter(|_| self.takes_inner(shortcode.name));
                    let inner = at + 1..end.unwrap_or(at + 1);
                    markdown.push_str(&self.shortcode(&shortcode, inner, depth));
                    at = end.unwrap_or(at);
                }
            }
            at += 1;
        }
        markdown
    }

    fn takes_inner(&self, name: &str) -> bool {
        self.shortcodes.templates.has(name) || built_in::is_pair(name)
    }

    fn shortcode(&mut self, shortcode: &Shortcode<'m>, inner: std::ops::Range<usize>, depth: usize) -> String {
        if depth >= MAX_DEPTH {
            let message = format!("`{}` stands inside too many others", shortcode.name);
            self.found(Finding::error("shortcode-wrong", message), shortcode.range.clone(), "take it out of them");
            return String::new();
        }
        if self.shortcodes.templates.has(shortcode.name) {
            return self.own(shortcode, inner, depth);
        }
        match shortcode.name {
            "ref" | "relref" => self.reference(shortcode),
            "param" => self.param(shortcode),
            "highlight" => {
                let code = self.source(inner);
                self.placeholders.insert(built_in::highlight(&shortcode.arguments, &code))
            }
            "rawhtml" => {
                let html = self.source(inner).trim().to_owned();
                self.placeholders.insert(Replacement::html(html.clone(), html))
            }
            "details" => {
                let inner = self.expanded(inner, depth + 1);
                let [open, close] = built_in::details(&shortcode.arguments).map(|half| self.placeholders.insert(half));
                format!("{open}\n\n{}\n\n{close}", inner.trim())
            }
            name if built_in::NAMES.contains(&name) => match built_in::shown(name, &shortcode.arguments) {
                Some(shown) => self.placeholders.insert(shown),
                None => self.wrong(shortcode, "its arguments do not say what to show", "write them as Hugo wants them"),
            },
            name => self.unknown(name, shortcode),
        }
    }

    /// The text of these segments as it is written, shortcodes in it too: it is code.
    fn source(&self, inner: std::ops::Range<usize>) -> String {
        let mut text = String::new();
        for segment in self.segments.get(inner).unwrap_or_default() {
            match segment {
                Segment::Text(part) => text.push_str(part),
                Segment::Escaped(parts) => text.extend(parts.iter().copied()),
                Segment::Open(Shortcode { range, .. }) | Segment::Close(_, range) => {
                    text.push_str(&self.body[range.clone()]);
                }
            }
        }
        text
    }

    fn own(&mut self, shortcode: &Shortcode<'m>, inner: std::ops::Range<usize>, depth: usize) -> String {
        let inner = self.expanded(inner, depth + 1);
        let filled = self.shortcodes.templates.fill(self.issue, shortcode.name, &shortcode.arguments, &inner);
        match filled {
            Ok(markdown) if shortcode.is_markdown => markdown.trim_end_matches('\n').to_owned(),
            Ok(html) => {
                let html = html.trim().to_owned();
                self.placeholders.insert(Replacement::html(html.clone(), html))
            }
            Err(why) => {
                self.wrong(shortcode, &why, "mend the template, or give the shortcode what it asks for");
                inner
            }
        }
    }

    fn reference(&mut self, shortcode: &Shortcode<'m>) -> String {
        let target = shortcode.arguments.of("path", 0).unwrap_or_default();
        if let Some(address) = self.shortcodes.pages().address(self.issue, target) {
            return address;
        }
        let message = format!("there is no page `{target}` to refer to");
        let help = "write the path of a Markdown file below the content folder";
        self.found(Finding::error("link-broken", message), shortcode.range.clone(), help);
        self.placeholders.insert(Replacement::text(""))
    }

    fn param(&mut self, shortcode: &Shortcode<'m>) -> String {
        let name = shortcode.arguments.of("name", 0).unwrap_or_default();
        let mut keys = name.split('.');
        let first = keys.next().and_then(|key| self.issue.params.as_ref()?.get(key));
        let value = keys.try_fold(first, |value, key| value.map(|value| value.get(key))).flatten();
        match value {
            Some(serde_json::Value::String(text)) => self.placeholders.insert(Replacement::text(text)),
            Some(other) if !other.is_null() => self.placeholders.insert(Replacement::text(&other.to_string())),
            _ => self.wrong(
                shortcode,
                &format!("the front matter has no `{name}`"),
                "write the name of a field that is there",
            ),
        }
    }

    fn unknown(&mut self, name: &'m str, shortcode: &Shortcode<'m>) -> String {
        if !self.unknown.insert(name) {
            return String::new();
        }
        let known = built_in::NAMES.into_iter().chain(self.shortcodes.templates.names());
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("say what readers see of it in `{FOLDER}/{name}.html`"),
        };
        let message = format!("there is no shortcode `{name}`; readers get the text in it, if any");
        self.found(Finding::error("shortcode-unknown", message), shortcode.range.clone(), &help);
        String::new()
    }

    fn wrong(&mut self, shortcode: &Shortcode<'m>, why: &str, help: &str) -> String {
        let finding = Finding::error("shortcode-wrong", format!("`{}`: {why}", shortcode.name));
        self.found(finding, shortcode.range.clone(), help);
        String::new()
    }

    /// Notes what is wrong with what stands at these bytes of the body.
    fn found(&mut self, finding: Finding, range: std::ops::Range<usize>, help: &str) {
        let place = Place::in_text(&self.issue.path, self.body, range.start);
        let place = Place { line: place.line + self.issue.body.line.saturating_sub(1), ..place };
        let line: Cow<'_, str> = self.body[range].lines().next().unwrap_or_default().into();
        self.findings.push(finding.help(help).at(place).over(line.chars().count()));
    }
}

#[cfg(test)]
mod tests;

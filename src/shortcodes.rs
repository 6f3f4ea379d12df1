//! Hugo's shortcodes in an issue's Markdown: `{{< figure … >}}`, `{{% box %}}…{{% /box %}}`, and custom ones.
//!
//! Takes a body; returns its document, with every shortcode expanded to what readers should see, and findings. `translation`
//! makes Markdown of what other generators add to it. Runs
//! before the Markdown parser, as in Hugo: shortcodes are expanded in code too, and authors escape them as `{{</* name
//! */>}}`. `load` reads the templates of custom shortcodes.
//!
//! Expansion changes offsets. `check`, which needs places, masks shortcodes byte for byte instead.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use url::Url;

use crate::content::markdown::{Dialect, Document};
use crate::content::path::is_html;
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::publication::Publication;
use crate::shortcodes::custom::Templates;
use crate::shortcodes::placeholders::{Placeholders, Replacement};
use crate::shortcodes::reference::PageIndex;
use crate::shortcodes::syntax::{Segment, Shortcode, may_contain, segments};

mod built_in;
mod custom;
mod fields;
mod foreign;
mod formulas;
mod placeholders;
mod reference;
pub mod syntax;
mod translation;

pub use custom::FOLDER;
pub use translation::Translator;

/// Levels of nesting: a template may repeat its content, so each level may double it.
const MAX_DEPTH: usize = 8;

/// The shortcodes of a publication.
#[derive(Debug)]
pub struct Shortcodes<'a> {
    dialect: Dialect,
    issues: &'a [Issue],
    /// Whether an issue is in another language.
    has_languages: OnceLock<bool>,
    /// Built on the first reference.
    pages: OnceLock<PageIndex<'a>>,
    templates: Templates,
    translator: Translator,
    /// The main language of the publication.
    language: String,
    base_url: Url,
}

impl<'a> Shortcodes<'a> {
    /// The built-in shortcodes, and custom ones from these templates, by name. References resolve to one of `issues`.
    /// Broken templates are left out and reported.
    pub fn new(
        publication: &Publication,
        dialect: Dialect,
        issues: &'a [Issue],
        templates: BTreeMap<String, String>,
        translator: Translator,
    ) -> (Self, Vec<Finding>) {
        let (templates, findings) = Templates::new(publication, templates, dialect);
        let (language, base_url) = (publication.language.clone(), publication.base_url.clone());
        let (has_languages, pages) = (OnceLock::new(), OnceLock::new());
        (Self { dialect, issues, has_languages, pages, templates, translator, language, base_url }, findings)
    }

    /// The document of an issue's body without a heading that repeats its title, and findings about what it contains besides
    /// Markdown.
    pub fn document<'m>(&self, issue: &Issue, body: &'m str) -> (Document<'m>, Vec<Finding>) {
        let (text, mut findings) = self.translated(issue, body);
        let document = match text {
            Cow::Borrowed(text) => self.expanded(issue, text, &mut findings),
            Cow::Owned(text) => self.expanded(issue, &text, &mut findings).into_owned(),
        };
        (self.for_readers(issue, document), findings)
    }

    fn expanded<'m>(&self, issue: &Issue, text: &'m str, findings: &mut Vec<Finding>) -> Document<'m> {
        if is_html(&issue.path) {
            return Document::of_html(text);
        }
        if !may_contain(text) && !self.has_formulas(text) {
            return Document::parse_as(text, self.dialect);
        }
        let mut expander = Expander::new(self, issue, text);
        let markdown = expander.expand(0..expander.segments.len(), 0);
        findings.append(&mut expander.findings);
        let placeholders = expander.placeholders;
        Document::parse_as(&markdown, self.dialect).map_events(|events| placeholders.fill(events))
    }

    /// Findings about what an issue's body contains besides Markdown.
    pub fn findings(&self, issue: &Issue, body: &str) -> Vec<Finding> {
        let (text, mut findings) = self.translated(issue, body);
        if may_contain(&text) && !is_html(&issue.path) {
            let mut expander = Expander::new(self, issue, &text);
            expander.expand(0..expander.segments.len(), 0);
            findings.append(&mut expander.findings);
        }
        findings
    }

    /// The body of an issue as Markdown, line for line, in which Hugo's shortcodes are not yet expanded; and what of it is not
    /// rendered.
    pub fn translated<'m>(&self, issue: &Issue, body: &'m str) -> (Cow<'m, str>, Vec<Finding>) {
        let address = |path: &str| self.pages().address(issue, path, issue.site.as_deref());
        self.translator.translate(issue, body, &self.base_url, &address)
    }

    fn has_formulas(&self, text: &str) -> bool {
        self.dialect.bracket_math && formulas::may_contain(text)
    }

    /// Without a repeated title. Links to the files of other posts lead to their pages, though not on Hugo's sites; with several
    /// languages, links lead to pages in the language of the issue.
    fn for_readers<'m>(&self, issue: &Issue, document: Document<'m>) -> Document<'m> {
        let document = document.without_title(&issue.plain_title());
        let document = match self.translator.format.is_hugo() {
            true => document,
            false => document.map_links(|target| self.page_of_file(issue, target)),
        };
        let has_languages = self.has_languages.get_or_init(|| self.issues.iter().any(|issue| issue.site.is_some()));
        if *has_languages { document.map_links(|target| self.pages().link(issue, target)) } else { document }
    }

    /// The page of the post whose Markdown file a link leads to, relative to that of the issue, or with `@` below the content folder.
    fn page_of_file(&self, issue: &Issue, target: &str) -> Option<String> {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        let is_file = [".md", ".mdx", ".markdown"].iter().any(|ending| path.ends_with(ending)) && !path.contains("://");
        let target = target.strip_prefix('@').unwrap_or(target);
        Some(target).filter(|_| is_file).and_then(|target| self.pages().address(issue, target, issue.site.as_deref()))
    }

    fn pages(&self) -> &PageIndex<'a> {
        self.pages.get_or_init(|| PageIndex::new(self.issues, &self.language))
    }
}

/// The closing segment of each paired opening one, by index.
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

/// Expands the shortcodes of one body.
struct Expander<'s, 'a, 'm> {
    shortcodes: &'s Shortcodes<'a>,
    issue: &'s Issue,
    body: &'m str,
    segments: Vec<Segment<'m>>,
    ends: BTreeMap<usize, usize>,
    placeholders: Placeholders,
    /// Unknown names already reported.
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

    /// The Markdown of these segments, with placeholders for everything else.
    fn expand(&mut self, range: std::ops::Range<usize>, depth: usize) -> String {
        let mut markdown = String::new();
        let mut at = range.start;
        while at < range.end {
            match self.segments[at].clone() {
                Segment::Text(text) if self.shortcodes.has_formulas(text) => {
                    markdown.push_str(&formulas::protected(text, &mut self.placeholders));
                }
                Segment::Text(text) => markdown.push_str(text),
                Segment::Escaped([open, shown, close]) => {
                    markdown.push_str(&self.placeholders.insert(Replacement::text(open)));
                    markdown.push_str(shown);
                    markdown.push_str(&self.placeholders.insert(Replacement::text(close)));
                }
                Segment::Close(name, range) => {
                    if !self.ends.values().any(|end| *end == at) {
                        let message = format!("`{name}` is closed here but was never opened");
                        self.report(
                            Finding::warning("shortcode-unpaired", message),
                            range,
                            "remove it, or add the opening shortcode before it",
                        );
                    }
                }
                Segment::Open(shortcode) => {
                    let end = self.ends.get(&at).copied().filter(|_| self.takes_inner(shortcode.name, depth));
                    let inner = at + 1..end.unwrap_or(at + 1);
                    markdown.push_str(&self.shortcode(&shortcode, inner, depth));
                    at = end.unwrap_or(at);
                }
            }
            at += 1;
        }
        markdown
    }

    fn takes_inner(&self, name: &str, depth: usize) -> bool {
        let is_unknown = !built_in::NAMES.contains(&name) && depth + 1 < MAX_DEPTH;
        self.shortcodes.templates.has(name) || built_in::is_pair(name) || is_unknown
    }

    fn shortcode(&mut self, shortcode: &Shortcode<'m>, inner: std::ops::Range<usize>, depth: usize) -> String {
        if depth >= MAX_DEPTH {
            let message = format!("`{}` is nested too deep", shortcode.name);
            self.report(
                Finding::error("shortcode-invalid", message),
                shortcode.range.clone(),
                "reduce the nesting of shortcodes",
            );
            return String::new();
        }
        if self.shortcodes.templates.has(shortcode.name) {
            return self.custom(shortcode, inner, depth);
        }
        match shortcode.name {
            "ref" | "relref" => self.reference(shortcode),
            "param" => self.param(shortcode),
            "highlight" => {
                let code = self.source(inner);
                self.placeholders.insert(built_in::highlight(&shortcode.arguments, &code))
            }
            "qr" | "rawhtml" => {
                let inner = self.source(inner);
                self.placeholders.insert(built_in::raw(shortcode.name, &shortcode.arguments, &inner))
            }
            // Notes that Hugo shows to no one.
            "comment" => String::new(),
            "details" => {
                let inner = self.expand(inner, depth + 1);
                let [open, close] = built_in::details(&shortcode.arguments, self.shortcodes.dialect)
                    .map(|half| self.placeholders.insert(half));
                format!("{open}\n\n{}\n\n{close}", inner.trim())
            }
            name if built_in::NAMES.contains(&name) => self.built_in(shortcode),
            _ => self.unknown(shortcode, inner, depth),
        }
    }

    fn built_in(&mut self, shortcode: &Shortcode<'m>) -> String {
        match built_in::expand(shortcode.name, &shortcode.arguments, self.shortcodes.dialect) {
            Some(replacement) => self.placeholders.insert(replacement),
            None => self.invalid(
                shortcode,
                "required arguments are missing",
                "write the arguments as Hugo's documentation describes them",
            ),
        }
    }

    /// The source of these segments, including shortcodes: it is code.
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

    fn custom(&mut self, shortcode: &Shortcode<'m>, inner: std::ops::Range<usize>, depth: usize) -> String {
        let inner = self.expand(inner, depth + 1);
        let rendered = self.shortcodes.templates.render(self.issue, shortcode.name, &shortcode.arguments, &inner);
        match rendered {
            Ok(markdown) if shortcode.is_markdown => markdown.trim_end_matches('\n').to_owned(),
            Ok(html) => {
                let html = html.trim().to_owned();
                self.placeholders.insert(Replacement::html(html.clone(), html))
            }
            Err(why) => {
                self.invalid(shortcode, &why, "correct the template, or pass the arguments it needs");
                inner
            }
        }
    }

    fn reference(&mut self, shortcode: &Shortcode<'m>) -> String {
        let target = shortcode.arguments.of("path", 0).unwrap_or_default();
        let own = &self.shortcodes.language;
        let named = shortcode.arguments.named("lang").map(str::to_lowercase);
        let is_own = |name: &String| own.eq_ignore_ascii_case(name) || own.split('-').next() == Some(name.as_str());
        let site = match &named {
            Some(name) => Some(name.as_str()).filter(|_| !is_own(name)),
            None => self.issue.site.as_deref(),
        };
        if let Some(address) = self.shortcodes.pages().address(self.issue, target, site) {
            return address;
        }
        let message = format!("page `{target}` not found");
        let help = "use the path of a Markdown file below the content folder";
        self.report(Finding::error("link-broken", message), shortcode.range.clone(), help);
        self.placeholders.insert(Replacement::text(""))
    }

    fn param(&mut self, shortcode: &Shortcode<'m>) -> String {
        let name = shortcode.arguments.of("name", 0).unwrap_or_default();
        match fields::value(self.issue, name) {
            Some(text) => self.placeholders.insert(Replacement::text(&text)),
            None => self.invalid(
                shortcode,
                &format!("the front matter has no field `{name}`"),
                "use the name of an existing field",
            ),
        }
    }

    fn invalid(&mut self, shortcode: &Shortcode<'m>, why: &str, help: &str) -> String {
        let finding = Finding::error("shortcode-invalid", format!("`{}`: {why}", shortcode.name));
        self.report(finding, shortcode.range.clone(), help);
        String::new()
    }

    /// Adds a finding about these bytes of the body.
    fn report(&mut self, finding: Finding, range: std::ops::Range<usize>, help: &str) {
        let place = Place::in_text(&self.issue.path, self.body, range.start);
        let place = Place { line: place.line + self.issue.body.line.saturating_sub(1), ..place };
        let line: Cow<'_, str> = self.body[range].lines().next().unwrap_or_default().into();
        self.findings.push(finding.help(help).at(place).over(line.chars().count()));
    }
}

#[cfg(test)]
mod tests;

//! The templates of an edition: the project's own, else those compiled in.
//!
//! A name that means nothing is an error, not a blank: it is found before anybody gets the mail. Reading the project's
//! files is left to the closure that is passed in.

use std::collections::BTreeMap;

use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::content::plain_text;
use crate::edition::context::own;
use crate::edition::merge;
use crate::edition::recipient::{Leave, Recipient};
use crate::edition::template::failure::{finding, innermost, path};
use crate::edition::transfer::{MARKS, mark};
use crate::finding::Finding;

mod failure;

/// The names of the templates of an edition's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Template of the HTML part.
    pub html: &'static str,
    /// Template of the plain text part.
    pub text: &'static str,
}

/// The templates of one issue.
pub const ISSUE: Parts = Parts { html: "edition.html", text: "edition.txt" };

/// The templates of a digest.
pub const DIGEST: Parts = Parts { html: "digest.html", text: "digest.txt" };

/// The templates of the web archive: the page of an issue, and the index.
pub const PAGES: Parts = Parts { html: "page.html", text: "index.html" };

/// What is compiled in, by its name. A project's own template of that name is used instead, and can extend the one
/// compiled in by that name behind `default/`.
const COMPILED_IN: [(&str, &str); 8] = [
    ("layout.html", include_str!("../../templates/layout.html")),
    (ISSUE.html, include_str!("../../templates/edition.html")),
    (ISSUE.text, include_str!("../../templates/edition.txt")),
    (DIGEST.html, include_str!("../../templates/digest.html")),
    (DIGEST.text, include_str!("../../templates/digest.txt")),
    ("site.html", include_str!("../../templates/site.html")),
    (PAGES.html, include_str!("../../templates/page.html")),
    (PAGES.text, include_str!("../../templates/index.html")),
];

/// Before the name of a template: the one compiled in, whatever the project has.
const DEFAULT: &str = "default/";

/// Steps a template may take: the default ones need about a thousand.
const FUEL: u64 = 1_000_000;

/// The templates of one edition.
#[derive(Debug, Clone)]
pub struct Templates {
    /// Which of them are rendered.
    pub parts: Parts,
    environment: Environment<'static>,
}

/// Templates that are rendered once for all, and what each recipient has of their own in them.
#[derive(Debug, Clone)]
pub struct Split {
    /// With marks in place of the recipient's own. They hold the templates of `own` too.
    pub shared: Templates,
    /// The names of the templates that render the values, in the order of their marks.
    pub own: Vec<String>,
}

impl Split {
    /// The values of a recipient, in the order of their marks. `None` when one cannot be had: rendering the whole says why.
    pub fn values(&self, recipient: &Recipient, leave: &Leave) -> Option<Vec<String>> {
        let fields: Value = own(recipient, leave);
        let value = |template: &String| {
            let value = self.shared.environment.get_template(template).ok()?.render(&fields).ok()?;
            Some(unescaped_where_harmless(value))
        };
        self.own.iter().map(value).collect()
    }
}

impl Templates {
    /// Reads the templates of both parts, and those they extend, include or import. `own` gives the text of the project's own
    /// template of a name, if there is one.
    ///
    /// # Errors
    /// When `own` fails, or a finding where a template cannot be understood.
    pub fn load(parts: Parts, own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        let lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(lines.context("failed to set up templates")?);
        environment.add_filter("heading", |text: String| plain_text::heading(&text));
        environment.add_filter("paragraph", |text: String| plain_text::paragraph(&text));
        let mut wanted = vec![parts.html.to_owned(), parts.text.to_owned()];
        while let Some(name) = wanted.pop() {
            if environment.get_template(&name).is_ok() {
                continue;
            }
            // One that is missing is found, with its place, where it is used.
            let Some(source) = source_of(&name, own)? else { continue };
            wanted.extend(named_templates(&source));
            let added = environment.add_template_owned(name.clone(), source.clone());
            added.map_err(|error| *finding(&error, &path(&name), &source, &Value::UNDEFINED))?;
        }
        Ok(Self { parts, environment })
    }

    /// The names and texts of all templates that are in use, in the order of their names.
    fn sources(&self) -> BTreeMap<String, String> {
        self.environment.templates().map(|(name, template)| (name.to_owned(), template.source().to_owned())).collect()
    }

    /// Whether any of the templates uses this name.
    pub fn uses(&self, name: &str) -> bool {
        self.environment.templates().any(|(_, template)| template.undeclared_variables(false).contains(name))
    }

    /// These templates with marks in place of what is the recipient's own. `None` where they do more with it than show
    /// it, so that they have to be filled in for each recipient.
    pub fn split(&self) -> Option<Split> {
        let mut split = Split { shared: self.clone(), own: Vec::new() };
        for (name, source) in self.sources() {
            let first = split.own.len();
            let parts = merge::split(&source, |number| mark(first + number))?;
            let end = name.rfind('.').map_or("", |dot| &name[dot..]);
            for expression in parts.expressions {
                // The end of the name decides how a value is escaped.
                let own = format!("own/{}{end}", split.own.len());
                let environment = &mut split.shared.environment;
                environment.add_template_owned(own.clone(), format!("{{{{ {expression} }}}}")).ok()?;
                let names = environment.get_template(&own).ok()?.undeclared_variables(false);
                if !merge::is_own(names) {
                    return None;
                }
                split.own.push(own);
            }
            split.shared.environment.add_template_owned(name, parts.source).ok()?;
        }
        (split.own.len() <= MARKS).then_some(split)
    }

    /// Fills in a template.
    ///
    /// # Errors
    /// A finding at the place of the template where it went wrong.
    pub fn render(&self, name: &str, context: &Value) -> Result<String, Box<Finding>> {
        let template =
            self.environment.get_template(name).map_err(|error| finding(&error, &path(name), "", context))?;
        template.render(context).map_err(|error| {
            let at = innermost(&error);
            let name = at.name().unwrap_or(name);
            let source = self.environment.get_template(name).map(|template| template.source().to_owned());
            finding(at, &path(name), &source.unwrap_or_default(), context)
        })
    }

    /// Fills in a template that is a value of the project file, `key` being its name there.
    ///
    /// # Errors
    /// A finding that names the key.
    pub fn render_value(&self, key: &str, source: &str, context: &Value) -> Result<String, Box<Finding>> {
        let rendered = self.environment.render_named_str(key, source, context);
        rendered.map_err(|error| {
            let mut finding = finding(&error, key, source, context);
            finding.message = format!("`{key}`: {}", finding.message);
            finding.place = None;
            finding
        })
    }
}

/// A rendered value without the escapes of `'` and `/`, which are for scripts: no attribute and no mail needs them.
fn unescaped_where_harmless(value: String) -> String {
    if value.contains("&#x") { value.replace("&#x2f;", "/").replace("&#x27;", "'") } else { value }
}

/// The project's own template of a name, else the one compiled in.
fn source_of(name: &str, own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Option<String>> {
    let compiled_in =
        |name: &str| COMPILED_IN.iter().find(|(other, _)| *other == name).map(|(_, text)| (*text).to_owned());
    if let Some(name) = name.strip_prefix(DEFAULT) {
        return Ok(compiled_in(name));
    }
    Ok(own(name)?.or_else(|| compiled_in(name)))
}

/// Names of other templates that stand in the tags of a template.
fn named_templates(source: &str) -> Vec<String> {
    let tags = source.split("{%").skip(1).filter_map(|rest| rest.split_once("%}")).map(|(tag, _)| tag);
    let tags = tags.filter(|tag| {
        let word = tag.trim_start_matches(['-', '+']).split_whitespace().next();
        matches!(word, Some("extends" | "include" | "import" | "from"))
    });
    let quoted = |tag: &str, quote| tag.split(quote).skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    tags.flat_map(|tag| [quoted(tag, '"'), quoted(tag, '\'')].concat()).filter(|name| is_name(name)).collect()
}

/// Whether it is the path of a file below `templates`.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests;

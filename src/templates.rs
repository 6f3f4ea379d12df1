//! Templates in Jinja: those of mails and of pages, the project's own or else the ones compiled in.
//!
//! Takes names, and the text of the project's templates; gives filled in text, or a finding at the place that is wrong: a
//! name that means nothing is an error, not a blank. What every template can refer to is in `fields`, the fixed words of
//! each language in `words`. Reading the project's files is left to the caller.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::content::plain_text;
use crate::finding::Finding;
use crate::templates::failure::{finding, innermost, path};

mod failure;
pub mod fields;
pub mod locale;

pub use failure::said;

/// What is compiled in, by its name. A project's own template of that name is used instead, and can extend the one
/// compiled in by that name behind `default/`.
const COMPILED_IN: [(&str, &str); 9] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("edition.html", include_str!("../templates/edition.html")),
    ("edition.txt", include_str!("../templates/edition.txt")),
    ("digest.html", include_str!("../templates/digest.html")),
    ("digest.txt", include_str!("../templates/digest.txt")),
    ("site.html", include_str!("../templates/site.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("index.html", include_str!("../templates/index.html")),
    ("status.html", include_str!("../templates/status.html")),
];

/// Before the name of a template: the one compiled in, whatever the project has.
const DEFAULT: &str = "default/";

/// Steps a template may take: the default ones need about a thousand.
const FUEL: u64 = 1_000_000;

/// Templates that refer to each other.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Environment<'static>,
}

/// An engine for templates that take at most so many steps, and in which a name that means nothing is an error.
pub fn engine(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(fuel));
    environment
}

impl Templates {
    /// Reads the templates of these names, and those they extend, include or import. `own` returns the text of the project's
    /// own template of a name, if there is one.
    ///
    /// # Errors
    /// When `own` fails, or a finding where a template cannot be understood.
    pub fn load(names: &[&str], own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Self> {
        let mut environment = engine(FUEL);
        environment.set_debug(true);
        let lines = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(lines.context("failed to set up templates")?);
        environment.add_filter("heading", |text: String| plain_text::heading(&text));
        environment.add_filter("paragraph", |text: String| plain_text::paragraph(&text));
        let mut wanted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
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
        Ok(Self { environment })
    }

    /// One of the templates compiled in, which may take as many steps as its fields need.
    ///
    /// # Errors
    /// When it cannot be understood, which is a fault of this program.
    pub fn compiled_in(name: &str) -> anyhow::Result<Self> {
        let mut templates = Self::load(&[name], &|_| Ok(None))?;
        templates.environment.set_fuel(None);
        Ok(templates)
    }

    /// The names and texts of all templates that are in use, in the order of their names.
    pub fn sources(&self) -> BTreeMap<String, String> {
        self.environment.templates().map(|(name, template)| (name.to_owned(), template.source().to_owned())).collect()
    }

    /// Whether any of the templates uses this name.
    pub fn uses(&self, name: &str) -> bool {
        self.environment.templates().any(|(_, template)| template.undeclared_variables(false).contains(name))
    }

    /// Adds a template, and returns the names that it uses; `None` when it cannot be understood.
    pub fn add(&mut self, name: String, source: String) -> Option<HashSet<String>> {
        self.environment.add_template_owned(name.clone(), source).ok()?;
        Some(self.environment.get_template(&name).ok()?.undeclared_variables(false))
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

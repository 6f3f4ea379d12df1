//! Jinja templates of editions and pages: the project's, or else the built-in ones.
//!
//! Takes names, and the text of the project's templates; returns rendered text, or a finding at the place of the error. An
//! undefined name is an error, not an empty string. `fields` contains the variables of all templates, `locale` the fixed
//! texts of each language. The caller reads the project's files.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::content::plain_text;
use crate::finding::Finding;
use crate::templates::failure::{finding, innermost, path};

mod failure;
pub mod fields;
pub mod language;
pub mod locale;

pub use failure::message as error_message;

/// The built-in templates. A project's template with the same name replaces one, and can extend it as `default/NAME`.
const BUILT_IN: [(&str, &str); 14] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("edition.html", include_str!("../templates/edition.html")),
    ("edition.txt", include_str!("../templates/edition.txt")),
    ("digest.html", include_str!("../templates/digest.html")),
    ("digest.txt", include_str!("../templates/digest.txt")),
    ("transactional.html", include_str!("../templates/transactional.html")),
    ("transactional.txt", include_str!("../templates/transactional.txt")),
    ("site.html", include_str!("../templates/site.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("index.html", include_str!("../templates/index.html")),
    ("answer.html", include_str!("../templates/answer.html")),
    ("subscribe.html", include_str!("../templates/subscribe.html")),
    ("subscribe-form.html", include_str!("../templates/subscribe-form.html")),
    ("status.html", include_str!("../templates/status.html")),
];

/// The text of a built-in template; empty if there is none with this name.
pub fn built_in_source(name: &str) -> &'static str {
    BUILT_IN.iter().find(|(other, _)| *other == name).map_or("", |(_, source)| source)
}

/// The prefix of the name of a built-in template.
const DEFAULT_PREFIX: &str = "default/";

/// The steps that a template may take; the built-in ones need about a thousand.
const MAX_STEPS: u64 = 1_000_000;

/// Templates that refer to each other.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Environment<'static>,
}

/// A template engine that stops after this many steps, and in which an undefined name is an error.
pub fn engine(fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(fuel));
    environment
}

impl Templates {
    /// Loads the templates with these names, and those they extend, include or import. `own` returns the text of the project's
    /// template with a name, if there is one.
    ///
    /// # Errors
    /// When `own` fails, or a finding where a template is invalid.
    pub fn load(names: &[&str], own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Self> {
        let mut environment = engine(MAX_STEPS);
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
            // A missing one is reported where it is used.
            let Some(source) = source_of(&name, own)? else { continue };
            wanted.extend(named_templates(&source));
            let added = environment.add_template_owned(name.clone(), source.clone());
            added.map_err(|error| *finding(&error, &path(&name), &source, &Value::UNDEFINED))?;
        }
        Ok(Self { environment })
    }

    /// A built-in template, without a limit of steps.
    ///
    /// # Errors
    /// When it is invalid, which is a bug.
    pub fn built_in(name: &str) -> anyhow::Result<Self> {
        let mut templates = Self::load(&[name], &|_| Ok(None))?;
        templates.environment.set_fuel(None);
        Ok(templates)
    }

    /// The names and texts of all loaded templates, ordered by name.
    pub fn sources(&self) -> BTreeMap<String, String> {
        self.environment.templates().map(|(name, template)| (name.to_owned(), template.source().to_owned())).collect()
    }

    /// Whether any of the templates uses this name.
    pub fn uses(&self, name: &str) -> bool {
        self.environment.templates().any(|(_, template)| template.undeclared_variables(false).contains(name))
    }

    /// Adds a template and returns the names that it uses; `None` if it is invalid.
    pub fn add(&mut self, name: String, source: String) -> Option<HashSet<String>> {
        self.environment.add_template_owned(name.clone(), source).ok()?;
        Some(self.environment.get_template(&name).ok()?.undeclared_variables(false))
    }

    /// Renders a template.
    ///
    /// # Errors
    /// A finding at the place of the error in the template.
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

    /// Renders a template that is the value of `key` in the project file.
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

/// The project's template with a name, or else the built-in one.
fn source_of(name: &str, own: &dyn Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<Option<String>> {
    let built_in = |name: &str| BUILT_IN.iter().find(|(other, _)| *other == name).map(|(_, text)| (*text).to_owned());
    if let Some(name) = name.strip_prefix(DEFAULT_PREFIX) {
        return Ok(built_in(name));
    }
    Ok(own(name)?.or_else(|| built_in(name)))
}

/// The names of the templates that a template refers to.
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

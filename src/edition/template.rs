//! The templates of an edition, split into a shared part and the values of each recipient.

use minijinja::Value;

use crate::edition::context::recipient_fields;
use crate::edition::template_split;
use crate::edition::transfer_encoding::{MAX_PLACEHOLDERS, placeholder};
use crate::edition::{Recipient, unsubscribe::Unsubscribe};
use crate::templates::Templates;

/// The names of the templates of an edition's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateNames {
    /// The template of the HTML part.
    pub html: &'static str,
    /// The template of the plain text.
    pub text: &'static str,
}

impl TemplateNames {
    /// Both names.
    pub fn names(self) -> [&'static str; 2] {
        [self.html, self.text]
    }
}

/// The templates of an issue.
pub const ISSUE: TemplateNames = TemplateNames { html: "edition.html", text: "edition.txt" };

/// The templates of a digest.
pub const DIGEST: TemplateNames = TemplateNames { html: "digest.html", text: "digest.txt" };

/// Templates that are rendered once for all recipients, and the templates of each recipient's values.
#[derive(Debug, Clone)]
pub struct SplitTemplates {
    /// With placeholders for the recipient's values. They include the templates of `own`.
    pub shared: Templates,
    /// The names of the templates that render the values, in the order of their placeholders.
    pub own: Vec<String>,
}

impl SplitTemplates {
    /// Splits the templates. `None` if they have to be rendered for each recipient.
    pub fn new(templates: &Templates) -> Option<Self> {
        let mut split = Self { shared: templates.clone(), own: Vec::new() };
        for (name, source) in templates.sources() {
            let first = split.own.len();
            let parts = template_split::split(&source, |number| placeholder(first + number))?;
            let end = name.rfind('.').map_or("", |dot| &name[dot..]);
            for expression in parts.expressions {
                // The extension decides how a value is escaped.
                let own = format!("own/{}{end}", split.own.len());
                let names = split.shared.add(own.clone(), format!("{{{{ {expression} }}}}"))?;
                if !template_split::depends_on_recipient_only(names) {
                    return None;
                }
                split.own.push(own);
            }
            split.shared.add(name, parts.source)?;
        }
        (split.own.len() <= MAX_PLACEHOLDERS).then_some(split)
    }

    /// The values of a recipient, in the order of their placeholders. `None` if one fails: rendering everything reports why.
    pub fn values(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Option<Vec<String>> {
        let fields: Value = recipient_fields(recipient, unsubscribe);
        let value = |template: &String| {
            let value = self.shared.render(template, &fields).ok()?;
            Some(unescaped_where_harmless(value))
        };
        self.own.iter().map(value).collect()
    }
}

/// A rendered value without the escapes of `'` and `/`, which only scripts need.
fn unescaped_where_harmless(value: String) -> String {
    if value.contains("&#x") { value.replace("&#x2f;", "/").replace("&#x27;", "'") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_templates_are_rendered_once_for_all() {
        for parts in [ISSUE, DIGEST] {
            let templates = Templates::load(&parts.names(), &|_| Ok(None)).unwrap();
            for (name, source) in templates.sources() {
                assert!(template_split::split(&source, placeholder).is_some(), "{name}");
            }
            assert!(SplitTemplates::new(&templates).is_some_and(|split| !split.own.is_empty()), "{parts:?}");
        }
    }
}

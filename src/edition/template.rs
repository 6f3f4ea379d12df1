//! The templates of an edition, and which values in them are each recipient's own.

use minijinja::Value;

use crate::edition::context::own;
use crate::edition::template_split;
use crate::edition::transfer_encoding::{MARKS, mark};
use crate::edition::{Recipient, unsubscribe::Unsubscribe};
use crate::templates::Templates;

/// The names of the templates of an edition's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Template of the HTML part.
    pub html: &'static str,
    /// Template of the plain text part.
    pub text: &'static str,
}

impl Parts {
    /// Both names.
    pub fn names(self) -> [&'static str; 2] {
        [self.html, self.text]
    }
}

/// The templates of one issue.
pub const ISSUE: Parts = Parts { html: "edition.html", text: "edition.txt" };

/// The templates of a digest.
pub const DIGEST: Parts = Parts { html: "digest.html", text: "digest.txt" };

/// Templates that are rendered once for all, and what each recipient has of their own in them.
#[derive(Debug, Clone)]
pub struct Split {
    /// With marks in place of the recipient's own. They hold the templates of `own` too.
    pub shared: Templates,
    /// The names of the templates that render the values, in the order of their marks.
    pub own: Vec<String>,
}

impl Split {
    /// Templates with marks in place of what is the recipient's own. `None` where they do more with it than show it, so that
    /// they have to be filled in for each recipient.
    pub fn new(templates: &Templates) -> Option<Self> {
        let mut split = Self { shared: templates.clone(), own: Vec::new() };
        for (name, source) in templates.sources() {
            let first = split.own.len();
            let parts = template_split::split(&source, |number| mark(first + number))?;
            let end = name.rfind('.').map_or("", |dot| &name[dot..]);
            for expression in parts.expressions {
                // The end of the name decides how a value is escaped.
                let own = format!("own/{}{end}", split.own.len());
                let names = split.shared.add(own.clone(), format!("{{{{ {expression} }}}}"))?;
                if !template_split::is_own(names) {
                    return None;
                }
                split.own.push(own);
            }
            split.shared.add(name, parts.source)?;
        }
        (split.own.len() <= MARKS).then_some(split)
    }

    /// The values of a recipient, in the order of their marks. `None` when one cannot be had: rendering the whole says why.
    pub fn values(&self, recipient: &Recipient, unsubscribe: &Unsubscribe) -> Option<Vec<String>> {
        let fields: Value = own(recipient, unsubscribe);
        let value = |template: &String| {
            let value = self.shared.render(template, &fields).ok()?;
            Some(unescaped_where_harmless(value))
        };
        self.own.iter().map(value).collect()
    }
}

/// A rendered value without the escapes of `'` and `/`, which are for scripts: no attribute and no mail needs them.
fn unescaped_where_harmless(value: String) -> String {
    if value.contains("&#x") { value.replace("&#x2f;", "/").replace("&#x27;", "'") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_compiled_in_are_rendered_once_for_all() {
        for parts in [ISSUE, DIGEST] {
            let templates = Templates::load(&parts.names(), &|_| Ok(None)).unwrap();
            for (name, source) in templates.sources() {
                assert!(template_split::split(&source, mark).is_some(), "{name}");
            }
            assert!(Split::new(&templates).is_some_and(|split| !split.own.is_empty()), "{parts:?}");
        }
    }
}

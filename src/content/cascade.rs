//! Cascades: fields that a section's `_index.md`, or Hugo's configuration, sets on the pages below it.
//!
//! Takes the value of `cascade`; returns the fields and the pages they are for. A page's own field, then the nearest
//! cascade, takes precedence, as in Hugo.

use serde_json::{Map, Value};

use crate::content::glob::Glob;

/// Fields, and the pages that inherit them.
#[derive(Debug, Clone, PartialEq)]
pub struct Cascade {
    /// Fields by lower-case name.
    pub fields: Map<String, Value>,
    path: Option<Glob>,
    languages: Vec<Glob>,
}

impl Cascade {
    /// The cascades of a `cascade`, one mapping or a list of them, that are for posts in production.
    pub fn all(written: &Value) -> Vec<Self> {
        match written {
            Value::Object(map) => Self::new(map).into_iter().collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_object).filter_map(Self::new).collect(),
            _ => Vec::new(),
        }
    }

    /// `None` if it is for other kinds of pages, or for another environment.
    fn new(written: &Map<String, Value>) -> Option<Self> {
        // They shape the tree of pages; Hugo refuses them.
        const NOT_INHERITED: [&str; 4] = ["kind", "path", "lang", "cascade"];
        let mut fields = Map::new();
        let mut target = None;
        for (name, value) in written {
            match (name.to_lowercase().as_str(), value) {
                ("target" | "_target", value) => target = value.as_object(),
                ("params", Value::Object(params)) => {
                    fields.extend(params.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
                }
                (name, value) if !NOT_INHERITED.contains(&name) => drop(fields.insert(name.to_owned(), value.clone())),
                _ => {}
            }
        }
        let lower = |name: &str| target?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let glob = |name: &str| lower(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Glob::new);
        let languages = target.map(|target| Value::Object(target.clone()));
        let languages = languages.as_ref().and_then(|target| target.pointer("/sites/matrix/languages"));
        let languages: Vec<Glob> = languages.into_iter().flat_map(texts).chain(glob("lang")).collect();
        let fits = |name: &str, text: &str| glob(name).is_none_or(|glob| glob.matches(text));
        let is_for_posts = fits("kind", "page") && fits("environment", "production");
        is_for_posts.then(|| Self { fields, path: glob("path"), languages })
    }

    /// Whether it is for this page: its path is below the site's content, with a leading slash and
    /// without ending, as `url_path::logical_path` returns it. Few cascades ask for it.
    pub fn is_for<'a>(&self, path: impl FnOnce() -> &'a str, language: &str) -> bool {
        let is_at = self.path.as_ref().is_none_or(|glob| glob.matches(path()));
        let in_language = self.languages.is_empty() || self.languages.iter().any(|glob| glob.matches(language));
        is_at && in_language
    }
}

fn texts(value: &Value) -> Vec<Glob> {
    match value {
        Value::String(text) => vec![Glob::new(text)],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(Glob::new).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cascade_is_one_mapping_or_a_list_each_with_its_target() {
        let written = json!([
            {"draft": true, "Params": {"Mood": "calm"}, "target": {"path": "/log/**", "kind": "{page,section}"}},
            {"slug": "x", "_target": {"sites": {"matrix": {"languages": ["f*"]}}}},
            {"slug": "y", "kind": "page", "target": {"kind": "section"}},
            {"slug": "z", "target": {"environment": "development"}},
            7,
        ]);
        let cascades = Cascade::all(&written);
        let of = |path: &str, language: &str| {
            let fitting = cascades.iter().filter(|cascade| cascade.is_for(|| path, language));
            fitting.map(|cascade| Value::Object(cascade.fields.clone())).collect::<Vec<_>>()
        };
        assert_eq!(of("/log/a", "en"), [json!({"draft": true, "mood": "calm"})]);
        assert_eq!(of("/notes/a", "fr"), [json!({"slug": "x"})]);
        assert_eq!(of("/notes/a", "en"), [] as [Value; 0]);
        assert_eq!(Cascade::all(&json!({"draft": true})).len(), 1);
        assert_eq!(Cascade::all(&json!("text")), []);
    }
}

//! What expressions refer to: the site, the page, the parameters of an include, assigned variables.
//!
//! Takes names and literals; returns values. What only a build of the site knows, such as its data files, is unknown.

use std::cell::OnceCell;

use serde_json::{Map, Value, json};

use crate::content::format::jekyll::liquid::lexer::quoted;
use crate::content::format::jekyll::{Jekyll, permalink};
use crate::content::format::{Body, Settings};

/// The variables of a body.
pub struct Scope<'r> {
    settings: &'r Settings,
    of: &'r Body<'r>,
    page: OnceCell<Value>,
    /// Assigned variables.
    pub variables: Map<String, Value>,
    /// The parameters of the includes that are open.
    pub parameters: Vec<Value>,
}

/// What of the site is known only when it is built.
const OF_BUILD: [&str; 13] = [
    "time", "pages", "posts", "related_posts", "static_files", "html_pages", "html_files", "collections", "data",
    "documents", "categories", "tags", "github",
];

/// Objects that are known only when the site is built.
const UNKNOWN: [&str; 7] = ["layout", "content", "paginator", "theme", "post", "tablerowloop", "pagination"];

impl<'r> Scope<'r> {
    /// The variables of a body in a site.
    pub fn new(jekyll: &'r Jekyll, of: &'r Body<'r>) -> Self {
        Self { settings: &jekyll.settings, of, page: OnceCell::new(), variables: Map::new(), parameters: Vec::new() }
    }

    /// The address of the site without its path, and its path, neither with a slash at the end.
    pub fn addresses(&self) -> (String, &str) {
        (self.of.base_url.origin().ascii_serialization(), self.of.base_url.path().trim_end_matches('/'))
    }

    /// The value of a literal or of a variable with its properties; null if there is none, `None` if it is unknown.
    pub fn value(&self, expression: &str) -> Option<Value> {
        if let Some(text) = quoted(expression) {
            return Some(Value::from(text));
        }
        match expression {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            "nil" | "null" => return Some(Value::Null),
            "empty" | "blank" | "" => return Some(Value::from("")),
            _ => {}
        }
        if let Ok(number) = expression.parse::<i64>() {
            return Some(Value::from(number));
        }
        if expression.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return expression.parse::<f64>().ok().map(Value::from);
        }
        if let Some(range) = expression.strip_prefix('(').and_then(|range| range.strip_suffix(')')) {
            return self.range(range);
        }
        self.property(&path(expression))
    }

    /// `1..5`, up to a thousand numbers.
    fn range(&self, range: &str) -> Option<Value> {
        let (first, last) = range.split_once("..")?;
        let number = |text: &str| self.value(text.trim())?.as_i64();
        let (first, last) = (number(first)?, number(last)?);
        (last.checked_sub(first)? < 1000).then(|| (first..=last).map(Value::from).collect())
    }

    fn property(&self, path: &[&str]) -> Option<Value> {
        let (first, rest) = path.split_first()?;
        if let Some(value) = self.variables.get(*first) {
            return Some(inside(value, rest));
        }
        match *first {
            "site" => self.of_site(rest),
            "page" => match rest.first() {
                Some(&("content" | "next" | "previous" | "excerpt" | "output")) => None,
                _ => Some(inside(self.page.get_or_init(|| self.page()), rest)),
            },
            "include" => Some(self.parameters.last().map_or(Value::Null, |parameters| inside(parameters, rest))),
            "jekyll" => Some(inside(&json!({"environment": "production"}), rest)),
            name if UNKNOWN.contains(&name) => None,
            _ => Some(Value::Null),
        }
    }

    fn of_site(&self, path: &[&str]) -> Option<Value> {
        let (origin, base) = self.addresses();
        match path.first() {
            Some(&"url") => Some(Value::from(origin)),
            Some(&"baseurl") => Some(Value::from(base)),
            Some(name) if OF_BUILD.contains(name) => None,
            Some(name) => Some(self.settings.get(*name).map_or(Value::Null, |value| inside(value, &path[1..]))),
            None => None,
        }
    }

    fn page(&self) -> Value {
        let issue = self.of.issue;
        let mut page = issue.params.as_deref().cloned().unwrap_or_default();
        let below = issue.permalink.path().strip_prefix(self.addresses().1).unwrap_or(issue.permalink.path());
        page.insert("title".to_owned(), Value::from(issue.title.as_str()));
        page.insert("url".to_owned(), Value::from(below));
        page.insert("path".to_owned(), Value::from(issue.path.as_str()));
        page.insert("slug".to_owned(), Value::from(permalink::slug(issue.slug.as_str(), permalink::Mode::Pretty)));
        page.insert("date".to_owned(), Value::from(issue.date.to_rfc3339()));
        for (name, terms) in [("tags", &issue.tags), ("categories", &issue.categories)] {
            page.insert(name.to_owned(), terms.iter().map(|term| Value::from(term.as_str())).collect());
        }
        for (name, value) in [
            ("description", issue.description.as_deref()),
            ("author", issue.authors.first().map(|it| it.name.as_str())),
        ] {
            page.insert(name.to_owned(), value.map_or(Value::Null, Value::from));
        }
        Value::Object(page)
    }
}

/// The names and indexes in `a.b["c"][0]`.
fn path(expression: &str) -> Vec<&str> {
    let parts = expression.split(['.', '[']).map(|part| part.trim_end_matches([']', '?']).trim());
    parts.map(|part| quoted(part).unwrap_or(part)).filter(|part| !part.is_empty()).collect()
}

/// The property of a value; null if it has none.
fn inside(value: &Value, path: &[&str]) -> Value {
    let mut value = value.clone();
    for name in path {
        value = match (&value, *name) {
            (Value::Array(items), "first") => items.first().cloned(),
            (Value::Array(items), "last") => items.last().cloned(),
            (Value::Array(items), "size") => Some(Value::from(items.len())),
            (Value::String(text), "size") => Some(Value::from(text.chars().count())),
            (Value::Array(items), index) => index.parse::<usize>().ok().and_then(|index| items.get(index).cloned()),
            (Value::Object(map), name) => map.get(name).cloned(),
            _ => None,
        }
        .unwrap_or(Value::Null);
    }
    value
}

//! Authors and terms, read once for all issues that write them alike.
//!
//! A hundred thousand issues are written by a few authors about a few topics. Takes the fields of an issue; returns its authors
//! and terms, which it shares with those before it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use crate::content::bylines::{Person, people};
use crate::content::field_reader::{FieldReader, plain_text};
use crate::content::html::urls::is_web_address;
use crate::content::html::without_illegal_chars;
use crate::content::url_path::in_site;
use crate::issue::Term;
use crate::publication::{Author, Publication};

/// The authors and terms so far.
#[derive(Debug, Default)]
pub struct Names {
    authors: HashMap<Byline, Arc<[Author]>>,
    lists: HashMap<Value, Arc<[Term]>>,
    terms: HashSet<Term>,
}

/// What determines authors.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Byline {
    written: Option<Value>,
    link: Option<String>,
    language: Option<Arc<str>>,
}

impl Names {
    /// The authors in `authors` or `author`: a name, a list of names, or maps with name, email and url; `authorlink` is the page of
    /// a single author. A text may name several. A name may be a key of `people`.
    pub(super) fn authors(
        &mut self,
        fields: &mut FieldReader<'_>,
        publication: &Publication,
        people: Option<&Map<String, Value>>,
    ) -> Arc<[Author]> {
        let written = fields.take_param("authors").or_else(|| fields.take_param("author"));
        let byline = Byline { written, link: fields.text("authorlink"), language: publication.site.clone() };
        if let Some(known) = self.authors.get(&byline) {
            return known.clone();
        }
        let authors: Arc<[Author]> = authors(&byline, publication, people).into();
        self.authors.insert(byline, authors.clone());
        authors
    }

    /// The terms of a field in the order written, without duplicates.
    pub(super) fn terms(&mut self, fields: &mut FieldReader<'_>, name: &str) -> Arc<[Term]> {
        if let Some(known) = fields.peek(name).and_then(|written| self.lists.get(written)).cloned() {
            fields.take(name);
            return known;
        }
        // Anything else is reported each time.
        let written = fields.peek(name).filter(|written| is_text(written)).cloned();
        let mut terms: Vec<Term> = Vec::new();
        for term in fields.list(name).iter().filter_map(|term| Term::new(&plain_text(term))) {
            if !terms.contains(&term) {
                let known = self.terms.get(&term).cloned();
                terms.push(known.unwrap_or(term));
            }
        }
        self.terms.extend(terms.iter().cloned());
        let terms: Arc<[Term]> = terms.into();
        self.lists.extend(written.map(|written| (written, terms.clone())));
        terms
    }
}

/// Whether a value is a text or a list of texts.
fn is_text(value: &Value) -> bool {
    value.is_string() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn authors(byline: &Byline, publication: &Publication, people: Option<&Map<String, Value>>) -> Vec<Author> {
    let known = |value: &Value| {
        value.as_str().and_then(|key| people?.get(key.trim())).cloned().unwrap_or_else(|| value.clone())
    };
    let link = byline.link.as_ref().and_then(|link| author_page(link, publication));
    let mut authors = match &byline.written {
        Some(Value::Array(items)) => items.iter().flat_map(|item| author(known(item), publication)).collect(),
        Some(value) => author(known(value), publication),
        None => Vec::new(),
    };
    // Feed readers take two of one name for one.
    let mut names = HashSet::new();
    authors.retain(|author| names.insert(author.name.clone()));
    if let [only] = authors.as_mut_slice()
        && only.url.is_none()
    {
        only.url = link;
    }
    if authors.is_empty() { publication.author.iter().cloned().collect() } else { authors }
}

fn author(value: Value, publication: &Publication) -> Vec<Author> {
    let Value::Object(map) = &value else {
        return value.as_str().map(|names| authors_named(names, publication)).unwrap_or_default();
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let mut authors =
        text("name").or(text("display_name")).map(|name| authors_named(name, publication)).unwrap_or_default();
    if let [only] = authors.as_mut_slice() {
        only.email = text("email").and_then(|email| email.parse().ok());
        only.url = text("url").or(text("link")).and_then(|link| author_page(link, publication)).or(only.url.take());
    }
    authors
}

fn author_page(link: &str, publication: &Publication) -> Option<Url> {
    in_site(&publication.base_url, link).ok().filter(is_web_address)
}

fn authors_named(names: &str, publication: &Publication) -> Vec<Author> {
    let author = |person: Person<'_>| {
        let name = plain_text(&without_illegal_chars(&person.name));
        let url = person.link.and_then(|link| author_page(link, publication));
        (!name.is_empty()).then_some(Author { name, email: None, url })
    };
    people(names).into_iter().filter_map(author).collect()
}

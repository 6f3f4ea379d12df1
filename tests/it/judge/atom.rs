//! The W3C feed validator's rules for Atom, which are those of RFC 4287.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use super::text;

const ATOM: &str = "http://www.w3.org/2005/Atom";

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name((ATOM, name)))
}

fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> &'a str {
    children(node, name).next().and_then(|child| child.text()).unwrap_or_default()
}

pub fn judge(document: &Document<'_>, problems: &mut Vec<String>) {
    for node in document.descendants() {
        if node.text().is_some_and(|text| !text::is_legal(text)) {
            problems.push(format!("Atom has forbidden characters in `{}`", node.tag_name().name()));
        }
    }
    let feed = document.root_element();
    judge_once(feed, &["id", "title", "updated", "author"], problems);
    judge_person(feed, problems);
    let (mut ids, mut dates) = (BTreeSet::new(), BTreeSet::new());
    for entry in children(feed, "entry") {
        judge_entry(entry, problems);
        if !ids.insert(text_of(entry, "id")) {
            problems.push("two Atom entries have one id".to_owned());
        }
        if !dates.insert(text_of(entry, "updated")) {
            problems.push("two Atom entries were updated at once".to_owned());
        }
    }
}

/// Sections 4.1.1 and 4.1.2: exactly one of each.
fn judge_once(node: Node<'_, '_>, names: &[&'static str], problems: &mut Vec<String>) {
    for name in names {
        let number = children(node, name).count();
        if number != 1 {
            problems.push(format!("an Atom {} has {number} elements `{name}`", node.tag_name().name()));
        }
    }
}

fn judge_entry(entry: Node<'_, '_>, problems: &mut Vec<String>) {
    judge_once(entry, &["id", "title", "updated", "published"], problems);
    judge_person(entry, problems);
    text::judge_id("Atom id", text_of(entry, "id"), problems);
    text::judge_date("Atom updated", text_of(entry, "updated"), problems);
    text::judge_date("Atom published", text_of(entry, "published"), problems);
    if children(entry, "content").next().is_none() && children(entry, "summary").next().is_none() {
        problems.push("an Atom entry has neither content nor summary".to_owned());
    }
    for name in ["title", "summary"] {
        children(entry, name).for_each(|node| judge_text(node, problems));
    }
    for category in children(entry, "category") {
        text::judge_plain("Atom term", category.attribute("term").unwrap_or_default(), problems);
    }
    let mut relations = BTreeSet::new();
    for link in children(entry, "link") {
        text::judge_address("Atom link", link.attribute("href").unwrap_or_default(), problems);
        if !relations.insert(link.attribute("rel")) {
            problems.push(format!("an Atom entry has two links {:?}", link.attribute("rel")));
        }
    }
}

/// Section 3.1.1: text that contains tags or references must be declared as HTML.
fn judge_text(node: Node<'_, '_>, problems: &mut Vec<String>) {
    let (name, text) = (node.tag_name().name(), node.text().unwrap_or_default());
    if text.trim().is_empty() || text.trim() != text {
        problems.push(format!("Atom {name} is empty or has surrounding spaces: {text:?}"));
    }
    if matches!(node.attribute("type"), None | Some("text")) {
        let starts = |pair: &[u8]| pair[0] == b'<' && pair[1].is_ascii_alphabetic();
        if text.as_bytes().windows(2).any(starts) {
            problems.push(format!("Atom {name} contains undeclared HTML: {text:?}"));
        }
    }
}

/// Section 3.2: a name; email address and URI without spaces or anything else.
fn judge_person(node: Node<'_, '_>, problems: &mut Vec<String>) {
    for person in children(node, "author") {
        text::judge_plain("Atom author", text_of(person, "name"), problems);
        let (email, uri) = (text_of(person, "email"), text_of(person, "uri"));
        if !email.is_empty() && (email.matches('@').count() != 1 || email.contains(char::is_whitespace)) {
            problems.push(format!("Atom author has the address {email:?}"));
        }
        if !uri.is_empty() {
            text::judge_address("Atom author's page", uri, problems);
        }
    }
}

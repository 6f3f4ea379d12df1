//! The W3C feed validator's rules for RSS 2.0, and those of the RSS Best Practices Profile.

use std::collections::BTreeSet;

use chrono::DateTime;
use roxmltree::{Document, Node};

use super::text;

const CONTENT: &str = "http://purl.org/rss/1.0/modules/content/";
const DC: &str = "http://purl.org/dc/elements/1.1/";

/// Direct children with this name.
fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    children(node, name).find(|child| child.tag_name().namespace().is_none())?.text()
}

pub fn judge(document: &Document<'_>, problems: &mut Vec<String>) {
    for node in document.descendants() {
        if node.text().is_some_and(|text| !text::is_legal(text)) {
            problems.push(format!("RSS has forbidden characters in `{}`", node.tag_name().name()));
        }
    }
    let Some(channel) = document.root_element().first_element_child() else {
        problems.push("RSS has no channel".to_owned());
        return;
    };
    for name in ["title", "description"] {
        text::judge_plain(&format!("RSS channel {name}"), text_of(channel, name).unwrap_or_default(), problems);
    }
    text::judge_address("RSS channel link", text_of(channel, "link").unwrap_or_default(), problems);
    let elements: Vec<_> = channel.children().filter(Node::is_element).collect();
    if elements.windows(2).any(|pair| pair[0].has_tag_name("item") && !pair[1].has_tag_name("item")) {
        problems.push("RSS items are not the last elements".to_owned());
    }
    let mut ids = BTreeSet::new();
    for item in children(channel, "item") {
        judge_item(item, problems);
        if !ids.insert(text_of(item, "guid").unwrap_or_default()) {
            problems.push("two RSS items have one guid".to_owned());
        }
    }
}

fn judge_item(item: Node<'_, '_>, problems: &mut Vec<String>) {
    for name in ["title", "link", "description", "guid", "pubDate", "enclosure", "encoded"] {
        let most = children(item, name).filter(|child| child.tag_name().name() == name).count();
        if most > 1 || (most == 0 && !["enclosure", "encoded"].contains(&name)) {
            problems.push(format!("an RSS item has {most} elements `{name}`"));
        }
    }
    text::judge_plain("RSS title", text_of(item, "title").unwrap_or_default(), problems);
    text::judge_address("RSS link", text_of(item, "link").unwrap_or_default(), problems);
    for category in children(item, "category") {
        text::judge_plain("RSS category", category.text().unwrap_or_default(), problems);
    }
    for creator in children(item, "creator").filter(|creator| creator.tag_name().namespace() == Some(DC)) {
        text::judge_plain("RSS dc:creator", creator.text().unwrap_or_default(), problems);
    }
    for enclosure in children(item, "enclosure") {
        text::judge_address("RSS enclosure", enclosure.attribute("url").unwrap_or_default(), problems);
        let length = enclosure.attribute("length").unwrap_or_default();
        let mime_type = enclosure.attribute("type").unwrap_or_default();
        if length.parse::<u64>().is_err() || mime_type.split('/').filter(|part| !part.is_empty()).count() != 2 {
            problems.push(format!("RSS enclosure of {length:?} bytes and type {mime_type:?}"));
        }
    }
    judge_guid(item, problems);
    judge_date(text_of(item, "pubDate").unwrap_or_default(), problems);
    let at = |name: &str| item.children().position(|child| child.tag_name().name() == name);
    let content = item.children().position(|child| child.has_tag_name((CONTENT, "encoded")));
    if content.is_some_and(|content| at("description").is_none_or(|description| description > content)) {
        problems.push("RSS description does not come before content:encoded".to_owned());
    }
}

/// `isPermaLink` is true only if the id is the permalink.
fn judge_guid(item: Node<'_, '_>, problems: &mut Vec<String>) {
    let Some(guid) = children(item, "guid").next() else { return };
    let id = guid.text().unwrap_or_default();
    text::judge_id("RSS guid", id, problems);
    let is_permalink = guid.attribute("isPermaLink") != Some("false");
    if is_permalink && Some(id) != text_of(item, "link") {
        problems.push(format!("RSS guid {id:?} is called a permalink"));
    }
}

/// `Thu, 02 Jul 2026 08:00:00 +0800`, with an offset in multiples of half an hour.
fn judge_date(date: &str, problems: &mut Vec<String>) {
    let usual = date.len() == "Thu, 02 Jul 2026 08:00:00 +0800".len() && (date.ends_with("00") || date.ends_with("30"));
    if !usual || DateTime::parse_from_rfc2822(date).is_err() {
        problems.push(format!("RSS pubDate is not a valid date: {date:?}"));
    }
}

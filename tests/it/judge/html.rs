//! Inspects HTML as a browser reads it, in a tree parsed by html5ever.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use url::Url;

/// Elements that validators consider dangerous, or that no reader shows.
const ACTIVE: [&str; 24] = [
    "applet", "audio", "base", "button", "embed", "form", "frame", "frameset", "iframe", "input", "link", "math",
    "meta", "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "video", "track",
    "title",
];

/// Attributes that contain a URL.
const ADDRESSES: [&str; 17] = [
    "href", "src", "poster", "cite", "data", "background", "action", "formaction", "longdesc", "usemap", "ping",
    "profile", "manifest", "icon", "xlink:href", "archive", "codebase",
];

/// Schemes of links, none of which runs code.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

pub fn judge(html: &str, problems: &mut Vec<String>) {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), context, Vec::new(), false).one(html);
    for error in dom.errors.borrow().iter() {
        problems.push(format!("HTML that a strict parser refuses, {error}: {html:?}"));
    }
    let mut open = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        judge_node(&node, html, problems);
        open.extend(node.children.borrow().iter().cloned());
    }
}

fn judge_node(node: &Handle, html: &str, problems: &mut Vec<String>) {
    let NodeData::Element { name, attrs, .. } = &node.data else {
        if matches!(node.data, NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. }) {
            problems.push(format!("HTML with a comment: {html:?}"));
        }
        return;
    };
    if ACTIVE.contains(&name.local.as_ref()) || name.ns != ns!(html) {
        problems.push(format!("HTML with an active element `{}`: {html:?}", name.local));
    }
    for attribute in attrs.borrow().iter() {
        let (key, value): (&str, &str) = (&attribute.name.local, &attribute.value);
        if key.starts_with("on") || key == "style" || key == "srcdoc" {
            problems.push(format!("HTML with an active attribute `{key}`: {html:?}"));
        }
        if ADDRESSES.contains(&key) && !is_absolute(value) {
            problems.push(format!("HTML with `{key}={value:?}`: {html:?}"));
        }
        if key == "srcset" && !value.split(", ").all(|one| is_absolute(one.split(' ').next().unwrap_or_default())) {
            problems.push(format!("HTML with `{key}={value:?}`: {html:?}"));
        }
    }
}

fn is_absolute(address: &str) -> bool {
    let usual = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    usual && Url::parse(address).is_ok_and(|url| SCHEMES.contains(&url.scheme()))
}

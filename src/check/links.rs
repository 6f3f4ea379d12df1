//! Rules for links and images in Markdown and raw HTML.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use crate::check::html::tags;
use crate::check::issue_source::IssueSource;
use crate::check::masking::is_masked;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::check::targets::{Miss, Target, is_kept, scheme};
use crate::content::markdown::offsets::EventWithRange;
use crate::finding::{Finding, nearest};

pub(super) const LINK_BROKEN: Rule = Rule::error(
    "link-broken",
    "A link leads to an issue or file that the project does not contain",
    "readers get an error page; fix the address (links to other sites are not checked)",
);
const IMAGE_BROKEN: Rule = Rule::error(
    "image-broken",
    "The project does not contain the file of an image",
    "readers see a broken picture; put the file next to the issue or into `static`, or fix the path",
);
const LINK_UNVERIFIED: Rule = Rule::warning(
    "link-unverified",
    "Whether a link within the site leads somewhere cannot be determined",
    "the project does not contain its target, but a theme or another generator may publish it; follow it once",
);
const IMAGE_UNVERIFIED: Rule = Rule::warning(
    "image-unverified",
    "Whether an image of the site exists cannot be determined",
    "the project does not contain the file, but a theme or another generator may publish it; look at it once",
);
const FRAGMENT_BROKEN: Rule = Rule::warning(
    "fragment-broken",
    "A link within an issue leads to an id that does not exist",
    "the link does nothing; use the id of a heading or footnote, which `## Heading {#id}` sets for good",
);
const ADDRESS_MISSING: Rule = Rule::warning(
    "address-missing",
    "A link or image has no address",
    "it leads nowhere; write the address between the parentheses",
);
const ADDRESS_SCHEME: Rule = Rule::warning(
    "address-scheme",
    "An address has a scheme that feeds drop",
    "feed readers follow only http, https, mailto and tel; describe in words what to open",
);
const LINK_TEXT_MISSING: Rule = Rule::warning(
    "link-text-missing",
    "A link has no text",
    "readers can neither see nor click it; write what it leads to between the brackets",
);
pub(super) const ALT_MISSING: Rule = Rule::warning(
    "image-alt-missing",
    "An image has no alternative text",
    "screen readers and blocked images need one; write `![what it shows](…)`, or `alt=\"\"` in raw HTML if it only \
     decorates",
);
const ALT_POOR: Rule = Rule::warning(
    "image-alt-poor",
    "The alternative text of an image is meaningless, such as `image.png`",
    "screen readers read it aloud; write what the image shows",
);
const IMAGE_INSECURE: Rule = Rule::warning(
    "image-insecure",
    "An image is loaded over http on an https site",
    "many feed readers and mail programs block it; use its https address, or put the file into the project",
);

pub(super) const RULES: [&Rule; 11] = [
    &LINK_BROKEN,
    &IMAGE_BROKEN,
    &LINK_UNVERIFIED,
    &IMAGE_UNVERIFIED,
    &FRAGMENT_BROKEN,
    &ADDRESS_MISSING,
    &ADDRESS_SCHEME,
    &LINK_TEXT_MISSING,
    &ALT_MISSING,
    &ALT_POOR,
    &IMAGE_INSECURE,
];

pub(super) fn check(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let ids = (!source.has_custom_shortcodes()).then(|| ids(source));
    let (mut findings, mut poor) = (Vec::new(), Vec::new());
    for (at, (event, range)) in source.events.iter().enumerate() {
        let inside = &source.events[at + 1..];
        let found = match event {
            Event::Start(Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. }) => continue,
            Event::Start(Tag::Link { dest_url, .. }) => {
                let mut found = address(site, source, dest_url, Target::Page, &ids);
                if found.is_none() && is_blank(inside, TagEnd::Link) {
                    found = Some(LINK_TEXT_MISSING.found("the link has no text"));
                }
                found.map(|found| source.at(found, place(source, range, dest_url)))
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                match text_of(inside) {
                    None => {
                        findings.push(source.at(ALT_MISSING.found("the image has no alternative text"), range.clone()))
                    }
                    Some(text) if is_meaningless(text) => poor.push((text, range.clone())),
                    Some(_) => {}
                }
                let found = address(site, source, dest_url, Target::Image, &ids);
                found.map(|found| source.at(found, place(source, range, dest_url)))
            }
            _ => continue,
        };
        findings.extend(found);
    }
    findings.extend(poor_texts(source, &poor));
    findings.extend(raw(source, site, &ids));
    findings
}

/// Links and images of raw HTML.
fn raw(source: &IssueSource<'_>, site: &Site, ids: &Option<BTreeSet<String>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (range, tag, _) in tags(source) {
        let decoded = |name| tag.attribute(name).map(html_escape::decode_html_entities);
        let (found, kind) = match tag.name.as_str() {
            "img" => (decoded("data-src").or(decoded("src")), Target::Image),
            "a" => (decoded("href"), Target::Page),
            _ => continue,
        };
        if kind == Target::Image && tag.attribute("alt").is_none() {
            let finding = ALT_MISSING.found("the image has no alternative text").help("write `alt=\"what it shows\"`");
            findings.push(source.at(finding, range.clone()));
        }
        let found = found.and_then(|written| address(site, source, &written, kind, ids));
        findings.extend(found.map(|found| source.at(found, range)));
    }
    findings
}

/// Checks an address, and returns the first problem.
fn address(
    site: &Site,
    source: &IssueSource<'_>,
    written: &str,
    kind: Target,
    ids: &Option<BTreeSet<String>>,
) -> Option<Finding> {
    let written = written.trim();
    if written.is_empty() {
        let what = if kind == Target::Image { "image" } else { "link" };
        return Some(ADDRESS_MISSING.found(format!("the {what} has no address")));
    }
    if let Some(fragment) = written.strip_prefix('#') {
        // The ids that custom shortcodes create are unknown.
        return ids.as_ref().and_then(|ids| fragment_broken(fragment, ids));
    }
    if let Some(scheme) = scheme(written).filter(|scheme| !is_kept(scheme) && !is_masked(written)) {
        let finding = ADDRESS_SCHEME.found(format!("feeds drop addresses with `{scheme}:`"));
        let meant = nearest(&scheme, ["http", "https", "mailto"]);
        return Some(match meant {
            Some(meant) => finding.help(format!("did you mean `{meant}:`?")),
            None => finding,
        });
    }
    if kind == Target::Image && site.base_url.scheme() == "https" && written.starts_with("http://") {
        return Some(IMAGE_INSECURE.found("the image is loaded over http"));
    }
    site.resolve(source.issue, written, kind).err().map(|miss| missing(written, kind, miss))
}

/// The finding about an address that leads nowhere, or may.
pub(super) fn missing(written: &str, kind: Target, miss: Miss) -> Finding {
    match (kind, miss) {
        (Target::Page, Miss::Broken(help)) => LINK_BROKEN.found(format!("`{written}` does not exist")).help(help),
        (Target::Image, Miss::Broken(help)) => IMAGE_BROKEN.found(format!("there is no image `{written}`")).help(help),
        (Target::Page, Miss::Unverified) => LINK_UNVERIFIED.found(format!("`{written}` is not in the project")),
        (Target::Image, Miss::Unverified) => {
            IMAGE_UNVERIFIED.found(format!("the image `{written}` is not in the project"))
        }
    }
}

fn fragment_broken(fragment: &str, ids: &BTreeSet<String>) -> Option<Finding> {
    let key = id_key(&percent_encoding::percent_decode_str(fragment).decode_utf8_lossy());
    // Hugo numbers the ids of headings with the same text.
    let unnumbered = key.trim_end_matches(|c: char| c.is_ascii_digit());
    if key.is_empty() || key == "top" || ids.contains(&key) || ids.contains(unnumbered) {
        return None;
    }
    let finding = FRAGMENT_BROKEN.found(format!("there is no `#{fragment}` in this issue"));
    Some(match nearest(&key, ids.iter().map(String::as_str)) {
        Some(meant) => finding.help(format!("did you mean `#{meant}`?")),
        None => finding,
    })
}

/// Returns the ids that links within the issue can use. Sites derive the ids of headings in different ways, so only letters and
/// digits are compared.
fn ids(source: &IssueSource<'_>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut heading: Option<String> = None;
    for (event, _) in &source.events {
        match event {
            Event::Start(Tag::Heading { id, .. }) => {
                ids.extend(id.as_deref().map(id_key));
                heading = Some(String::new());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(_)) => ids.extend(heading.take().map(|text| id_key(&text))),
            Event::Start(Tag::FootnoteDefinition(label)) => {
                ids.extend(["", "fn", "fnref"].map(|prefix| id_key(&format!("{prefix}{label}"))));
            }
            _ => {}
        }
    }
    for (_, tag, _) in tags(source) {
        ids.extend(["id", "name"].iter().filter_map(|name| tag.attribute(name)).map(id_key));
    }
    ids
}

fn id_key(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether nothing is visible up to the end of a link or image.
fn is_blank(inside: &[EventWithRange], end: TagEnd) -> bool {
    let inside = inside.iter().take_while(|(event, _)| *event != Event::End(end));
    let is_visible = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => !text.trim().is_empty(),
        Event::Start(Tag::Image { .. }) | Event::InlineHtml(_) | Event::InlineMath(_) => true,
        _ => false,
    };
    !inside.map(|(event, _)| event).any(is_visible)
}

/// The alternative text of an image; empty if it is more than plain text, `None` if absent.
fn text_of(inside: &[EventWithRange]) -> Option<&str> {
    if is_blank(inside, TagEnd::Image) {
        return None;
    }
    match inside {
        [(Event::Text(text), _), (Event::End(TagEnd::Image), _), ..] => Some(text),
        _ => Some(""),
    }
}

/// Editors that insert such a text do so for every image, so it is reported once.
fn poor_texts(source: &IssueSource<'_>, poor: &[(&str, Range<usize>)]) -> Option<Finding> {
    let (text, range) = poor.first()?;
    let others = match poor.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more in this issue)"),
    };
    Some(source.at(ALT_POOR.found(format!("`{text}` does not describe the image{others}")), range.clone()))
}

/// Whether it is a word that editors insert, or a file name.
fn is_meaningless(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "alt", "alt text", "description", "image", "img", "photo", "picture", "screenshot", "undefined", "图像",
        "图片", "画像",
    ];
    let text = text.trim().to_lowercase();
    let is_file = text.is_ascii()
        && !text.contains(' ')
        && mime_guess::from_path(&text).first().is_some_and(|it| it.type_() == "image");
    is_file || WORDS.contains(&text.as_str()) || !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// The bytes of a link's address, or of the entire link if the address is written elsewhere.
fn place(source: &IssueSource<'_>, link: &Range<usize>, address: &str) -> Range<usize> {
    let written = source.text.get(link.clone()).unwrap_or_default();
    let found = written.rfind("](").filter(|_| !address.is_empty());
    let found = found.and_then(|at| Some(link.start + at + written[at..].find(address)?));
    found.map_or(link.clone(), |start| start..start + address.len())
}

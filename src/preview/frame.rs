//! Makes the HTML of an edition, or the content of a feed, into a document for a frame of the preview: in the dark or in
//! the light, whatever the browser prefers, and with pictures from elsewhere only when they were asked for.
//!
//! Takes any HTML; gives HTML. That nothing else is fetched is not settled here, but by the page's security policy.

use std::borrow::Cow;

use crate::content::html::tag::{Tag, Tags};
use crate::preview::look::Entry;

mod media;

/// Which colours the reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark letters on light ground.
    Light,
    /// Light letters on dark ground.
    Dark,
}

impl Scheme {
    /// As CSS has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Stands for a picture that may not be fetched: a grey box, as wide as the letter lets it be.
/// Without blanks and quotes, for it may come to stand where there are none.
pub const PLACEHOLDER: &str = "data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22%20width=%22320%22%20\
    height=%22120%22%3E%3Crect%20width=%22100%25%22%20height=%22100%25%22%20fill=%22%23808080%22%20\
    fill-opacity=%22.25%22/%3E%3C/svg%3E";

/// What every frame has: colours of the browser's own that follow the scheme, and links that open beside the preview.
fn additions(scheme: Scheme) -> String {
    let name = scheme.name();
    format!("<base target=\"_blank\"><style>:root{{color-scheme:{name} only!important}}</style>")
}

/// A whole document as a reader who prefers `scheme` sees it. `picture` gives what is to be shown in place of the address
/// of a picture; `None` leaves it, so that it shows when the page may fetch it.
pub fn document(html: &str, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> String {
    let additions = additions(scheme);
    let mut shown = String::with_capacity(html.len() + additions.len());
    let (mut copied, mut is_added) = (0, false);
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        let end = start + tag.source.len();
        shown.push_str(&html[copied..start]);
        if tag.name == "head" && tag.closes && !is_added {
            shown.push_str(&additions);
            is_added = true;
        }
        shown.push_str(&seen(&tag, scheme, picture));
        copied = end;
        if tag.name == "style" && !tag.closes {
            copied = tags.at.max(end);
            shown.push_str(&media::settled(&html[end..copied], scheme));
        }
    }
    shown.push_str(&html[copied..]);
    if is_added { shown } else { format!("{shown}{additions}") }
}

/// The entry of a feed as a reader program shows it.
pub fn entry(entry: &Entry, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> String {
    let [title, permalink, language] = [&entry.title, &entry.permalink, &entry.language].map(|text| escaped(text));
    let authors = entry.authors.join(", ");
    let facts: Vec<String> = [entry.date.as_deref().unwrap_or("no date"), &authors, &entry.terms.join(" · ")]
        .into_iter()
        .filter(|fact| !fact.is_empty())
        .map(|fact| format!("<span>{}</span>", escaped(fact)))
        .collect();
    let cover = entry.cover.as_ref().filter(|cover| !entry.html.contains(cover.as_str()));
    let cover = cover.map(|cover| format!("<p><img alt=\"\" src=\"{}\"></p>", escaped(cover))).unwrap_or_default();
    let html = format!(
        "<!DOCTYPE html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{}</style>\
         </head><body><header><h1><a href=\"{permalink}\">{title}</a></h1><p class=\"facts\">{}</p></header>{cover}\
         <article>{}</article></body></html>",
        include_str!("../../templates/preview-entry.css"),
        facts.join(" "),
        entry.html
    );
    document(&html, scheme, picture)
}

/// A tag whose media queries are settled, and whose picture may be another.
fn seen<'a>(tag: &Tag<'a>, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> Cow<'a, str> {
    let mut seen = Cow::Borrowed(tag.source);
    if tag.closes {
        return seen;
    }
    if let Some(query) = tag.attribute("media") {
        seen = seen.replace(query, &media::settled_query(query, scheme)).into();
    }
    let address = tag.attribute("src").filter(|_| tag.name == "img");
    let Some(address) = address.filter(|address| !address.starts_with("data:")) else { return seen };
    let decoded = html_escape::decode_html_entities(address);
    let Some(shown) = picture(&decoded) else { return seen };
    // The address may stand in other attributes too: only the one behind `src` is the picture.
    let at = |text: &str| text.match_indices(address).map(|(at, _)| at).find(|at| is_source(&text[..*at]));
    match at(&seen) {
        Some(at) => format!("{}{}{}", &seen[..at], escaped(&shown), &seen[at + address.len()..]).into(),
        None => seen,
    }
}

fn is_source(before: &str) -> bool {
    let name = before.trim_end_matches(['"', '\'']).trim_end().strip_suffix('=').map(str::trim_end);
    name.is_some_and(|name| {
        let own = name.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/')).next();
        own.is_some_and(|own| own.eq_ignore_ascii_case("src"))
    })
}

fn escaped(text: &str) -> Cow<'_, str> {
    html_escape::encode_double_quoted_attribute(text)
}

#[cfg(test)]
mod tests;

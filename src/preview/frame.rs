//! Turns the HTML of an edition or a feed entry into a document for a frame of the preview: dark or light regardless of
//! the browser's setting, and with remote pictures only on request.
//!
//! Takes any HTML and returns HTML. The page's security policy ensures that nothing else is fetched.

use std::borrow::Cow;

use crate::content::html::tag::{Tag, Tags};
use crate::preview::render::EntryView;

mod media;

/// The preferred colour scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
    Dark,
}

impl Scheme {
    /// The CSS keyword.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Replaces a picture that may not be fetched: a grey box as wide as the layout allows.
/// Contains no spaces or quotes, because it may replace an unquoted attribute value.
pub const PLACEHOLDER: &str = "data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22%20width=%22320%22%20\
    height=%22120%22%3E%3Crect%20width=%22100%25%22%20height=%22100%25%22%20fill=%22%23808080%22%20\
    fill-opacity=%22.25%22/%3E%3C/svg%3E";

/// Markup for every frame: the browser's default colours follow the scheme, and links open beside the preview.
fn additions(scheme: Scheme) -> String {
    let name = scheme.name();
    format!("<base target=\"_blank\"><style>:root{{color-scheme:{name} only!important}}</style>")
}

/// A complete document as a reader who prefers `scheme` sees it. `picture` returns a replacement for the address of a
/// picture, or `None` to keep it, so that it shows if the page may fetch it.
pub fn document(html: &str, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> String {
    let additions = additions(scheme);
    let mut output = String::with_capacity(html.len() + additions.len());
    let (mut copied, mut is_added) = (0, false);
    let mut tags = Tags::of(html);
    while let Some((start, tag)) = tags.next() {
        let end = start + tag.source.len();
        output.push_str(&html[copied..start]);
        if tag.name == "head" && tag.closes && !is_added {
            output.push_str(&additions);
            is_added = true;
        }
        output.push_str(&rewritten(&tag, scheme, picture));
        copied = end;
        if tag.name == "style" && !tag.closes {
            copied = tags.at.max(end);
            output.push_str(&media::resolved(&html[end..copied], scheme));
        }
    }
    output.push_str(&html[copied..]);
    if is_added { output } else { format!("{output}{additions}") }
}

/// A feed entry as a feed reader shows it.
pub fn entry(entry: &EntryView, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> String {
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

/// The tag with its media queries resolved and its picture replaced.
fn rewritten<'a>(tag: &Tag<'a>, scheme: Scheme, picture: &dyn Fn(&str) -> Option<String>) -> Cow<'a, str> {
    let mut output = Cow::Borrowed(tag.source);
    if tag.closes {
        return output;
    }
    if let Some(query) = tag.attribute("media") {
        output = output.replace(query, &media::resolved_query(query, scheme)).into();
    }
    let address = tag.attribute("src").filter(|_| tag.name == "img");
    let Some(address) = address.filter(|address| !address.starts_with("data:")) else { return output };
    let decoded = html_escape::decode_html_entities(address);
    let Some(replacement) = picture(&decoded) else { return output };
    // Other attributes may contain the address too: only the one after `src` is the picture.
    let at = |text: &str| text.match_indices(address).map(|(at, _)| at).find(|at| is_source(&text[..*at]));
    match at(&output) {
        Some(at) => format!("{}{}{}", &output[..at], escaped(&replacement), &output[at + address.len()..]).into(),
        None => output,
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

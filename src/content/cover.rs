//! The cover of an issue, from the fields that themes use.
//!
//! `cover` first, then the names used by themes. Each is a path or URL (possibly pasted as Markdown), a map, or a list
//! whose first item counts. `covers` finds and measures the file.

use serde_json::Value;
use url::Url;

use crate::content::field_reader::{FieldReader, plain_text};
use crate::content::html::urls::{is_canonical_web_address, is_web_address};
use crate::issue::{Cover, CoverReference, Issue};

/// Front matter fields that may name a cover, by precedence.
pub const FIELDS: [&str; 13] = [
    "cover", "featured_image", "featuredimage", "image", "images", "thumbnail", "banner", "cover_image", "coverimage",
    "heroimage", "hero_image", "feature_image", "top_img",
];

/// Map keys that may name the picture.
const KEYS: [&str; 4] = ["image", "url", "src", "path"];

/// The cover judging by its URL alone, with the type its file extension suggests.
pub fn from_url(issue: &Issue) -> Option<Cover> {
    let (url, reference) = (issue.cover_url()?, issue.cover.as_ref()?);
    let [alt, caption] = [&reference.alt, &reference.caption].map(|text| text.as_deref().map(str::to_owned));
    let mime_type = image_type(url.path());
    Some(Cover { url, mime_type, bytes: None, size: None, alt, caption })
}

/// The cover named in the front matter, if it resolves to a web URL.
pub(super) fn cover(fields: &mut FieldReader<'_>, permalink: &Url) -> Option<CoverReference> {
    let found = FIELDS.iter().find_map(|field| Some((*field, cover_reference(fields.param(field)?)?)));
    // Other field names stay in the front matter for templates.
    fields.take(FIELDS[0]);
    let (field, cover) = found?;
    let is_valid = || permalink.join(&cover.target).is_ok_and(|url| is_web_address(&url));
    if !is_canonical_web_address(&cover.target) && !is_valid() {
        fields.warn(field, &format!("`{}` is not a URL", cover.target), "write a path or an https URL");
        return None;
    }
    Some(cover)
}

fn cover_reference(value: &Value) -> Option<CoverReference> {
    match value {
        Value::String(text) => parse_reference(text),
        Value::Array(items) => items.iter().find_map(cover_reference),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str).map(plain_text).filter(|text| !text.is_empty());
            let text = |key: &str| text(key).map(String::into_boxed_str);
            let image = parse_reference(KEYS.iter().find_map(|key| map.get(*key)?.as_str())?)?;
            Some(CoverReference { alt: text("alt").or(image.alt), caption: text("caption"), ..image })
        }
        _ => None,
    }
}

/// Accepts pasted Markdown: `[text](https://…)`, `![alt](… "title")` and `<https://…>` mean the URL,
/// `[https://a](https://b)` the first one.
fn parse_reference(text: &str) -> Option<CoverReference> {
    let text = text.trim();
    let link = text.strip_prefix('!').unwrap_or(text).strip_prefix('[').and_then(|link| link.split_once("]("));
    let (image, alt) = match link {
        None => (text, None),
        Some((label, _)) if label.starts_with("http://") || label.starts_with("https://") => (label, None),
        Some((label, rest)) => {
            let target = rest.rsplit_once(')').map_or(rest, |(target, _)| target);
            let alt = Some(plain_text(label)).filter(|alt| !alt.is_empty() && text.starts_with('!'));
            (without_title(target.trim()), alt.map(String::into_boxed_str))
        }
    };
    let image = image.strip_prefix('<').and_then(|image| image.split_once('>')).map_or(image, |(image, _)| image);
    let image = image.trim();
    (!image.is_empty()).then(|| CoverReference { target: image.into(), alt, caption: None })
}

/// Removes a quoted title after the target.
fn without_title(target: &str) -> &str {
    let quote = target.chars().next_back().filter(|last| matches!(last, '"' | '\''));
    let title = quote.and_then(|quote| target.split_once(&format!(" {quote}")));
    title.map_or(target, |(target, _)| target.trim_end())
}

/// The image type that a file extension suggests.
fn image_type(path: &str) -> Option<String> {
    let guess = mime_guess::from_path(path).first()?;
    (guess.type_() == mime_guess::mime::IMAGE).then(|| guess.essence_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_markdown_is_reduced_to_its_url() {
        let image = |text: &str| parse_reference(text).map(|cover| cover.target);
        for (text, expected) in [
            (" /a.png ", "/a.png"),
            ("<https://example.org/a b.png>", "https://example.org/a b.png"),
            ("//example.org/a.png", "//example.org/a.png"),
            ("[a](https://example.org/a_(1).png)", "https://example.org/a_(1).png"),
            ("![a](a b.png)", "a b.png"),
            ("![a](<a b.png> \"a kite\")", "a b.png"),
            ("![a](a.png \"a kite\")", "a.png"),
            ("![a](\"a\".png 'kite')", "\"a\".png"),
            ("[https://example.org/a](https://example.org/b)", "https://example.org/a"),
            ("[a](", ""),
            ("[a]", "[a]"),
        ] {
            assert_eq!(image(text).as_deref().unwrap_or_default(), expected, "{text}");
        }
        assert_eq!(parse_reference("![a &amp; b](a.png)").unwrap().alt.as_deref(), Some("a & b"));
        assert_eq!(parse_reference("[a](a.png)").unwrap().alt, None);
    }
}

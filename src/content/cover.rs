//! The cover of an issue, from the fields that Hugo's themes know.
//!
//! `cover` first, then the names other themes have for it. Each is a path or address, as people paste it, a map, or a
//! list of which the first counts. What a file really is, and where it lies, is left to `disk`.

use serde_json::Value;
use url::Url;

use crate::content::field_reader::{FieldReader, plain_text};
use crate::content::html::urls::is_web_address;
use crate::issue::{Cover, CoverReference, Issue};

/// Fields of the front matter that name a cover, the first that does so winning.
pub const FIELDS: [&str; 7] = ["cover", "featured_image", "featuredimage", "image", "images", "thumbnail", "banner"];

/// The keys of a map that name the picture.
const KEYS: [&str; 4] = ["image", "url", "src", "path"];

/// The cover of an issue as far as its address tells: with the type that its name promises.
pub fn promised(issue: &Issue) -> Option<Cover> {
    let (url, written) = (issue.cover_url()?, issue.cover.as_ref()?);
    let [alt, caption] = [&written.alt, &written.caption].map(|text| text.as_deref().map(str::to_owned));
    let mime_type = image_type(url.path());
    Some(Cover { url, mime_type, bytes: None, size: None, alt, caption })
}

/// The cover that the front matter names, if it has an address on the web.
pub(super) fn cover(fields: &mut FieldReader<'_>, permalink: &Url) -> Option<CoverReference> {
    let found = FIELDS.iter().find_map(|field| Some((*field, written(fields.look(field)?)?)));
    // What themes call otherwise stays, for templates.
    fields.take(FIELDS[0]);
    let (field, written) = found?;
    if !permalink.join(&written.written).is_ok_and(|url| is_web_address(&url)) {
        fields.odd(field, &format!("`{}` is no URL", written.written), "write a path or an https address");
        return None;
    }
    Some(written)
}

fn written(value: &Value) -> Option<CoverReference> {
    match value {
        Value::String(text) => pasted(text),
        Value::Array(items) => items.iter().find_map(written),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str).map(plain_text).filter(|text| !text.is_empty());
            let text = |key: &str| text(key).map(String::into_boxed_str);
            let image = pasted(KEYS.iter().find_map(|key| map.get(*key)?.as_str())?)?;
            Some(CoverReference { alt: text("alt").or(image.alt), caption: text("caption"), ..image })
        }
        _ => None,
    }
}

/// People paste Markdown: `[text](https://…)`, `![alt](… "title")` and `<https://…>` mean the address,
/// `[https://a](https://b)` the first one.
fn pasted(text: &str) -> Option<CoverReference> {
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
    (!image.is_empty()).then(|| CoverReference { written: image.into(), alt, caption: None })
}

/// A title stands between quotes behind the target.
fn without_title(target: &str) -> &str {
    let quote = target.chars().next_back().filter(|last| matches!(last, '"' | '\''));
    let title = quote.and_then(|quote| target.split_once(&format!(" {quote}")));
    title.map_or(target, |(target, _)| target.trim_end())
}

/// The type a file name promises; `None` when it promises no picture.
fn image_type(path: &str) -> Option<String> {
    let guess = mime_guess::from_path(path).first()?;
    (guess.type_() == mime_guess::mime::IMAGE).then(|| guess.essence_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_means_an_address() {
        let image = |text: &str| pasted(text).map(|cover| cover.written);
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
        assert_eq!(pasted("![a &amp; b](a.png)").unwrap().alt.as_deref(), Some("a & b"));
        assert_eq!(pasted("[a](a.png)").unwrap().alt, None);
    }
}

//! Hugo's built-in shortcodes as pictures, code and links, without scripts and frames.

use html_escape::encode_double_quoted_attribute as escaped;
use pulldown_cmark::{Event, Tag, TagEnd};

use crate::content::markdown::{Dialect, Document};
use crate::shortcodes::placeholders::Replacement;
use crate::shortcodes::syntax::Arguments;

/// The names of Hugo's shortcodes, and of those common to most themes.
pub const NAMES: [&str; 20] = [
    "comment", "details", "figure", "gist", "highlight", "instagram", "param", "qr", "rawhtml", "ref", "relref",
    "tweet", "twitter", "twitter_simple", "video", "vimeo", "vimeo_simple", "x", "x_simple", "youtube",
];

/// Whether the shortcode encloses content.
pub fn is_pair(name: &str) -> bool {
    matches!(name, "comment" | "details" | "highlight" | "qr" | "rawhtml")
}

/// The replacement of a shortcode without content; `None` if required arguments are missing.
pub fn expand(name: &str, arguments: &Arguments<'_>, dialect: Dialect) -> Option<Replacement> {
    let id = |named: &str| arguments.of(named, 0).map(str::trim).filter(|id| !id.is_empty());
    match name {
        "figure" => figure(arguments.of("src", 0)?, arguments, dialect),
        "video" => video(arguments),
        "youtube" => {
            let id = encoded(id("id")?);
            let poster = format!("https://img.youtube.com/vi/{id}/hqdefault.jpg");
            let words = arguments.named("title").unwrap_or("YouTube");
            Some(Replacement::link(&format!("https://www.youtube.com/watch?v={id}"), words, Some(&poster)))
        }
        "vimeo" | "vimeo_simple" => linked(&format!("https://vimeo.com/{}", encoded(id("id")?)), arguments),
        "gist" => {
            let path = format!("{}/{}", encoded(id("user")?), encoded(arguments.of("id", 1)?));
            linked(&format!("https://gist.github.com/{path}"), arguments)
        }
        "instagram" => linked(&format!("https://www.instagram.com/p/{}/", encoded(id("id")?)), arguments),
        "tweet" | "twitter" | "twitter_simple" | "x" | "x_simple" => {
            let user = arguments.named("user").unwrap_or("i");
            let number = arguments.named("id").or_else(|| arguments.at(0))?;
            linked(&format!("https://x.com/{}/status/{}", encoded(user), encoded(number)), arguments)
        }
        _ => None,
    }
}

/// `rawhtml`, or `qr`: a QR code is useless on the device that shows it; an address in it becomes a link.
pub fn raw(name: &str, arguments: &Arguments<'_>, inner: &str) -> Replacement {
    if name == "rawhtml" {
        return Replacement::html(inner.trim().to_owned(), inner.trim().to_owned());
    }
    let text = arguments.named("text").unwrap_or(inner).trim();
    match text.split_once("://") {
        Some(("http" | "https", _)) if !text.contains(char::is_whitespace) => Replacement::link(text, text, None),
        _ => Replacement::text(""),
    }
}

/// Code with its language; Hugo's other options only affect its appearance.
pub fn highlight(arguments: &Arguments<'_>, code: &str) -> Replacement {
    let language = arguments.of("lang", 0).or_else(|| arguments.named("type")).unwrap_or_default();
    let code = code.strip_prefix("\r\n").or_else(|| code.strip_prefix('\n')).unwrap_or(code);
    let code = code.trim_end();
    let is_inline = arguments.of("options", 1).is_some_and(|options| options.contains("hl_inline=true"));
    if is_inline {
        Replacement::html(code_element(code), code_element(code))
    } else {
        Replacement::code(language, &format!("{code}\n"))
    }
}

fn code_element(code: &str) -> String {
    format!("<code>{}</code>", html_escape::encode_text(code))
}

/// The start and end of `details`; the content between them is Markdown.
pub fn details(arguments: &Arguments<'_>, dialect: Dialect) -> [Replacement; 2] {
    let words = arguments.of("summary", 0).or_else(|| arguments.named("title")).unwrap_or("Details");
    let open = format!("<details><summary>{}</summary>", markdown(words, dialect));
    [Replacement::html(open.clone(), open), Replacement::html("</details>".to_owned(), "</details>".to_owned())]
}

/// A picture with its words, which are Markdown: `caption` and `attr`, as in Hugo.
pub fn figure(source: &str, arguments: &Arguments<'_>, dialect: Dialect) -> Option<Replacement> {
    let argument = |name| arguments.named(name).map(str::trim).filter(|value| !value.is_empty());
    let (title, caption) = (argument("title"), argument("caption"));
    let alt = argument("alt").map(str::to_owned).or_else(|| Some(words_of(caption?, dialect)));
    let alt = alt.or_else(|| title.or(arguments.at(1)).map(str::to_owned)).unwrap_or_default();
    let mut picture = format!("<img src=\"{}\" alt=\"{}\"", escaped(source.trim()), escaped(&alt));
    for name in ["width", "height"] {
        if let Some(pixels) = argument(name).map(|size| size.trim_end_matches("px"))
            && pixels.bytes().all(|byte| byte.is_ascii_digit())
        {
            picture.push_str(&format!(" {name}=\"{pixels}\""));
        }
    }
    picture.push('>');
    if let Some(address) = argument("link") {
        picture = format!("<a href=\"{}\">{picture}</a>", escaped(address));
    }
    let title = title.map(|title| format!("<strong>{}</strong>", html_escape::encode_text(title)));
    let attribution = argument("attr").map(|words| markdown(words, dialect));
    let attribution = match argument("attrlink") {
        Some(address) => attribution.map(|words| format!("<a href=\"{}\">{words}</a>", escaped(address))),
        None => attribution,
    };
    let below = [title, caption.map(|words| markdown(words, dialect)), attribution];
    let below: Vec<String> = below.into_iter().flatten().collect();
    let mut figure = format!("<figure>{picture}");
    if !below.is_empty() {
        figure.push_str(&format!("<figcaption>{}</figcaption>", below.join(" ")));
    }
    figure.push_str("</figure>");
    Some(Replacement::html(figure, picture))
}

/// One line of Markdown as HTML, without the paragraph around it.
fn markdown(text: &str, dialect: Dialect) -> String {
    let document = Document::parse_as(text, dialect);
    let events = match document.events() {
        [Event::Start(Tag::Paragraph), inside @ .., Event::End(TagEnd::Paragraph)]
            if !inside.contains(&Event::Start(Tag::Paragraph)) =>
        {
            inside
        }
        events => events,
    };
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.iter().cloned());
    html.trim_end().to_owned()
}

/// The words of Markdown.
fn words_of(text: &str, dialect: Dialect) -> String {
    let document = Document::parse_as(text, dialect);
    let word = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_string()),
        Event::SoftBreak | Event::HardBreak => Some(" ".to_owned()),
        _ => None,
    };
    document.events().iter().filter_map(word).collect()
}

fn video(arguments: &Arguments<'_>) -> Option<Replacement> {
    let named = ["src", "url", "mp4", "webm", "ogg", "file"].iter().find_map(|name| arguments.named(name));
    let address = named.or_else(|| arguments.at(0)).map(str::trim).filter(|address| !address.is_empty())?;
    let words = ["title", "caption", "alt"].iter().find_map(|name| arguments.named(name));
    let words = words.unwrap_or_else(|| address.rsplit('/').next().unwrap_or(address));
    Some(Replacement::link(&spaceless(address), words, arguments.named("poster").map(spaceless).as_deref()))
}

/// A link to content that only a script could embed.
fn linked(address: &str, arguments: &Arguments<'_>) -> Option<Replacement> {
    let words = arguments.named("title").map(str::trim).filter(|title| !title.is_empty()).unwrap_or(address);
    Some(Replacement::link(address, words, None))
}

fn spaceless(address: &str) -> String {
    address.trim().replace(' ', "%20")
}

/// Encodes an id as a path segment.
fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id.trim(), PART).to_string()
}

/// Characters of an id that are not encoded.
const PART: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

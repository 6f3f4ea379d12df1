//! Tags and includes of plugins and themes that show something from elsewhere: a link or picture instead.
//!
//! Takes the name of the tag and its arguments; returns HTML.

/// An argument with its name, if it has one.
type Argument = (Option<String>, String);

/// Names, and the address that their first argument completes.
const SERVICES: [(&[&str], &str); 6] = [
    (&["youtube", "youtubeplayer", "youtube_player", "youtube-embed"], "https://www.youtube.com/watch?v="),
    (&["vimeo"], "https://vimeo.com/"),
    (&["gist"], "https://gist.github.com/"),
    (&["twitter", "tweet", "x"], "https://twitter.com/i/status/"),
    (&["bilibili"], "https://www.bilibili.com/video/"),
    (&["codepen", "embed", "oembed", "iframe", "link_preview", "spotify", "soundcloud", "audio"], ""),
];

/// Names of tags for pictures.
const PICTURES: [&str; 9] =
    ["img", "image", "picture", "figure", "photo", "responsive_image", "lightbox", "cloudinary", "asset_img"];

/// Arguments that are the id or the address of what is shown.
const IDS: [&str; 7] = ["id", "url", "src", "link", "href", "video", "video_id"];

/// The link or picture that a known tag shows; `None` if the tag is not known. `rooted` makes addresses below the site whole.
pub fn embed(name: &str, arguments: &[Argument], rooted: &dyn Fn(&str) -> String) -> Option<String> {
    let lower = name.to_lowercase();
    if PICTURES.contains(&lower.as_str()) {
        return picture(arguments, rooted);
    }
    let provider = named(arguments, &["provider"]).map(str::to_lowercase);
    let name = if lower == "video" { provider.unwrap_or(lower) } else { lower };
    let (_, prefix) = SERVICES.iter().find(|(names, _)| names.contains(&name.as_str()))?;
    let id = named(arguments, &IDS).or_else(|| positional(arguments).next())?;
    let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    match is_web(id) {
        true => Some(link(id)),
        false => (!prefix.is_empty() && id.chars().all(is_id)).then(|| link(&format!("{prefix}{id}"))),
    }
}

/// The pictures and links that the arguments of a tag name.
pub fn by_arguments(arguments: &[Argument], rooted: &dyn Fn(&str) -> String) -> String {
    if let Some(picture) = picture(arguments, rooted) {
        return picture;
    }
    arguments.iter().map(|(_, value)| value.as_str()).find(|value| is_web(value)).map(link).unwrap_or_default()
}

/// The first argument that is a picture, with its alternative text and caption.
fn picture(arguments: &[Argument], rooted: &dyn Fn(&str) -> String) -> Option<String> {
    let source = arguments.iter().map(|(_, value)| value.as_str()).find(|value| is_picture(value))?;
    let attribute = |text: &str| html_escape::encode_quoted_attribute(text).into_owned();
    let alt = named(arguments, &["alt", "title"]).unwrap_or_default();
    let image = format!("<img src=\"{}\" alt=\"{}\">", attribute(&rooted(source).replace(' ', "%20")), attribute(alt));
    Some(match named(arguments, &["caption"]) {
        Some(caption) => {
            format!("<figure>{image}<figcaption>{}</figcaption></figure>", html_escape::encode_text(caption))
        }
        None => image,
    })
}

fn link(address: &str) -> String {
    let target = html_escape::encode_quoted_attribute(address);
    format!("<a href=\"{target}\">{}</a>", html_escape::encode_text(address))
}

fn named<'a>(arguments: &'a [Argument], names: &[&str]) -> Option<&'a str> {
    let value = |name: &&str| arguments.iter().find(|(own, _)| own.as_deref() == Some(*name));
    names.iter().find_map(value).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn positional(arguments: &[Argument]) -> impl Iterator<Item = &str> {
    arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value.trim())
}

fn is_web(address: &str) -> bool {
    (address.starts_with("https://") || address.starts_with("http://")) && !address.contains(char::is_whitespace)
}

fn is_picture(address: &str) -> bool {
    const ENDINGS: [&str; 8] = [".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"];
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending) && path.len() > ending.len())
}

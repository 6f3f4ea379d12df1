//! What readers see of Hexo's tag plugins: those of Hexo itself, and those of its themes (NexT, Butterfly, Fluid, Volantis).
//!
//! Takes the name and the arguments of a tag; returns its words, picture or link, or how the text in a pair of tags is set apart.

use std::borrow::Cow;

use crate::content::format::Body;
use crate::content::format::rewriting::{embedded, is_picture, link, picture};

/// What a tag is to readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The text in a pair is set apart, after a first line and before a last one, each of which may be empty.
    Quotation { first: String, last: String },
    /// The text in a pair, after a title in bold, which may be empty.
    Titled(String),
    /// The text in a pair is code in this language, which may be empty, with a title in bold.
    Code { language: String, title: String },
    /// This text in place of both tags of a pair.
    Signs(&'static str),
    /// These words in place of the tag.
    Words(String),
    /// What is left of a tag that is not known: its picture or link, or nothing.
    Unknown(String),
}

/// Tags around boxes; most take a type, a title, or both.
const BOXES: [&str; 12] = [
    "note", "notel", "noteblock", "tip", "tips", "alert", "admonition", "callout", "info", "warning", "success",
    "danger",
];

/// Tags around text that is hidden until someone asks for it, and others that begin with a title.
const TITLED: [&str; 15] = [
    "folding", "fold", "folders", "hidetoggle", "hideblock", "spoiler", "details", "collapse", "toggle", "tab",
    "timeline", "timenode", "accordion", "poetry", "flink",
];

/// Tags that only arrange the text in them.
const CONTAINERS: [&str; 20] = [
    "tabs", "subtabs", "subsubtabs", "gallery", "grid", "grouppicture", "gp", "box", "cell", "paper", "swiper",
    "split", "columns", "center", "centertext", "right", "left", "full", "fullimage", "navbar",
];

/// Tags whose arguments are words in the line.
const INLINE: [&str; 22] = [
    "label", "span", "p", "u", "emp", "wavy", "del", "kbd", "psw", "quot", "mark", "hashtag", "s", "sup", "sub",
    "inlinelabel", "bubble", "blur", "copy", "hideinline", "rainbow", "text",
];

/// Words of arguments that determine only the look.
const LOOKS: [&str; 32] = [
    "default", "primary", "simple", "modern", "flat", "disabled", "no-icon", "icon-padding", "open", "close", "red",
    "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "gray", "grey", "black", "white", "center", "left",
    "right", "quote", "link", "done", "bolt", "clear", "true", "false",
];

/// Types of boxes.
const TYPES: [&str; 11] =
    ["info", "success", "warning", "danger", "error", "tip", "tips", "important", "caution", "note", "question"];

/// Where tags lead from: a post, its assets and the other posts.
pub(super) struct Place<'b, 'a> {
    of: &'b Body<'a>,
    source: &'b str,
    /// The folder of assets below the folder of the page.
    assets: String,
}

impl<'b, 'a> Place<'b, 'a> {
    pub(super) fn new(of: &'b Body<'a>, source: &'b str) -> Self {
        // Hexo publishes the assets of `x.html` in `x/`.
        let name = of.issue.permalink.path().rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".html").or(name.strip_suffix(".htm"));
        Self { of, source, assets: name.map(|name| format!("{name}/")).unwrap_or_default() }
    }

    /// The name of the folder of assets beside the file of the post.
    pub(super) fn asset_folder(&self) -> &str {
        let name = self.of.issue.path.rsplit('/').next().unwrap_or_default();
        name.rfind('.').map_or(name, |dot| &name[..dot])
    }

    /// The folder of assets below the folder of the page, empty or with a slash at its end.
    pub(super) fn assets(&self) -> &str {
        &self.assets
    }

    fn asset(&self, name: &str) -> String {
        format!("{}{}", self.assets, name.trim_start_matches("./"))
    }

    /// The address of a post by its slug, which may be followed by an anchor.
    fn post(&self, slug: &str) -> Option<String> {
        let (slug, anchor) = slug.split_at(slug.find('#').unwrap_or(slug.len()));
        (self.of.address)(&format!("/{slug}.md{anchor}"))
    }

    /// A file below the folder of code, as HTML in one line.
    fn code(&self, file: &str) -> Option<String> {
        let path = format!("{}/downloads/code/{}", self.source, file.trim_start_matches('/'));
        let code =
            html_escape::encode_text(self.of.includes.get(&path)?.trim()).replace("\r\n", "\n").replace('\n', "&#10;");
        Some(format!("<pre><code>{code}</code></pre>"))
    }
}

/// What the first of a pair of tags means.
pub(super) fn of_pair(name: &str, arguments: &str) -> Meaning {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "blockquote" | "quote" => {
            Meaning::Quotation { first: String::new(), last: attribution(&words(arguments).join(" ")) }
        }
        "pullquote" | "centerquote" | "cq" => Meaning::Quotation { first: String::new(), last: String::new() },
        "codeblock" | "code" => code_block(arguments),
        "math" => Meaning::Signs("$$"),
        "mermaid" => Meaning::Code { language: "mermaid".to_owned(), title: String::new() },
        name if BOXES.contains(&name) => boxed(name, arguments),
        name if TITLED.contains(&name) => Meaning::Titled(title(arguments).replace('*', "")),
        name if CONTAINERS.contains(&name) || INLINE.contains(&name) => Meaning::Titled(String::new()),
        _ => Meaning::Unknown(linked(arguments)),
    }
}

/// What a tag without a partner means.
pub(super) fn of_single(name: &str, arguments: &str, place: &Place<'_, '_>) -> Meaning {
    let name = name.to_ascii_lowercase();
    let parts = words(arguments);
    let first = parts.first().map(String::as_str).unwrap_or_default();
    let known = match name.as_str() {
        "asset_img" | "asset_image" => image(&parts, Some(place)),
        "img" | "image" | "inlineimage" | "inlineimg" | "fancybox" => image(&parts, None),
        "asset_link" if !first.is_empty() => Some(link(&place.asset(first), &said(&parts[1..]))),
        "asset_path" if !first.is_empty() => Some(place.asset(first)),
        "post_link" => place.post(first).map(|address| {
            let words = said(&parts[1..]);
            let slug = first.split('#').next().unwrap_or_default();
            link(&address, if words.is_empty() { slug.rsplit('/').next().unwrap_or_default() } else { &words })
        }),
        "post_path" => place.post(first),
        "url_for" | "full_url_for" => (!first.is_empty()).then(|| first.to_owned()),
        "include_code" | "include-code" => {
            parts.iter().rev().find(|part| !part.contains(':')).and_then(|file| place.code(file))
        }
        "checkbox" | "radio" => Some(checkbox(arguments)),
        "more" | "endtab" => Some(String::new()),
        name if INLINE.contains(&name) || TITLED.contains(&name) => Some(inline(arguments)),
        name if BOXES.contains(&name) => Some(format!("> {}", inline(arguments))),
        _ => embedded(&name, first).map(|address| link(&address, "")).or_else(|| {
            let is_link = ["link", "a", "anchor", "button", "btn", "btns", "site", "iframe", "video", "audio", "pdf"];
            is_link.contains(&name.as_str()).then(|| linked(arguments)).filter(|link| !link.is_empty())
        }),
    };
    match known {
        Some(text) => Meaning::Words(text),
        None if name == "post_link" => Meaning::Unknown(said(parts.get(1..).unwrap_or_default())),
        None => Meaning::Unknown(linked(arguments)),
    }
}

/// Arguments, separated by white space outside quotation marks, which are left out.
pub(super) fn words(arguments: &str) -> Vec<String> {
    let (mut words, mut word, mut open): (_, _, Option<char>) = (Vec::new(), None::<String>, None);
    let mut chars = arguments.chars();
    while let Some(c) = chars.next() {
        match open {
            Some(mark) if c == mark => open = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c.is_whitespace() => words.extend(word.take()),
            None if matches!(c, '"' | '\'') && chars.as_str().contains(c) => {
                word.get_or_insert_default();
                open = Some(c);
            }
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Arguments, separated by commas.
fn fields(arguments: &str) -> Vec<String> {
    arguments.split(',').map(|field| words(field).join(" ")).collect()
}

/// Words without a last one that says whether they are escaped.
fn said(parts: &[String]) -> String {
    match parts {
        [words @ .., last] if ["true", "false"].contains(&last.as_str()) => words.join(" "),
        words => words.join(" "),
    }
}

fn is_address(word: &str) -> bool {
    if word.contains(char::is_whitespace) {
        return false;
    }
    ["http://", "https://", "//", "/", "mailto:", "www.", "./", "../"].iter().any(|start| word.starts_with(start))
        || is_picture(word)
}

/// `[class names] address [width [height]] "title" "alt"`; of an asset, the address is its name.
fn image(parts: &[String], place: Option<&Place<'_, '_>>) -> Option<String> {
    let is_image = |part: &String| if place.is_some() { part.contains('.') } else { is_address(part) };
    let at = parts.iter().position(is_image).or(place.and(parts.len().checked_sub(1)))?;
    let is_size = |part: &&String| part.trim_end_matches("px").parse::<u32>().is_ok() || part.as_str() == "auto";
    let rest: Vec<&String> = parts[at + 1..].iter().skip_while(is_size).collect();
    let [title, alt] = match rest.as_slice() {
        [] => [Cow::Borrowed(""), Cow::Borrowed("")],
        [title, alt] => [Cow::Borrowed(title.as_str()), Cow::Borrowed(alt.as_str())],
        others => {
            let words =
                others.iter().map(|word| word.trim_matches(',')).filter(|word| !is_option(word)).collect::<Vec<_>>();
            [Cow::Borrowed(""), Cow::Owned(words.join(" "))]
        }
    };
    let address = parts[at].trim_end_matches(',');
    let address = place.map_or_else(|| address.to_owned(), |place| place.asset(address));
    Some(picture(&address, if alt.is_empty() { &title } else { &alt }, if alt.is_empty() { "" } else { &title }))
}

/// An option such as `color:red` or `alt=words`.
fn is_option(word: &str) -> bool {
    let name = word.split([':', '=']).next().unwrap_or_default();
    name.len() < word.len()
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !word.contains("//")
}

/// The picture or link in arguments, with the words beside it; empty if there is none.
fn linked(arguments: &str) -> String {
    let by_comma = fields(arguments);
    let parts = if by_comma.iter().any(|field| is_address(field)) { by_comma } else { words(arguments) };
    let Some(at) = parts.iter().position(|part| is_address(part)) else { return String::new() };
    let address = &parts[at];
    if is_picture(address) {
        return picture(address, "", "");
    }
    let has_commas = arguments.contains(',');
    let is_size = |part: &str| part.trim_end_matches(['%', 'p', 'x']).bytes().all(|byte| byte.is_ascii_digit());
    let is_look = |part: &str| is_address(part) || is_option(part) || is_size(part) || LOOKS.contains(&part);
    let shown = |part: &&String| !is_look(part);
    let (before, after) = (&parts[..at], &parts[at + 1..]);
    let beside = if before.iter().any(|part| shown(&part)) { before } else { after };
    let beside: Vec<&str> = beside.iter().filter(shown).map(String::as_str).collect();
    let words = if has_commas { beside.first().copied().unwrap_or_default().to_owned() } else { beside.join(" ") };
    link(address, &words)
}

/// The last of several arguments with commas, or all words that are not options.
fn inline(arguments: &str) -> String {
    // NexT: `{% label primary@words %}`
    if let Some((class, words)) = arguments.trim().split_once('@')
        && class.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        return words.trim().to_owned();
    }
    if let Some((_, last)) = arguments.rsplit_once(',') {
        return words(last).join(" ");
    }
    let mut parts = words(arguments);
    parts.retain(|part| !is_option(part));
    if parts.len() > 1 {
        let is_look = |part: &String| LOOKS.contains(&part.as_str()) || TYPES.contains(&part.as_str());
        let own: Vec<String> = parts.iter().filter(|part| !is_look(part)).cloned().collect();
        parts = if own.is_empty() { parts } else { own };
    }
    parts.join(" ")
}

fn checkbox(arguments: &str) -> String {
    let is_checked =
        words(arguments).iter().any(|word| matches!(word.trim_end_matches(','), "checked" | "checked:true"));
    let words = inline(arguments);
    let words = words.strip_prefix("checked ").unwrap_or(&words);
    format!("{} {words}", if is_checked { "☑" } else { "☐" })
}

/// The words of a title: not what determines the look.
fn title(arguments: &str) -> String {
    let arguments = arguments.rsplit_once(", ").map_or(arguments, |(_, title)| title);
    let arguments = arguments.split_once(',').map_or(arguments, |(title, _)| title);
    let is_icon =
        |word: &str| word.starts_with("fa-") || matches!(word, "fa" | "fas" | "far" | "fab") || word.starts_with('@');
    let is_shown = |word: &String| !is_option(word) && !is_icon(word) && !LOOKS.contains(&word.as_str());
    words(arguments).into_iter().filter(is_shown).collect::<Vec<_>>().join(" ")
}

fn boxed(name: &str, arguments: &str) -> Meaning {
    let words = title(arguments);
    let (first, rest) = words.split_once(' ').unwrap_or((&words, ""));
    let (kind, title) = match TYPES.contains(&first) {
        true => (first, rest),
        false => (if TYPES.contains(&name) { name } else { "note" }, words.as_str()),
    };
    Meaning::Quotation {
        first: format!("[!{}] {title}", kind.to_uppercase()).trim_end().to_owned(),
        last: String::new(),
    }
}

/// `author, source`, or `author address title`.
fn attribution(text: &str) -> String {
    let encoded = |text: &str| html_escape::encode_text(text.trim()).into_owned();
    let parts: Vec<&str> = text.splitn(2, "http").collect();
    let html = match parts.as_slice() {
        [author, rest] if rest.starts_with("://") || rest.starts_with("s://") => {
            let (address, title) = rest.split_once(' ').unwrap_or((rest, ""));
            let address = format!("http{address}");
            let words = if title.trim().is_empty() { &address } else { title };
            let href = html_escape::encode_double_quoted_attribute(&address);
            format!("<strong>{}</strong> <cite><a href=\"{href}\">{}</a></cite>", encoded(author), encoded(words))
        }
        _ => match text.split_once(',') {
            Some((author, title)) => format!("<strong>{}</strong> <cite>{}</cite>", encoded(author), encoded(title)),
            None if text.trim().is_empty() => return String::new(),
            None => format!("<strong>{}</strong>", encoded(text)),
        },
    };
    format!("<footer>— {html}</footer>")
}

fn code_block(arguments: &str) -> Meaning {
    let language = words(arguments).iter().find_map(|word| word.strip_prefix("lang:").map(str::to_owned));
    Meaning::Code { language: language.unwrap_or_default(), title: code_title(arguments).unwrap_or_default() }
}

/// The words of the arguments of a code block that are not options.
pub(super) fn code_title(arguments: &str) -> Option<String> {
    let title: Vec<String> = words(arguments).into_iter().filter(|word| !is_option(word)).collect();
    (!title.is_empty()).then(|| title.join(" "))
}

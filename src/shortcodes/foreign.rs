//! Shortcodes of themes, which no template of the project describes: what their names and arguments say.
//!
//! Takes a shortcode and the text in it; returns the picture, link or alert that readers would miss, and the text.

use std::ops::Range;

use crate::finding::{Finding, nearest};
use crate::shortcodes::placeholders::Replacement;
use crate::shortcodes::syntax::{Arguments, Shortcode};
use crate::shortcodes::{Expander, FOLDER, built_in};

/// What an unknown shortcode shows besides the text in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    /// A text set apart, with its title and the text of its arguments.
    Alert { title: Option<String>, text: Option<String> },
    /// The addresses of pictures.
    Pictures(Vec<String>),
    /// A link and its words.
    Link { address: String, words: Option<String> },
    /// Nothing.
    Text,
}

impl<'m> Expander<'_, '_, 'm> {
    /// The picture, link or alert that the arguments of an unknown shortcode name, and the text in it.
    pub(super) fn unknown(&mut self, shortcode: &Shortcode<'m>, inner: Range<usize>, depth: usize) -> String {
        self.report_unknown(shortcode);
        let inner = self.expand(inner, depth + 1);
        match meaning(shortcode.name, &shortcode.arguments) {
            Meaning::Alert { title, text } => {
                let inner = if inner.trim().is_empty() { text.unwrap_or_default() } else { inner };
                let before = &self.body[..shortcode.range.start];
                quotation(title.as_deref(), &inner, before)
            }
            Meaning::Pictures(sources) => {
                let dialect = self.shortcodes.dialect;
                let figures =
                    sources.iter().filter_map(|source| built_in::figure(source, &shortcode.arguments, dialect));
                let shown: String = figures.map(|figure| self.placeholders.insert(figure)).collect();
                shown + &inner
            }
            Meaning::Link { address, words } => {
                let text = inner.trim();
                if !text.is_empty() && !text.contains("\n\n") && !text.contains(['[', ']']) {
                    let is_html = is_in_html(&self.body[..shortcode.range.start]);
                    return if is_html { html_link(&address, text) } else { format!("[{text}](<{address}>)") };
                }
                let words = words.unwrap_or_else(|| address.clone());
                self.placeholders.insert(Replacement::link(&address, &words, None)) + &inner
            }
            Meaning::Text => inner,
        }
    }

    fn report_unknown(&mut self, shortcode: &Shortcode<'m>) {
        let name = shortcode.name;
        if !self.unknown.insert(name) {
            return;
        }
        let known = built_in::NAMES.into_iter().chain(self.shortcodes.templates.names());
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("define it in `{FOLDER}/{name}.html`"),
        };
        let message = format!("unknown shortcode `{name}`; readers see only its text, and its picture or link, if any");
        self.report(Finding::error("shortcode-unknown", message), shortcode.range.clone(), &help);
    }
}

/// Shortcodes for texts set apart; their type is an argument.
const BOXES: [&str; 9] =
    ["admonition", "alert", "blockalert", "box", "callout", "hint", "notice", "notification", "panel"];

/// Types of texts set apart, which also are names of shortcodes.
const TYPES: [&str; 21] = [
    "abstract", "attention", "bug", "caution", "danger", "error", "example", "failure", "important", "info",
    "information", "note", "question", "quote", "success", "tip", "tips", "todo", "warn", "warning", "warnings",
];

/// What this shortcode means.
fn meaning(name: &str, arguments: &Arguments<'_>) -> Meaning {
    let named = |names: &[&str]| {
        names.iter().find_map(|name| arguments.named(name)).map(str::trim).filter(|value| !value.is_empty())
    };
    let lower = name.to_lowercase();
    if BOXES.contains(&lower.as_str()) || TYPES.contains(&lower.as_str()) {
        let text = named(&["text", "content", "message", "body"]).map(str::to_owned);
        return Meaning::Alert { title: title(&lower, arguments), text };
    }
    let pictures = pictures(&lower, arguments);
    if !pictures.is_empty() {
        return Meaning::Pictures(pictures);
    }
    let address = named(&["url", "href", "link", "src"]).or_else(|| arguments.at(0).filter(|first| is_web(first)));
    match address.filter(|address| is_address(address)) {
        Some(address) => {
            let second = arguments.at(1).map(str::trim).filter(|words| !words.is_empty());
            let words = named(&["title", "text", "name", "label", "caption"]).or(second);
            Meaning::Link { address: address.replace(' ', "%20"), words: words.map(str::to_owned) }
        }
        None => Meaning::Text,
    }
}

/// The title of an alert: its own, or else its type.
fn title(name: &str, arguments: &Arguments<'_>) -> Option<String> {
    let argument = |names: &[&str]| names.iter().find_map(|name| arguments.named(name)).map(str::to_owned);
    let is_type = |word: &str| TYPES.contains(&word.to_lowercase().as_str());
    let positional: Vec<&str> = (0..3).map_while(|place| arguments.at(place)).collect();
    let words =
        positional.iter().find(|word| !is_type(word) && (word.contains(' ') || positional.len() > 1 || is_type(name)));
    let own = argument(&["title", "header", "heading"]).or_else(|| words.map(|words| (*words).to_owned()));
    let kind = argument(&["type", "kind", "level", "color"]).filter(|word| is_type(word));
    let kind = kind.or_else(|| positional.first().filter(|word| is_type(word)).map(|word| (*word).to_owned()));
    let kind = kind.or_else(|| is_type(name).then(|| name.to_owned()));
    own.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty()).or_else(|| Some(capitalized(&kind?)))
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Arguments that are files of pictures; `src` and `image` of a shortcode for pictures need no such ending.
fn pictures(name: &str, arguments: &Arguments<'_>) -> Vec<String> {
    const NAMED: [&str; 8] = ["src", "image", "img", "file", "path", "url", "href", "link"];
    let is_for_pictures = ["img", "image", "picture", "photo", "pic", "figure"].iter().any(|word| name.contains(word));
    if let Some(source) = NAMED.iter().filter_map(|name| arguments.named(name)).find(|value| is_picture(value)) {
        return vec![source.to_owned()];
    }
    let source = ["src", "image", "img"].iter().find_map(|name| arguments.named(name));
    if let Some(source) = source.filter(|source| is_for_pictures && !source.trim().is_empty()) {
        return vec![source.to_owned()];
    }
    arguments
        .all()
        .filter(|(name, value)| name.is_none() && is_picture(value))
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn is_picture(address: &str) -> bool {
    const ENDINGS: [&str; 10] = [".apng", ".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".jxl", ".png", ".svg", ".webp"];
    let path = address.split(['?', '#']).next().unwrap_or_default().trim().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending) && path.len() > ending.len())
}

fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

fn is_address(address: &str) -> bool {
    is_web(address) || address.starts_with(['/', '.', '#']) || address.starts_with("mailto:") || address.contains('/')
}

/// Whether a block of HTML that began `before` has not ended: an empty line ends it.
fn is_in_html(before: &str) -> bool {
    let block = before.rsplit("\n\n").next().unwrap_or_default();
    let is_blank = |line: &&str| line.trim_matches([' ', '\t', '>', '\r']).is_empty();
    let mut lines: Vec<&str> = block.lines().rev().skip(usize::from(!block.ends_with('\n'))).collect();
    lines.truncate(lines.iter().position(is_blank).unwrap_or(lines.len()));
    lines.last().is_some_and(|line| line.trim_start_matches([' ', '>']).starts_with('<'))
}

fn html_link(address: &str, text: &str) -> String {
    format!("<a href=\"{}\">{text}</a>", html_escape::encode_double_quoted_attribute(address))
}

/// Text as a quotation with a bold title, in the container that the line `before` it is in.
fn quotation(title: Option<&str>, text: &str, before: &str) -> String {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let prefix = if line.trim_matches([' ', '>', '\t']).is_empty() { line } else { "" };
    let mut lines: Vec<&str> = text.trim_matches('\n').trim_end().lines().collect();
    for line in &mut lines {
        *line = line.strip_prefix(prefix).unwrap_or(line);
    }
    let title = title.map(|title| format!("**{}**", title.trim_matches('*')));
    let mut quoted = String::new();
    let mut push = |line: &str| {
        if !quoted.is_empty() {
            quoted.push_str(&format!("\n{prefix}"));
        }
        quoted.push_str(format!("> {line}").trim_end());
    };
    if let Some(title) = &title {
        push(title);
        push("");
    }
    lines.into_iter().for_each(push);
    let is_alone = line.trim_matches([' ', '>', '\t']).is_empty();
    let blank = prefix.trim_end();
    let gap = if is_in_html(before) { format!("\n{prefix}") } else { String::new() };
    if is_alone { format!("{gap}{quoted}\n{blank}\n{prefix}") } else { format!("\n\n{quoted}\n\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shortcodes::syntax::{Segment, segments};

    fn meaning_of(shortcode: &str) -> Meaning {
        match segments(shortcode).swap_remove(0) {
            Segment::Open(shortcode) => meaning(shortcode.name, &shortcode.arguments),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn alerts_have_their_title_or_type() {
        for (shortcode, expected) in [
            ("{{< admonition warning \"High water\" >}}", Some("High water")),
            ("{{< hint info >}}", Some("Info")),
            ("{{< notice note \"Mind\" >}}", Some("Mind")),
            ("{{% note %}}", Some("Note")),
            ("{{% tip \"Go early\" %}}", Some("Go early")),
            ("{{< callout type=\"warning\" title=\"Wind\" >}}", Some("Wind")),
            ("{{< callout type=\"warning\" >}}", Some("Warning")),
            ("{{< alert \"circle-info\" >}}", None),
            ("{{< alert color=\"primary\" >}}", None),
        ] {
            let expected = Meaning::Alert { title: expected.map(str::to_owned), text: None };
            assert_eq!(meaning_of(shortcode), expected, "{shortcode}");
        }
    }

    #[test]
    fn pictures_and_links_are_kept() {
        let pictures = |names: &[&str]| Meaning::Pictures(names.iter().map(|name| (*name).to_owned()).collect());
        let link = |address: &str, words: Option<&str>| Meaning::Link {
            address: address.to_owned(),
            words: words.map(str::to_owned),
        };
        for (shortcode, expected) in [
            ("{{% img src=\"/a.png\" caption=\"A\" %}}", pictures(&["/a.png"])),
            ("{{< imageFull src=\"/a\" >}}", pictures(&["/a"])),
            ("{{< gallery a.jpg \"b c.JPG?x=1\" 300 >}}", pictures(&["a.jpg", "b c.JPG?x=1"])),
            ("{{< button href=\"/a\" >}}", link("/a", None)),
            ("{{< external_link url=\"https://a.example/\" title=\"A\" >}}", link("https://a.example/", Some("A"))),
            ("{{< bilibili https://a.example/v \"V\" >}}", link("https://a.example/v", Some("V"))),
            ("{{< columns >}}", Meaning::Text),
            ("{{< tab name=\"a\" >}}", Meaning::Text),
        ] {
            assert_eq!(meaning_of(shortcode), expected, "{shortcode}");
        }
    }
}

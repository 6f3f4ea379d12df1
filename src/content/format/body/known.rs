//! What readers see of a component besides what is between its tags: its picture, video, link, title or words.
//!
//! Takes the tag and where it stands; returns the Markdown that replaces its tags. The names of components and attributes
//! are those that many sites share.

use html_escape::{encode_double_quoted_attribute as escaped, encode_text};

use crate::content::format::body::boxes;
use crate::content::format::body::script::{Names, value};
use crate::content::format::body::tag::{Tag, Value};

/// Where a component stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Whether it has a closing tag.
    pub has_content: bool,
    /// Whether each of its tags has its lines to itself.
    pub is_block: bool,
    /// Whether the next line is not empty.
    pub is_followed: bool,
    /// Whether it is in an element of HTML.
    pub in_html: bool,
}

/// What replaces the tags of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub open: String,
    pub close: String,
    /// Whether readers see nothing of it.
    pub is_lost: bool,
}

impl Shown {
    fn only(open: String) -> Self {
        Self { open, ..Self::default() }
    }
}

/// Whether a component contains only what browsers and search engines read.
pub(super) fn is_for_machines(name: &str) -> bool {
    matches!(name, "Head" | "Helmet" | "SEO" | "Seo" | "Script" | "Style")
}

/// What replaces the tags of a component.
pub(super) fn shown(tag: &Tag<'_>, place: Place, names: &Names) -> Shown {
    let component = Component { tag, names, name: tag.name.to_ascii_lowercase().replace('-', "") };
    if let Some(html) = component.video().or_else(|| component.post()).or_else(|| component.picture()) {
        return Shown::only(html);
    }
    if let Some(opening) = component.set_apart().filter(|_| place.has_content && place.is_block && !place.in_html) {
        return Shown { open: opening, close: ":::".to_owned(), is_lost: false };
    }
    if place.has_content { component.around_content(place) } else { component.alone() }
}

struct Component<'t, 'a> {
    tag: &'t Tag<'a>,
    names: &'t Names,
    /// In lower case, without hyphens.
    name: String,
}

impl Component<'_, '_> {
    /// The value of the first of these attributes that has one, bound or not.
    fn attribute(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let is_it =
                |other: &str| other.trim_start_matches("v-bind").trim_start_matches(':').eq_ignore_ascii_case(name);
            let (written, value_of) = self.tag.attributes.iter().find(|(other, _)| is_it(other))?;
            let text = match value_of {
                Value::Text(text) if written.contains(':') => value(text, self.names),
                Value::Text(text) => Some((*text).to_owned()),
                Value::Script(script) => value(script, self.names),
                Value::Absent => None,
            };
            text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
        })
    }

    /// The title, label or summary.
    fn title(&self) -> Option<String> {
        self.attribute(&["title", "label", "summary", "heading", "header"])
    }

    fn video(&self) -> Option<String> {
        let id = || self.attribute(&["id", "videoId", "video", "vid", "youTubeId", "youtubeId"]);
        let address = if self.name.contains("youtube") || self.name == "ytembed" {
            let id = id().or_else(|| self.attribute(&["url", "src", "href", "link"]))?;
            let id = youtube_id(&id).to_owned();
            let words = self.title().unwrap_or_else(|| "YouTube".to_owned());
            let picture = format!("https://img.youtube.com/vi/{}/hqdefault.jpg", escaped(&id));
            let picture = format!("<img src=\"{picture}\" alt=\"{}\">", escaped(&words));
            return Some(format!("<a href=\"https://www.youtube.com/watch?v={}\">{picture}</a>", escaped(&id)));
        } else if self.name.starts_with("vimeo") {
            format!("https://vimeo.com/{}", id()?)
        } else if self.name.starts_with("bilibili") {
            format!("https://www.bilibili.com/video/{}", self.attribute(&["bvid", "bv", "id"])?)
        } else {
            return None;
        };
        let words = self.title().unwrap_or_else(|| address.trim_start_matches("https://").to_owned());
        Some(link(&address, &words))
    }

    /// A post on a social network.
    fn post(&self) -> Option<String> {
        if !matches!(
            self.name.as_str(),
            "tweet" | "twitter" | "tweetembed" | "twittertweet" | "twittertweetembed" | "xpost" | "xembed"
        ) {
            return None;
        }
        let written = self.attribute(&["id", "tweetId", "tweetLink", "url", "href"])?;
        let address = match written.strip_prefix("https://") {
            Some(_) => written,
            None if written.contains("/status/") => format!("https://x.com/{}", written.trim_start_matches('/')),
            None => format!("https://x.com/i/status/{written}"),
        };
        Some(link(&address, address.trim_start_matches("https://")))
    }

    fn picture(&self) -> Option<String> {
        const ADDRESSES: [&str; 9] = ["src", "image", "img", "source", "light", "url", "imageSrc", "path", "file"];
        let is_for_pictures = ["img", "image", "picture", "photo", "figure"].iter().any(|end| self.name.ends_with(end));
        let source = ADDRESSES.iter().find_map(|name| self.attribute(&[name]).filter(|address| is_picture(address)));
        let source = source.or_else(|| self.attribute(&["src"]).filter(|_| is_for_pictures))?;
        let caption = self.attribute(&["caption"]);
        let alt = self.attribute(&["alt", "title"]).or_else(|| caption.clone()).unwrap_or_default();
        let mut html = format!("<img src=\"{}\" alt=\"{}\"", escaped(&source), escaped(&alt));
        for name in ["width", "height"] {
            if let Some(pixels) = self.attribute(&[name]).filter(|size| size.bytes().all(|byte| byte.is_ascii_digit()))
            {
                html.push_str(&format!(" {name}=\"{pixels}\""));
            }
        }
        html.push('>');
        if let Some(address) = self.attribute(&["href", "to", "link"]) {
            html = format!("<a href=\"{}\">{html}</a>", escaped(&address));
        }
        if let Some(caption) = caption {
            html.push_str(&format!("<br><em>{}</em>", encode_text(&caption)));
        }
        Some(html)
    }

    /// The line that opens a box, if the component is a text set apart.
    fn set_apart(&self) -> Option<String> {
        const BOXES: [&str; 9] =
            ["admonition", "alert", "aside", "banner", "blockquote", "callout", "hint", "notice", "panel"];
        const FOLDED: [&str; 6] = ["accordion", "accordionitem", "collapse", "collapsible", "details", "expandable"];
        let kind = match self.name.as_str() {
            name if FOLDED.contains(&name) => "details".to_owned(),
            name if boxes::is_kind(name) => name.to_owned(),
            name if BOXES.contains(&name) => {
                self.attribute(&["type", "kind", "variant", "severity", "level"]).unwrap_or_else(|| "note".to_owned())
            }
            _ => return None,
        };
        if !kind.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        Some(self.title().map_or_else(|| format!(":::{kind}"), |title| format!(":::{kind} {}", encode_text(&title))))
    }

    fn around_content(&self, place: Place) -> Shown {
        let address = self.attribute(&["href", "to", "url"]).filter(|address| !address.starts_with('#'));
        let is_tab = matches!(self.name.as_str(), "tabitem" | "tab" | "tabpanel" | "tabspanel" | "codegroupitem");
        let title = self.title().or_else(|| self.attribute(&["value", "name"]).filter(|_| is_tab));
        match (title, address) {
            (None, Some(address)) if !place.is_block => {
                Shown { open: format!("<a href=\"{}\">", escaped(&address)), close: "</a>".to_owned(), is_lost: false }
            }
            (Some(title), address) if place.is_block || is_tab => {
                let words = address.map_or_else(|| encode_text(&title).into_owned(), |address| link(&address, &title));
                let end = if place.is_followed && place.is_block {
                    "<br>"
                } else if place.is_block {
                    ""
                } else {
                    " "
                };
                Shown::only(format!("<strong>{words}</strong>{end}"))
            }
            _ => Shown::default(),
        }
    }

    fn alone(&self) -> Shown {
        let words = || self.attribute(&["text", "title", "label", "name", "content", "message", "alt"]);
        let address = self.attribute(&["href", "to", "url", "link", "src"]);
        if let Some(address) = address.filter(|address| is_address(address)) {
            let words = words().unwrap_or_else(|| address.trim_start_matches("https://").to_owned());
            return Shown::only(link(&address, &words));
        }
        let is_icon = self.name.ends_with("icon") || self.tag.name.starts_with("Icon");
        if let Some(text) = self.attribute(&["text", "label", "content", "message", "title"]).filter(|_| !is_icon) {
            return Shown::only(encode_text(&text).into_owned());
        }
        const SILENT: [&str; 9] =
            ["toc", "icon", "adsense", "comment", "comments", "giscus", "spacer", "divider", "backtotop"];
        let is_silent = self.name.contains("toc") || SILENT.iter().any(|end| self.name.ends_with(end));
        Shown { is_lost: !is_silent && !is_for_machines(self.tag.name), ..Shown::default() }
    }
}

fn is_address(address: &str) -> bool {
    ["https://", "http://", "/", "./", "../", "mailto:"].iter().any(|start| address.starts_with(start))
}

fn link(address: &str, words: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(address), encode_text(words))
}

/// The id of a video in its address.
fn youtube_id(written: &str) -> &str {
    let after = |mark: &str| written.split_once(mark).map(|(_, id)| id);
    let id = ["v=", "youtu.be/", "/embed/", "/shorts/"].iter().find_map(|mark| after(mark)).unwrap_or(written);
    &id[..id.find(['&', '?', '#', '/']).unwrap_or(id.len())]
}

/// Whether an address is that of a picture, by its ending.
pub(super) fn is_picture(address: &str) -> bool {
    const ENDINGS: [&str; 10] = [".apng", ".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".jxl", ".png", ".svg", ".webp"];
    let path = address.split(['?', '#']).next().unwrap_or_default().trim().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending) && path.len() > ending.len())
}

//! Pictures that travel with a mail: parts of their own, which its HTML names by Content-ID (RFC 2387, RFC 2392).
//!
//! Takes the HTML of an edition and what finds the file behind an address; gives the encoded parts, which all recipients
//! share, and the HTML that shows them. What is not attached stays the link it was. Reading files is left to others.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use url::Url;

use crate::content::html::tag::{Tag, Tags};
use crate::finding::Finding;
use crate::hex::hex;
use crate::picture::look;

/// What is behind the address of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Another site, or nothing that this project would know of.
    Elsewhere,
    /// An address of this site, at which the project has no file.
    Missing,
    /// A file of so many bytes, more than were wanted.
    Larger(u64),
    /// A file.
    File {
        /// Its name without folders.
        name: String,
        /// All of it.
        bytes: Vec<u8>,
    },
}

/// What all mail programs show that show pictures.
const TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// The pictures of one edition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pictures {
    /// The Content-ID of each address.
    ids: BTreeMap<String, String>,
    /// Header and body of each part, in the order of the HTML.
    parts: Vec<Vec<u8>>,
}

impl Pictures {
    /// Chooses among the pictures in `html`, in their order, those whose files fit into `most_bytes` together. `find` gives
    /// the file of an address unless it has more bytes than that. Content-IDs end in `domain`.
    pub fn choose(
        html: &str,
        domain: &str,
        most_bytes: u64,
        find: &dyn Fn(&Url, u64) -> Found,
    ) -> (Self, Vec<Finding>) {
        let (mut pictures, mut findings) = (Self::default(), Vec::new());
        let (mut left, mut seen, mut attached) = (most_bytes, BTreeSet::new(), BTreeSet::new());
        for address in addresses(html) {
            let Some(url) = Url::parse(&address).ok().filter(|_| seen.insert(address.clone())) else { continue };
            let mut stays = |why: Why| findings.push(why.finding(&address));
            let (name, bytes) = match find(&url, most_bytes) {
                Found::Elsewhere => continue,
                Found::File { name, bytes } => (name, bytes),
                Found::Missing => {
                    stays(Why::Missing);
                    continue;
                }
                Found::Larger(bytes) => {
                    stays(Why::TooLarge { bytes, left });
                    continue;
                }
            };
            let Some(mime_type) = type_of(&bytes) else {
                stays(Why::Unusual);
                continue;
            };
            let id = format!("{}@{domain}", hex(&Sha256::digest(&bytes)[..16]));
            if attached.insert(id.clone()) {
                let size = bytes.len() as u64;
                if size > left {
                    attached.remove(&id);
                    stays(Why::TooLarge { bytes: size, left });
                    continue;
                }
                left -= size;
                pictures.parts.push(part(mime_type, &name, &id, &bytes));
            }
            pictures.ids.insert(address, id);
        }
        (pictures, findings)
    }

    /// Whether nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The HTML with Content-IDs in place of addresses. Choices of other sizes go where the picture is attached: they would
    /// be loaded from the web.
    pub fn embedded(&self, html: &str) -> String {
        let mut embedded = String::with_capacity(html.len());
        let mut copied = 0;
        let choices = choices(html, |tag| self.id_of(tag).is_some());
        for (at, tag) in Tags::of(html).filter(|(_, tag)| !tag.closes) {
            let instead = match (tag.name.as_str(), self.id_of(&tag)) {
                ("img", Some(id)) => with_id(&tag, id),
                ("source", _) if choices.contains(&at) => String::new(),
                _ => continue,
            };
            embedded.push_str(&html[copied..at]);
            embedded.push_str(&instead);
            copied = at + tag.source.len();
        }
        embedded.push_str(&html[copied..]);
        embedded
    }

    fn id_of(&self, tag: &Tag<'_>) -> Option<&String> {
        self.ids.get(html_escape::decode_html_entities(tag.attribute("src")?).trim())
    }

    /// The parts, each behind a line with the boundary, and the line that ends them.
    pub fn parts(&self, boundary: &str) -> Vec<u8> {
        let mut parts = Vec::with_capacity(self.parts.iter().map(|part| part.len() + 64).sum());
        for part in &self.parts {
            parts.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            parts.extend_from_slice(part);
        }
        parts.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        parts
    }
}

/// The addresses of all pictures, in their order.
fn addresses(html: &str) -> impl Iterator<Item = String> {
    let pictures = Tags::of(html).filter(|(_, tag)| tag.name == "img" && !tag.closes);
    pictures.filter_map(|(_, tag)| Some(html_escape::decode_html_entities(tag.attribute("src")?).trim().to_owned()))
}

/// Where the `<source>`s are that stand in one `<picture>` with an attached one.
fn choices(html: &str, is_attached: impl Fn(&Tag<'_>) -> bool) -> BTreeSet<usize> {
    let (mut choices, mut of_picture) = (BTreeSet::new(), Vec::new());
    for (at, tag) in Tags::of(html) {
        match tag.name.as_str() {
            "picture" => of_picture.clear(),
            "source" => of_picture.push(at),
            "img" if is_attached(&tag) => choices.extend(of_picture.drain(..)),
            _ => {}
        }
    }
    choices
}

/// The tag with another `src`, and without `srcset` and `sizes`.
fn with_id(tag: &Tag<'_>, id: &str) -> String {
    let mut html = tag.source.to_owned();
    for name in ["srcset", "sizes"] {
        if let Some(value) = tag.attribute(name) {
            html = html.replace(&format!(" {name}=\"{value}\""), "");
        }
    }
    let src = tag.attribute("src").unwrap_or_default();
    html.replacen(&format!("src=\"{src}\""), &format!("src=\"cid:{id}\""), 1)
}

fn type_of(bytes: &[u8]) -> Option<&'static str> {
    let mime_type = look(bytes).at_the_end()?.mime_type;
    TYPES.contains(&mime_type).then_some(mime_type)
}

/// Header and body of a part; the body ends in CRLF.
fn part(mime_type: &str, name: &str, id: &str, bytes: &[u8]) -> Vec<u8> {
    const BYTES_OF_A_LINE: usize = 57;
    let mut part = format!(
        "Content-Type: {mime_type}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{id}>\r\n\
         Content-Disposition: inline;\r\n {}\r\n\r\n",
        file_name(name)
    );
    part.reserve(bytes.len() * 78 / BYTES_OF_A_LINE + 80);
    for line in bytes.chunks(BYTES_OF_A_LINE) {
        STANDARD.encode_string(line, &mut part);
        part.push_str("\r\n");
    }
    part.into_bytes()
}

/// The parameter that names the file: RFC 2183, and RFC 2231 where it is not plain ASCII. A long name is cut before its
/// ending, so that the line is short.
fn file_name(name: &str) -> String {
    const LONGEST: usize = 60;
    let (stem, ending) = name.rsplit_once('.').map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_+,()".contains(c);
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let mut written = String::new();
    let plain = name.chars().all(is_plain);
    for c in stem.chars() {
        let next = if plain { c.to_string() } else { encoded(&c.to_string()) };
        if written.len() + next.len() + ending.len() > LONGEST {
            break;
        }
        written.push_str(&next);
    }
    if plain {
        format!("filename=\"{written}{ending}\"")
    } else {
        format!("filename*=utf-8''{written}{}", encoded(&ending))
    }
}

/// Why a picture stays a link.
enum Why {
    Missing,
    Unusual,
    TooLarge { bytes: u64, left: u64 },
}

impl Why {
    fn finding(&self, address: &str) -> Finding {
        let (why, help) = match self {
            Self::Missing => ("the project has no file for it".to_owned(), "put it beside the issue or into `static`"),
            Self::Unusual => {
                ("mail programs show PNG, JPEG, GIF and WebP only".to_owned(), "save it as one of these, if you can")
            }
            Self::TooLarge { bytes, left } => (
                format!("it has {bytes} bytes, and {left} are left of `mail.images_max_bytes`"),
                "save it smaller, or raise the limit: mail servers take some 10 MB, mail programs on a phone less gladly",
            ),
        };
        Finding::warning("image-not-embedded", format!("`{address}` stays a link: {why}")).help(help)
    }
}

#[cfg(test)]
mod tests;

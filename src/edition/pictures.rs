//! Embedded pictures: parts of the message that its HTML refers to by Content-ID (RFC 2387, RFC 2392).
//!
//! Takes the HTML of an edition and a function that looks up the file of an address; returns the encoded parts, which all
//! recipients share, and the HTML that shows them. Pictures that are not embedded stay links. `resources` reads the files.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use url::Url;

use crate::content::html::tag::{Tag, Tags};
use crate::finding::Finding;
use crate::hex::hex;
use crate::picture::probe;

/// The result of looking up the address of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureLookup {
    /// Another site, or an address unknown to this project.
    Elsewhere,
    /// An address of this site without a file in the project.
    Missing,
    /// A file with this many bytes, more than allowed.
    Larger(u64),
    /// A file.
    File {
        /// The file name without folders.
        name: String,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// Types that all mail programs with pictures can show.
const SUPPORTED_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// The pictures of one edition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pictures {
    /// The Content-ID of each address.
    ids: BTreeMap<String, String>,
    /// Header and body of each part, in the order of the HTML.
    parts: Vec<Vec<u8>>,
}

impl Pictures {
    /// Chooses pictures in the order of `html`, as long as their files fit into `max_bytes` together. `find` looks up the file of
    /// an address, of at most that size. Content-IDs end in `domain`.
    pub fn choose(
        html: &str,
        domain: &str,
        max_bytes: u64,
        find: &dyn Fn(&Url, u64) -> PictureLookup,
    ) -> (Self, Vec<Finding>) {
        let (mut pictures, mut findings) = (Self::default(), Vec::new());
        let (mut left, mut seen, mut attached) = (max_bytes, BTreeSet::new(), BTreeSet::new());
        for address in addresses(html) {
            let Some(url) = Url::parse(&address).ok().filter(|_| seen.insert(address.clone())) else { continue };
            let mut keep_link = |why: Why| findings.push(why.finding(&address));
            let (name, bytes) = match find(&url, max_bytes) {
                PictureLookup::Elsewhere => continue,
                PictureLookup::File { name, bytes } => (name, bytes),
                PictureLookup::Missing => {
                    keep_link(Why::Missing);
                    continue;
                }
                PictureLookup::Larger(bytes) => {
                    keep_link(Why::TooLarge { bytes, left });
                    continue;
                }
            };
            let Some(mime_type) = type_of(&bytes) else {
                keep_link(Why::Unsupported);
                continue;
            };
            let id = format!("{}@{domain}", hex(&Sha256::digest(&bytes)[..16]));
            if attached.insert(id.clone()) {
                let size = bytes.len() as u64;
                if size > left {
                    attached.remove(&id);
                    keep_link(Why::TooLarge { bytes: size, left });
                    continue;
                }
                left -= size;
                pictures.parts.push(part(mime_type, &name, &id, &bytes));
            }
            pictures.ids.insert(address, id);
        }
        (pictures, findings)
    }

    /// Whether nothing is embedded.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The HTML with Content-IDs in place of addresses. Alternative sizes of embedded pictures are removed, because they would be
    /// loaded from the web.
    pub fn embedded(&self, html: &str) -> String {
        let mut embedded = String::with_capacity(html.len());
        let mut copied = 0;
        let choices = choices(html, |tag| self.id_of(tag).is_some());
        for (at, tag) in Tags::of(html).filter(|(_, tag)| !tag.closes) {
            let replacement = match (tag.name.as_str(), self.id_of(&tag)) {
                ("img", Some(id)) => with_id(&tag, id),
                ("source", _) if choices.contains(&at) => String::new(),
                _ => continue,
            };
            embedded.push_str(&html[copied..at]);
            embedded.push_str(&replacement);
            copied = at + tag.source.len();
        }
        embedded.push_str(&html[copied..]);
        embedded
    }

    fn id_of(&self, tag: &Tag<'_>) -> Option<&String> {
        self.ids.get(html_escape::decode_html_entities(tag.attribute("src")?).trim())
    }

    /// The parts, each after a line with the boundary, and the closing boundary.
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

/// The addresses of all pictures in order.
fn addresses(html: &str) -> impl Iterator<Item = String> {
    let pictures = Tags::of(html).filter(|(_, tag)| tag.name == "img" && !tag.closes);
    pictures.filter_map(|(_, tag)| Some(html_escape::decode_html_entities(tag.attribute("src")?).trim().to_owned()))
}

/// Positions of the `<source>`s that share a `<picture>` with an embedded picture.
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
    let mime_type = probe(bytes).at_end_of_file()?.mime_type;
    SUPPORTED_TYPES.contains(&mime_type).then_some(mime_type)
}

/// Header and body of a part; the body ends in CRLF.
fn part(mime_type: &str, name: &str, id: &str, bytes: &[u8]) -> Vec<u8> {
    const LINE_BYTES: usize = 57;
    let mut part = format!(
        "Content-Type: {mime_type}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{id}>\r\n\
         Content-Disposition: inline;\r\n {}\r\n\r\n",
        file_name(name)
    );
    part.reserve(bytes.len() * 78 / LINE_BYTES + 80);
    for line in bytes.chunks(LINE_BYTES) {
        STANDARD.encode_string(line, &mut part);
        part.push_str("\r\n");
    }
    part.into_bytes()
}

/// The parameter that names the file: RFC 2183, or RFC 2231 if it is not plain ASCII. A long name is cut before its extension, to
/// keep the line short.
fn file_name(name: &str) -> String {
    const MAX_NAME_BYTES: usize = 60;
    let (stem, ending) = name.rsplit_once('.').map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_+,()".contains(c);
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let mut written = String::new();
    let plain = name.chars().all(is_plain);
    for c in stem.chars() {
        let next = if plain { c.to_string() } else { encoded(&c.to_string()) };
        if written.len() + next.len() + ending.len() > MAX_NAME_BYTES {
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
    Unsupported,
    TooLarge { bytes: u64, left: u64 },
}

impl Why {
    fn finding(&self, address: &str) -> Finding {
        let (why, help) = match self {
            Self::Missing => ("the project has no file for it".to_owned(), "put it next to the issue or into `static`"),
            Self::Unsupported => {
                ("mail programs show only PNG, JPEG, GIF and WebP".to_owned(), "save it as one of these")
            }
            Self::TooLarge { bytes, left } => (
                format!("it has {bytes} bytes, and {left} are left of `mail.images_max_bytes`"),
                "make it smaller, or raise the limit: mail servers accept about 10 MB, but phones load large messages slowly",
            ),
        };
        Finding::warning("image-not-embedded", format!("`{address}` stays a link: {why}")).help(help)
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::*;
    use crate::edition::body::Body;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d";

    fn find(url: &Url, max_bytes: u64) -> PictureLookup {
        let file = |name: &str, bytes: &[u8]| PictureLookup::File { name: name.to_owned(), bytes: bytes.to_vec() };
        match url.path() {
            _ if url.host_str() != Some("example.org") => PictureLookup::Elsewhere,
            "/a.png" => file("a.png", PNG),
            "/same.png" => file("same.png", PNG),
            "/b&c.png" => file("b&c.png", &[PNG, b"more"].concat()),
            "/drawing.svg" => file("drawing.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            "/huge.png" => PictureLookup::Larger(max_bytes + 1),
            _ => PictureLookup::Missing,
        }
    }

    fn chosen(html: &str, max_bytes: u64) -> (Pictures, Vec<String>) {
        let (pictures, findings) = Pictures::choose(html, "example.org", max_bytes, &find);
        (pictures, findings.into_iter().map(|finding| finding.message).collect())
    }

    #[test]
    fn each_picture_is_embedded_once_and_named_by_its_bytes() {
        let html = "<img src=\"https://example.org/a.png\"><img src=\"https://example.org/same.png\">\
                    <img alt=\"x\" src=\"https://example.org/b&amp;c.png\" width=\"3\"><img src=\"https://example.com/a.png\">";
        let (pictures, findings) = chosen(html, 1000);
        assert_eq!((pictures.parts.len(), findings), (2, Vec::new()));
        let ids: Vec<&String> = pictures.ids.values().collect();
        assert_eq!(ids[0], ids[2]);
        assert_eq!(
            pictures.embedded(html),
            format!(
                "<img src=\"cid:{a}\"><img src=\"cid:{a}\"><img alt=\"x\" src=\"cid:{b}\" width=\"3\">\
                 <img src=\"https://example.com/a.png\">",
                a = ids[0],
                b = ids[1]
            )
        );
    }

    #[test]
    fn alternative_sizes_are_removed() {
        let html = "<picture><source srcset=\"https://example.org/w.webp\"><img src=\"https://example.org/a.png\" \
                    srcset=\"https://example.org/a.png 1x, https://example.org/b.png 2x\" sizes=\"100vw\" alt=\"\"></picture>\
                    <picture><source srcset=\"https://example.org/w.webp\"><img src=\"https://example.org/none.png\"></picture>";
        let (pictures, findings) = chosen(html, 1000);
        let id = pictures.ids.values().next().unwrap();
        assert_eq!(
            pictures.embedded(html),
            format!(
                "<picture><img src=\"cid:{id}\" alt=\"\"></picture><picture><source srcset=\"https://example.org/w.webp\">\
                 <img src=\"https://example.org/none.png\"></picture>"
            )
        );
        assert_eq!(findings, ["`https://example.org/none.png` stays a link: the project has no file for it"]);
    }

    #[test]
    fn large_and_unsupported_pictures_stay_links() {
        let html = "<img src=\"https://example.org/huge.png\"><img src=\"https://example.org/a.png\">\
                    <img src=\"https://example.org/drawing.svg\"><img src=\"https://example.org/b&amp;c.png\">\
                    <img src=\"https://example.org/same.png\">";
        let (pictures, findings) = chosen(html, PNG.len() as u64);
        let addresses: Vec<&String> = pictures.ids.keys().collect();
        assert_eq!(addresses, ["https://example.org/a.png", "https://example.org/same.png"]);
        assert_eq!(pictures.parts.len(), 1);
        let (png, more) = (PNG.len(), PNG.len() + 4);
        let expected = [
            format!("huge.png` stays a link: it has {} bytes, and {png} are left of `mail.images_max_bytes`", png + 1),
            "drawing.svg` stays a link: mail programs show only PNG, JPEG, GIF and WebP".to_owned(),
            format!("b&c.png` stays a link: it has {more} bytes, and 0 are left of `mail.images_max_bytes`"),
        ];
        assert_eq!(findings, expected.map(|message| format!("`https://example.org/{message}")));
    }

    #[test]
    fn the_html_and_its_pictures_are_related_parts() {
        let html = "<p><img src=\"https://example.org/a.png\"></p>\n";
        let pictures = chosen(html, 1000).0;
        let body = Body::encode("Hello\n", &pictures.embedded(html), &pictures);
        let mut message = format!("{}\r\n", body.content_type()).into_bytes();
        body.write(&[], &mut message);
        let parsed = MessageParser::default().parse(&message).unwrap();
        let types: Vec<String> = parsed
            .parts
            .iter()
            .map(|part| part.content_type().unwrap().subtype().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(types, ["alternative", "plain", "related", "html", "png"]);
        let id = pictures.ids.values().next().unwrap();
        assert_eq!(parsed.body_html(0).unwrap().trim_end(), format!("<p><img src=\"cid:{id}\"></p>"));
        assert_eq!((parsed.parts[4].content_id(), parsed.parts[4].contents()), (Some(id.as_str()), PNG));
    }

    #[test]
    fn file_names_are_encoded() {
        for (name, expected) in [
            ("tide 1.png", "filename=\"tide 1.png\""),
            ("潮.png", "filename*=utf-8''%E6%BD%AE%2Epng"),
            ("a\"b", "filename*=utf-8''a%22b"),
        ] {
            assert_eq!(file_name(name), expected, "{name}");
        }
        assert!(file_name(&format!("{}.png", "潮".repeat(100))).len() < 80);
    }

    proptest! {
        #[test]
        fn every_picture_arrives(name in "[ -~潮é]{1,6}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut message = b"Content-Type: multipart/related; boundary=\"b\"\r\n\r\n".to_vec();
            let pictures = Pictures { ids: BTreeMap::new(), parts: vec![part("image/png", &name, "i@example.org", &bytes)] };
            message.extend_from_slice(&pictures.parts("b"));
            prop_assert!(message.split(|byte| *byte == b'\n').all(|line| line.len() <= 79));
            let parsed = MessageParser::default().parse(&message).unwrap();
            let part = parsed.part(1).unwrap();
            prop_assert_eq!(part.contents(), &bytes[..]);
            prop_assert_eq!(part.content_id(), Some("i@example.org"));
            prop_assert_eq!(part.attachment_name().map(str::trim), Some(name.trim()));
        }
    }
}

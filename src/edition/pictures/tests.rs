use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;
use crate::edition::body::Body;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d";

fn find(url: &Url, most_bytes: u64) -> Found {
    let file = |name: &str, bytes: &[u8]| Found::File { name: name.to_owned(), bytes: bytes.to_vec() };
    match url.path() {
        _ if url.host_str() != Some("example.org") => Found::Elsewhere,
        "/a.png" => file("a.png", PNG),
        "/same.png" => file("same.png", PNG),
        "/b&c.png" => file("b&c.png", &[PNG, b"more"].concat()),
        "/drawing.svg" => file("drawing.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        "/huge.png" => Found::Larger(most_bytes + 1),
        _ => Found::Missing,
    }
}

fn chosen(html: &str, most_bytes: u64) -> (Pictures, Vec<String>) {
    let (pictures, findings) = Pictures::choose(html, "example.org", most_bytes, &find);
    (pictures, findings.into_iter().map(|finding| finding.message).collect())
}

#[test]
fn each_picture_is_attached_once_and_named_by_its_bytes() {
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
fn sizes_that_would_be_loaded_from_the_web_go() {
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
fn what_is_too_large_or_no_picture_for_mail_stays_a_link() {
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
        "drawing.svg` stays a link: mail programs show PNG, JPEG, GIF and WebP only".to_owned(),
        format!("b&c.png` stays a link: it has {more} bytes, and 0 are left of `mail.images_max_bytes`"),
    ];
    assert_eq!(findings, expected.map(|message| format!("`https://example.org/{message}")));
}

#[test]
fn the_html_stands_beside_its_pictures() {
    let html = "<p><img src=\"https://example.org/a.png\"></p>\n";
    let pictures = chosen(html, 1000).0;
    let body = Body::encode("Hello\n", &pictures.embedded(html), &pictures);
    let mut message = format!("{}\r\n", body.content_type()).into_bytes();
    body.write(&[], &mut message);
    let parsed = MessageParser::default().parse(&message).unwrap();
    let types: Vec<String> =
        parsed.parts.iter().map(|part| part.content_type().unwrap().subtype().unwrap_or_default().to_owned()).collect();
    assert_eq!(types, ["alternative", "plain", "related", "html", "png"]);
    let id = pictures.ids.values().next().unwrap();
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), format!("<p><img src=\"cid:{id}\"></p>"));
    assert_eq!((parsed.parts[4].content_id(), parsed.parts[4].contents()), (Some(id.as_str()), PNG));
}

#[test]
fn names_are_written_as_mail_has_them() {
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

use super::*;

fn picture(mime_type: &'static str, size: (u32, u32)) -> Probe {
    Probe::Picture(Picture { mime_type, size: Some(size) })
}

/// The header of a PNG of 3 by 2 pixels: enough for type and size.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

/// A JPEG header of 3 by 2 pixels with these segments before its frame.
fn jpeg(segments: &[u8]) -> Vec<u8> {
    let frame = b"\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    [b"\xff\xd8\xff\xe0\0\x04ab".as_slice(), segments, frame].concat()
}

fn exif(tiff: &[u8]) -> Vec<u8> {
    let body = [b"Exif\0\0".as_slice(), tiff].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [b"\xff\xe1".as_slice(), &length, &body].concat()
}

#[test]
fn every_format_is_recognized_by_its_bytes() {
    assert_eq!(probe(PNG), picture("image/png", (3, 2)));
    assert_eq!(probe(b"GIF89a\x03\0\x02\0\x80\0\0"), picture("image/gif", (3, 2)));
    let webp = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x02\0\0\x01\0\0";
    assert_eq!(probe(webp), picture("image/webp", (3, 2)));
    assert_eq!(probe(&jpeg(b"")), picture("image/jpeg", (3, 2)));
    assert_eq!(probe(&heif(b"avif")), picture("image/avif", (3, 2)));
    assert_eq!(probe(&heif(b"heic")), picture("image/heic", (3, 2)));
    assert_eq!(probe(&heif(b"isom")), Probe::NotAPicture, "a video");
}

fn heif(brand: &[u8; 4]) -> Vec<u8> {
    let boxed = |name: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [length.as_slice(), name, body].concat()
    };
    let extent = boxed(b"ispe", b"\0\0\0\0\0\0\0\x03\0\0\0\x02");
    let properties = boxed(b"iprp", &boxed(b"ipco", &extent));
    let meta = boxed(b"meta", &[b"\0\0\0\0".as_slice(), &properties].concat());
    [boxed(b"ftyp", &[brand.as_slice(), b"\0\0\0\0mif1"].concat()), meta].concat()
}

#[test]
fn exif_orientation_exchanges_width_and_height() {
    let tag = |value: u8| [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[value, 0, 0]].concat();
    let little = b"II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\0\0\0\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0";
    assert_eq!(probe(&jpeg(&exif(&tag(1)))), picture("image/jpeg", (3, 2)));
    assert_eq!(probe(&jpeg(&exif(&tag(6)))), picture("image/jpeg", (2, 3)));
    assert_eq!(probe(&jpeg(&exif(little))), picture("image/jpeg", (2, 3)));
    assert_eq!(
        probe(&jpeg(&[exif(b"none"), exif(&tag(6))].concat())),
        picture("image/jpeg", (3, 2)),
        "the first counts"
    );
}

#[test]
fn an_svg_has_its_declared_size() {
    for (text, size) in [
        ("<svg width='30' height=\"20.4px\">", Some((30, 20))),
        (
            "\u{feff}<?xml version='1.0'?>\n<!-- <svg> -->\n<svg viewBox='0,0 , 300 200' width='100%'/>",
            Some((300, 200)),
        ),
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]><s:svg xmlns:s = 'x' viewBox='0 0 1 2'>", Some((1, 2))),
        ("<svg width='10mm' height='20mm'>", None),
        ("<svg id='x'>", None),
    ] {
        assert_eq!(probe(text.as_bytes()), Probe::Picture(Picture { mime_type: "image/svg+xml", size }), "{text}");
    }
}

#[test]
fn other_files_are_not_pictures() {
    for text in [
        "<!DOCTYPE html><html><svg></svg></html>",
        "just some words here",
        "<html>and so on</html>",
        "%PDF-1.7 and more",
    ] {
        assert_eq!(probe(text.as_bytes()), Probe::NotAPicture, "{text}");
    }
    assert_eq!(probe(b"").at_end_of_file(), None);
}

/// A download stops as soon as the picture is known, never before.
#[test]
fn the_beginning_of_a_picture_is_incomplete() {
    let upright = exif(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    for bytes in [PNG.to_vec(), jpeg(&upright), heif(b"avif"), b"<!-- a --><svg viewBox='0 0 3 2'>".to_vec()] {
        let complete = probe(&bytes);
        for length in 0..bytes.len() {
            let probed = probe(&bytes[..length]);
            assert!(matches!(probed, Probe::Incomplete(_)) || probed == complete, "{length} of {bytes:?}: {probed:?}");
        }
    }
    assert_eq!(probe(&PNG[..18]).at_end_of_file(), Some(Picture { mime_type: "image/png", size: None }));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_accepted(start in 0_usize..6, rest: Vec<u8>) {
        let starts: [&[u8]; 6] =
            [b"", b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM", b"<svg ", b"\0\0\0\x0cftypavif", b"\x89PNG\r\n\x1a\n", b"II*\0"];
        let _ = probe(&[starts[start], &rest].concat());
    }
}

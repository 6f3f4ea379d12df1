//! Exif orientation of a JPEG: the tag Orientation of Exif 2.32, section 4.6.4.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

const ORIENTATION: u16 = 0x0112;
/// Values from 5 on rotate the picture by 90 degrees, exchanging width and height.
const FIRST_ROTATED: u16 = 5;

/// Whether the picture is displayed rotated by 90 degrees; false if the file is truncated.
pub(super) fn is_rotated<R: BufRead + Seek>(jpeg: &mut R) -> bool {
    let Ok(Some(exif)) = segment(jpeg) else { return false };
    orientation(&exif).is_some_and(|value| (FIRST_ROTATED..=8).contains(&value))
}

/// The TIFF block of the Exif segment, which precedes the frame header.
fn segment<R: BufRead + Seek>(jpeg: &mut R) -> io::Result<Option<Vec<u8>>> {
    const APP1: u8 = 0xe1;
    const START_OF_SCAN: u8 = 0xda;
    const LENGTH_FIELD: usize = 2;
    jpeg.seek(SeekFrom::Start(2))?;
    loop {
        let mut marker = [0; 4];
        jpeg.read_exact(&mut marker)?;
        let [0xff, kind, high, low] = marker else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(LENGTH_FIELD);
        if kind == START_OF_SCAN {
            return Ok(None);
        }
        if kind != APP1 {
            jpeg.seek_relative(length as i64)?;
            continue;
        }
        let mut segment = Vec::new();
        jpeg.by_ref().take(length as u64).read_to_end(&mut segment)?;
        if let Some(tiff) = segment.strip_prefix(b"Exif\0\0") {
            return Ok(Some(tiff.to_owned()));
        }
    }
}

/// The tag's value in the first directory of a TIFF block.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let bytes = tiff.get(4..8)?.try_into().ok()?;
    let directory = (if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }) as usize;
    const ENTRY: usize = 12;
    const VALUE: usize = 8;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|number| directory + 2 + number * ENTRY).find(|at| short(*at) == Some(ORIENTATION))?;
    short(entry + VALUE)
}

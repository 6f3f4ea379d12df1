//! Determines the type and displayed size of a picture from its bytes.
//!
//! Takes a reader of a file, or of its beginning; returns type and size, or that more bytes are needed. Ignores the
//! file name and the server's content type.

use std::io::{BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom};

use imagesize::{Compression, ImageError, ImageType};

mod exif;
mod svg;

/// The properties of a picture that feeds contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// MIME type.
    pub mime_type: &'static str,
    /// Displayed width and height in pixels, after rotation by the Exif orientation. `None` if the file has none.
    pub size: Option<(u32, u32)>,
}

/// The result of probing bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A picture.
    Picture(Picture),
    /// The bytes end too early; the type may be known.
    Incomplete(Option<&'static str>),
    /// Not a picture that feed readers can show.
    NotAPicture,
}

impl Probe {
    /// The picture, given that there are no more bytes.
    pub fn at_end_of_file(self) -> Option<Picture> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Incomplete(mime_type) => mime_type.map(|mime_type| Picture { mime_type, size: None }),
            Self::NotAPicture => None,
        }
    }
}

/// Probes a file, or its beginning.
pub fn probe(bytes: &[u8]) -> Probe {
    probe_reader(&mut Cursor::new(bytes))
}

/// Probes a file, reading no more than necessary.
pub fn probe_reader<R: BufRead + Seek>(file: &mut R) -> Probe {
    let kind = match imagesize::reader_type(&mut *file) {
        Ok(kind) => kind,
        Err(ImageError::NotSupported) => return probe_svg(file),
        Err(error) if is_incomplete(&error) => return Probe::Incomplete(None),
        Err(_) => return Probe::NotAPicture,
    };
    let Some(mime_type) = mime_type(kind) else { return Probe::NotAPicture };
    let (width, height) = match kind.reader_size(&mut *file) {
        Ok(size) => (size.width, size.height),
        Err(error) if is_incomplete(&error) => return Probe::Incomplete(Some(mime_type)),
        Err(_) => return Probe::Picture(Picture { mime_type, size: None }),
    };
    let rotated = kind == ImageType::Jpeg && exif::is_rotated(file);
    let (width, height) = if rotated { (height, width) } else { (width, height) };
    let size = width.try_into().ok().zip(height.try_into().ok());
    Probe::Picture(Picture { mime_type, size: size.filter(|(width, height)| *width > 0 && *height > 0) })
}

/// SVG is text and has no magic number: checks its root element.
fn probe_svg<R: BufRead + Seek>(file: &mut R) -> Probe {
    const MAX_ROOT_BYTES: u64 = 64 * 1024;
    let mut start = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(MAX_ROOT_BYTES).read_to_end(&mut start));
    match read.map(|_| svg::root(&String::from_utf8_lossy(&start))) {
        Ok(svg::Root::Svg(size)) => Probe::Picture(Picture { mime_type: "image/svg+xml", size }),
        Ok(svg::Root::Cut) if start.len() < MAX_ROOT_BYTES as usize => Probe::Incomplete(None),
        _ => Probe::NotAPicture,
    }
}

fn is_incomplete(error: &ImageError) -> bool {
    matches!(error, ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof)
}

fn mime_type(kind: ImageType) -> Option<&'static str> {
    match kind {
        ImageType::Png => Some("image/png"),
        ImageType::Jpeg => Some("image/jpeg"),
        ImageType::Gif => Some("image/gif"),
        ImageType::Webp => Some("image/webp"),
        ImageType::Bmp => Some("image/bmp"),
        ImageType::Tiff => Some("image/tiff"),
        ImageType::Heif(Compression::Av1) => Some("image/avif"),
        ImageType::Heif(Compression::Hevc) => Some("image/heic"),
        ImageType::Heif(Compression::Jpeg) => Some("image/heif"),
        // Videos use the same container.
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! What a picture is, by its bytes: its type, and how wide and high it is shown.
//!
//! Takes a reader of a file, or of as much of it as is there; gives type and size, or says that more is needed. The
//! name of the file and what a server says of it count for nothing.

use std::io::{BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom};

use imagesize::{Compression, ImageError, ImageType};

mod exif;
mod svg;

/// A picture, as far as readers of a feed are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// MIME type.
    pub mime_type: &'static str,
    /// Width and height in pixels, as it is shown: a photograph taken upright is higher than wide. `None` where the
    /// file does not say.
    pub size: Option<(u32, u32)>,
}

/// What the bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A picture.
    Picture(Picture),
    /// The bytes end before all is known; the type may be.
    Incomplete(Option<&'static str>),
    /// No picture that a reader of feeds could show.
    NotAPicture,
}

impl Probe {
    /// What it is when there are no more bytes.
    pub fn at_end_of_file(self) -> Option<Picture> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Incomplete(mime_type) => mime_type.map(|mime_type| Picture { mime_type, size: None }),
            Self::NotAPicture => None,
        }
    }
}

/// Looks at the bytes of a file, or at its first ones.
pub fn probe(bytes: &[u8]) -> Probe {
    probe_reader(&mut Cursor::new(bytes))
}

/// Looks at a file; reads only what it must.
pub fn probe_reader<R: BufRead + Seek>(file: &mut R) -> Probe {
    let kind = match imagesize::reader_type(&mut *file) {
        Ok(kind) => kind,
        Err(ImageError::NotSupported) => return drawing(file),
        Err(error) if is_cut(&error) => return Probe::Incomplete(None),
        Err(_) => return Probe::NotAPicture,
    };
    let Some(mime_type) = mime_type(kind) else { return Probe::NotAPicture };
    let (width, height) = match kind.reader_size(&mut *file) {
        Ok(size) => (size.width, size.height),
        Err(error) if is_cut(&error) => return Probe::Incomplete(Some(mime_type)),
        Err(_) => return Probe::Picture(Picture { mime_type, size: None }),
    };
    let turned = kind == ImageType::Jpeg && exif::is_turned(file);
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let size = width.try_into().ok().zip(height.try_into().ok());
    Probe::Picture(Picture { mime_type, size: size.filter(|(width, height)| *width > 0 && *height > 0) })
}

/// SVG is text: it has no magic number but its first element.
fn drawing<R: BufRead + Seek>(file: &mut R) -> Probe {
    const MAX_ROOT_BYTES: u64 = 64 * 1024;
    let mut start = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(MAX_ROOT_BYTES).read_to_end(&mut start));
    match read.map(|_| svg::root(&String::from_utf8_lossy(&start))) {
        Ok(svg::Root::Svg(size)) => Probe::Picture(Picture { mime_type: "image/svg+xml", size }),
        Ok(svg::Root::Cut) if start.len() < MAX_ROOT_BYTES as usize => Probe::Incomplete(None),
        _ => Probe::NotAPicture,
    }
}

fn is_cut(error: &ImageError) -> bool {
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
        // Films come in the same box.
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Decodes lists that are not UTF-8 while they are read.
//!
//! UTF-16 is recognised by its byte order mark. Other encodings cannot be detected reliably, but the user can recognise
//! names shown in each likely one. A few broken rows in a UTF-8 list are left to `csv_rows`.

use std::io::{self, BufRead, BufReader, Read, Seek};

use encoding_rs::{
    BIG5, Decoder, DecoderResult, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1251, WINDOWS_1252,
};

use crate::finding::{Finding, Place};
use crate::subscription::masked::masked;
use crate::subscription::options::{OptionSource, Options};

/// Likely encodings, the most distinctive first: the last ones fit nearly any text.
const CANDIDATES: [&Encoding; 7] = [GB18030, BIG5, SHIFT_JIS, EUC_JP, EUC_KR, WINDOWS_1252, WINDOWS_1251];

/// How many names are shown in each.
const MAX_SAMPLES: usize = 3;

/// A list that can be read from its beginning more than once.
pub trait Rewindable: Read + Seek {}

impl<T: Read + Seek> Rewindable for T {}

/// The text of a list as UTF-8.
pub(super) struct DecodedText<'a> {
    source: &'a mut dyn Read,
    /// The decoder, or `None` for UTF-8.
    decoder: Option<Decoder>,
    bytes: Vec<u8>,
    text: String,
    given: usize,
    is_at_end: bool,
}

/// The encoding to decode from (`None` for UTF-8), or why it is unknown.
pub(super) type DetectedEncoding = Result<Option<&'static Encoding>, Box<Finding>>;

/// Detects a list's encoding; `None` is UTF-8.
///
/// # Errors
/// If it cannot be read. The inner error says that it is not UTF-8, has no byte order mark, and no encoding was given.
pub(super) fn detect_encoding(
    path: &str,
    source: &mut dyn Rewindable,
    options: &Options,
) -> io::Result<DetectedEncoding> {
    source.rewind()?;
    let mut lines = BufReader::with_capacity(64 * 1024, source);
    let mark = Encoding::for_bom(lines.fill_buf()?).map(|(encoding, _)| encoding);
    if let Some(encoding) = mark.or(options.encoding) {
        return Ok(Ok(Some(encoding).filter(|encoding| *encoding != UTF_8)));
    }
    let (mut header, mut line) = (Vec::new(), Vec::new());
    let (mut samples, mut valid, mut invalid) = (Vec::new(), 0_u64, 0_u64);
    while lines.read_until(b'\n', &mut line)? > 0 {
        if header.is_empty() {
            header.clone_from(&line);
        }
        if !line.is_ascii() {
            match std::str::from_utf8(&line) {
                Ok(_) => valid += 1,
                Err(_) => {
                    invalid += 1;
                    // The header contains no names.
                    if samples.len() < MAX_SAMPLES && (line != header) {
                        samples.push(line.clone());
                    }
                }
            }
        }
        line.clear();
    }
    if header.contains(&0) {
        return Ok(Err(Box::new(no_mark(path, &header, options))));
    }
    // Single characters of another encoding may look like UTF-8, and UTF-8 may have a broken row.
    if invalid > valid {
        return Ok(Err(Box::new(no_utf8(path, &header, &samples, options))));
    }
    Ok(Ok(None))
}

impl<'a> DecodedText<'a> {
    /// Reads from the beginning.
    ///
    /// # Errors
    /// If the list cannot be read again.
    pub fn new(source: &'a mut dyn Rewindable, encoding: Option<&'static Encoding>) -> io::Result<Self> {
        source.rewind()?;
        let decoder = encoding.map(Encoding::new_decoder);
        Ok(Self { source, decoder, bytes: Vec::new(), text: String::new(), given: 0, is_at_end: false })
    }

    /// Decodes the next bytes.
    fn fill(decoder: &mut Decoder, source: &mut dyn Read, bytes: &mut Vec<u8>, text: &mut String) -> io::Result<bool> {
        const CHUNK_BYTES: u64 = 32 * 1024;
        bytes.clear();
        text.clear();
        let is_at_end = source.take(CHUNK_BYTES).read_to_end(bytes)? == 0;
        let length = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3 + 16);
        text.reserve(length);
        let _ = decoder.decode_to_string(bytes, text, is_at_end);
        Ok(is_at_end)
    }
}

impl Read for DecodedText<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return self.source.read(out) };
        while self.given == self.text.len() && !self.is_at_end {
            self.is_at_end = Self::fill(decoder, self.source, &mut self.bytes, &mut self.text)?;
            self.given = 0;
        }
        let rest = &self.text.as_bytes()[self.given..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

fn no_mark(path: &str, header: &[u8], options: &Options) -> Finding {
    let is_little = header.get(1) == Some(&0);
    let encoding = if is_little { UTF_16LE } else { UTF_16BE };
    let message = "it looks like UTF-16 without a byte order mark, so nothing was imported";
    let help = format!("save it as CSV in UTF-8, or name the encoding: {}", said(options, encoding));
    Finding::error("csv-encoding", message).help(help).at(Place::file(path))
}

fn no_utf8(path: &str, header: &[u8], samples: &[Vec<u8>], options: &Options) -> Finding {
    let candidates = CANDIDATES.iter().filter_map(|encoding| {
        let names: Option<Vec<String>> = samples.iter().map(|line| sample(encoding, header, line)).collect();
        let names = names.unwrap_or_default().join(", ");
        (!names.is_empty()).then(|| format!("{} reads {names}", said(options, encoding)))
    });
    let candidates: Vec<String> = candidates.collect();
    let help = match candidates.as_slice() {
        [] => format!("save it as CSV in UTF-8, or name the encoding with {}", options.source.flag("encoding")),
        _ => {
            format!(
                "name the encoding that makes sense of its rows: {}; or save it as CSV in UTF-8",
                candidates.join("; ")
            )
        }
    };
    Finding::error("csv-encoding", "it is not UTF-8, so nothing was imported").help(help).at(Place::file(path))
}

/// How the user names the encoding.
fn said(options: &Options, encoding: &'static Encoding) -> String {
    let name = encoding.name().to_lowercase();
    match options.source {
        OptionSource::Flags => format!("`--encoding {name}`"),
        OptionSource::ProjectFile => format!("`encoding: {name}` below `mail.subscribers`"),
    }
}

/// The first non-ASCII field of a line, with addresses masked, or `None` if the line is not valid in this encoding.
fn sample(encoding: &'static Encoding, header: &[u8], line: &[u8]) -> Option<String> {
    let text = decoded(encoding, line)?;
    let delimiter = super::csv_lines::delimiter(header);
    let mut fields = text.trim_end().split(char::from(delimiter)).map(|field| field.trim().trim_matches('"'));
    fields.find(|field| !field.is_ascii()).map(masked)
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    (result == DecoderResult::InputEmpty && text.chars().all(is_text)).then_some(text)
}

/// Whether a character occurs in real text: wrong encodings produce private use and control characters.
fn is_text(char: char) -> bool {
    let is_private = ('\u{e000}'..='\u{f8ff}').contains(&char);
    !is_private && (!char.is_control() || "\r\n\t".contains(char))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: Vec<u8>, options: &Options) -> Result<String, Box<Finding>> {
        let mut source = Cursor::new(bytes);
        let encoding = detect_encoding("list.csv", &mut source, options).unwrap()?;
        let mut text = String::new();
        DecodedText::new(&mut source, encoding).unwrap().read_to_string(&mut text).unwrap();
        Ok(text)
    }

    fn utf16(text: &str, is_little: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn utf_16_is_known_by_its_mark() {
        // Long enough that chunks end within characters.
        let text = format!("email,name\n{}", "a@example.org,李雷 😀\n".repeat(9000));
        for is_little in [true, false] {
            let marked = utf16(&format!("\u{feff}{text}"), is_little);
            assert_eq!(read(marked, &Options::default()).unwrap(), text);
            let help = read(utf16(&text, is_little), &Options::default()).unwrap_err().help.unwrap();
            assert!(help.contains(if is_little { "utf-16le" } else { "utf-16be" }), "{help}");
        }
    }

    #[test]
    fn utf_8_stays_as_it_is() {
        let text = "\u{feff}email,name\na@example.org,李雷\n";
        assert_eq!(read(text.into(), &Options::default()).unwrap(), text);
        let broken = [text.as_bytes(), b"caf\xe9@example.org,\n"].concat();
        assert!(detect_encoding("list.csv", &mut Cursor::new(broken), &Options::default()).unwrap().unwrap().is_none());
    }

    #[test]
    fn names_are_shown_in_each_likely_encoding() {
        let text =
            "邮箱,姓名\nwang@example.org,王伟\nli@example.org,\"李娜\"\n张@example.org,\nzhao@example.org,赵敏\n";
        let (bytes, ..) = GB18030.encode(text);
        for (source, expected) in [
            (OptionSource::Flags, "`--encoding gb18030` reads 王伟, 李娜, 张...@example.org"),
            (
                OptionSource::ProjectFile,
                "`encoding: gb18030` below `mail.subscribers` reads 王伟, 李娜, 张...@example.org",
            ),
        ] {
            let options = Options { source, ..Options::default() };
            let finding = read(bytes.to_vec(), &options).unwrap_err();
            assert!(finding.help.as_ref().unwrap().contains(expected), "{finding:?}");
        }
        let options = Options { encoding: Some(GB18030), ..Options::default() };
        assert_eq!(read(bytes.into_owned(), &options).unwrap(), text);
    }
}

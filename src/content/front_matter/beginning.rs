//! What a text without front matter begins with, to say what it lacks.

/// The beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Lines of `Key: value` that do not make a header.
    Header,
    /// A heading.
    Heading,
    /// Anything else.
    Text,
}

/// Looks at the first lines that are not blank.
pub fn beginning(bytes: &[u8]) -> Beginning {
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.trim_ascii());
    let mut lines =
        lines.map(|line| line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)).filter(|line| !line.is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let marks = first.iter().take_while(|byte| **byte == b'#').count();
    let is_rule = |line: &[u8]| line.len() > 2 && [b'=', b'-'].iter().any(|mark| line.iter().all(|byte| byte == mark));
    if (1..=6).contains(&marks) && first.get(marks) == Some(&b' ') || is_rule(second) && !is_rule(first) {
        return Beginning::Heading;
    }
    // `Title：` with a wide colon, or a field whose header has no title.
    let key = String::from_utf8_lossy(&first[..first.len().min(60)]).to_lowercase().replace('：', ":");
    let name = key.split_once(':').map_or("", |(name, _)| name.trim());
    match ["title", "date", "slug", "tags", "category", "author", "authors", "status", "标题", "日期"].contains(&name)
    {
        true => Beginning::Header,
        false => Beginning::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_told_apart() {
        for (text, expected) in [
            ("\u{feff}\n# Low\n", Beginning::Heading),
            ("Low\n===\n", Beginning::Heading),
            ("Title：Low\nDate：x\n", Beginning::Header),
            ("Slug: low\nDate: x\n", Beginning::Header),
            ("标题: 潮\n", Beginning::Header),
            ("Note: low\n", Beginning::Text),
            ("#low\n", Beginning::Text),
            ("", Beginning::Text),
        ] {
            assert_eq!(beginning(text.as_bytes()), expected, "{text}");
        }
    }
}

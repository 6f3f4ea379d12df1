//! The syntax of shortcodes: `{{< name arguments >}}`, `{{% name arguments %}}`, their closing and escaped forms.
//!
//! Takes Markdown; splits it into segments with their offsets.

use std::borrow::Cow;
use std::ops::Range;

/// A segment of Markdown.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment<'a> {
    /// Text between shortcodes.
    Text(&'a str),
    /// `{{</* name */>}}`: an escaped shortcode, to be shown as these three parts.
    Escaped([&'a str; 3]),
    /// A shortcode, or the opening one of a pair.
    Open(Shortcode<'a>),
    /// `{{< /name >}}`
    Close(&'a str, Range<usize>),
}

/// A shortcode as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortcode<'a> {
    /// Name, such as `figure`.
    pub name: &'a str,
    /// Its arguments.
    pub arguments: Arguments<'a>,
    /// `{{% … %}}`: its output is Markdown.
    pub is_markdown: bool,
    /// `{{< name />}}`: it is not paired.
    pub closes_itself: bool,
    /// Its bytes.
    pub range: Range<usize>,
}

/// The arguments of a shortcode, either all named or all positional.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments<'a>(Vec<(Option<&'a str>, Cow<'a, str>)>);

impl<'a> Arguments<'a> {
    /// The argument with this name.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == Some(name)).map(|(_, value)| value.as_ref())
    }

    /// The positional argument at this index, from 0.
    pub fn at(&self, place: usize) -> Option<&str> {
        self.0.get(place).filter(|(key, _)| key.is_none()).map(|(_, value)| value.as_ref())
    }

    /// The argument with this name, or at this index if they are positional.
    pub fn of(&self, name: &str, place: usize) -> Option<&str> {
        self.named(name).or_else(|| self.at(place))
    }

    /// All arguments, in order.
    pub fn all(&self) -> impl Iterator<Item = (Option<&'a str>, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.as_ref()))
    }

    /// Parses arguments; `None` if they are mixed or a quote is unclosed.
    fn parse(text: &'a str) -> Option<Self> {
        let mut found = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (first, after) = value(rest)?;
            let is_key = matches!(first, Cow::Borrowed(key) if rest.starts_with(key) && is_name(key));
            match after.trim_start().strip_prefix('=').filter(|_| is_key) {
                Some(after) => {
                    let (value, after) = value(after.trim_start())?;
                    found.push((Some(&rest[..first.len()]), value));
                    rest = after.trim_start();
                }
                None => {
                    found.push((None, first));
                    rest = after.trim_start();
                }
            }
        }
        let named = found.iter().filter(|(key, _)| key.is_some()).count();
        (named == 0 || named == found.len()).then_some(Self(found))
    }
}

/// One value and the rest: `word`, `"text with \" in it"` or `` `raw text` ``.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    match text.chars().next()? {
        '`' => text[1..].split_once('`').map(|(value, rest)| (Cow::Borrowed(value), rest)),
        '"' => quoted(&text[1..]),
        _ => {
            let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '`')).unwrap_or(text.len());
            // An unquoted URL may contain an equals sign.
            let is_key = text[end..].starts_with('=') && is_name(&text[..end]);
            let end = if is_key { end } else { text.find(char::is_whitespace).unwrap_or(text.len()) };
            Some((Cow::Borrowed(&text[..end]), &text[end..]))
        }
    }
}

fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if value.len() == at => return Some((Cow::Borrowed(&text[..at]), &text[at + 1..])),
            '"' => return Some((Cow::Owned(value), &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
}

/// Whether the text may contain shortcodes.
pub fn may_contain(markdown: &str) -> bool {
    markdown.contains("{{<") || markdown.contains("{{%")
}

/// The segments of a text, in order. Malformed shortcodes are text.
pub fn segments(markdown: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(at) = markdown[from..].find("{{").map(|at| from + at) {
        let Some((segment, end)) = segment(markdown, at) else {
            from = at + 1;
            continue;
        };
        if copied < at {
            segments.push(Segment::Text(&markdown[copied..at]));
        }
        segments.push(segment);
        (copied, from) = (end, end);
    }
    if copied < markdown.len() {
        segments.push(Segment::Text(&markdown[copied..]));
    }
    segments
}

/// The shortcode at this byte, and its end.
fn segment(markdown: &str, at: usize) -> Option<(Segment<'_>, usize)> {
    let (open, close, is_markdown) = match markdown.as_bytes().get(at + 2)? {
        b'<' => ("{{<", ">}}", false),
        b'%' => ("{{%", "%}}", true),
        _ => return None,
    };
    let inside = &markdown[at + open.len()..];
    if let Some(escaped) = inside.trim_start().strip_prefix("/*") {
        let (shown, rest) = escaped.split_once("*/")?;
        let rest = rest.trim_start().strip_prefix(close)?;
        return Some((Segment::Escaped([open, shown, close]), markdown.len() - rest.len()));
    }
    let length = end_of(inside, close)?;
    let end = at + 3 + length + close.len();
    let inside = inside[..length].trim();
    if let Some(name) = inside.strip_prefix('/') {
        let name = name.trim();
        return is_name(name).then_some((Segment::Close(name, at..end), end));
    }
    let closes_itself = inside.ends_with('/');
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    let (name, arguments) = inside.split_at(inside.find(char::is_whitespace).unwrap_or(inside.len()));
    let arguments = Arguments::parse(arguments).filter(|_| is_name(name))?;
    Some((Segment::Open(Shortcode { name, arguments, is_markdown, closes_itself, range: at..end }), end))
}

/// The position of the closing delimiter outside quotes. Shortcodes do not start inside one another.
fn end_of(inside: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some('"'), b'\\') => escaped = true,
            (Some(open), _) if byte == open as u8 => quote = None,
            (None, b'"' | b'`') => quote = Some(char::from(byte)),
            (None, _) if inside.as_bytes()[at..].starts_with(close.as_bytes()) => return Some(at),
            (None, b'{') if inside.as_bytes()[at..].starts_with(b"{{") => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(markdown: &str) -> Shortcode<'_> {
        match segments(markdown).swap_remove(0) {
            Segment::Open(shortcode) => shortcode,
            other => panic!("{markdown}: {other:?}"),
        }
    }

    #[test]
    fn arguments_are_words_or_quoted() {
        let figure = open("{{< figure src=\"a b.png\" alt=`say \"hi\"` width=20 title = \"a\\\"b>}}\" >}}");
        let all: Vec<_> = figure.arguments.all().collect();
        assert_eq!(
            all,
            [(Some("src"), "a b.png"), (Some("alt"), "say \"hi\""), (Some("width"), "20"), (Some("title"), "a\"b>}}")]
        );
        let video = open("{{<video https://example.org/v?a=b \"x y\"/>}}");
        assert_eq!((video.arguments.at(0), video.arguments.at(1)), (Some("https://example.org/v?a=b"), Some("x y")));
        assert!(video.closes_itself && !video.is_markdown);
    }

    #[test]
    fn segments_are_in_order() {
        let text = "a {{% box %}}b{{%/box%}} {{</* ref \"x\" */>}}";
        let expected = [
            Segment::Text("a "),
            Segment::Open(Shortcode {
                name: "box",
                arguments: Arguments::default(),
                is_markdown: true,
                closes_itself: false,
                range: 2..13,
            }),
            Segment::Text("b"),
            Segment::Close("box", 14..24),
            Segment::Text(" "),
            Segment::Escaped(["{{<", " ref \"x\" ", ">}}"]),
        ];
        assert_eq!(segments(text), expected);
    }

    #[test]
    fn malformed_shortcodes_are_text() {
        for text in
            ["{{<", "{{< a", "{{ a }}", "{{< \"a\" >}}", "{{< a b=\"c >}}", "{{< a b=c d >}}", "{{</* a >}}", "{{<>}}"]
        {
            assert_eq!(segments(text), [Segment::Text(text)], "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_split(text in "[{}<%>/*\"`a= é\n]{0,60}") {
            let mut at = 0;
            for segment in segments(&text) {
                match segment {
                    Segment::Text(part) => at += part.len(),
                    Segment::Escaped(_) => at = text.len(),
                    Segment::Open(Shortcode { range, .. }) | Segment::Close(_, range) => at = range.end,
                }
                prop_assert!(text.is_char_boundary(at.min(text.len())));
            }
        }

        #[test]
        fn arguments_round_trip(name in "[a-z][a-z0-9-]{0,8}", values in proptest::collection::vec("[^\u{0}]{0,12}", 0..4)) {
            let quote = |value: &String| format!(" \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            let text = format!("{{{{< {name}{} >}}}}", values.iter().map(quote).collect::<String>());
            let shortcode = open(&text);
            prop_assert_eq!(shortcode.name, name);
            let read: Vec<&str> = shortcode.arguments.all().map(|(_, value)| value).collect();
            prop_assert_eq!(read, values.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

//! Splits the markup of tags and outputs, aware of quotes.
//!
//! Takes text; returns its parts as written.

/// The parts between separators outside quotes, trimmed.
pub fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) => quote = Some(open).filter(|open| *open != c),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == separator => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            None => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// The words, quoted texts and operators of a condition, or of the arguments of a tag.
pub fn words(text: &str) -> Vec<&str> {
    const OPERATORS: [char; 4] = ['=', '!', '<', '>'];
    let (mut words, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            _ if OPERATORS.contains(&first) => rest.find(|c| !OPERATORS.contains(&c)).unwrap_or(rest.len()),
            _ => rest.find(|c: char| c.is_whitespace() || OPERATORS.contains(&c)).unwrap_or(rest.len()),
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// The text in quotes; `None` if it is not quoted.
pub fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].strip_suffix(quote)
}

/// Arguments of a tag: words and quoted texts, with a name if they are written `name=value` or `name:value`.
pub fn arguments(text: &str) -> Vec<(Option<&str>, &str)> {
    let (mut found, mut rest) = (Vec::new(), text.trim_start_matches([' ', '\t', '\n', '\r', ',']));
    while !rest.is_empty() {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let after = rest[length..].trim_start();
        let value = after.strip_prefix('=').or_else(|| after.strip_prefix(':').filter(|rest| !rest.starts_with("//")));
        let name = value.filter(|_| length > 0).map(|_| &rest[..length]);
        let value = if name.is_some() { value.unwrap_or_default().trim_start() } else { rest };
        let end = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => end_of_quoted(value, quote),
            _ => value.find(char::is_whitespace).unwrap_or(value.len()),
        };
        found.push((name, value[..end].trim_end_matches(',')));
        rest = value[end..].trim_start_matches([' ', '\t', '\n', '\r', ',']);
    }
    found
}

/// Where a text in quotes ends; a backslash protects a quote in it.
fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_protect() {
        assert_eq!(split("a | b: '|', \"x'|\" | c", '|'), ["a", "b: '|', \"x'|\"", "c"]);
        assert_eq!(words("a=='b c' and d != \"e\""), ["a", "==", "'b c'", "and", "d", "!=", "\"e\""]);
        assert_eq!((quoted("'a\"'"), quoted("a"), quoted("'"), quoted("\"é\"")), (Some("a\""), None, None, Some("é")));
    }

    #[test]
    fn arguments_may_have_names() {
        let expected = [
            (None, "a.html"),
            (Some("b"), "\"c \\\" d\""),
            (Some("e"), "page.f"),
            (None, "https://x.example/?g=h"),
            (Some("lang"), "ruby"),
            (None, "'i"),
        ];
        let text = "a.html b=\"c \\\" d\" e = page.f, https://x.example/?g=h lang:ruby\n'i";
        assert_eq!(arguments(text), expected);
        assert_eq!(arguments(" =x"), [(None, "=x")]);
    }
}

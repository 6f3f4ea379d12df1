//! Scans the tags of raw HTML, as a browser would read them.

/// Elements whose content is not HTML.
const RAW_TEXT: [&str; 3] = ["script", "style", "textarea"];

/// A tag as written.
pub(crate) struct Tag<'a> {
    /// From `<` to `>`.
    pub source: &'a str,
    /// In lower case.
    pub name: String,
    /// Whether it is an end tag.
    pub closes: bool,
}

impl<'a> Tag<'a> {
    /// The tag at the start of `html`, which begins with `<`; `None` if it is not a tag.
    pub fn at(html: &'a str) -> Option<Self> {
        let closes = html[1..].starts_with('/');
        let rest = &html[if closes { 2 } else { 1 }..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(rest.len());
        Some(Self { source: &html[..end_of_tag(html)], name: rest[..end].to_ascii_lowercase(), closes })
    }

    /// The value of an attribute as written, without quotes.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.source.get(1 + self.name.len()..)?;
        while let Some((before, after)) = rest.split_once('=') {
            let mut key = before.trim_end().split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\''));
            let after = after.trim_start();
            let (value, following) = match after.chars().next()? {
                quote @ ('"' | '\'') => after[1..].split_once(quote)?,
                _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
            };
            if key.next_back().is_some_and(|key| key.eq_ignore_ascii_case(name)) {
                return Some(value);
            }
            rest = following;
        }
        None
    }

    /// The value, if it can be used unchanged in a double-quoted attribute or as text.
    pub fn plain_attribute(&self, name: &str) -> Option<&'a str> {
        self.attribute(name).filter(|value| !value.contains(['"', '<', '>']))
    }
}

/// The tags of a text, with their offsets; skips comments and scripts.
pub(crate) struct Tags<'a> {
    pub html: &'a str,
    /// After the last tag.
    pub at: usize,
    /// Elements without another end tag: searching again for each of them would take quadratic time.
    without_end: Vec<String>,
}

impl<'a> Tags<'a> {
    pub fn of(html: &'a str) -> Self {
        Self { html, at: 0, without_end: Vec::new() }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = (usize, Tag<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(found) = self.html[self.at..].find('<') {
            let start = self.at + found;
            let rest = &self.html[start..];
            if rest.starts_with("<!--") {
                self.at = rest.find("-->").map_or(self.html.len(), |end| start + end + 3);
                continue;
            }
            let Some(tag) = Tag::at(rest) else {
                self.at = start + 1;
                continue;
            };
            self.at = start + tag.source.len();
            if RAW_TEXT.contains(&tag.name.as_str()) && !tag.closes {
                self.at += self.before_end_of(&tag.name);
            }
            return Some((start, tag));
        }
        None
    }
}

impl Tags<'_> {
    /// Bytes up to the end tag of an element; 0 if it has none.
    pub fn before_end_of(&mut self, name: &str) -> usize {
        if self.without_end.iter().any(|known| known == name) {
            return 0;
        }
        let rest = &self.html[self.at..];
        let is_end = |at: &usize| {
            let end = rest.get(at + 2..at + 2 + name.len());
            end.is_some_and(|end| end.eq_ignore_ascii_case(name))
        };
        let end = rest.match_indices("</").map(|(at, _)| at).find(is_end);
        if end.is_none() {
            self.without_end.push(name.to_owned());
        }
        end.unwrap_or(0)
    }
}

/// Length of the tag at the start of `html`; a quoted `>` does not end it.
fn end_of_tag(html: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in html.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    html.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_syntax_is_read() {
        let tag = Tag::at("<IMG a=1 Src = 'x>y' src=\"b.png\" alt=c/> rest").unwrap();
        assert_eq!((tag.name.as_str(), tag.closes), ("img", false));
        assert_eq!(tag.source, "<IMG a=1 Src = 'x>y' src=\"b.png\" alt=c/>");
        assert_eq!((tag.attribute("a"), tag.attribute("src"), tag.attribute("b")), (Some("1"), Some("x>y"), None));
        assert_eq!((tag.plain_attribute("a"), tag.plain_attribute("src")), (Some("1"), None));
    }

    #[test]
    fn a_missing_end_tag_is_searched_for_once() {
        let html = "<iframe>".repeat(100_000);
        let mut tags = Tags::of(&html);
        while let Some((_, tag)) = tags.next() {
            assert_eq!(tags.before_end_of(&tag.name), 0);
        }
        assert_eq!(tags.without_end, ["iframe"]);
        let mut tags = Tags::of("<script>a</SCRIPT><script>b");
        let places: Vec<usize> = tags.by_ref().map(|(at, _)| at).collect();
        assert_eq!((places, tags.without_end), (vec![0, 9, 18], vec!["script".to_owned()]));
    }

    #[test]
    fn not_every_angle_bracket_starts_a_tag() {
        assert!(["< b>", "<1>", "</>", "<", "<=b>"].into_iter().all(|text| Tag::at(text).is_none()));
        assert!(Tag::at("</b").is_some_and(|tag| tag.closes && tag.source == "</b"));
    }
}

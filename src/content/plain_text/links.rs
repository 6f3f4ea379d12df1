//! Links in plain text: numbered in place, listed at the end of their section.

use url::Url;

use crate::content::plain_text::Writer;

/// The links of one text.
#[derive(Debug, Clone)]
pub(super) struct Links<'a> {
    permalink: &'a Url,
    /// Links listed in earlier sections.
    listed: usize,
    /// Links of this section, without duplicates.
    section: Vec<String>,
}

impl<'a> Links<'a> {
    pub fn new(permalink: &'a Url) -> Self {
        Self { permalink, listed: 0, section: Vec::new() }
    }

    /// The text to write after a link: its number, or the URL itself if the link has no text. `None` if the text
    /// already is the URL, or if the link is useless in an email: a fragment, a script, a data URL.
    pub fn marker(&mut self, text: &str, target: &str) -> Option<String> {
        let target = target.trim();
        if target.is_empty() || target.starts_with('#') {
            return None;
        }
        let url = self.permalink.join(target).ok().filter(can_be_followed)?.to_string();
        let as_url = Url::parse(text).map_or_else(|_| text.to_owned(), String::from);
        if canonical(&as_url) == canonical(&url) {
            return None;
        }
        if text.is_empty() {
            return Some(url);
        }
        let known = self.section.iter().position(|other| *other == url);
        let at = known.unwrap_or(self.section.len());
        if known.is_none() {
            self.section.push(url);
        }
        Some(format!(" [{}]", self.listed + at + 1))
    }

    /// The list of this section; numbering continues in the next one.
    pub fn take_section(&mut self) -> Vec<String> {
        let first = self.listed + 1;
        self.listed += self.section.len();
        let numbered = |(index, url): (usize, String)| format!("[{}] {url}", first + index);
        std::mem::take(&mut self.section).into_iter().enumerate().map(numbered).collect()
    }
}

impl Writer<'_> {
    pub(super) fn end_link(&mut self) {
        let Some((start, Some(target))) = self.open_links.pop() else { return };
        let text = self.text.get(start..).unwrap_or_default().trim().to_owned();
        if let Some(marker) = self.links.marker(&text, &target) {
            self.push(&marker);
        }
    }

    pub(super) fn end_image(&mut self) {
        let Some((start, source)) = self.open_images.pop() else { return };
        let alt = self.text.get(start..).unwrap_or_default().trim().to_owned();
        self.text.truncate(start);
        self.image(&alt, &source);
    }

    /// A picture: its alternative text or else its file, and its URL in the list unless it is inside a link.
    pub(super) fn image(&mut self, alt: &str, source: &str) {
        if self.hidden.is_some() {
            return;
        }
        let (start, links) = (self.text.len(), self.links.section.len());
        let words = if alt.is_empty() { self.picture_name(source) } else { alt.to_owned() };
        self.push(&format!("[{words}]"));
        if self.open_links.is_empty()
            && let Some(marker) = self.links.marker("[image]", source)
        {
            self.push(&marker);
        }
        self.picture = Some((start, self.text.len(), links));
    }

    /// Whether a picture precedes directly.
    pub(super) fn follows_picture(&self) -> bool {
        self.picture.is_some_and(|(_, end, _)| self.text.get(end..).is_some_and(|after| after.trim().is_empty()))
    }

    /// Removes the picture that precedes directly.
    pub(super) fn remove_picture(&mut self) {
        if let Some((start, _, links)) = self.picture.take() {
            self.text.truncate(start);
            self.links.section.truncate(links);
        }
    }

    /// What a picture without words is, such as `picture: harbour.webp`.
    fn picture_name(&self, source: &str) -> String {
        let path = source.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').find(|name| !name.is_empty()).filter(|_| !source.trim_start().starts_with("data:"));
        let name = name.map(|name| percent_encoding::percent_decode_str(name).decode_utf8_lossy());
        let name = name.unwrap_or_default().chars().filter(|c| !c.is_control()).collect::<String>();
        format!("{}{}", self.picture_label, name.trim()).trim_end_matches([':', '：', ' ']).to_owned()
    }
}

fn can_be_followed(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "ftp" | "mailto" | "tel")
}

/// A URL reduced to what its spellings have in common.
fn canonical(text: &str) -> &str {
    let text = text.trim();
    let text = ["https://", "http://", "mailto:"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    text.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_absolute_and_numbered_once() {
        let permalink = Url::parse("https://example.org/blog/one/").unwrap();
        let mut links = Links::new(&permalink);
        assert_eq!(links.marker("two", "../two/").as_deref(), Some(" [1]"));
        assert_eq!(links.marker("again", "/blog/two/").as_deref(), Some(" [1]"));
        assert_eq!(links.marker("https://example.com", "https://example.com/"), None);
        assert_eq!(links.marker("a@example.com", "mailto:a@example.com"), None);
        assert_eq!(links.marker("up", "#top"), None);
        assert_eq!(links.marker("run", "javascript:alert(1)"), None);
        assert_eq!(links.take_section(), ["[1] https://example.org/blog/two/"]);
        assert_eq!(links.marker("three", "three").as_deref(), Some(" [2]"));
    }
}

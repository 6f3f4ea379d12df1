//! Decides whether a change to an issue's file is one that readers should know of.
//!
//! Changes to title, description and text count; changes to white space and other fields do not.

use crate::content::front_matter;

/// The source for the date of the last change if the front matter has none (`updated_from`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdatedFrom {
    /// None: only the front matter counts.
    FrontMatter,
    /// The file's git history.
    Git,
}

/// Whether readers would see a different text.
pub fn reads_differently(before: &[u8], after: &[u8]) -> bool {
    before != after && text(before) != text(after)
}

/// The text that readers see, with normalized white space.
fn text(file: &[u8]) -> String {
    let mut text = String::new();
    let mut body = file;
    if let Ok(block) = front_matter::split("", file)
        && let Ok(fields) = block.allowing_repeats().fields("")
    {
        for name in ["title", "description", "summary"] {
            let value = fields.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            push_words(&mut text, value);
            text.push('\n');
        }
        body = file.get(block.body.offset..).unwrap_or_default();
    }
    push_words(&mut text, &String::from_utf8_lossy(body));
    text
}

fn push_words(text: &mut String, words: &str) {
    for word in words.split_whitespace() {
        text.push_str(word);
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_changes_count() {
        let issue = |front: &str, body: &str| format!("---\n{front}---\n{body}");
        let before = issue("title: A kite\ntags: [a]\n", "One two.\n\nThree.\n");
        let differs = |after: &str| reads_differently(before.as_bytes(), after.as_bytes());
        assert!(!differs(&before));
        assert!(!differs(&issue("title: 'A  kite'\ntags: [b]\ndraft: true\n", "One\r\ntwo.  Three.")));
        assert!(differs(&issue("title: Kites\ntags: [a]\n", "One two.\n\nThree.\n")));
        assert!(differs(&issue("title: A kite\ndescription: new\n", "One two.\n\nThree.\n")));
        assert!(differs(&issue("title: A kite\ntags: [a]\n", "One two.\n\nThree!\n")));
        assert!(differs("One two. Three."), "no front matter any more");
        assert!(reads_differently(b"\xff a", b"\xff b"));
        assert!(!reads_differently(b"\xff a", b" \xff  a"));
    }
}

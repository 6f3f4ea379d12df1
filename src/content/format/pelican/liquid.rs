//! The tags of the plugin `liquid_tags`: `{% img … %}`, `{% youtube … %}`, `{% include_code … %}`.
//!
//! Takes the inside of a tag; returns Markdown: a picture or a link.

/// What a tag becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// Markdown that shows all of it.
    Shown(String),
    /// A link to what readers do not see here.
    Linked(String),
    /// Nothing.
    Unknown,
}

/// Reads the inside of a tag: its name and arguments.
pub(super) fn tag(inside: &str) -> Tag {
    let words = words(inside.trim().trim_matches('-'));
    let Some((name, arguments)) = words.split_first() else { return Tag::Unknown };
    let first = arguments.first().map(|argument| argument.text);
    match (name.text, first) {
        ("img" | "b64img", Some(_)) => picture(arguments).map_or(Tag::Unknown, Tag::Shown),
        ("youtube", Some(id)) => Tag::Linked(format!("<https://www.youtube.com/watch?v={}>", encoded(id))),
        ("vimeo", Some(id)) => Tag::Linked(format!("<https://vimeo.com/{}>", encoded(id))),
        ("gist", Some(id)) => Tag::Linked(format!("<https://gist.github.com/{}>", encoded(id))),
        ("video" | "audio" | "soundcloud" | "spotify" | "flickr", Some(url)) if url.contains("://") => {
            Tag::Linked(format!("<{}>", encoded(url)))
        }
        ("video" | "audio", Some(path)) => Tag::Linked(format!("[{}]({})", escaped(path), encoded(path))),
        ("include_code", Some(path)) => included("code", path, arguments),
        ("notebook", Some(path)) => included("notebooks", path, arguments),
        ("literal", Some(_)) => Tag::Shown(inside.trim().trim_start_matches("literal").trim().to_owned()),
        _ => Tag::Unknown,
    }
}

/// A link to a file that the tag would include, below its own folder, with the title of the tag or else the path.
fn included(folder: &str, path: &str, arguments: &[Word<'_>]) -> Tag {
    let is_option = |word: &&Word<'_>| ["lang:", "lines:", "codec:"].iter().any(|name| word.text.starts_with(name));
    let is_title =
        |word: &&Word<'_>| !is_option(word) && !word.text.starts_with(':') && !word.text.starts_with("cells[");
    let title: Vec<&str> = arguments[1..].iter().filter(is_title).map(|word| word.text).collect();
    let shown = if title.is_empty() { path.to_owned() } else { title.join(" ") };
    Tag::Linked(format!("[{}]({{static}}/{folder}/{})", escaped(&shown), encoded(path.trim_start_matches('/'))))
}

/// `[class …] path [width [height]] [title or "title" ["alt"]]`
fn picture(arguments: &[Word<'_>]) -> Option<String> {
    let is_path = |word: &Word<'_>| !word.is_quoted && (word.text.contains(['/', '.']));
    let at = arguments.iter().position(is_path)?;
    let is_size = |word: &&Word<'_>| {
        !word.is_quoted && word.text.trim_end_matches("px").trim_end_matches('%').bytes().all(|b| b.is_ascii_digit())
    };
    let sizes = arguments[at + 1..].iter().take(2).take_while(is_size).count();
    let rest = &arguments[at + 1 + sizes..];
    let (title, alt) = match rest {
        [title, alt, ..] if title.is_quoted && alt.is_quoted => (title.text.to_owned(), alt.text.to_owned()),
        words => {
            let title = words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
            (title.clone(), title)
        }
    };
    let title = title.replace('"', "'");
    let shown = if title.is_empty() || title == alt { String::new() } else { format!(" \"{title}\"") };
    Some(format!("![{}]({}{shown})", escaped(&alt), encoded(arguments[at].text)))
}

fn escaped(text: &str) -> String {
    text.replace(['[', ']'], "")
}

/// An address that ends neither a link nor its brackets.
fn encoded(address: &str) -> String {
    address.replace(' ', "%20").replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E")
}

/// A word, or several in quotation marks.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    is_quoted: bool,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let (mut words, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let quoted = rest.strip_prefix(['"', '\'']).and_then(|rest| rest.split_once(first));
        let (word, after) = match quoted {
            Some((text, after)) => (Word { text, is_quoted: true }, after),
            None => {
                let (text, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
                (Word { text, is_quoted: false }, after)
            }
        };
        words.push(word);
        rest = after.trim_start();
        // Text with this many unclosed quotation marks is not a list of arguments.
        if words.len() > 64 {
            break;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_pictures_and_links() {
        let shown = |text: &str| Tag::Shown(text.to_owned());
        let linked = |text: &str| Tag::Linked(text.to_owned());
        for (inside, expected) in [
            (" img /images/a.png ", shown("![](/images/a.png)")),
            ("img left wide {static}/a.png Low", shown("![Low]({static}/a.png)")),
            ("img right /a.png 300 200 'Low [tide]' 'The sea'", shown("![The sea](/a.png \"Low [tide]\")")),
            ("img https://example.org/a_(1).png Low tide", shown("![Low tide](https://example.org/a_%281%29.png)")),
            ("img nothing", Tag::Unknown),
            ("youtube abc 640 480", linked("<https://www.youtube.com/watch?v=abc>")),
            ("vimeo 12", linked("<https://vimeo.com/12>")),
            ("gist 12 a.py", linked("<https://gist.github.com/12>")),
            ("video /a.mp4", linked("[/a.mp4](/a.mp4)")),
            ("include_code a/b.py lang:python lines:1-9 The code", linked("[The code]({static}/code/a/b.py)")),
            ("notebook a.ipynb cells[1:5]", linked("[a.ipynb]({static}/notebooks/a.ipynb)")),
            ("literal if x", shown("if x")),
            ("graphviz dot", Tag::Unknown),
            ("", Tag::Unknown),
        ] {
            assert_eq!(tag(inside), expected, "{inside}");
        }
    }

    proptest! {
        #[test]
        fn any_tag_is_read(inside in "(img|include_code|['\" /.a潮<>\\[\\]()-]){0,12}") {
            tag(&inside);
        }
    }
}

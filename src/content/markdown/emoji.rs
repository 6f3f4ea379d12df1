//! Emoji codes as on GitHub and in Hugo with `enableEmoji`: `:tada:` becomes the character.
//!
//! Takes events and returns them; unknown codes, code and bare addresses stay.

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

/// Whether Markdown may contain a known code.
pub(super) fn may_contain(markdown: &str) -> bool {
    next(markdown, 0).is_some()
}

/// Replaces the codes in text.
pub(super) fn replace_codes(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    let mut closed = 0_usize;
    let mut links = Vec::new();
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match &event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => closed += 1,
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => closed -= 1,
            Event::Start(Tag::Link { link_type, .. }) => {
                links.push(matches!(link_type, LinkType::Autolink | LinkType::Email))
            }
            Event::End(TagEnd::Link) => drop(links.pop()),
            _ => {}
        }
        let Event::Text(text) = event else {
            out.push(event);
            continue;
        };
        // The parser splits text at every character that could be markup, such as `_`.
        let mut whole = text;
        while let Some(Event::Text(more)) = events.next_if(|next| matches!(next, Event::Text(_))) {
            whole = format!("{whole}{more}").into();
        }
        let is_open = closed == 0 && !links.contains(&true);
        out.push(Event::Text(if is_open && may_contain(&whole) { replaced(&whole).into() } else { whole }));
    }
    out
}

fn replaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    while let Some((start, end, emoji)) = next(text, copied) {
        out.push_str(&text[copied..start]);
        out.push_str(emoji);
        copied = end;
    }
    out.push_str(&text[copied..]);
    out
}

/// The first known code at or after byte `from`: where it starts and ends, and its emoji. Times and paths such as
/// `10:30:00` and `a::b:` are none.
fn next(text: &str, from: usize) -> Option<(usize, usize, &'static str)> {
    let mut start = from + text[from..].find(':')?;
    loop {
        let end = start + 1 + text[start + 1..].find(':')?;
        let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_');
        let follows = text[..start].ends_with(|c| joins(c) || c == ':') && (start > from || from == 0);
        let is_apart = !follows && !text[end + 1..].starts_with(joins);
        let emoji = is_apart.then(|| emojis::get_by_shortcode(&text[start + 1..end])).flatten();
        if let Some(emoji) = emoji {
            return Some((start, end + 1, emoji.as_str()));
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use crate::content::markdown::tests::html;

    #[test]
    fn known_codes_become_emoji() {
        for (markdown, expected) in [
            ("Up! :tada: **:wave:**", "Up! 🎉 <strong>👋</strong>"),
            (":white_check_mark: 好:+1:。", "✅ 好👍。"),
            (":tada::tada:", "🎉🎉"),
            (":not_an_emoji: 10:100:00, a::b:x:c `:tada:`", ":not_an_emoji: 10:100:00, a::b:x:c <code>:tada:</code>"),
            ("[:wave:](/:wave:)", "<a href=\"/:wave:\">👋</a>"),
        ] {
            assert_eq!(html(markdown), format!("<p>{expected}</p>\n"), "{markdown}");
        }
        assert_eq!(html("    :tada:"), "<pre><code>:tada:</code></pre>\n");
        assert!(html("https://a.example/x:tada:").contains("/x:tada</a>"));
    }
}

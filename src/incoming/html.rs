//! HTML as the plain text of a report.
//!
//! Takes the HTML of a part; returns its text with a line for each line break and block. Good enough to find addresses and
//! replies in it; style and links are left out.

/// The text of HTML.
pub(super) fn text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = &rest[start + 1..];
        let name: String =
            tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect::<String>().to_ascii_lowercase();
        let close = match name.as_str() {
            "style" | "script" | "head" => find_ignoring_case(tag, &format!("</{name}")).unwrap_or(tag.len()),
            _ => tag.find('>').map_or(tag.len(), |end| end + 1),
        };
        if matches!(
            name.trim_matches('/'),
            "br" | "p" | "div" | "tr" | "li" | "td" | "th" | "table" | "h1" | "h2" | "h3"
        ) {
            text.push('\n');
        }
        rest = &tag[close..];
    }
    text.push_str(rest);
    html_escape::decode_html_entities(&text).replace('\u{a0}', " ")
}

/// ASCII letters in any case, so that places stay the same.
fn find_ignoring_case(text: &str, part: &str) -> Option<usize> {
    text.as_bytes().windows(part.len()).position(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

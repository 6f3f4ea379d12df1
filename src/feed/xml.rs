//! Post-processes the output of the XML crates.

/// The text before the root element: an XML declaration with encoding, which the crates do not write, and the style
/// sheet (xml-stylesheet, W3C 2010). Kept short: programs read at most 512 bytes to detect a feed.
pub(super) fn prolog(stylesheet: Option<&str>) -> String {
    let mut prolog = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned();
    if let Some(href) = stylesheet {
        let href = html_escape::encode_double_quoted_attribute(href);
        prolog.push_str(&format!("<?xml-stylesheet type=\"text/css\" href=\"{href}\"?>\n"));
    }
    prolog
}

/// Writes `&`, `<` and `>` in plain text as hexadecimal references, which every reader decodes exactly once (RSS Best
/// Practices Profile, "Character Data"). CDATA sections are unchanged. The result starts with `start`.
pub(super) fn with_hex_references(start: &str, xml: &str) -> String {
    let mut out = String::with_capacity(start.len() + xml.len() + xml.len() / 64);
    out.push_str(start);
    let mut rest = xml;
    loop {
        let (text, cdata) = rest.split_at(rest.find("<![CDATA[").unwrap_or(rest.len()));
        out.push_str(&text.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;").replace("&gt;", "&#x3E;"));
        if cdata.is_empty() {
            return out;
        }
        let end = cdata.find("]]>").map_or(cdata.len(), |end| end + 3);
        out.push_str(&cdata[..end]);
        rest = &cdata[end..];
    }
}

/// Marks an Atom feed, whose root element starts at byte `root`, as an archive document (RFC 5005, section 4), before
/// the entries: the crate writes extensions after them, too late for streaming readers.
pub(super) fn insert_archive_mark(xml: &mut Vec<u8>, root: usize) {
    let after_start_tag = xml[root..].iter().position(|byte| *byte == b'>');
    if let Some(at) = after_start_tag.map(|at| root + at + 1) {
        xml.splice(at..at, *b"\n <fh:archive/>");
    }
}

/// Ends the document with a line feed.
pub(super) fn with_final_newline(mut xml: Vec<u8>) -> Vec<u8> {
    if !xml.ends_with(b"\n") {
        xml.push(b'\n');
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prolog_is_a_declaration_and_an_optional_style_sheet() {
        const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
        assert_eq!(prolog(None), DECLARATION);
        let style = "<?xml-stylesheet type=\"text/css\" href=\"/a&amp;b/feed.css\"?>\n";
        assert_eq!(prolog(Some("/a&b/feed.css")), format!("{DECLARATION}{style}"));
    }

    #[test]
    fn references_outside_cdata_are_hexadecimal() {
        assert_eq!(
            with_hex_references("", "<a>1 &lt; 2 &amp;amp; 3</a><![CDATA[x &amp; ]]]]><![CDATA[> &lt;]]>&gt;"),
            "<a>1 &#x3C; 2 &#x26;amp; 3</a><![CDATA[x &amp; ]]]]><![CDATA[> &lt;]]>&#x3E;"
        );
    }
}

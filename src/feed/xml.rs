//! What the XML crates leave to us: the last pass over the bytes they wrote.

/// Writes `&`, `<` and `>` in plain text as hexadecimal references, which every reader decodes exactly once (RSS Best
/// Practices Profile, "Character Data"). CDATA sections stay as they are.
pub(super) fn with_hex_references(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len() + xml.len() / 64);
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

/// Marks an Atom feed as an archive (RFC 5005, section 4), before the entries: the crate writes extensions after them,
/// where readers that read bit by bit see them too late.
pub(super) fn with_archive_mark(xml: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"\n <fh:archive/>";
    let Some(end_of_start_tag) = xml.iter().position(|byte| *byte == b'>') else { return xml };
    let mut marked = Vec::with_capacity(xml.len() + MARK.len());
    marked.extend_from_slice(&xml[..=end_of_start_tag]);
    marked.extend_from_slice(MARK);
    marked.extend_from_slice(&xml[end_of_start_tag + 1..]);
    marked
}

/// The XML declaration; the crates write none, or one without encoding.
pub(super) fn with_declaration(xml: &[u8]) -> Vec<u8> {
    const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
    let mut bytes = Vec::with_capacity(DECLARATION.len() + xml.len() + 1);
    bytes.extend_from_slice(DECLARATION);
    bytes.extend_from_slice(xml);
    if !xml.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_outside_cdata_are_hexadecimal() {
        assert_eq!(
            with_hex_references("<a>1 &lt; 2 &amp;amp; 3</a><![CDATA[x &amp; ]]]]><![CDATA[> &lt;]]>&gt;"),
            "<a>1 &#x3C; 2 &#x26;amp; 3</a><![CDATA[x &amp; ]]]]><![CDATA[> &lt;]]>&#x3E;"
        );
    }
}

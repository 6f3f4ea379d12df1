//! kramdown's syntax that CommonMark does not have: attributes, tables of contents, comments, abbreviations, Markdown in HTML.
//!
//! Takes Markdown; returns it line for line without what only web pages use. Code is left alone; attributes after blocks are
//! the work of `markdown::attributes`.

use std::borrow::Cow;

use crate::content::format::jekyll::code_lines::CodeLines;
use crate::content::format::jekyll::html_blocks;

/// The Markdown without it.
pub fn as_commonmark(markdown: Cow<'_, str>) -> Cow<'_, str> {
    if !["{:", "*[", "markdown=", "](", "<notextile>"].iter().any(|mark| markdown.contains(mark)) {
        return html_blocks::delimited(markdown);
    }
    let mut reader = Reader { out: Vec::new(), code: CodeLines::new(), is_comment: false, wrappers: Vec::new() };
    markdown.split('\n').for_each(|line| reader.line(line));
    html_blocks::delimited(Cow::Owned(reader.out.join("\n")))
}

struct Reader {
    /// A line for each line read.
    out: Vec<String>,
    code: CodeLines,
    /// Whether `{::comment}` is open.
    is_comment: bool,
    /// Elements with `markdown="1"`, by name, and how many of the same name are open in each.
    wrappers: Vec<(String, usize)>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if self.code.is_code(line) {
            self.out.push(line.to_owned());
            return;
        }
        let text = line.trim();
        if self.is_comment {
            self.is_comment = !is_closing(text);
        } else if text.starts_with("{::comment}") {
            self.is_comment = !text.contains("{:/");
        } else if text.starts_with("{::") && text.ends_with('}') || is_closing(text) {
            // An extension such as `{::nomarkdown}`, or its end.
        } else if is_toc(text) {
            self.drop_list_before();
        } else if is_definition_of_attributes(text) || is_abbreviation(line) {
            // Only web pages use them.
        } else if let Some(line) = self.without_wrapper(line) {
            self.out.push(line);
            return;
        } else {
            let line = without_span_attributes(line);
            self.out.push(with_whole_addresses(&line).replace("<notextile>", "").replace("</notextile>", ""));
            return;
        }
        self.out.push(String::new());
    }

    /// The list whose only item the table of contents replaces.
    fn drop_list_before(&mut self) {
        if let Some(before) = self.out.last_mut() {
            let item = before.trim_start();
            let is_item = item.starts_with(['*', '-', '+']) || item.starts_with(|c: char| c.is_ascii_digit());
            if is_item {
                before.clear();
            }
        }
    }

    /// The line without a tag that has `markdown="1"`, or without the end of such an element; `None` if it has neither.
    fn without_wrapper(&mut self, line: &str) -> Option<String> {
        let text = line.trim_start();
        if let Some(name) = opening_name(text) {
            let end = text.find('>').map_or(text.len(), |end| end + 1);
            if is_block(&name)
                && ["markdown=\"1\"", "markdown=\"block\"", "markdown='1'", "markdown=1"]
                    .iter()
                    .any(|it| text[..end].contains(it))
            {
                let closing = format!("</{name}>");
                let rest = text[end..].trim();
                match rest.strip_suffix(&closing) {
                    Some(inside) => return Some(inside.to_owned()),
                    None => self.wrappers.push((name, 0)),
                }
                return Some(rest.to_owned());
            }
        }
        let (name, depth) = self.wrappers.last_mut()?;
        let (opening, closing) = (format!("<{name}"), format!("</{name}>"));
        let before = text.strip_suffix('\r').unwrap_or(text).trim_end().strip_suffix(&closing);
        let closes = text.matches(&closing).count();
        let opens = text.matches(&opening).count();
        if *depth + opens >= closes {
            *depth = *depth + opens - closes;
            return None;
        }
        self.wrappers.pop();
        before.map(str::to_owned)
    }
}

/// `{:/comment}`, `{:/}`
fn is_closing(text: &str) -> bool {
    text.ends_with('}') && text.rfind("{:/").is_some_and(|at| !text[at..text.len() - 1].contains('}'))
}

/// `{:toc}`, also with attributes
fn is_toc(text: &str) -> bool {
    let inside = text.strip_prefix("{:").and_then(|text| text.strip_suffix('}'));
    inside.is_some_and(|inside| inside.split_whitespace().next() == Some("toc"))
}

/// `{:name: .class}`: attributes for others to refer to; `{:name}` refers to them.
fn is_definition_of_attributes(text: &str) -> bool {
    let Some(inside) = text.strip_prefix("{:").and_then(|text| text.strip_suffix('}')) else { return false };
    let name = inside.split(':').next().unwrap_or_default();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    is_name(name) && (inside.len() == name.len() || inside[name.len()..].starts_with(": "))
}

/// `*[HTML]: Hyper Text Markup Language`
fn is_abbreviation(line: &str) -> bool {
    line.strip_prefix("*[").and_then(|rest| rest.split_once("]:")).is_some_and(|(short, _)| !short.is_empty())
}

/// The name of an element that a line begins with.
fn opening_name(text: &str) -> Option<String> {
    let rest = text.strip_prefix('<')?;
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (length > 0).then(|| rest[..length].to_owned())
}

fn is_block(name: &str) -> bool {
    ["div", "section", "article", "aside", "header", "footer", "main", "center", "blockquote", "p", "figure", "nav"]
        .contains(&name)
}

/// Without attributes directly after emphasis, code, links and pictures: `[a](b){:target="_blank"}`.
fn without_span_attributes(line: &str) -> Cow<'_, str> {
    let (mut out, mut rest, mut code) = (String::new(), line, 0);
    let (mut found, mut has_end) = (false, true);
    while let Some(at) = rest.find(['`', '{']) {
        let before = rest[..at].chars().next_back().or(out.chars().next_back().filter(|_| at == 0));
        if rest[at..].starts_with('`') {
            let length = rest[at..].bytes().take_while(|byte| *byte == b'`').count();
            code = if code == 0 {
                length
            } else if code == length {
                0
            } else {
                code
            };
            out.push_str(&rest[..at + length]);
            rest = &rest[at + length..];
            continue;
        }
        let follows_span = before.is_some_and(|c| matches!(c, ')' | '*' | '_' | '`' | ']' | '>'));
        let are_attributes = follows_span && has_end && code == 0 && rest[at..].starts_with("{:");
        let end = if are_attributes { rest[at..].find('}') } else { None };
        has_end &= !are_attributes || end.is_some();
        match end {
            Some(end) => {
                found = true;
                out.push_str(&rest[..at]);
                rest = &rest[at + end + 1..];
            }
            None => {
                out.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    if found { Cow::Owned(out + rest) } else { Cow::Borrowed(line) }
}

/// With angle brackets around addresses that contain spaces, which end an address in CommonMark.
fn with_whole_addresses(line: &str) -> Cow<'_, str> {
    if !line.contains("](") {
        return Cow::Borrowed(line);
    }
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = rest.find("](").map(|at| at + 2) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(['(', ')', '"', '\'', '<', '`']).unwrap_or(rest.len());
        let address = rest[..end].trim();
        if rest[end..].starts_with(')') && address.contains(' ') {
            out.push_str(&format!("<{address}>"));
            rest = &rest[end..];
        }
    }
    Cow::Owned(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_web_pages_use_is_left_out() {
        for (kramdown, expected) in [
            ("* TOC\n{:toc}\n\n## A\n{:.no_toc}", "\n\n\n## A\n{:.no_toc}"),
            ("1. TOC\r\n{:toc .wide}\na", "\n\na"),
            ("[a](b){:target=\"_blank\"}, *c*{: .d} ![e](f){: width=\"50%\" }", "[a](b), *c* ![e](f)"),
            ("`a{:b}` {:c} x{:d}", "`a{:b}` {:c} x{:d}"),
            ("{::comment}\na\n{:/comment}\nb", "\n\n\nb"),
            ("{::nomarkdown}\n<b>a</b>\n{:/}\nb", "\n<b>a</b>\n\nb"),
            ("{::options parse_block_html=\"true\" /}\na", "\na"),
            ("a\n\n*[HTML]: Hyper Text\n{:wide: .a}\nb", "a\n\n\n\nb"),
            ("```\n{:toc}\n*[a]: b\n```\n{:toc}", "```\n{:toc}\n*[a]: b\n```\n"),
            ("    {:toc}\n", "    {:toc}\n"),
            (
                "<div class=\"note\" markdown=\"1\">\n**a**\n<div>\nb\n</div>\n</div>\nc",
                "\n**a**\n<div>\nb\n</div>\n\nc",
            ),
            ("![a](/b c.png) [d]( e ) [f](g \"h\") [i](j k(l))", "![a](</b c.png>) [d]( e ) [f](g \"h\") [i](j k(l))"),
            ("a | <notextile>b</notextile>", "a | b"),
            ("<div markdown=\"1\">**a**</div>", "**a**"),
            ("<aside markdown=1>a\n\nb</aside>", "a\n\nb"),
        ] {
            assert_eq!(as_commonmark(Cow::Borrowed(kramdown)), expected, "{kramdown}");
        }
    }
}

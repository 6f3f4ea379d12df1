//! The bodies of posts as Python-Markdown and Pelican's plugins read them: links within the site, Liquid tags, admonitions, a
//! marker of the summary, the language of code.
//!
//! Takes a body; returns Markdown with as many lines. Code is left alone, but for the line that names its language.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, TagEnd};

use crate::content::format::pelican::links::{KINDS, Site};
use crate::content::format::pelican::liquid::{Tag, tag};
use crate::content::format::{Body, Lost, Translated};

/// Tags, attributes and addresses are shorter, in bytes: what begins like one and goes on for longer is text.
const MAX_TAG: usize = 2000;

const SUMMARY_END: &str = "<!-- PELICAN_END_SUMMARY -->";
const SUMMARY_BEGIN: &str = "<!-- PELICAN_BEGIN_SUMMARY -->";

/// Translates a body.
pub(super) fn translated<'m>(site: &Site, body: &'m str, of: &Body<'_>) -> Translated<'m> {
    let signs = ["{", "|", "[TOC]", ":::", "#!", "PELICAN_", "!!!", "*["];
    if !signs.iter().any(|sign| body.contains(sign)) {
        return Translated::unchanged(body);
    }
    let text = with_admonitions(body);
    let code = Code::of(&text);
    let lines: Vec<usize> = std::iter::once(0).chain(body.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut writer = Writer::new(site, of, &text, &lines);
    let mut at = 0;
    for block in &code.ranges {
        writer.words(at..block.start);
        writer.code(block.clone(), code.is_block(block));
        at = block.end;
    }
    writer.words(at..text.len());
    let Writer { out, lost, .. } = writer;
    match (&text, out == text) {
        (Cow::Borrowed(_), true) => Translated { markdown: Cow::Borrowed(body), lost },
        _ => Translated { markdown: out.into(), lost },
    }
}

/// The code of a text.
struct Code {
    ranges: Vec<Range<usize>>,
    blocks: Vec<Range<usize>>,
}

impl Code {
    fn of(text: &str) -> Self {
        let (mut ranges, mut blocks) = (Vec::new(), Vec::new());
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Code(_) => ranges.push(range),
                Event::End(TagEnd::CodeBlock) => {
                    ranges.push(range.clone());
                    blocks.push(range);
                }
                _ => {}
            }
        }
        ranges.sort_by_key(|range| range.start);
        Self { ranges, blocks }
    }

    fn is_block(&self, range: &Range<usize>) -> bool {
        self.blocks.binary_search_by_key(&range.start, |block| block.start).is_ok()
    }
}

struct Writer<'a> {
    site: &'a Site,
    of: &'a Body<'a>,
    text: &'a str,
    out: String,
    lost: Vec<Lost>,
    /// The line that was looked at last, and its number from 0.
    line: Range<usize>,
    line_number: usize,
    tag_end: Ahead,
    brace: Ahead,
    parenthesis: Ahead,
    /// Where the lines of the original begin.
    lines: &'a [usize],
}

impl<'a> Writer<'a> {
    fn new(site: &'a Site, of: &'a Body<'a>, text: &'a str, lines: &'a [usize]) -> Self {
        let (out, line) = (String::with_capacity(text.len()), 0..end_of_line(text, 0));
        let [tag_end, brace, parenthesis] = ["%}", "}", ")"].map(Ahead::new);
        Self { site, of, text, out, lost: Vec::new(), line, line_number: 0, tag_end, brace, parenthesis, lines }
    }

    /// Moves on to the line of a byte.
    fn move_to(&mut self, at: usize) {
        while self.line.end < at {
            self.line = self.line.end + 1..end_of_line(self.text, self.line.end + 1);
            self.line_number += 1;
        }
    }

    /// Copies code, without a first line that only names its language: `:::python`, `#!python`.
    fn code(&mut self, range: Range<usize>, is_block: bool) {
        let code = &self.text[range];
        let lines = code.split_inclusive('\n');
        let fenced = usize::from(code.trim_start().starts_with("```") || code.trim_start().starts_with("~~~"));
        let Some(line) = lines.clone().nth(fenced).filter(|line| is_block && is_language(line.trim())) else {
            self.out.push_str(code);
            return;
        };
        let before: usize = lines.take(fenced).map(str::len).sum();
        self.out.push_str(&code[..before]);
        self.out.push_str(&line[line.trim_end().len()..]);
        self.out.push_str(&code[before + line.len()..]);
    }

    /// Translates what is not code.
    fn words(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(found) = self.text[at..range.end].find(['{', '|', '[', '<', '*']).map(|found| at + found) {
            self.out.push_str(&self.text[at..found]);
            let rest = &self.text[found..range.end];
            let length = self.sign(rest, found);
            at = found + length.unwrap_or(1);
            if length.is_none() {
                self.out.push_str(&rest[..1]);
            }
        }
        self.out.push_str(&self.text[at..range.end]);
    }

    /// Translates what begins here; returns its length, or `None` if it is just a character.
    fn sign(&mut self, rest: &str, at: usize) -> Option<usize> {
        self.move_to(at);
        let is_first = self.text[self.line.start..at].trim().is_empty();
        let line = self.text[at..self.line.end.max(at)].trim_end();
        match rest.as_bytes()[0] {
            b'{' if rest.starts_with("{%") => self.liquid(at),
            b'{' if rest.starts_with("{:") => self.attributes(line, at),
            b'{' | b'|' => self.link(at),
            b'[' if line == "[TOC]" && is_first => Some(line.len()),
            // An abbreviation: Python-Markdown shows what it stands for when the pointer is on it.
            b'*' if is_first && rest.starts_with("*[") => line.split_once("]:").map(|_| line.len()),
            b'<' if rest.starts_with(SUMMARY_BEGIN) => Some(SUMMARY_BEGIN.len()),
            b'<' if rest.starts_with(SUMMARY_END) => {
                self.out.push_str("<!--more-->");
                Some(SUMMARY_END.len())
            }
            _ => None,
        }
    }

    fn liquid(&mut self, at: usize) -> Option<usize> {
        let inside = &self.text[at + 2..self.tag_end.within(self.text, at + 2)?];
        if inside.contains("{%") {
            return None;
        }
        let (shown, is_lost) = match tag(inside) {
            Tag::Shown(shown) => (shown, false),
            Tag::Linked(link) => (link, true),
            Tag::Unknown => (String::new(), true),
        };
        if is_lost {
            self.lose(inside);
        }
        let shown = self.with_links(&shown);
        self.out.push_str(&shown);
        self.out.extend(inside.matches('\n'));
        Some(inside.len() + 4)
    }

    /// Notes that a tag on the line is not rendered.
    fn lose(&mut self, inside: &str) {
        let name = inside.split_whitespace().next().unwrap_or_default();
        let start = self.lines.get(self.line_number).copied().unwrap_or_default();
        let end = start + self.line.len().min(MAX_TAG);
        self.lost.push(Lost { range: start..end, what: format!("the tag `{{% {name} %}}`") });
    }

    /// The links of a text that is not written yet.
    fn with_links(&self, text: &str) -> String {
        let mut inner = Writer::new(self.site, self.of, text, &[]);
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '|']).map(|found| at + found) {
            inner.out.push_str(&text[at..found]);
            let length = inner.link(found);
            at = found + length.unwrap_or(1);
            if length.is_none() {
                inner.out.push_str(&text[found..=found]);
            }
        }
        inner.out + &text[at..]
    }

    /// `{: .wide}` behind something on its line; that of a heading keeps the id. Lines of nothing else are left to Markdown.
    fn attributes(&mut self, line: &str, at: usize) -> Option<usize> {
        let end = self.brace.within(self.text, at).filter(|end| *end < at + line.len())? - at;
        let before = &self.text[self.line.start..at];
        if before.trim_start().starts_with('#') && end + 1 == line.len() {
            self.out.push('{');
            return Some(2);
        }
        let is_behind = before.ends_with([')', ']', '*', '_', '`', '>', '"']);
        is_behind.then_some(end + 1)
    }

    /// `{filename}…` or `|filename|…`, where an address is expected.
    fn link(&mut self, at: usize) -> Option<usize> {
        self.move_to(at);
        let rest = &self.text[at..self.line.end.max(at)];
        let close = if rest.starts_with('{') { '}' } else { '|' };
        let inside = &rest[1.min(rest.len())..];
        let kind =
            KINDS.into_iter().find(|kind| inside.strip_prefix(kind).is_some_and(|rest| rest.starts_with(close)))?;
        let (start, before) = (kind.len() + 2, &self.text[..at]);
        let target = beginning(&rest[start..], MAX_TAG);
        let end = match before.chars().next_back() {
            Some(quote @ ('"' | '\'')) => target.find(quote)?,
            Some('<') => target.find('>')?,
            Some('(') if before.ends_with("](") => {
                self.parenthesis.within(self.text, at)?;
                end_in_parentheses(target)?
            }
            Some(' ') if before.trim_end().ends_with("]:") => target.find(char::is_whitespace).unwrap_or(target.len()),
            _ => return None,
        };
        let target = target[..end].trim_end();
        let address = self.site.address(kind, target, self.of);
        let address = address.unwrap_or_else(|| target.replace(' ', "%20"));
        self.out.push_str(&address.replace('(', "%28").replace(')', "%29"));
        Some(start + target.len())
    }
}

/// Where something comes next: looked for once, however often it is asked for.
struct Ahead {
    sign: &'static str,
    found: Option<usize>,
    is_searched: bool,
}

impl Ahead {
    fn new(sign: &'static str) -> Self {
        Self { sign, found: None, is_searched: false }
    }

    /// Its place from `at` on, if it is near; places are asked for in order.
    fn within(&mut self, text: &str, at: usize) -> Option<usize> {
        if !self.is_searched || self.found.is_some_and(|found| found < at) {
            (self.found, self.is_searched) = (text[at..].find(self.sign).map(|found| at + found), true);
        }
        self.found.filter(|found| found - at < MAX_TAG)
    }
}

/// The text up to a number of bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Where the line that contains a byte ends, before its line feed.
fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

/// Where the address in parentheses ends: before a title, or where they close.
fn end_in_parentheses(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            ' ' if text[at..].trim_start().starts_with(['"', '\'']) => return Some(at),
            _ => {}
        }
    }
    None
}

/// `:::python`, or `#!python` without a path; `hl_lines="1 3"` may follow.
fn is_language(line: &str) -> bool {
    let name = line.strip_prefix(":::").or_else(|| line.strip_prefix("#!"));
    let name = name.map(|name| name.split(' ').next().unwrap_or_default());
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-#_.".contains(&b))
    })
}

/// `!!! note "Title"` and the indented lines below become a quotation: to Markdown they are code.
fn with_admonitions(body: &str) -> Cow<'_, str> {
    if !body.contains("!!!") {
        return Cow::Borrowed(body);
    }
    let (mut out, mut is_open, mut fence) = (String::with_capacity(body.len() + 64), false, None);
    for line in body.split_inclusive('\n') {
        let text = line.trim_end();
        let mark = ["```", "~~~"].into_iter().find(|mark| text.trim_start().starts_with(mark));
        if mark.is_some() && (fence.is_none() || fence == mark) && !is_open {
            fence = if fence.is_some() { None } else { mark };
        }
        let title = text.strip_prefix("!!! ").filter(|_| fence.is_none());
        match (title, line.strip_prefix("    ").or_else(|| line.strip_prefix('\t'))) {
            (Some(title), _) => {
                is_open = true;
                let (kind, quoted) = title.split_once('"').unwrap_or((title, ""));
                let own = kind.split_whitespace().next().unwrap_or_default();
                let shown = quoted.strip_suffix('"').unwrap_or(own);
                out.push_str(&if shown.is_empty() {
                    ">".to_owned()
                } else {
                    format!("> **{}**  ", capitalised(shown))
                });
                out.push_str(&line[text.len()..]);
            }
            (None, Some(inside)) if is_open => out.extend(["> ", inside]),
            (None, _) if is_open && text.is_empty() => out.extend([">", line]),
            (None, _) => {
                is_open = false;
                out.push_str(line);
            }
        }
    }
    out.into()
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::content::addresses::Addresses;
    use crate::content::assemble::assemble;
    use crate::content::format::Settings;
    use crate::content::front_matter::split;
    use crate::content::names::Names;
    use crate::content::site::Source;
    use crate::publication::Publication;

    fn publication() -> Publication {
        let url = Url::parse("https://example.org/").unwrap();
        Publication {
            title: "Tides".into(),
            description: String::new(),
            base_url: url.clone(),
            home: url,
            language: "en".into(),
            time_zone: chrono_tz::Tz::UTC,
            author: None,
            copyright: None,
            icon: None,
            site: None,
        }
    }

    /// The Markdown, and what is lost, of a body in `site/content/sea/low.md`, whose page is `/2026/low.html`.
    fn read(settings: serde_json::Value, body: &str) -> (String, Vec<String>) {
        read_in(&Site::new(settings.as_object().unwrap(), "content"), body)
    }

    fn read_in(site: &Site, body: &str) -> (String, Vec<String>) {
        let front_matter = b"---\ntitle: Low\ndate: 2026-01-02\nurl: /2026/low.html\n---\n";
        let source = Source::of_path("site/content/sea/low.md", "sea/low.md");
        let block = split(source.path, front_matter).unwrap();
        let issue =
            assemble(source, &block, &publication(), &Addresses::default(), &mut Names::default()).issue.unwrap();
        let (base_url, includes) = (Url::parse("https://example.org/").unwrap(), BTreeMap::new());
        let address = |path: &str| (path == "/ebb.md").then(|| "https://example.org/ebb.html".to_owned());
        let of = Body { issue: &issue, base_url: &base_url, includes: &includes, address: &address };
        let Translated { markdown, lost } = translated(site, body, &of);
        assert_eq!(markdown.matches('\n').count(), body.matches('\n').count(), "{body:?}: {markdown:?}");
        (
            markdown.into_owned(),
            lost.iter().map(|lost| format!("{}: {}", lost.what, &body[lost.range.clone()])).collect(),
        )
    }

    fn markdown(body: &str) -> String {
        static SITE: OnceLock<Site> = OnceLock::new();
        read_in(SITE.get_or_init(|| Site::new(&Settings::new(), "content")), body).0
    }

    #[test]
    fn links_within_the_site_lead_there() {
        for (body, expected) in [
            ("[a]({filename}/ebb.md#x)", "[a](https://example.org/ebb.html#x)"),
            ("[a](|filename|/ebb.md)", "[a](https://example.org/ebb.html)"),
            ("[a]({filename}/pages/About_us.md)", "[a](https://example.org/pages/about_us.html)"),
            ("![a]({static}/images/a b (1).png \"T\")", "![a](https://example.org/images/a%20b%20%281%29.png \"T\")"),
            ("<img src='{static}a.png'>", "<img src='https://example.org/sea/a.png'>"),
            ("![a](<{static}../a.png>)", "![a](<https://example.org/a.png>)"),
            (
                "![a]({attach}a.png)![b]({attach}/images/b.png)",
                "![a](https://example.org/2026/a.png)![b](https://example.org/2026/b.png)",
            ),
            (
                "[a]({tag}Low Tide) [b](|category|Sea) [c]({author}Ann Example)",
                "[a](https://example.org/tag/low-tide.html) [b](https://example.org/category/sea.html) [c](https://example.org/author/ann-example.html)",
            ),
            ("[home]({index})", "[home](https://example.org/index.html)"),
            (
                "[a]: {static}/a.pdf\n[b]: {filename}/x.png 'T'\n",
                "[a]: https://example.org/a.pdf\n[b]: https://example.org/x.png 'T'\n",
            ),
            ("A {filename} and `[a]({static}/b)` and |tag|", "A {filename} and `[a]({static}/b)` and |tag|"),
            (
                "```\n[a]({static}/b)\n```\n\n    {% img /a.png %}\n",
                "```\n[a]({static}/b)\n```\n\n    {% img /a.png %}\n",
            ),
        ] {
            assert_eq!(markdown(body), expected, "{body}");
        }
        let settings = json!({"TAG_URL": "t/{slug}/", "EXTRA_PATH_METADATA": {"extra/a.txt": {"path": "b.txt"}}});
        let (text, _) = read(settings, "[a]({tag}X) [b]({static}/extra/a.txt)");
        assert_eq!(text, "[a](https://example.org/t/x/) [b](https://example.org/b.txt)");
    }

    #[test]
    fn tags_and_signs_of_plugins_go() {
        let (text, lost) =
            read(json!({}), "潮\n\n{% img left {static}/a.png 300 'Low' %} b\n{% youtube abc %}\n{% unknown\nx %}y\n");
        assert_eq!(text, "潮\n\n![Low](https://example.org/a.png) b\n<https://www.youtube.com/watch?v=abc>\n\ny\n");
        assert_eq!(lost, ["the tag `{% youtube %}`: {% youtube abc %}", "the tag `{% unknown %}`: {% unknown"]);
        for (body, expected) in [
            ("[TOC]\n\nA [TOC] b", "\n\nA [TOC] b"),
            ("A\n<!-- PELICAN_END_SUMMARY -->\nB", "A\n<!--more-->\nB"),
            ("*[HTML]: A language\n\n* [a]: b", "\n\n* [a]: b"),
            ("# Low {: #low }\n[a](b){: .x} c\n{: .y}\n", "# Low { #low }\n[a](b) c\n{: .y}\n"),
            ("    :::python\n    a = 1\n\n```\n#!sh\nls\n```\n", "    \n    a = 1\n\n```\n\nls\n```\n"),
            ("    #!/bin/sh\n    ls\n", "    #!/bin/sh\n    ls\n"),
            ("!!! note \"Low tide\"\n    One\n\n    Two\n\nThree\n", "> **Low tide**  \n> One\n>\n> Two\n>\nThree\n"),
            ("!!! warning\n\tOne\n", "> **Warning**  \n> One\n"),
            ("```\n!!! note\n    a\n```\n", "```\n!!! note\n    a\n```\n"),
            ("{% a {% b %}", "{% a "),
            ("{% a", "{% a"),
        ] {
            assert_eq!(markdown(body), expected, "{body}");
        }
    }

    #[test]
    fn a_megabyte_of_signs_is_quick() {
        for sign in [
            "{%", "{% x %}", "{:", "[a]({static}", "|tag|", "*[", "!!! a\n    ", "\"{filename}", "{%\n", "`{",
            "]: {index}",
        ] {
            let start = std::time::Instant::now();
            markdown(&sign.repeat(1_000_000 / sign.len()));
            assert!(start.elapsed().as_secs() < 20, "{sign}: {:?}", start.elapsed());
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines(body in "([{}|%:`\"'()<>\\[\\]*# \n]|\\]\\(|static|filename|tag|img a/b|!!! a|    |:::x|潮|```|PELICAN_END_SUMMARY|<!-- | -->){0,30}") {
            markdown(&body);
        }
    }
}

//! Hugo's shortcodes, as far as an editor must know of them: references that lead nowhere, figures without text. What
//! else is wrong with them, `content::shortcodes` finds.

use std::borrow::Cow;
use std::ops::Range;

use crate::check::links::{ALT_MISSING, IMAGE_BROKEN, LINK_BROKEN};
use crate::check::manuscript::Manuscript;
use crate::check::rules::Rule;
use crate::check::site::Site;
use crate::check::targets::Kind;
use crate::finding::Finding;

pub(super) const RULES: [&Rule; 0] = [];

/// A shortcode as written; of a pair, each half is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shortcode<'a> {
    /// Name, such as `figure`.
    pub name: &'a str,
    /// What stands behind the name.
    arguments: &'a str,
    /// Whether it is the second half of a pair.
    closes: bool,
    /// Its bytes in the file.
    pub range: Range<usize>,
}

impl<'a> Shortcode<'a> {
    /// A named argument, without its quotes.
    fn named(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.arguments;
        while let Some((key, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let (value, following) = match after.chars().next()? {
                quote @ ('"' | '`') => after[1..].split_once(quote)?,
                _ => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
            };
            if key.trim() == name {
                return Some(value);
            }
            rest = following;
        }
        None
    }

    /// The first argument, without its quotes.
    fn first(&self) -> Option<&'a str> {
        let first = self.arguments.trim();
        let first = match first.chars().next()? {
            quote @ ('"' | '`') => first[1..].split(quote).next()?,
            _ => first.split_whitespace().next()?,
        };
        (!first.is_empty()).then_some(first)
    }
}

/// The shortcodes of `text` from byte `start` on; one that is commented out (`{{</* … */>}}`) is text.
pub(super) fn in_text(text: &str, start: usize) -> Vec<Shortcode<'_>> {
    let mut found = Vec::new();
    let mut from = start;
    while let Some(at) = text[from..].find("{{").map(|at| from + at) {
        from = at + 2;
        let end = match text.as_bytes().get(from) {
            Some(b'<') => ">}}",
            Some(b'%') => "%}}",
            _ => continue,
        };
        let inside = &text[from + 1..];
        let Some(length) = inside.find(end) else { continue };
        let inside = inside[..length].trim();
        if inside.starts_with("/*") {
            continue;
        }
        let (closes, inside) = match inside.strip_prefix('/') {
            Some(name) => (true, name.trim_start()),
            None => (false, inside),
        };
        let (name, arguments) = inside.split_at(inside.find(char::is_whitespace).unwrap_or(inside.len()));
        from += 1 + length + end.len();
        found.push(Shortcode { name, arguments, closes, range: at..from });
    }
    found
}

/// Longer than any run of this letter in an address.
const MASK: &str = "xxxxxxx";

/// The text from `start` on with letters in place of shortcodes, and of code in a pair of `highlight`, so that every
/// byte keeps its place and Markdown sees no markup in them.
pub(super) fn masked<'t>(text: &'t str, start: usize, shortcodes: &[Shortcode<'_>]) -> Cow<'t, str> {
    if shortcodes.is_empty() {
        return Cow::Borrowed(&text[start..]);
    }
    let mut masked = String::with_capacity(text.len() - start);
    let mut copied = start;
    for (at, shortcode) in shortcodes.iter().enumerate() {
        let closing = shortcodes[at..].iter().find(|other| other.closes && other.name == shortcode.name);
        let end =
            closing.filter(|_| shortcode.name == "highlight").map_or(shortcode.range.end, |other| other.range.end);
        if shortcode.range.start < copied {
            continue;
        }
        masked.push_str(&text[copied..shortcode.range.start]);
        masked.extend(text[shortcode.range.start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { 'x' }));
        copied = end;
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

/// Whether Hugo brings this shortcode along.
pub(super) fn is_of_hugo(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "details", "figure", "gist", "highlight", "instagram", "param", "qr", "ref", "relref", "twitter", "video",
        "vimeo", "x", "youtube",
    ];
    NAMES.contains(&name)
}

/// Whether this came out of a shortcode.
pub(super) fn is_masked(address: &str) -> bool {
    address.contains(MASK)
}

pub(super) fn judge(manuscript: &Manuscript<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    for shortcode in manuscript.shortcodes.iter().filter(|shortcode| !shortcode.closes) {
        match shortcode.name {
            "ref" | "relref" => findings.extend(reference(manuscript, site, shortcode)),
            "figure" => findings.extend(figure(manuscript, site, shortcode)),
            _ => {}
        }
    }
    findings
}

fn reference(manuscript: &Manuscript<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Option<Finding> {
    let target = shortcode.named("path").or_else(|| shortcode.first())?;
    if site.has_page_file(manuscript.issue, target) {
        return None;
    }
    let finding = LINK_BROKEN.found(format!("there is no page `{target}` to refer to"));
    let finding = finding.help("write the path of a Markdown file below the content folder");
    Some(manuscript.at(finding, shortcode.range.clone()))
}

fn figure(manuscript: &Manuscript<'_>, site: &Site, shortcode: &Shortcode<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(source) = shortcode.named("src")
        && let Err(help) = site.leads(manuscript.issue, source, Kind::Image)
    {
        findings.push(IMAGE_BROKEN.found(format!("there is no image `{source}`")).help(help));
    }
    let says_something = |name| shortcode.named(name).is_some_and(|text: &str| !text.trim().is_empty());
    if !["alt", "caption", "title"].into_iter().any(says_something) {
        findings.push(ALT_MISSING.found("the figure has no text").help("write `alt=\"what it shows\"`"));
    }
    findings.into_iter().map(|finding| manuscript.at(finding, shortcode.range.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcodes_are_found_and_masked_byte_for_byte() {
        let text = "---\n海 {{< figure src=\"a b.png\" alt=`x` >}} {{</* no */>}} {{% /n %}} {{<open";
        let found = in_text(text, 4);
        let names: Vec<(&str, bool)> = found.iter().map(|one| (one.name, one.closes)).collect();
        assert_eq!(names, [("figure", false), ("n", true)]);
        assert_eq!(
            (found[0].named("src"), found[0].named("alt"), found[0].named("x")),
            (Some("a b.png"), Some("x"), None)
        );
        let masked = masked(text, 4, &found);
        assert_eq!(masked.len(), text.len() - 4);
        assert!(masked.starts_with("海 xxxxxxx") && masked.ends_with("{{<open"));
    }

    #[test]
    fn code_between_halves_is_masked_too() {
        let text = "{{< highlight go >}}\n**a\n{{< /highlight >}} b";
        assert_eq!(masked(text, 0, &in_text(text, 0)), format!("{}\nxxx\n{} b", "x".repeat(20), "x".repeat(18)));
    }

    #[test]
    fn the_first_argument_may_have_quotes() {
        for text in ["{{< ref \"a b.md\" >}}", "{{<ref `a b.md`>}}"] {
            assert_eq!(in_text(text, 0)[0].first(), Some("a b.md"));
        }
        assert_eq!(in_text("{{< ref a.md >}}", 0)[0].first(), Some("a.md"));
    }
}

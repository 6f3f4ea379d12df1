//! Whether an address in an issue leads to an issue or a file of the project.
//!
//! Other sites are never requested, and pages of the same site that the project cannot know count as existing: a false alarm
//! costs more than a missed one.

use crate::check::masking::is_masked;
use crate::check::site::{Site, ancestors, page_path};
use crate::content::path::{file_name, folder, is_index, joined};
use crate::issue::Issue;

/// What an address should lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Page,
    Image,
}

/// Why an address leads nowhere, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Miss {
    /// The project would contain what it leads to; with the remedy.
    Broken(String),
    /// Something else may publish it, such as a theme or another generator.
    Unverified,
}

/// Pages that Hugo generates.
const MADE_BY_HUGO: [&str; 4] = ["tags", "categories", "authors", "page"];

/// Schemes of addresses that readers can follow.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

impl Site {
    /// Checks that an address written in an issue leads somewhere.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn resolve(&self, issue: &Issue, written: &str, kind: Target) -> Result<(), Miss> {
        let written = written.trim();
        let path = written.split(['?', '#']).next().unwrap_or_default();
        if path.is_empty() || is_masked(path) || scheme(path).is_some_and(|scheme| !scheme.starts_with("http")) {
            return Ok(());
        }
        if let Some(own) = self.own_path(written) {
            return own.map_or(Ok(()), |path| self.has(&path, kind));
        }
        if let Some(help) = template_suggestion(path).or_else(|| absolute_suggestion(path)) {
            return Err(Miss::Broken(help));
        }
        self.relative(issue, path, kind)
    }

    /// The path on this site of an absolute address (`https://…`, `//…` or `/…`). `None` for a relative one, `Some(None)` for
    /// another site.
    fn own_path(&self, written: &str) -> Option<Option<String>> {
        if !written.starts_with('/') && scheme(written).is_none() {
            return None;
        }
        let url = self.base_url.join(written).ok();
        let own = url.filter(|url| url.host_str() == self.base_url.host_str() && url.port() == self.base_url.port());
        Some(own.filter(|url| url.path().starts_with(self.base_url.path())).map(|url| page_path(url.path())))
    }

    /// Tries the address relative to the permalink, as Hugo publishes it, and relative to the file, as authors see it.
    fn relative(&self, issue: &Issue, path: &str, kind: Target) -> Result<(), Miss> {
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let beside = joined(folder(&issue.path), &decoded);
        if let Some(page) = beside.as_deref().and_then(|file| self.page_of(file)) {
            let help = format!("this is the Markdown file: write `{page}/`, the address of its page");
            return Err(Miss::Broken(help));
        }
        if beside.is_some_and(|file| self.is_file(issue, &file, &decoded)) {
            return Ok(());
        }
        let Some(url) = issue.permalink.join(path).ok() else { return Ok(()) };
        let target = page_path(url.path());
        if self.is_there(&target) || self.is_made_by_hugo(&target) {
            return Ok(());
        }
        let help = || match kind {
            Target::Image => format!("put the image next to `{}`, or fix the path", issue.path),
            Target::Page => self
                .suggestion(&target)
                .unwrap_or_else(|| format!("there is no issue or file at `{target}`: fix the path")),
        };
        let is_own = match kind {
            Target::Image => is_image(path),
            // Below its own page an issue has only the files beside it.
            Target::Page => target.starts_with(&format!("{}/", page_path(issue.permalink.path()))),
        };
        if is_own { Err(Miss::Broken(help())) } else { self.has(&target, kind).and(Err(Miss::Unverified)) }
    }

    /// Whether there is a file: beside the issue, in the folder named as the issue, at the same place of another language, or
    /// at the site's root.
    fn is_file(&self, issue: &Issue, beside: &str, written: &str) -> bool {
        let stem = issue.path.rsplit_once('.').map_or(issue.path.as_str(), |(stem, _)| stem);
        let own = joined(stem, written);
        self.files.contains(beside)
            || own.is_some_and(|file| self.files.contains(&file))
            || joined("", written).is_some_and(|path| self.others.contains(&format!("/{path}")))
            || self.in_other_language(beside)
    }

    /// Whether another content folder has this file: Hugo takes what a translation lacks from the default language.
    fn in_other_language(&self, file: &str) -> bool {
        let below = self.content.iter().filter_map(|folder| file.strip_prefix(folder.as_str()));
        let mut below = below.filter(|path| path.starts_with('/'));
        below.any(|path| self.content.iter().any(|folder| self.files.contains(&format!("{folder}{path}"))))
    }

    /// Checks a path of this site, as far as the project can know it.
    fn has(&self, path: &str, kind: Target) -> Result<(), Miss> {
        if self.is_there(path) || self.is_made_by_hugo(path) {
            return Ok(());
        }
        let first = path.split('/').nth(1).unwrap_or_default();
        if kind == Target::Image {
            let is_known = is_image(path) && self.has_folder(first);
            let help = || format!("put the image into `static{path}`, or fix the path");
            return Err(if is_known { Miss::Broken(help()) } else { Miss::Unverified });
        }
        let is_file = file_name(path).contains('.');
        let among_issues = path.matches('/').count() > 1 && self.lists.contains(&format!("/{first}"));
        match self.suggestion(path) {
            Some(help) => Err(Miss::Broken(help)),
            None if among_issues && !is_file => {
                Err(Miss::Broken("fix the address, or publish the page it leads to".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Whether files are published below `/name/`.
    fn has_folder(&self, name: &str) -> bool {
        self.others.range(format!("/{name}/")..format!("/{name}0")).next().is_some()
    }

    fn is_there(&self, path: &str) -> bool {
        if path.is_empty() || self.pages.contains_key(path) || self.lists.contains(path) {
            return true;
        }
        let base = self.base_url.path().trim_end_matches('/');
        let below_root = path.strip_prefix(base).unwrap_or(path);
        // Without its first segment, which may be a language or a base path.
        let inner = below_root.get(1..).and_then(|path| Some(&path[path.find('/')?..]));
        self.others.contains(below_root)
            || inner.is_some_and(|path| is_image(path) && self.others.contains(path))
            || self.is_beside_a_page(path)
    }

    /// Files of a page bundle are published below its permalink.
    fn is_beside_a_page(&self, path: &str) -> bool {
        let above = ancestors(path).filter_map(|page| Some((page, self.pages.get(page)?)));
        above.into_iter().any(|(page, issue)| self.files.contains(&format!("{}{}", folder(issue), &path[page.len()..])))
    }

    fn is_made_by_hugo(&self, path: &str) -> bool {
        path.split('/').any(|part| MADE_BY_HUGO.contains(&part))
    }

    /// The permalink's path of a Markdown file.
    fn page_of(&self, file: &str) -> Option<&str> {
        self.sources.get(file).map(String::as_str)
    }

    /// A suggestion of the page that was meant.
    fn suggestion(&self, path: &str) -> Option<String> {
        let (parent, name) = path.rsplit_once('/')?;
        // All that begins with `parent/`: `0` is the character after `/`.
        let below = self.pages.range(format!("{parent}/")..format!("{parent}0"));
        let meant = below.map(|(page, _)| &page[parent.len() + 1..]).find(|other| is_typo(name, other))?;
        Some(format!("did you mean `{parent}/{meant}/`?"))
    }

    /// Whether `{{< ref "target" >}}` finds a page: by its path below the content folder, relative to the issue, or by the end of
    /// its path.
    pub(super) fn has_page_file(&self, issue: &Issue, target: &str) -> bool {
        let target = target.split('#').next().unwrap_or_default().trim_matches('/');
        if target.is_empty() {
            return true;
        }
        let target = target.trim_end_matches(".md").trim_end_matches("/index").trim_end_matches("/_index");
        let beside = joined(folder(&issue.path), target);
        if self.others.contains(&format!("/{target}")) {
            return true;
        }
        let is_page = |name: &str| {
            let end = format!("/{name}");
            let is = |page: &str| page == name || page.ends_with(&end);
            self.files.iter().filter_map(|file| Some(page_file(file.strip_suffix(".md")?))).any(is)
        };
        is_page(target.trim_start_matches("../")) || beside.is_some_and(|path| is_page(&path))
    }
}

/// Whether a path ends as that of a picture.
fn is_image(path: &str) -> bool {
    mime_guess::from_path(path).first().is_some_and(|kind| kind.type_() == "image")
}

/// Whether one name is a typo of the other. A different number means a different issue.
fn is_typo(name: &str, other: &str) -> bool {
    if name.len() <= 4 || name.len().abs_diff(other.len()) > 2 {
        return false;
    }
    let (digits, others) = (name.bytes().filter(u8::is_ascii_digit), other.bytes().filter(u8::is_ascii_digit));
    digits.eq(others) && strsim::damerau_levenshtein(name, other) <= 2
}

/// The name of a Markdown file as used in references.
fn page_file(stem: &str) -> &str {
    let name = file_name(stem);
    if is_index(&format!("{name}.md")) || name == "_index" { folder(stem) } else { stem }
}

/// The scheme of an absolute address, in lower case.
pub(super) fn scheme(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

/// Whether feeds keep an address with this scheme.
pub(super) fn is_kept(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}

/// What to write instead of an address in the language of another generator, which readers would get as it is written.
fn template_suggestion(path: &str) -> Option<String> {
    const MARKS: [&str; 4] = ["{{", "{%", "%7B%7B", "{static}"];
    let mark = MARKS.into_iter().find(|mark| path.contains(mark)).or_else(|| path.starts_with("@/").then_some("@/"))?;
    Some(format!(
        "`{mark}` means nothing to feed readers and mail programs: write the path that pages have, such as `/a/b`"
    ))
}

/// What to write instead of a relative address that was meant to be absolute.
fn absolute_suggestion(path: &str) -> Option<String> {
    if let Some(at) = path.find("https://").or_else(|| path.find("http://")) {
        let meant = path[at..].trim_end_matches(['*', '`', '"', '”']);
        return Some(format!("only `{meant}` is the address: remove the characters around it"));
    }
    if path.contains('@') && !path.contains('/') {
        return Some(format!("write `mailto:{path}` for an email address"));
    }
    let host = path.split('/').next().unwrap_or_default();
    let is_file = mime_guess::from_path(host).first().is_some() || host.ends_with(".md");
    let labels: Vec<&str> = host.split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_host =
        labels.len() > 1 && labels.iter().all(is_label) && (!is_file || host.starts_with("www.") || path.contains('/'));
    let ends_in_letters =
        labels.last().is_some_and(|last| last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic()));
    (is_host && ends_in_letters).then(|| format!("a web address begins with its scheme: write `https://{path}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_is_not_a_typo() {
        assert!(is_typo("spring-tides", "spring-tide") && is_typo("sprign-tide", "spring-tide"));
        assert!(!is_typo("issue-7", "issue-8") && !is_typo("a", "b") && !is_typo("spring", "autumn"));
    }

    #[test]
    fn addresses_without_a_scheme_are_told_from_files() {
        for (path, expected) in [
            ("github.com/stretchr/testify", Some("write `https://github.com/stretchr/testify`")),
            ("*https://example.org/a*", Some("only `https://example.org/a` is")),
            ("a@example.org", Some("write `mailto:a@example.org`")),
            ("tide.png", None),
            ("notes.md", None),
            ("../b", None),
            ("v1.2/notes", None),
        ] {
            let help = absolute_suggestion(path);
            assert_eq!(help.is_some(), expected.is_some(), "{path}");
            assert!(expected.is_none_or(|part| help.unwrap().contains(part)), "{path}");
        }
    }
}

//! `ref` and `relref`: resolves the path of a Markdown file to the URL of its page, first in the language of the reference.

use std::collections::HashMap;

use crate::content::path::{file_name, folder, is_index, joined};
use crate::issue::Issue;

/// The issues by the last segment of their names.
#[derive(Debug, Default)]
pub struct PageIndex<'a>(HashMap<String, Vec<(&'a Issue, String)>>);

impl<'a> PageIndex<'a> {
    /// Indexes the issues by file name and by slug. The main language is `own`.
    pub fn new(issues: &'a [Issue], own: &str) -> Self {
        let mut pages: HashMap<String, Vec<(&'a Issue, String)>> = HashMap::new();
        for issue in issues {
            let name = page_name(&without_language(&issue.path, issue.site.as_deref().unwrap_or(own)));
            let last = file_name(&name).to_owned();
            let slug = issue.slug.as_str();
            if slug != last {
                pages.entry(slug.to_owned()).or_default().push((issue, name.clone()));
            }
            pages.entry(last).or_default().push((issue, name));
        }
        Self(pages)
    }

    /// The URL of a reference in `from`: relative to it, by path below a content folder, or by slug, in the language with
    /// this folder. A reference to a fragment of the same page is unchanged.
    pub fn address(&self, from: &Issue, target: &str, site: Option<&str>) -> Option<String> {
        let (path, fragment) =
            target.trim().split_once('#').map_or((target.trim(), None), |(path, at)| (path, Some(at)));
        let fragment = fragment.map_or(String::new(), |fragment| format!("#{fragment}"));
        if path.is_empty() {
            return (!fragment.is_empty()).then_some(fragment);
        }
        let issue = self.page(from, path, site)?;
        // Parentheses are not allowed in the URL of a Markdown link.
        let address = issue.permalink.as_str().replace('(', "%28").replace(')', "%29");
        Some(format!("{address}{fragment}"))
    }

    /// The URL of the page, in the language of `from`, that a link in it leads to by its path; Hugo resolves links so where a
    /// site has several languages. `None` if it is not such a link.
    pub fn link(&self, from: &Issue, target: &str) -> Option<String> {
        let (path, rest) = target.split_at(target.find(['#', '?']).unwrap_or(target.len()));
        let is_path = !path.is_empty() && !path.starts_with("//") && !path.contains(':');
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok().filter(|_| is_path)?;
        let wanted = page_name(decoded.trim_end_matches('/'));
        let below = match wanted.strip_prefix('/') {
            Some(wanted) => format!("/{wanted}"),
            None => format!("/{}", joined(folder(&from.path), &wanted)?),
        };
        let named = self
            .0
            .get(file_name(&wanted))?
            .iter()
            .filter(|(issue, name)| issue.site == from.site && (format!("/{name}").ends_with(&below)));
        let (issue, _) = named.min_by_key(|(_, name)| name.len())?;
        Some(format!("{}{rest}", issue.permalink))
    }

    fn page(&self, from: &Issue, path: &str, site: Option<&str>) -> Option<&'a Issue> {
        let wanted = page_name(path.trim_end_matches('/'));
        let candidates = self.0.get(file_name(&wanted))?;
        let in_language =
            candidates.iter().filter(|(issue, _)| issue.site.as_deref() == site).cloned().collect::<Vec<_>>();
        [in_language.as_slice(), candidates]
            .into_iter()
            .find_map(|candidates| Self::among(candidates, from, path, &wanted))
    }

    fn among(candidates: &[(&'a Issue, String)], from: &Issue, path: &str, wanted: &str) -> Option<&'a Issue> {
        let relative = path.starts_with('.').then(|| joined(folder(&from.path), wanted)).flatten();
        let beside = relative.clone().or_else(|| joined(folder(&from.path), wanted));
        let wanted = relative.unwrap_or_else(|| wanted.trim_start_matches('/').to_owned());
        let end = format!("/{wanted}");
        let found = candidates.iter().find(|(_, name)| beside.as_deref() == Some(name.as_str()));
        let found = found.or_else(|| candidates.iter().find(|(_, name)| *name == wanted || name.ends_with(&end)));
        let by_slug = || candidates.iter().find(|(issue, _)| issue.slug.as_str() == wanted);
        found.or_else(by_slug).map(|(issue, _)| *issue)
    }
}

/// A path without the language in its file name, which is that of a folder or a tag.
fn without_language(path: &str, language: &str) -> String {
    let parts = path.rsplit_once('.').and_then(|(stem, ending)| Some((stem.rsplit_once('.')?, ending)));
    let primary = language.split('-').next().unwrap_or_default();
    match parts {
        Some(((stem, name), ending)) if [language, primary].iter().any(|own| own.eq_ignore_ascii_case(name)) => {
            format!("{stem}.{ending}")
        }
        _ => path.to_owned(),
    }
}

/// The path of a file as used in references: without extension, and without `index` for a bundle.
fn page_name(path: &str) -> String {
    let file = file_name(path);
    if is_index(file) || file == "index" {
        return folder(path).to_owned();
    }
    let ending = [".md", ".mdx", ".markdown", ".html"].iter().find_map(|ending| path.strip_suffix(ending));
    ending.unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::content::assemble::{Source, assemble};
    use crate::content::front_matter::split;
    use crate::content::names::Names;

    #[test]
    fn a_reference_leads_to_the_page_in_its_language() {
        let text =
            "title: T\nbase_url: https://tides.example.org\nlanguage: en-GB\ncontent: {en: content, fr: content}\n";
        let config = Config::parse("slugline.yaml", text).unwrap();
        let issue = |path: &str| {
            let block = split(path, b"---\ntitle: T\ndate: 2026-01-01\n---\n").unwrap();
            let below_content = config.languages.without_language(path.strip_prefix("content/").unwrap());
            let source = Source::of_path(path, &below_content);
            assemble(
                source,
                &block,
                config.languages.of_file(path, &config.publication),
                &config.permalink,
                &mut Names::default(),
            )
            .issue
            .unwrap()
        };
        let paths =
            ["content/log/ebb.md", "content/log/ebb.fr.md", "content/log/sea/index.fr.md", "content/neap.en.md"];
        let issues = paths.map(issue);
        let index = PageIndex::new(&issues, "en-GB");
        let address = |from: usize, target: &str, site: Option<&str>| {
            let address = index.address(&issues[from], target, site)?;
            address.strip_prefix("https://tides.example.org").map(str::to_owned)
        };
        for (from, target, site, expected) in [
            (0, "/log/ebb.md", None, Some("/log/ebb/")),
            (1, "/log/ebb.md", Some("fr"), Some("/fr/log/ebb/")),
            (1, "ebb", Some("fr"), Some("/fr/log/ebb/")),
            (0, "ebb.md#low", Some("fr"), Some("/fr/log/ebb/#low")),
            (0, "sea", None, Some("/fr/log/sea/")),
            (1, "/neap", Some("fr"), Some("/neap/")),
            (0, "spring", None, None),
        ] {
            assert_eq!(address(from, target, site).as_deref(), expected, "{target} from {from}");
        }
        for (from, target, expected) in [
            (1, "/log/ebb/", Some("/fr/log/ebb/")),
            (1, "/log/sea#low", Some("/fr/log/sea/#low")),
            (1, "sea/", Some("/fr/log/sea/")),
            (1, "/neap", None),
            (0, "ebb.md?x", Some("/log/ebb/?x")),
            (0, "//log/ebb", None),
            (0, "https://example.org/log/ebb", None),
            (0, "#ebb", None),
        ] {
            let address = index.link(&issues[from], target);
            let address = address.as_deref().and_then(|address| address.strip_prefix("https://tides.example.org"));
            assert_eq!(address, expected, "{target} from {from}");
        }
    }
}

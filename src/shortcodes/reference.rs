//! `ref` and `relref`: resolves the path of a Markdown file to the URL of its page.

use std::collections::HashMap;

use crate::content::path::{file_name, folder, is_index, joined};
use crate::issue::Issue;

/// The issues by the last segment of their names.
#[derive(Debug, Default)]
pub struct PageIndex<'a>(HashMap<String, Vec<(&'a Issue, String)>>);

impl<'a> PageIndex<'a> {
    /// Indexes the issues by file name and by slug.
    pub fn new(issues: &'a [Issue]) -> Self {
        let mut pages: HashMap<String, Vec<(&'a Issue, String)>> = HashMap::new();
        for issue in issues {
            let name = page_name(&issue.path);
            let last = file_name(&name).to_owned();
            let slug = issue.slug.as_str();
            if slug != last {
                pages.entry(slug.to_owned()).or_default().push((issue, name.clone()));
            }
            pages.entry(last).or_default().push((issue, name));
        }
        Self(pages)
    }

    /// The URL of a reference in `from`: relative to it, by path below a content folder, or by slug. A reference to a
    /// fragment of the same page is unchanged.
    pub fn address(&self, from: &Issue, target: &str) -> Option<String> {
        let (path, fragment) =
            target.trim().split_once('#').map_or((target.trim(), None), |(path, at)| (path, Some(at)));
        let fragment = fragment.map_or(String::new(), |fragment| format!("#{fragment}"));
        if path.is_empty() {
            return (!fragment.is_empty()).then_some(fragment);
        }
        let issue = self.page(from, path)?;
        // Parentheses are not allowed in the URL of a Markdown link.
        let address = issue.permalink.as_str().replace('(', "%28").replace(')', "%29");
        Some(format!("{address}{fragment}"))
    }

    fn page(&self, from: &Issue, path: &str) -> Option<&'a Issue> {
        let wanted = page_name(path.trim_end_matches('/'));
        let candidates = self.0.get(file_name(&wanted))?;
        let relative = path.starts_with('.').then(|| joined(folder(&from.path), &wanted)).flatten();
        let beside = relative.clone().or_else(|| joined(folder(&from.path), &wanted));
        let wanted = relative.unwrap_or_else(|| wanted.trim_start_matches('/').to_owned());
        let end = format!("/{wanted}");
        let found = candidates.iter().find(|(_, name)| beside.as_deref() == Some(name.as_str()));
        let found = found.or_else(|| candidates.iter().find(|(_, name)| *name == wanted || name.ends_with(&end)));
        let by_slug = || candidates.iter().find(|(issue, _)| issue.slug.as_str() == wanted);
        found.or_else(by_slug).map(|(issue, _)| *issue)
    }
}

/// The path of a file as used in references: without extension, and without `index` for a bundle.
fn page_name(path: &str) -> String {
    let file = file_name(path);
    if is_index(file) || file == "index" {
        return folder(path).to_owned();
    }
    path.strip_suffix(".md").unwrap_or(path).to_owned()
}

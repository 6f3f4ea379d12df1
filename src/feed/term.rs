//! Terms (categories, tags and authors) that have feeds, and the names of their folders.
//!
//! Takes issues; returns every term with its issues and a folder name that works on any machine, made like Hugo's:
//! lower case, spaces as hyphens, CJK unchanged.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};
use url::Url;

use crate::content::url_path::folder_name_of_term;
use crate::feed::text::plain;
use crate::feed::{Person, Taxonomy};
use crate::hex::hex;
use crate::issue::Issue;

/// A term and its issues.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TermIssues<'a> {
    /// As written by the author.
    pub term: String,
    /// Folder name, unique.
    pub name: String,
    /// The author's page, if the term is an author.
    pub page: Option<Url>,
    /// Newest first.
    pub issues: Vec<&'a Issue>,
}

/// The terms of a taxonomy, by folder name. If several terms share a name, such as `C` and `c`, the first one ever used
/// keeps it and the others get a hash appended, so that a new term never changes an existing name.
pub(super) fn terms_of<'a>(taxonomy: Taxonomy, issues: &[&'a Issue]) -> Vec<TermIssues<'a>> {
    let mut by_term: BTreeMap<String, (Option<Url>, Vec<&'a Issue>)> = BTreeMap::new();
    for issue in issues {
        for (term, page) in terms(taxonomy, issue) {
            let (known_page, known) = by_term.entry(term).or_default();
            if known.last().is_none_or(|last| last.path != issue.path) {
                known.push(issue);
            }
            *known_page = known_page.take().or(page);
        }
    }
    let mut terms: Vec<_> = by_term.into_iter().collect();
    terms.sort_by(|(a, (_, first)), (b, (_, second))| {
        let used = |issues: &[&'a Issue]| issues.last().map(|issue| (issue.date, issue.path.as_str()));
        used(first).cmp(&used(second)).then_with(|| a.cmp(b))
    });
    let mut taken = HashSet::new();
    let named = |(term, (page, issues)): (String, (Option<Url>, Vec<&'a Issue>))| {
        let name = names(&term).into_iter().find(|name| taken.insert(name.clone())).unwrap_or_default();
        TermIssues { term, name, page, issues }
    };
    let mut listed: Vec<TermIssues<'a>> = terms.into_iter().map(named).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    listed
}

fn terms(taxonomy: Taxonomy, issue: &Issue) -> Vec<(String, Option<Url>)> {
    let terms: Vec<(String, Option<Url>)> = match taxonomy {
        Taxonomy::Categories => issue.categories.iter().map(|term| (plain(term.as_str()), None)).collect(),
        Taxonomy::Tags => issue.tags.iter().map(|term| (plain(term.as_str()), None)).collect(),
        Taxonomy::Authors => {
            let person = |author| Person::new(author).map(|person| person.name);
            issue.authors.iter().filter_map(|author| Some((person(author)?, author.url.clone()))).collect()
        }
    };
    terms.into_iter().filter(|(term, _)| !term.is_empty()).collect()
}

/// Possible folder names of a term, best first. The last is only a hash.
fn names(term: &str) -> Vec<String> {
    let hash = hex(Sha256::digest(term));
    let name = folder_name_of_term(term);
    // A folder inside that of another term could be named like a feed of that term.
    let name = if name.rsplit('/').next() != Some(&name) && name.contains('.') { name.replace('/', "-") } else { name };
    if name.is_empty() {
        return vec![hash[..8].to_owned(), hash];
    }
    let hashed = format!("{name}-{}", &hash[..8]);
    if is_reserved(&name) {
        return vec![hashed.replace('.', "-"), hash];
    }
    vec![name, hashed, hash]
}

/// Whether a segment is a device name reserved by Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    name.split('/').any(is_device)
}

fn is_device(segment: &str) -> bool {
    let device = segment.split('.').next().unwrap_or_default();
    let numbered = |prefix: &str| device.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest != "0");
    matches!(device, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::plan::tests::issue;

    /// Issues with these tags, newest first.
    fn issues(tags: &[&str]) -> Vec<Issue> {
        let fields = |at: usize, tag: &str| format!("date: {:04}-01-01\ntags: [{}]", 2000 + at, serde_json::json!(tag));
        tags.iter().enumerate().rev().map(|(at, tag)| issue(&format!("{at}.md"), &fields(at, tag))).collect()
    }

    /// Term and folder name, by folder name.
    fn named(tags: &[&str]) -> Vec<(String, String)> {
        let issues = issues(tags);
        let listed = terms_of(Taxonomy::Tags, &issues.iter().collect::<Vec<_>>());
        listed.into_iter().map(|listed| (listed.term, listed.name)).collect()
    }

    #[test]
    fn names_match_hugos_where_every_file_system_allows_them() {
        for (term, name) in [
            ("潮汐", "潮汐"),
            ("Service  Mesh", "service-mesh"),
            ("Tips & Tricks", "tips--tricks"),
            ("C++", "c++"),
            (".NET", ".net"),
            ("a/b\\c", "a/b-c"),
            ("a/feed.xml", "a-feed.xml"),
            ("R&D: what?", "rd-what"),
            ("etc.", "etc"),
            ("con", "con-1143da2b"),
            ("LPT1.x", "lpt1-x-16538fa4"),
            ("..", "5ec1f7e7"),
            ("?", "8a8de823"),
        ] {
            assert_eq!(named(&[term])[0].1, name, "{term}");
        }
    }

    #[test]
    fn the_first_user_of_a_name_keeps_it() {
        let named =
            |tags: &[&str]| named(tags).into_iter().map(|(term, name)| format!("{term}={name}")).collect::<Vec<_>>();
        assert_eq!(named(&["Rust", "rust", "RUST"]), ["Rust=rust", "rust=rust-521fe5c9", "RUST=rust-9d52b311"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn names_are_safe_unique_and_stable(tags in proptest::collection::vec("([aA. /\\\\潮?:]{1,3}|nul|CON|\\PC{1,60})", 1..8)) {
            let tags: Vec<&str> = tags.iter().map(String::as_str).filter(|tag| !plain(tag).is_empty()).collect();
            let all = named(&tags);
            let folded: HashSet<String> = all.iter().map(|(_, name)| name.to_lowercase()).collect();
            prop_assert_eq!(folded.len(), all.len());
            for (term, name) in &all {
                prop_assert!(!name.is_empty() && name.len() <= 130 && !name.ends_with(['.', ' ']), "{:?}", name);
                prop_assert!(name.split('/').all(|segment| !segment.is_empty() && !segment.ends_with('.')), "{:?}", name);
                prop_assert!(!name.contains(['\\', ':', '*', '?', '"', '<', '>', '|', '\0']), "{:?}", name);
                prop_assert!(!is_reserved(name), "{:?} {:?}", term, name);
            }
            for (term, name) in named(&tags[..tags.len().saturating_sub(1)]) {
                prop_assert!(all.contains(&(term, name)), "a newer issue changed a name");
            }
        }
    }
}

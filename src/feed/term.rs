//! Terms: the categories, tags and authors that have feeds of their own, and the names of their folders.
//!
//! Takes issues; gives every term with its issues and a name that is fit for a path on any machine, made as Hugo makes the
//! paths of terms: lower case, blanks to hyphens, CJK as it is.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};
use url::Url;

use crate::config::Family;
use crate::content::permalink::name_of_term;
use crate::feed::Person;
use crate::feed::text::plain;
use crate::issue::Issue;

/// A term and its issues.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed<'a> {
    /// As the author wrote it.
    pub term: String,
    /// Name of its folder, no other term's.
    pub name: String,
    /// The author's own page, where the term is an author.
    pub page: Option<Url>,
    /// Newest first.
    pub issues: Vec<&'a Issue>,
}

/// The terms of a family, by their names. Of several terms that make the same name, as `C` and `c` do, the one that was
/// used first has it, whatever order they come in; the others' names end in a hash, so that no name moves when a newer
/// issue brings a new term.
pub(super) fn listed<'a>(family: Family, issues: &[&'a Issue]) -> Vec<Listed<'a>> {
    let mut by_term: BTreeMap<String, (Option<Url>, Vec<&'a Issue>)> = BTreeMap::new();
    for issue in issues {
        for (term, page) in terms(family, issue) {
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
        Listed { term, name, page, issues }
    };
    let mut listed: Vec<Listed<'a>> = terms.into_iter().map(named).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    listed
}

fn terms(family: Family, issue: &Issue) -> Vec<(String, Option<Url>)> {
    let terms: Vec<(String, Option<Url>)> = match family {
        Family::Categories => issue.categories.iter().map(|term| (plain(term.as_str()), None)).collect(),
        Family::Tags => issue.tags.iter().map(|term| (plain(term.as_str()), None)).collect(),
        Family::Authors => {
            let person = |author| Person::new(author).map(|person| person.name);
            issue.authors.iter().filter_map(|author| Some((person(author)?, author.url.clone()))).collect()
        }
    };
    terms.into_iter().filter(|(term, _)| !term.is_empty()).collect()
}

/// What the folder of a term may be called, the best first. The last is the hash of the term alone.
fn names(term: &str) -> Vec<String> {
    let hash: String = Sha256::digest(term).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = name_of_term(term);
    if name.is_empty() {
        return vec![hash[..8].to_owned(), hash];
    }
    let hashed = format!("{name}-{}", &hash[..8]);
    if is_reserved(&name) {
        return vec![hashed, hash];
    }
    vec![name, hashed, hash]
}

/// Names that Windows keeps for devices, whatever follows the first dot.
fn is_reserved(name: &str) -> bool {
    let device = name.split('.').next().unwrap_or_default();
    let numbered = |prefix: &str| device.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest != "0");
    matches!(device, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

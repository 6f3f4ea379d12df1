//! Findings that many files share: a list of a thousand times the same three lines is read by no one.
//!
//! Takes findings; returns the first few of each kind, and one that counts the others.

use std::collections::HashMap;

use crate::finding::Finding;

/// How many findings with the same words are shown one by one.
const SHOWN: usize = 3;

/// Replaces all but the first findings with the same rule and message by one that counts them.
pub(super) fn summarised(findings: Vec<Finding>) -> Vec<Finding> {
    let key = |finding: &Finding| (finding.rule, finding.message.clone());
    let mut counts: HashMap<(&str, String), usize> = HashMap::new();
    for finding in &findings {
        *counts.entry(key(finding)).or_default() += 1;
    }
    let mut seen: HashMap<(&str, String), usize> = HashMap::new();
    let mut summary = Vec::with_capacity(findings.len().min(64));
    for finding in findings {
        let key = key(&finding);
        let count = counts.get(&key).copied().unwrap_or(1);
        let seen = seen.entry(key).or_default();
        *seen += 1;
        if *seen <= SHOWN || count == SHOWN + 1 {
            summary.push(finding);
        } else if *seen == SHOWN + 1 {
            let message = format!("the same of {} files more: {}", count - SHOWN, finding.message);
            summary.push(Finding { message, ..finding });
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;

    #[test]
    fn the_first_few_are_shown_and_the_others_counted() {
        let finding = |rule, message: &str, path: String| Finding::error(rule, message).at(Place::file(path));
        let alike = |count: usize| (1..=count).map(|n| finding("a", "why", format!("{n}.md"))).collect::<Vec<_>>();
        assert_eq!(summarised(alike(4)), alike(4), "a line for one would be no shorter");
        let mut findings = alike(9);
        findings.insert(2, finding("b", "why", "x.md".into()));
        findings.insert(5, finding("a", "another", "y.md".into()));
        let shown: Vec<_> = summarised(findings).into_iter().map(|it| (it.rule, it.message)).collect();
        let why = |rule| (rule, "why".to_owned());
        let others = ("a", "the same of 6 files more: why".to_owned());
        assert_eq!(shown, [why("a"), why("a"), why("b"), why("a"), others, ("a", "another".to_owned())]);
    }
}

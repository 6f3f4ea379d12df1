//! Findings that say the same of many files: a few of them, then how many more there are.
//!
//! Takes findings in order; returns what to show. `--json` lists all of them.

use std::collections::HashMap;

use crate::finding::Finding;

/// Number of findings shown of many alike.
const SHOWN: usize = 3;

/// What is shown in the place of a finding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown<'a> {
    /// The finding.
    Whole(&'a Finding),
    /// The number of others that say the same.
    More(&'a Finding, usize),
}

/// The findings to show. One more than `SHOWN` is shown too: a line that counts it would be no shorter.
pub(super) fn folded(findings: &[Finding]) -> Vec<Shown<'_>> {
    fn said(finding: &Finding) -> (&str, &str, bool) {
        (finding.rule, &finding.message, finding.is_error())
    }
    let mut counts: HashMap<_, usize> = HashMap::new();
    findings.iter().for_each(|finding| *counts.entry(said(finding)).or_default() += 1);
    let mut seen: HashMap<_, usize> = HashMap::new();
    let mut shown = Vec::new();
    for finding in findings {
        let (count, number) = (counts[&said(finding)], seen.entry(said(finding)).or_default());
        *number += 1;
        if count <= SHOWN + 1 || *number <= SHOWN {
            shown.push(Shown::Whole(finding));
        }
        if count > SHOWN + 1 && *number == SHOWN {
            shown.push(Shown::More(finding, count - SHOWN));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;

    fn findings(messages: &[&str]) -> Vec<Finding> {
        let numbered = messages.iter().enumerate();
        numbered.map(|(at, message)| Finding::error("r", *message).at(Place::file(format!("{at}.md")))).collect()
    }

    #[test]
    fn a_few_of_many_alike_are_shown() {
        let many = findings(&["same", "same", "other", "same", "same", "same"]);
        let [first, second, other, third, ..] = many.as_slice() else { panic!() };
        assert_eq!(
            folded(&many),
            [
                Shown::Whole(first),
                Shown::Whole(second),
                Shown::Whole(other),
                Shown::Whole(third),
                Shown::More(third, 2),
            ]
        );
        let few = findings(&["same", "same", "same", "same"]);
        assert_eq!(folded(&few), few.iter().map(Shown::Whole).collect::<Vec<_>>());
    }
}

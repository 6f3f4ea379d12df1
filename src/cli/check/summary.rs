//! What people see of a review: its findings, a few of many alike, and how many there are of each rule.

use std::collections::BTreeMap;

use crate::cli::Context;
use crate::finding::Severity;
use crate::review::Review;

/// Number of findings of one rule that are all shown.
const MAX_ALIKE: usize = 10;

/// Number of findings shown of a rule that has more.
const SHOWN_OF_MANY: usize = 5;

/// Number of rules in the last line.
const MAX_RULES: usize = 12;

/// Shows the findings, with `--verbose` and of a rule that was named all of them.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(context: &Context, review: &Review, all: bool) -> anyhow::Result<()> {
    if all || context.report.is_verbose() {
        return context.report.found(&review.findings);
    }
    let (counts, mut shown) = (review.count_by_rule(), BTreeMap::<&str, usize>::new());
    for finding in &review.findings {
        let (count, number) = (counts[finding.rule], shown.entry(finding.rule).or_default());
        *number += 1;
        if count <= MAX_ALIKE || *number <= SHOWN_OF_MANY {
            context.report.found(std::slice::from_ref(finding))?;
        }
        if count > MAX_ALIKE && *number == SHOWN_OF_MANY {
            context.report.text(&more(finding.rule, count - SHOWN_OF_MANY))?;
        }
    }
    Ok(())
}

fn more(rule: &str, count: usize) -> String {
    format!("and {count} more like this: `slugline check --rule {rule}` shows them, `slugline check -v` everything\n\n")
}

/// `2 errors and 1 warning in 7 issues: link-broken 2, image-alt-missing 1`.
pub(super) fn line(review: &Review) -> String {
    let number = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (review.count(Severity::Error), review.count(Severity::Warning));
    let found = match (errors, warnings) {
        (0, 0) => "no problems found".to_owned(),
        (0, _) => number(warnings, "warning"),
        (_, 0) => number(errors, "error"),
        _ => format!("{} and {}", number(errors, "error"), number(warnings, "warning")),
    };
    format!("{found} in {}{}", number(review.issues, "issue"), rules(review))
}

/// The rules with most findings first; empty if there is only one finding.
fn rules(review: &Review) -> String {
    if review.findings.len() < 2 {
        return String::new();
    }
    let mut counts: Vec<(&str, usize)> = review.count_by_rule().into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut words: Vec<String> = counts.iter().take(MAX_RULES).map(|(rule, count)| format!("{rule} {count}")).collect();
    if counts.len() > MAX_RULES {
        words.push(format!("{} other rules", counts.len() - MAX_RULES));
    }
    format!(": {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    fn summary(rules: &[&'static str]) -> String {
        let findings = rules.iter().map(|rule| match *rule {
            "link-broken" => Finding::error(rule, "broken"),
            rule => Finding::warning(rule, "wrong"),
        });
        line(&Review { issues: 7, findings: findings.collect() })
    }

    #[test]
    fn the_last_line_counts_by_severity_and_by_rule() {
        assert_eq!(summary(&[]), "no problems found in 7 issues");
        assert_eq!(summary(&["link-broken"]), "1 error in 7 issues");
        assert_eq!(
            summary(&["a", "link-broken", "b", "b"]),
            "1 error and 3 warnings in 7 issues: b 2, a 1, link-broken 1"
        );
        let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
        assert!(summary(&many).ends_with(" k 1, l 1, 2 other rules"), "{}", summary(&many));
    }
}

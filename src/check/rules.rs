//! The table of all rules, which `check --rules` prints and `check.off` in the project file may name.

use crate::check::{
    addresses, edition, feed, front_matter, front_matter_keys, headings, html, links, loading, mail, private,
    shortcodes, text,
};

pub use crate::check::rule::Rule;

/// Every rule: those of loading first, then the families in the order in which they check an issue.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let families: [&[&Rule]; 12] = [
        &loading::RULES,
        &front_matter::RULES,
        &front_matter_keys::RULES,
        &feed::RULES,
        &headings::RULES,
        &links::RULES,
        &html::RULES,
        &shortcodes::RULES,
        &text::RULES,
        &edition::RULES,
        &addresses::RULES,
        &private::RULES,
    ];
    families.into_iter().chain(mail::FAMILIES).flatten().copied()
}

/// The rule with this name.
pub fn named(name: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_unique_name_and_a_remedy() {
        let names: BTreeSet<&str> = all().map(|rule| rule.name).collect();
        assert_eq!(names.len(), all().count());
        for rule in all() {
            let plain =
                rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            assert!(plain && !rule.about.is_empty() && !rule.help.is_empty(), "{}", rule.name);
        }
    }
}

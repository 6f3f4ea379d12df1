//! `check`: the disabled rules.

use crate::check::{Options, rules};
use crate::config::raw::{OneOrMany, RawCheck};
use crate::config::resolve::Problems;
use crate::finding::nearest;
use crate::renamed::{Kind, Renamed};

pub(super) fn check(raw: &RawCheck, problems: &mut Problems<'_>) -> Options {
    let mut off = Vec::new();
    for name in raw.off.as_ref().map(OneOrMany::items).unwrap_or_default() {
        let renamed = Renamed::of(Kind::Rule, name);
        renamed.iter().for_each(|renamed| problems.renamed(&["check", "off"], renamed));
        off.push(renamed.map_or(name, |renamed| renamed.new).to_owned());
    }
    for name in off.iter().filter(|name| rules::named(name).is_none()) {
        let help = match nearest(name, rules::all().map(|rule| rule.name)) {
            Some(meant) => format!("write `{meant}`"),
            None => "`slugline check --rules` lists all rules".to_owned(),
        };
        problems.value(&["check", "off"], format!("there is no rule `{name}`"), &help);
    }
    Options { off }
}

#[cfg(test)]
mod tests {
    use crate::check::rules;
    use crate::config::Config;
    use crate::renamed::{Kind, RENAMED};

    #[test]
    fn every_old_rule_disables_the_new_one_with_a_warning_at_its_line() {
        for renamed in RENAMED.iter().filter(|renamed| renamed.kind == Kind::Rule) {
            assert!(rules::named(renamed.new).is_some() && rules::named(renamed.old).is_none(), "{renamed:?}");
            let text = format!("title: T\nbase_url: https://example.org\ncheck:\n  off: [{}]\n", renamed.old);
            let config = Config::parse("slugline.yaml", &text).unwrap();
            assert_eq!(config.check.off, [renamed.new]);
            let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
            assert_eq!((warning.rule, warning.place.as_ref().map(|place| place.line)), ("renamed", Some(4)));
        }
    }
}

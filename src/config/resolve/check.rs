//! What `check` judges: rules that are switched off, each a known one.

use crate::check::{Options, rules};
use crate::config::raw::{OneOrMany, RawCheck};
use crate::config::resolve::Wrong;
use crate::finding::nearest;

pub(super) fn check(raw: &RawCheck, wrong: &mut Wrong<'_>) -> Options {
    let off: Vec<String> =
        raw.off.as_ref().map(OneOrMany::items).unwrap_or_default().into_iter().map(str::to_owned).collect();
    for name in off.iter().filter(|name| rules::named(name).is_none()) {
        let help = match nearest(name, rules::all().map(|rule| rule.name)) {
            Some(meant) => format!("write `{meant}`"),
            None => "`slugline check --rules` lists all rules".to_owned(),
        };
        wrong.value(&["check", "off"], format!("there is no rule `{name}`"), &help);
    }
    Options { off }
}

//! `permalink`: the addresses of pages, by the project file or by Hugo's configuration.
//!
//! Takes both; returns what determines the path of a page. How paths are written, such as `uglyURLs`, only Hugo's
//! configuration says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::SiteFormat;
use crate::config::hugo::Hugo;
use crate::config::raw::{RawPermalink, RawSectionPattern};
use crate::config::resolve::Problems;
use crate::content::addresses::{Addresses, Style, Ugly};
use crate::content::glob::Glob;
use crate::content::permalink::Pattern;
use crate::content::url_path::lower_with_hyphens;
use crate::finding::{Finding, Place};
use crate::publication::Publication;

/// The addresses of pages, as Hugo makes them; a format with patterns of its own makes them itself.
pub(super) fn addresses(
    written: Option<&RawPermalink>,
    hugo: &Hugo,
    format: &SiteFormat,
    publication: &Publication,
    problems: &mut Problems<'_>,
) -> Addresses {
    if format.takes_permalink() {
        return Addresses::default();
    }
    let mut addresses = match (written, hugo.value(&["permalinks"])) {
        (Some(RawPermalink::Pattern(written)), _) => {
            pattern(written, &["permalink"], problems).map(Addresses::of_pattern).unwrap_or_default()
        }
        (Some(RawPermalink::Sections(written)), _) => of_sections(sections_written(written, problems)),
        (None, Some(Value::Object(permalinks))) => of_sections(sections_of_hugo(permalinks, problems)),
        (None, Some(Value::Array(rules))) => of_rules(rules, problems),
        (None, _) => Addresses::default(),
    };
    addresses.style = style(hugo);
    addresses.main_folder = main_folder(hugo, publication);
    addresses
}

fn pattern(written: &str, keys: &[&str], problems: &mut Problems<'_>) -> Option<Pattern> {
    let help = format!("the tokens are {}", Pattern::tokens().join(" "));
    problems.check(Pattern::parse(written), keys, "not a valid pattern", &help)
}

/// `permalink: {posts: …}`, also in `page`, as in Hugo.
fn sections_written(
    written: &BTreeMap<String, RawSectionPattern>,
    problems: &mut Problems<'_>,
) -> Vec<(String, Pattern)> {
    let mut patterns = Vec::new();
    for (name, written) in written {
        match written {
            RawSectionPattern::Pattern(written) => {
                patterns.extend(pattern(written, &["permalink", name], problems).map(|it| (name.clone(), it)));
            }
            RawSectionPattern::Page(inner) if name == "page" => {
                let read = |(name, written): (&String, &String)| {
                    Some((name.clone(), pattern(written, &["permalink", "page", name], problems)?))
                };
                patterns.extend(inner.iter().filter_map(read));
            }
            RawSectionPattern::Page(_) => problems.value(
                &["permalink", name],
                "a mapping is allowed only in `page`",
                "write a pattern such as `/:year/:slug/` for each section",
            ),
        }
    }
    patterns
}

fn of_sections(patterns: Vec<(String, Pattern)>) -> Addresses {
    let mut addresses = Addresses::default();
    addresses.add_sections(patterns);
    addresses
}

/// `permalinks: {posts: …}` or `permalinks: {page: {posts: …}}`; those for other kinds of page are of no use here.
fn sections_of_hugo(permalinks: &Map<String, Value>, problems: &mut Problems<'_>) -> Vec<(String, Pattern)> {
    let pages = permalinks.get("page").and_then(Value::as_object).into_iter().flatten();
    let all = permalinks.iter().chain(pages).filter_map(|(name, value)| Some((name, value.as_str()?)));
    all.filter_map(|(name, written)| Some((name.clone(), pattern_of_hugo(written, problems)?))).collect()
}

/// `permalinks: [{target: {path: …}, pattern: …}]`
fn of_rules(rules: &[Value], problems: &mut Problems<'_>) -> Addresses {
    let mut addresses = Addresses::default();
    for rule in rules {
        let target = |name: &str| rule.pointer(&format!("/target/{name}")).and_then(Value::as_str);
        let fits = |name: &str, own: &str| target(name).is_none_or(|glob| Glob::new(glob).matches(own));
        let Some(written) = rule.get("pattern").and_then(Value::as_str) else { continue };
        if let Some(pattern) = pattern_of_hugo(written, problems)
            && fits("kind", "page")
            && fits("environment", "production")
        {
            addresses.add_target(target("path").map(Glob::new), pattern);
        }
    }
    addresses
}

fn pattern_of_hugo(written: &str, problems: &mut Problems<'_>) -> Option<Pattern> {
    let invalid = |why| {
        let message = format!("Hugo's configuration: `{written}` in `permalinks` is not a valid pattern: {why}");
        let help = format!("it is ignored; the tokens are {}", Pattern::tokens().join(" "));
        problems
            .warnings
            .push(Finding::warning("hugo-config", message).help(help).at(Place::file(problems.source.path)));
    };
    Pattern::parse_any(written).map_err(invalid).ok()
}

fn style(hugo: &Hugo) -> Style {
    let ugly = match hugo.value(&["uglyurls"]) {
        Some(Value::Object(sections)) => {
            let chosen = sections.iter().filter(|(_, ugly)| ugly.as_bool() == Some(true));
            Ugly::Sections(chosen.map(|(name, _)| lower_with_hyphens(name)).collect())
        }
        _ if hugo.truth(&["uglyurls"]) == Some(true) => Ugly::All,
        _ => Ugly::None,
    };
    Style {
        keeps_case: hugo.truth(&["disablepathtolower"]) == Some(true),
        removes_accents: hugo.truth(&["removepathaccents"]) == Some(true),
        ugly,
    }
}

/// The folder of the publication's language, unless that is at the root of the site or `base_url` names it already.
fn main_folder(hugo: &Hugo, publication: &Publication) -> Option<String> {
    let name = hugo.name_of(&publication.language);
    let in_folder = name != hugo.main_language() || hugo.truth(&["defaultcontentlanguageinsubdir"]) == Some(true);
    let folder = name.to_lowercase();
    let is_in_base = publication.base_url.path().trim_end_matches('/').ends_with(&format!("/{folder}"));
    (hugo.is_present() && in_folder && !is_in_base).then_some(folder)
}

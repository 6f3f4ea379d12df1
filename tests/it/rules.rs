//! Keeps the table of `check --rules` complete: every finding that `check` can report has its rule there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::{files, is_rust, repository, slugline};

/// The modules whose findings `check` reports.
const SOURCES: [&str; 6] = ["check", "config", "content", "disk", "load", "review"];

/// Findings about the arguments, not about the project.
const ABOUT_ARGUMENTS: [&str; 1] = ["no-such-issue"];

#[test]
fn every_finding_has_its_rule_in_the_table() {
    let table = rules();
    assert!(table.len() > 40, "the table has lost rules");
    let mut wrong = Vec::new();
    for path in files(&repository().join("src")).into_iter().filter(|path| is_rust(path) && is_source(path)) {
        let text = fs::read_to_string(repository().join("src").join(&path)).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let unlisted = names(code).into_iter().filter(|name| !table.contains(name));
        wrong.extend(unlisted.map(|name| format!("{}: `{name}`", path.display())));
    }
    assert_eq!(wrong, Vec::<String>::new(), "add them to `src/check/loading.rs`");
}

fn is_source(path: &Path) -> bool {
    let name = path.with_extension("");
    let module = name.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    !path.ends_with("tests.rs") && module.is_some_and(|module| SOURCES.contains(&module.as_str()))
}

/// The first argument of every `Finding::error` and `Finding::warning`, if it is a literal.
fn names(code: &str) -> Vec<String> {
    let calls = ["Finding::error(", "Finding::warning("].into_iter().flat_map(|call| code.split(call).skip(1));
    let name = |call: &str| Some(call.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned());
    calls.filter_map(name).filter(|name| !ABOUT_ARGUMENTS.contains(&name.as_str())).collect()
}

fn rules() -> BTreeSet<String> {
    let output = slugline(repository()).args(["check", "--rules", "--json"]).output().unwrap();
    let rules: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    rules.iter().map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn names_are_read_from_the_sources() {
    let code = "Finding::error(\"a-b\", x) Finding::warning(\n    \"c\",\n) Finding::error(rule, \"d\")";
    assert_eq!(names(code), ["a-b", "c"]);
}

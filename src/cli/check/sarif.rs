//! Findings as SARIF 2.1.0 (OASIS), for code scanning services and editors.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::check::rules::{self, Rule};
use crate::cli::report::severity;
use crate::finding::{Finding, Place};

/// What a path of a URI may contain unescaped (RFC 3986, section 3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A log of one run; `folder` is the project folder below the working directory.
pub(super) fn document(findings: &[Finding], folder: &str) -> Value {
    let is_broken = |rule: &&Rule| findings.iter().any(|finding| finding.rule == rule.name);
    let rules: Vec<&Rule> = rules::all().filter(is_broken).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "slugline", "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>()}},
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|finding| result(finding, &rules, folder)).collect::<Vec<_>>(),
        }],
    })
}

/// SARIF section 3.49.
fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": {"text": rule.about},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": severity(rule.severity)},
    })
}

/// SARIF section 3.27.
fn result(finding: &Finding, rules: &[&Rule], folder: &str) -> Value {
    let help = finding.help.as_ref().map_or_else(String::new, |help| format!(": {help}"));
    let mut result = json!({
        "ruleId": finding.rule,
        "level": severity(finding.severity),
        "message": {"text": format!("{}{help}", finding.message)},
        "locations": finding.place.iter().map(|place| location(place, finding.length, folder)).collect::<Vec<_>>(),
    });
    if let Some(index) = rules.iter().position(|rule| rule.name == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn location(place: &Place, length: usize, folder: &str) -> Value {
    let path = format!("{folder}{}", place.path);
    let mut location = json!({"artifactLocation": {"uri": utf8_percent_encode(&path, PATH).to_string()}});
    if place.line > 0 {
        let mut region = json!({"startLine": place.line});
        if place.column > 0 {
            region["startColumn"] = json!(place.column);
        }
        if place.column > 0 && length > 0 {
            region["endColumn"] = json!(place.column + length);
        }
        location["region"] = region;
    }
    json!({"physicalLocation": location})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_what_the_schema_requires() {
        let place = Place { path: "海 1.md".to_owned(), line: 3, column: 2, source: None };
        let findings = [
            Finding::warning("todo-left", "a").help("b").at(place).over(4),
            Finding::error("not-utf8", "c").at(Place::file("d.md")),
            Finding::error("no-such-rule", "e"),
        ];
        let log = document(&findings, "p/");
        assert_eq!(log["version"], "2.1.0");
        let (run, ids) = (&log["runs"][0], ["not-utf8", "todo-left"]);
        assert_eq!(run["tool"]["driver"]["name"], "slugline");
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
        let first = json!({
            "ruleId": "todo-left",
            "ruleIndex": 1,
            "level": "warning",
            "message": {"text": "a: b"},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "p/%E6%B5%B7%201.md"},
                "region": {"startLine": 3, "startColumn": 2, "endColumn": 6},
            }}],
        });
        assert_eq!(run["results"][0], first);
        let second = json!([{"physicalLocation": {"artifactLocation": {"uri": "p/d.md"}}}]);
        assert_eq!(run["results"][1]["locations"], second);
        assert_eq!((&run["results"][2]["locations"], run["results"][2].get("ruleIndex")), (&json!([]), None));
    }
}

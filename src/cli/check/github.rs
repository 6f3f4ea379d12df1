//! Findings as annotations of GitHub Actions: workflow commands, one per line.

use std::fmt::Write as _;

use crate::cli::report::severity;
use crate::finding::{Finding, Place};

/// One command per finding; `folder` is the project folder in the repository.
pub(super) fn annotations(findings: &[Finding], folder: &str) -> String {
    let mut text = String::new();
    for finding in findings {
        let _ = write!(text, "::{} ", severity(finding.severity));
        if let Some(place) = &finding.place {
            text.push_str(&at(place, finding.length, folder));
        }
        let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        let message = data(&format!("{}{help}", finding.message));
        let _ = writeln!(text, "title={}::{message}", property(finding.rule));
    }
    text
}

fn at(place: &Place, length: usize, folder: &str) -> String {
    let mut text = format!("file={},", property(&format!("{folder}{}", place.path)));
    if place.line > 0 {
        let _ = write!(text, "line={},", place.line);
    }
    if place.column > 0 {
        let _ = write!(text, "col={},", place.column);
        if length > 0 {
            let _ = write!(text, "endColumn={},", place.column + length);
        }
    }
    text
}

/// Escaped for the text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaped for a value before `::`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_cannot_end_its_command() {
        let place = Place { path: "a,b:100%.md".to_owned(), line: 3, column: 2, source: None };
        let finding = Finding::warning("todo-left", "50 %:\r\n::error::x").help("do, it").at(place).over(4);
        let expected = "::warning file=p/a%2Cb%3A100%25.md,line=3,col=2,endColumn=6,title=todo-left::\
                        50 %25:%0D%0A::error::x%0Ado, it\n";
        assert_eq!(annotations(&[finding], "p/"), expected);
    }

    #[test]
    fn a_finding_without_place_stands_alone() {
        assert_eq!(annotations(&[Finding::error("no-issues", "none")], ""), "::error title=no-issues::none\n");
    }
}

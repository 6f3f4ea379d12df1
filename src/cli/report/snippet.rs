//! A finding as text: its message, the line of the user's file it is about, causes and remedy, as rustc shows errors.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::cli::report::visible::visible;
use crate::finding::{Finding, Place, Severity};

/// The finding, coloured; `AutoStream` strips the colours where they are not wanted.
pub(super) fn rendered(finding: &Finding, message: &str, causes: &[String]) -> String {
    let level = match finding.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut title = level.primary_title(visible(message));
    if !finding.rule.is_empty() {
        title = title.id(finding.rule);
    }
    let path = finding.place.as_ref().map_or_else(Default::default, |place| visible(&place.path));
    let mut group = match &finding.place {
        None => annotate_snippets::Group::with_title(title),
        Some(Place { line: 0, .. }) => title.element(Origin::path(path)),
        Some(Place { line, column: 0, source: None, .. }) => title.element(Origin::path(path).line(*line)),
        Some(Place { line, column, source: None, .. }) => {
            title.element(Origin::path(path).line(*line).char_column(*column))
        }
        Some(Place { line, column, source: Some(source), .. }) => {
            let source = visible(source);
            let from = byte_of_column(&source, *column);
            let to = match finding.length {
                0 => source.len(),
                length => byte_of_column(&source, *column + length),
            };
            let span = from..to.max(from);
            let snippet = Snippet::source(source).line_start(*line).path(path);
            title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
        }
    };
    for cause in causes.iter().filter(|cause| *cause != message) {
        group = group.element(Level::NOTE.with_name("because").message(visible(cause)));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    Renderer::styled().render(&[group])
}

/// Byte offset of a column that counts characters from 1.
fn byte_of_column(line: &str, column: usize) -> usize {
    line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_control_characters() {
        let place = Place { path: "a\u{9b}.md".to_owned(), line: 1, column: 2, source: Some("x\u{9b}y".to_owned()) };
        let finding = Finding::error("r", "a\u{1b}[1mb\u{85}").help("c\u{202e}d").at(place);
        let shown =
            anstream::adapter::strip_str(&rendered(&finding, &finding.message, &["\u{9b}e".to_owned()])).to_string();
        let expected = "error[r]: a␛[1mb\u{fffd}\n --> a\u{fffd}.md:1:2\n  |\n1 | x\u{fffd}y\n  |  ^^\n  |\n  = because: \u{fffd}e\n  \
                        = help: c\u{fffd}d";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_column_past_the_end_is_the_end() {
        assert_eq!(byte_of_column("标题", 2), 3);
        assert_eq!(byte_of_column("标题", 9), 6);
        assert_eq!(byte_of_column("标题", 0), 0);
    }
}

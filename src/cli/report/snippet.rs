//! A finding as text: its message, the line of the user's file it is about, causes and remedy, as rustc shows errors.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::finding::{Finding, Place, Severity};

/// The finding, coloured; `AutoStream` strips the colours where they are not wanted.
pub(super) fn rendered(finding: &Finding, message: &str, causes: &[String]) -> String {
    let level = match finding.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let mut title = level.primary_title(message);
    if !finding.rule.is_empty() {
        title = title.id(finding.rule);
    }
    let mut group = match &finding.place {
        None => annotate_snippets::Group::with_title(title),
        Some(Place { path, line: 0, .. }) => title.element(Origin::path(path.as_str())),
        Some(Place { path, line, column: 0, source: None }) => title.element(Origin::path(path.as_str()).line(*line)),
        Some(Place { path, line, column, source: None }) => {
            title.element(Origin::path(path.as_str()).line(*line).char_column(*column))
        }
        Some(Place { path, line, column, source: Some(source) }) => {
            let from = byte_of_column(source, *column);
            let to = match finding.length {
                0 => source.len(),
                length => byte_of_column(source, *column + length),
            };
            let span = from..to.max(from);
            let snippet = Snippet::source(source.as_str()).line_start(*line).path(path.as_str());
            title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
        }
    };
    for cause in causes.iter().filter(|cause| *cause != message) {
        group = group.element(Level::NOTE.with_name("because").message(cause.as_str()));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
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
    fn a_column_past_the_end_is_the_end() {
        assert_eq!(byte_of_column("标题", 2), 3);
        assert_eq!(byte_of_column("标题", 9), 6);
        assert_eq!(byte_of_column("标题", 0), 0);
    }
}

//! Plots as SVG: bars stacked by outcome; `time` plots over time.
//!
//! Returns SVG for a page, whose CSS colours the elements by the class of their outcome. Every outcome also has a pattern.

use std::fmt::Write as _;

use crate::statistics::scale::grouped;
use crate::statistics::{Outcome, Tally};

pub(super) mod time;

/// Minimum width of a segment, in percent of the bar, so that a few failures among many are visible.
const MIN_WIDTH_PERCENT: f64 = 0.6;

/// The fill patterns of the outcomes, once per page, before the plots.
pub(super) const PATTERNS: &str = r#"<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="deferred" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="6" height="6"/><rect class="ink" width="2" height="6"/></pattern>
<pattern id="failed" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="5" height="5"/><path class="ink" d="M0 0h5v1.2h-5zM0 0h1.2v5h-1.2z"/></pattern>
<pattern id="bounced" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="ground" width="6" height="6"/><rect class="ink" width="3" height="6"/></pattern>
<pattern id="unknown" width="5" height="5" patternUnits="userSpaceOnUse"><rect class="ground" width="5" height="5"/><circle class="ink" cx="2.5" cy="2.5" r="1.3"/></pattern>
<pattern id="suppressed" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="ground" width="4" height="4"/><rect class="ink" width="4" height="1.2"/></pattern>
</defs></svg>"#;

/// A bar of outcomes, as wide as their share of `max`, with a text alternative.
pub(super) fn bar(tally: &Tally, max: u64) -> String {
    let mut svg =
        format!("<svg class=\"bar\" width=\"100%\" height=\"18\" role=\"img\" aria-label=\"{}\">", words(tally));
    let mut x = 0.0;
    for (outcome, count) in tally.occurring() {
        let width = (count as f64 * 100.0 / max.max(1) as f64).max(MIN_WIDTH_PERCENT).min(100.0 - x);
        let _ = write!(svg, "<rect class=\"{}\" x=\"{x:.2}%\" width=\"{width:.2}%\" height=\"18\"/>", outcome.word());
        x += width;
    }
    svg + "</svg>"
}

/// A square with the colour and pattern of an outcome.
pub(super) fn swatch(outcome: Outcome) -> String {
    format!(
        "<svg class=\"swatch\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect class=\"{}\" width=\"14\" height=\"14\" rx=\"2\"/></svg>",
        outcome.word()
    )
}

/// The outcomes in words.
pub(super) fn words(tally: &Tally) -> String {
    let words = tally.occurring().map(|(outcome, count)| format!("{} {}", grouped(count), outcome.word()));
    words.collect::<Vec<_>>().join(", ")
}

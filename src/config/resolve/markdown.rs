//! The dialect of Markdown: what the project file says below `markdown`.
//!
//! Takes the keys as written; returns the dialect.

use crate::config::raw::RawMarkdown;
use crate::content::markdown::Dialect;

/// The dialect; what is not written is the default.
pub(super) fn dialect(raw: &RawMarkdown) -> Dialect {
    let default = Dialect::default();
    Dialect {
        cjk: raw.cjk.unwrap_or(default.cjk),
        linkify: raw.linkify.unwrap_or(default.linkify),
        emoji: raw.emoji.unwrap_or(default.emoji),
        hard_wraps: raw.hard_wraps.unwrap_or(default.hard_wraps),
        typographer: raw.typographer.unwrap_or(default.typographer),
        math: raw.math.unwrap_or(default.math),
    }
}

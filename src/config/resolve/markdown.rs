//! The dialect of Markdown: what the project file says below `markdown`, or else Hugo's configuration.
//!
//! Takes the keys as written and Hugo's settings; returns the dialect. Beside a Hugo site, Hugo's defaults count, except that
//! known emoji codes become emoji.

use serde_json::Value;

use crate::config::hugo::Hugo;
use crate::config::raw::RawMarkdown;
use crate::content::markdown::Dialect;

/// The dialect; what is not written is the default.
pub(super) fn dialect(raw: &RawMarkdown, hugo: &Hugo) -> Dialect {
    let default = Dialect::default();
    let in_goldmark = |names: [&str; 3]| hugo.truth(&["markup", "goldmark", names[0], names[1], names[2]]);
    let hard_wraps = hugo.truth(&["markup", "goldmark", "renderer", "hardwraps"]);
    // A boolean before Hugo 0.112.
    let typographer = in_goldmark(["extensions", "typographer", "disable"]).map(|off| !off);
    let typographer = typographer.or(hugo.truth(&["markup", "goldmark", "extensions", "typographer"]));
    let linkify = hugo.truth(&["markup", "goldmark", "extensions", "linkify"]);
    let passes_formulas = in_goldmark(["extensions", "passthrough", "enable"]) == Some(true);
    Dialect {
        cjk: raw.cjk.unwrap_or(default.cjk),
        linkify: raw.linkify.or(linkify).unwrap_or(default.linkify),
        emoji: raw.emoji.or(hugo.truth(&["enableemoji"])).unwrap_or(default.emoji),
        hard_wraps: raw.hard_wraps.or(hard_wraps).unwrap_or(default.hard_wraps),
        typographer: raw.typographer.or(typographer).unwrap_or(hugo.is_present()),
        math: raw.math.unwrap_or(passes_formulas && has_delimiter(hugo, "$", false)),
        bracket_math: raw.math.unwrap_or(passes_formulas && has_delimiter(hugo, "\\(", true)),
    }
}

/// Whether formulas in a line begin with this delimiter; Hugo's default is `\(`.
fn has_delimiter(hugo: &Hugo, delimiter: &str, is_default: bool) -> bool {
    let names = ["markup", "goldmark", "extensions", "passthrough", "delimiters", "inline"];
    match hugo.value(&names).and_then(Value::as_array) {
        Some(pairs) => pairs.iter().any(|pair| pair.get(0).and_then(Value::as_str) == Some(delimiter)),
        None => is_default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hugo: &str, raw: &RawMarkdown) -> Dialect {
        let mut settings = Hugo::default();
        settings.add("hugo.toml", hugo).unwrap();
        dialect(raw, &settings)
    }

    #[test]
    fn the_project_file_overrides_hugo() {
        let goldmark = "enableEmoji = false\n[markup.goldmark.renderer]\nhardWraps = true\n\
                        [markup.goldmark.extensions.typographer]\ndisable = false\n\
                        [markup.goldmark.extensions.passthrough]\nenable = true\n";
        let raw = RawMarkdown::default();
        let default = Dialect::default();
        assert_eq!(dialect(&raw, &Hugo::default()), default);
        assert_eq!(of("baseURL = '/'", &raw), Dialect { typographer: true, ..default });
        for off in ["typographer = false", "[markup.goldmark.extensions.typographer]\ndisable = true"] {
            let table = if off.starts_with('[') { "" } else { "[markup.goldmark.extensions]\n" };
            assert_eq!(of(&format!("{table}{off}"), &raw), default);
        }
        let expected = Dialect { emoji: false, hard_wraps: true, typographer: true, bracket_math: true, ..default };
        assert_eq!(of(goldmark, &raw), expected);
        let dollars = "[markup.goldmark.extensions.passthrough.delimiters]\ninline = [['$', '$']]\n";
        assert_eq!(of(&format!("{goldmark}{dollars}"), &raw), Dialect { math: true, bracket_math: false, ..expected });
        let raw = RawMarkdown { hard_wraps: Some(false), math: Some(false), ..RawMarkdown::default() };
        assert_eq!(of(goldmark, &raw), Dialect { hard_wraps: false, bracket_math: false, ..expected });
    }
}

//! `timezone`: the zone of dates without an offset.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::config::hugo::Hugo;
use crate::config::resolve::Problems;
use crate::content::format::Defaults;

/// Shorter names are abbreviations, of which the nearest is another zone.
const MIN_MISTYPED_CHARS: usize = 5;

/// The time zone; by default that of the site, or UTC.
pub(super) fn time_zone(written: Option<&str>, hugo: &Hugo, defaults: &Defaults, problems: &mut Problems<'_>) -> Tz {
    let Some(written) = written.map(str::trim) else {
        let of_site = hugo.text_of_main_language("timezone").or(defaults.timezone.as_deref());
        return of_site.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    };
    written.parse().unwrap_or_else(|_| {
        let help = match nearest(written) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write a name such as `Asia/Shanghai`".to_owned(),
        };
        problems.value(&["timezone"], format!("there is no time zone `{written}`"), &help);
        Tz::UTC
    })
}

/// The name meant by a mistyped one, or by that of its city. Offsets are not guessed: `Etc/GMT+8` is west of Greenwich.
fn nearest(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase().replace(' ', "_");
    let is_offset = written.contains(|c: char| c.is_ascii_digit());
    let max_edits = if is_offset || written.chars().count() < MIN_MISTYPED_CHARS { 0 } else { 2 };
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let candidates = names.filter(|name| !name.starts_with("Etc/") && !name.contains(|c: char| c.is_ascii_digit()));
    let rated = candidates.filter_map(|name| {
        let full = name.to_lowercase();
        let city = full.rsplit('/').next().unwrap_or_default();
        let by_name = Some(strsim::osa_distance(&written, &full)).filter(|edits| *edits <= max_edits);
        let by_city = Some(strsim::osa_distance(&written, city)).filter(|edits| *edits <= max_edits.min(1));
        Some((by_name.into_iter().chain(by_city).min()?, name))
    });
    rated.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_zone_and_a_city_suggest_the_zone() {
        for (written, expected) in [
            ("Asia/Shanghi", Some("Asia/Shanghai")),
            ("asia/shanghai", Some("Asia/Shanghai")),
            ("Shanghai", Some("Asia/Shanghai")),
            ("Europ/Amsterdam", Some("Europe/Amsterdam")),
            ("America/New York", Some("America/New_York")),
            ("utc", Some("UTC")),
            ("GMT+8", None),
            ("UTC+8", None),
            ("CST", None),
            ("Moon/Tycho", None),
        ] {
            assert_eq!(nearest(written), expected, "{written}");
        }
    }
}

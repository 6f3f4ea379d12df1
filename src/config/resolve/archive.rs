//! `archive`: the addresses of the pages of the web archive.

use url::Url;

use crate::config::raw::{RawConfig, RawPages, RawPermalink};
use crate::config::resolve::Problems;
use crate::content::permalink::Pattern;
use crate::content::url_path::absolute;
use crate::page::Options;
use crate::publication::Publication;

/// The archive. Its addresses are also the permalinks, unless `permalink` is set.
pub(super) fn archive(raw: &RawConfig, problems: &mut Problems<'_>) -> Option<Options> {
    let written = match raw.archive.as_ref()? {
        RawPages::Truth(false) => return None,
        RawPages::Truth(true) => {
            let help = "write the addresses of its pages, such as `/letters/:slug/`";
            problems.value(&["archive"], "it needs a pattern", help);
            return None;
        }
        RawPages::Pattern(word) if word.trim() == "off" => return None,
        RawPages::Pattern(written) => written,
    };
    let help = format!("write one such as `/letters/:slug/`; the tokens are {}", Pattern::tokens().join(" "));
    let pattern = problems.check(Pattern::parse(written), &["archive"], "not a valid pattern", &help)?;
    let is_permalink = match &raw.permalink {
        None => true,
        Some(RawPermalink::Pattern(permalink)) => Pattern::parse(permalink).as_ref() == Ok(&pattern),
        Some(RawPermalink::Sections(_)) => false,
    };
    Some(Options { pattern, is_permalink })
}

/// The home page of the publication: the archive's index page, if there is one.
pub(super) fn home(archive: Option<&Options>, publication: &Publication) -> Url {
    let folder = archive.map_or_else(String::new, |archive| archive.folder(publication));
    absolute(&publication.base_url, &format!("/{folder}"))
}

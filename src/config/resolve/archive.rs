//! What is written as `archive`: the addresses of the pages of a web archive.

use url::Url;

use crate::config::raw::{RawConfig, RawPages};
use crate::config::resolve::Wrong;
use crate::content::permalink::{Pattern, absolute};
use crate::page::Options;
use crate::publication::Publication;

/// The archive; its addresses are the permalinks too, unless the project file has a pattern for these.
pub(super) fn archive(raw: &RawConfig, wrong: &mut Wrong<'_>) -> Option<Options> {
    let written = match raw.archive.as_ref()? {
        RawPages::Truth(false) => return None,
        RawPages::Truth(true) => {
            let help = "write where its pages are to be, such as `/letters/:slug/`";
            wrong.value(&["archive"], "nothing says where", help);
            return None;
        }
        RawPages::Pattern(word) if word.trim() == "off" => return None,
        RawPages::Pattern(written) => written,
    };
    let help = format!("write one such as `/letters/:slug/`; the tokens are {}", Pattern::tokens().join(" "));
    let pattern = wrong.check(Pattern::parse(written), &["archive"], "it is no pattern", &help)?;
    let is_permalink =
        raw.permalink.as_deref().is_none_or(|permalink| Pattern::parse(permalink).as_ref() == Ok(&pattern));
    Some(Options { pattern, is_permalink })
}

/// The index of the archive of a publication.
pub(super) fn home(archive: &Options, publication: &Publication) -> Url {
    absolute(&publication.base_url, &format!("/{}", archive.folder(publication)))
}

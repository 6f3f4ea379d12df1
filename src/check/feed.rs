//! Rules for feeds: what feed readers stumble over and validators warn about.

use crate::check::issue_source::IssueSource;
use crate::check::rule::Rule;
use crate::check::site::Site;
use crate::finding::{Finding, Place};
use crate::issue::CoverReference;

const ID_CHANGING: Rule = Rule::error(
    "id-changing",
    "The id of a published issue is about to change",
    "feed readers would show the issue as new; write its old id as `id: …` into the front matter",
);
const COVER_TYPE: Rule = Rule::warning(
    "cover-type",
    "The image type of a cover hosted elsewhere is unknown",
    "without its type the cover is missing from RSS and JSON feeds; run `slugline covers fetch` to measure it",
);
const FEED_LARGE: Rule = Rule::warning(
    "feed-large",
    "A feed is larger than 1 MB",
    "readers download it again and again, and some reject it; lower `feeds.limit` or `feeds.max_bytes`",
);

pub(super) const RULES: [&Rule; 3] = [&ID_CHANGING, &COVER_TYPE, &FEED_LARGE];

/// JSON Feed 1.1 calls anything larger a burden.
const MAX_FEED_BYTES: usize = 1_000_000;

pub(super) fn check(source: &IssueSource<'_>, site: &Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    let issue = source.issue;
    if let Some(old) = site.published_ids.get(&issue.path).filter(|old| *old != issue.id.as_str()) {
        let finding =
            ID_CHANGING.found(format!("feed readers know the issue as `{old}`, but now its id is `{}`", issue.id));
        let help = format!("write `id: {old}` into the front matter, or feed readers show the issue as new");
        findings.push(source.at_field(finding.help(help), &["id", "slug", "url"]));
    }
    let is_elsewhere = issue.cover.as_ref().is_some_and(CoverReference::is_elsewhere);
    if is_elsewhere && source.cover.is_some_and(|cover| cover.mime_type.is_none()) {
        findings.push(source.at_cover(COVER_TYPE.found("the image type of the cover is unknown")));
    }
    findings
}

/// Checks the size of a feed, in bytes.
pub fn feed_size(path: &str, bytes: usize) -> Option<Finding> {
    let kilobytes = bytes.div_ceil(1000);
    let finding = || FEED_LARGE.found(format!("the feed is {kilobytes} kB large")).at(Place::file(path));
    (bytes > MAX_FEED_BYTES).then(finding)
}

//! Rules for the email edition: that it can be made, and its size.

use crate::check::rule::Rule;
use crate::finding::{Finding, Place};

const TEMPLATE: Rule = Rule::error(
    "template",
    "A template of the edition, or the subject, is invalid",
    "nothing can be mailed; fix the Jinja syntax, and check the result with `slugline edition latest`",
);
const EDITION_FAILS: Rule =
    Rule::error("edition-fails", "The edition of an issue cannot be made", "it cannot be mailed until this is fixed");
const EDITION_LARGE: Rule = Rule::warning(
    "edition-large",
    "The HTML of an edition is larger than 102 kB",
    "Gmail clips it there, and the unsubscribe link with it; shorten the text and link to the rest",
);

const IMAGE_NOT_EMBEDDED: Rule = Rule::warning(
    "image-not-embedded",
    "With `mail.images: embed`, a picture of the project stays a link",
    "mail programs that block remote pictures do not show it; make it smaller, or save it as JPEG or PNG",
);

pub(super) const RULES: [&Rule; 4] = [&TEMPLATE, &EDITION_FAILS, &EDITION_LARGE, &IMAGE_NOT_EMBEDDED];

/// Gmail clips HTML that is larger.
pub const GMAIL_CLIP_BYTES: usize = 102_000;

/// Checks the size of the HTML of an issue's edition.
pub fn edition_size(path: &str, html: &str) -> Option<Finding> {
    let kilobytes = html.len().div_ceil(1000);
    let finding =
        || EDITION_LARGE.found(format!("the HTML of its edition is {kilobytes} kB large")).at(Place::file(path));
    (html.len() > GMAIL_CLIP_BYTES).then(finding)
}

/// Checks the size of the HTML of a digest that would contain the issue at `path`.
pub fn digest_size(path: &str, digest: &str, html: &str) -> Option<Finding> {
    let kilobytes = html.len().div_ceil(1000);
    let finding = || EDITION_LARGE.found(format!("the HTML of `{digest}`, which contains it, is {kilobytes} kB large"));
    let help = "Gmail clips everything after 102 kB: set `content: summary` below `mail.digest`";
    (html.len() > GMAIL_CLIP_BYTES).then(|| finding().help(help).at(Place::file(path)))
}

/// The finding for an edition that cannot be made.
pub fn edition_fails(path: &str, why: &str) -> Finding {
    EDITION_FAILS.found(why).at(Place::file(path))
}

//! The body of a post as Markdown that slugline reads: what the format of the site makes of it.
//!
//! Takes bodies as written; returns them line for line, and a finding for each part that is not rendered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use url::Url;

use crate::content::format::generators::GeneratorFormat;
use crate::content::format::{Body, Lost, Translated, body};
use crate::content::path::is_html;
use crate::finding::{Finding, Place};
use crate::issue::Issue;

/// Translates the bodies of a site.
#[derive(Debug, Clone, Default)]
pub struct Translator {
    /// The format of the site.
    pub format: GeneratorFormat,
    /// The files that bodies include, by path below the folder of the site.
    pub includes: BTreeMap<String, String>,
}

impl Translator {
    /// The body of an issue as Markdown, or as HTML if that is what its file has, with the findings about it. `address` returns that
    /// of a post by the path of its file.
    pub(super) fn translate<'m>(
        &self,
        issue: &Issue,
        body: &'m str,
        base_url: &Url,
        address: &dyn Fn(&str) -> Option<String>,
    ) -> (Cow<'m, str>, Vec<Finding>) {
        let of = Body { issue, base_url, includes: &self.includes, address };
        let Translated { markdown, lost } = self.format.markdown(body, &of);
        let mut findings: Vec<Finding> = lost.into_iter().map(|lost| finding(issue, body, lost)).collect();
        if is_html(&issue.path) {
            return (markdown, findings);
        }
        let is_mdx = self.format.is_mdx(&issue.path);
        let shared = body::markdown(&markdown, &of, is_mdx);
        findings.extend(shared.lost.into_iter().map(|lost| finding(issue, &markdown, lost)));
        let changed = match shared.markdown {
            Cow::Borrowed(_) => None,
            Cow::Owned(markdown) => Some(markdown),
        };
        (changed.map_or(markdown, Cow::Owned), findings)
    }
}

fn finding(issue: &Issue, body: &str, Lost { range, what }: Lost) -> Finding {
    let place = Place::in_text(&issue.path, body, range.start);
    let place = Place { line: place.line + issue.body.line.saturating_sub(1), ..place };
    let line = body.get(range).unwrap_or_default().lines().next().unwrap_or_default();
    let finding = Finding::warning("not-rendered", format!("{what} is not rendered"));
    let help = "readers see the text, links and pictures in it, if any; write in Markdown what they should see";
    finding.help(help).at(place).over(line.chars().count().max(1))
}

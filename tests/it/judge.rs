//! Judges the feeds of a build as validators and readers do, with third-party parsers only.
//!
//! Takes the three files; returns the problems as text. The property test and the fuzz target both use it.

use std::fs;
use std::path::Path;

#[path = "judge/atom.rs"]
mod atom;
#[path = "judge/html.rs"]
mod html;
#[path = "judge/readback.rs"]
mod readback;
#[path = "judge/rss.rs"]
mod rss;
#[path = "judge/text.rs"]
mod text;

/// One feed in its three formats.
pub struct Published {
    rss: String,
    atom: String,
    json: String,
}

impl Published {
    /// Reads the files of a build, under their default names.
    pub fn read(folder: &Path) -> Self {
        let file = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { rss: file("feed.xml"), atom: file("atom.xml"), json: file("feed.json") }
    }

    /// The problems found; empty if there are none.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match roxmltree::Document::parse(&self.rss) {
            Ok(document) => rss::judge(&document, &mut problems),
            Err(error) => problems.push(format!("RSS is not well-formed: {error}")),
        }
        match roxmltree::Document::parse(&self.atom) {
            Ok(document) => atom::judge(&document, &mut problems),
            Err(error) => problems.push(format!("Atom is not well-formed: {error}")),
        }
        let json: serde_json::Value = match serde_json::from_str(&self.json) {
            Ok(json) => json,
            Err(error) => {
                problems.push(format!("JSON Feed is not valid JSON: {error}"));
                return problems;
            }
        };
        for item in json["items"].as_array().into_iter().flatten() {
            html::judge(item["content_html"].as_str().unwrap_or_default(), &mut problems);
        }
        text::judge_json(&json, &mut problems);
        if problems.is_empty() {
            readback::judge(&json, &self.rss, &self.atom, &self.json, &mut problems);
        }
        problems
    }
}

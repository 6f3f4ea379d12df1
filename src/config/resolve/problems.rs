//! Collects the problems of a project file, each at the place of its key.
//!
//! Takes values that could not be parsed; returns findings. The texts are written by the files beside this one.

use std::fmt::Display;

use crate::config::resolve::Source;
use crate::finding::{Finding, Place};
use crate::renamed::Renamed;

/// The problems found so far.
pub(super) struct Problems<'a> {
    pub source: Source<'a>,
    pub findings: Vec<Finding>,
    pub warnings: Vec<Finding>,
}

impl Problems<'_> {
    /// Returns the value, or adds a finding: what is invalid, why, and the remedy.
    pub fn check<T, E: Display>(&mut self, value: Result<T, E>, keys: &[&str], what: &str, help: &str) -> Option<T> {
        value.map_err(|why| self.value(keys, format!("{what}: {why}"), help)).ok()
    }

    pub fn value(&mut self, keys: &[&str], why: impl Display, help: &str) {
        let place = Place::of_value(self.source.path, self.source.text, keys);
        self.findings.push(Finding::error("config-value", format!("`{}`: {why}", keys.join("."))).help(help).at(place));
    }

    pub fn renamed(&mut self, keys: &[&str], renamed: &Renamed) {
        self.warnings.push(renamed.warning().at(Place::of_value(self.source.path, self.source.text, keys)));
    }

    pub fn missing(&mut self, key: &str, example: &str) {
        let finding = Finding::error("config-missing", format!("`{key}` is missing"));
        self.findings.push(finding.help(format!("add `{example}`")).at(Place::file(self.source.path)));
    }
}

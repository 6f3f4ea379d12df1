//! Measures covers elsewhere on the web into `covers.lock`: the only work for a build that reads the web.
//!
//! Takes the issues; asks for what is not measured yet, a few at a time, and reads of each only as much as tells what
//! it is. A cover that cannot be measured is named and keeps what was known of it; it stops no other.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use rayon::prelude::*;
use url::Url;

use crate::config::Config;
use crate::covers_lock::{self, CoverEntry, CoversLock};
use crate::disk::{Project, Written};
use crate::finding::Finding;
use crate::http::{self, Client, Limits, Reach};
use crate::issue::Issue;
use crate::picture::{Picture, Probe, probe};

use lookup::place_of_cover;

pub use lookup::{Covers, KnownCover};

mod lookup;

/// How many covers are asked for at a time.
const FETCH_THREADS: usize = 4;

/// What one cover may cost.
const LIMITS: Limits =
    Limits { bytes: 20 * 1024 * 1024, connect: Duration::from_secs(10), total: Duration::from_secs(60), redirects: 5 };

/// What was done.
#[derive(Debug)]
pub struct FetchReport {
    /// Covers measured now, by address.
    pub measured: Vec<(Url, CoverEntry)>,
    /// How many were known and not asked for.
    pub kept: usize,
    /// Addresses that no issue names any more.
    pub dropped: Vec<String>,
    /// What is wrong with `covers.lock` as it was, and the covers that could not be measured.
    pub findings: Vec<Finding>,
    /// What became of `covers.lock`.
    pub written: Written,
}

/// A cover could not be measured.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Http(#[from] http::Error),
    #[error("what is there is no picture")]
    NoPicture,
}

/// Which covers to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchScope {
    /// Those that were never measured.
    Missing,
    /// All of them.
    All,
}

/// What becomes of measured covers that no issue names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedEntries {
    /// They are dropped.
    Drop,
    /// They stay: an issue that could not be read may name them.
    Keep,
}

/// Covers to be measured, and those that were.
#[derive(Debug)]
pub struct FetchPlan<'a> {
    project: &'a Project,
    lock: CoversLock,
    /// Every cover elsewhere by its address, with the first issue that names it.
    named: BTreeMap<Url, &'a Issue>,
    wanted: Vec<Url>,
    findings: Vec<Finding>,
}

impl<'a> FetchPlan<'a> {
    /// Looks at the covers of these issues.
    ///
    /// # Errors
    /// When `covers.lock` is there and cannot be read.
    pub fn new(project: &'a Project, config: &Config, issues: &'a [Issue], which: FetchScope) -> anyhow::Result<Self> {
        let (covers, findings) = Covers::open(project, config)?;
        let mut named = BTreeMap::new();
        for issue in issues {
            if let Some(url) = covers.elsewhere(issue) {
                named.entry(covers_lock::address(&url)).or_insert(issue);
            }
        }
        let lock = covers.into_lock();
        let is_wanted = |url: &&Url| which == FetchScope::All || lock.of(url).is_none();
        let wanted = named.keys().filter(is_wanted).cloned().collect();
        Ok(Self { project, lock, named, wanted, findings })
    }

    /// How many covers will be asked for.
    pub fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Asks for them and writes `covers.lock`; `step` is called after each.
    ///
    /// # Errors
    /// When `covers.lock` cannot be written.
    pub fn fetch(self, unused: UnusedEntries, step: impl Fn() + Sync) -> anyhow::Result<FetchReport> {
        self.fetch_with(&Client::new(LIMITS, Reach::Public), unused, step)
    }

    fn fetch_with(
        mut self,
        client: &Client,
        unused: UnusedEntries,
        step: impl Fn() + Sync,
    ) -> anyhow::Result<FetchReport> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(FETCH_THREADS).build();
        let ask = |url: &Url| {
            let measured = measure(client, url);
            step();
            measured
        };
        let answers: Vec<_> =
            threads.context("failed to start threads")?.install(|| self.wanted.par_iter().map(ask).collect());
        let mut measured = Vec::new();
        for (url, answer) in self.wanted.iter().zip(answers) {
            match answer {
                Ok(found) => measured.push((url.clone(), found)),
                Err(failure) => self.findings.push(failed(self.project, self.named[url], url, &failure)),
            }
        }
        measured.iter().for_each(|(url, found)| self.lock.note(url, found.clone()));
        let dropped = match unused {
            UnusedEntries::Drop => self.lock.keep_only(self.named.keys()),
            UnusedEntries::Keep => Vec::new(),
        };
        let kept = self.named.len() - self.wanted.len();
        let written = self.write()?;
        Ok(FetchReport { measured, kept, dropped, findings: self.findings, written })
    }

    /// A project whose covers are all its own needs no such file.
    fn write(&self) -> anyhow::Result<Written> {
        if self.lock.is_empty() && self.project.text_if_there(covers_lock::FILE)?.is_none() {
            return Ok(Written::Unchanged);
        }
        self.project.write(covers_lock::FILE, self.lock.to_text().as_bytes())
    }
}

/// Reads only until type and size are known; how many bytes there are, the server usually says.
fn measure(client: &Client, url: &Url) -> Result<CoverEntry, Failure> {
    const MIN_READ_BYTES: u64 = 4096;
    let mut answer = client.get(url)?;
    let mut bytes = Vec::new();
    let Picture { mime_type, size } = loop {
        let step = MIN_READ_BYTES.max(bytes.len() as u64);
        let more = answer.read_on(&mut bytes, step)?;
        let seen = probe(&bytes);
        if !(more && matches!(seen, Probe::Incomplete(_))) {
            break seen.at_end_of_file().ok_or(Failure::NoPicture)?;
        }
    };
    let length = match answer.length {
        Some(length) => length,
        None => bytes.len() as u64 + answer.rest()?.len() as u64,
    };
    Ok(CoverEntry { mime_type: mime_type.to_owned(), bytes: length, size })
}

fn failed(project: &Project, issue: &Issue, url: &Url, failure: &Failure) -> Finding {
    let help = match failure {
        Failure::Http(http::Error::NotPublic { .. }) => {
            "only hosts on the public internet are asked: use an address there"
        }
        Failure::Http(http::Error::Status(_)) | Failure::NoPicture => "open the address in a browser, and mend it",
        Failure::Http(http::Error::TooLarge { .. }) => "use a smaller picture",
        Failure::Http(_) => "try again later; what was known of it stays",
    };
    Finding::error("cover-fetch", format!("`{url}`: {failure}")).help(help).at(place_of_cover(project, issue))
}

#[cfg(test)]
mod tests;

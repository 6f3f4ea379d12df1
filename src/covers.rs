//! Measures covers hosted elsewhere into `covers.lock`: the only part of the program that reads the web for builds.
//!
//! Takes the issues; fetches unmeasured covers, a few at a time, reading only as many bytes as necessary. A cover that
//! cannot be measured is reported, keeps its previous entry and affects no other.

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

/// Threads that fetch covers, hence the maximum number of connections.
const FETCH_THREADS: usize = 4;

/// Limits for fetching one cover.
const LIMITS: Limits =
    Limits { bytes: 20 * 1024 * 1024, connect: Duration::from_secs(10), total: Duration::from_secs(60), redirects: 5 };

/// The result of a fetch.
#[derive(Debug)]
pub struct FetchReport {
    /// Covers measured now, by URL.
    pub measured: Vec<(Url, CoverEntry)>,
    /// Covers that were known and not fetched.
    pub kept: usize,
    /// URLs that no issue uses any longer.
    pub dropped: Vec<String>,
    /// Problems with the previous `covers.lock`, and covers that could not be measured.
    pub findings: Vec<Finding>,
    /// Whether `covers.lock` was written.
    pub written: Written,
}

/// Why a cover could not be measured.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Http(#[from] http::Error),
    #[error("it is not a picture")]
    NotAPicture,
}

/// Which covers to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchScope {
    /// Those never measured.
    Missing,
    /// All of them.
    All,
}

/// What to do with entries that no issue uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedEntries {
    /// Remove them.
    Drop,
    /// Keep them: an unreadable issue may use them.
    Keep,
}

/// Covers to fetch, and known covers.
#[derive(Debug)]
pub struct FetchPlan<'a> {
    project: &'a Project,
    lock: CoversLock,
    /// Every cover hosted elsewhere, by URL, with the first issue that uses it.
    named: BTreeMap<Url, &'a Issue>,
    wanted: Vec<Url>,
    findings: Vec<Finding>,
}

impl<'a> FetchPlan<'a> {
    /// Plans which covers of these issues to fetch.
    ///
    /// # Errors
    /// If `covers.lock` exists and cannot be read.
    pub fn new(project: &'a Project, config: &Config, issues: &'a [Issue], which: FetchScope) -> anyhow::Result<Self> {
        let (covers, findings) = Covers::open(project, config)?;
        let mut named = BTreeMap::new();
        for issue in issues {
            if let Some(url) = covers.remote_url(issue) {
                named.entry(covers_lock::address(&url)).or_insert(issue);
            }
        }
        let lock = covers.into_lock();
        let is_wanted = |url: &&Url| which == FetchScope::All || lock.of(url).is_none();
        let wanted = named.keys().filter(is_wanted).cloned().collect();
        Ok(Self { project, lock, named, wanted, findings })
    }

    /// The number of covers to fetch.
    pub fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Fetches the covers and writes `covers.lock`; calls `step` after each.
    ///
    /// # Errors
    /// If `covers.lock` cannot be written.
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
                Err(failure) => self.findings.push(fetch_finding(self.project, self.named[url], url, &failure)),
            }
        }
        measured.iter().for_each(|(url, found)| self.lock.insert(url, found.clone()));
        let dropped = match unused {
            UnusedEntries::Drop => self.lock.keep_only(self.named.keys()),
            UnusedEntries::Keep => Vec::new(),
        };
        let kept = self.named.len() - self.wanted.len();
        let written = self.write()?;
        Ok(FetchReport { measured, kept, dropped, findings: self.findings, written })
    }

    /// Not if all covers belong to the project and the file does not exist.
    fn write(&self) -> anyhow::Result<Written> {
        if self.lock.is_empty() && self.project.text_if_exists(covers_lock::FILE)?.is_none() {
            return Ok(Written::Unchanged);
        }
        self.project.write(covers_lock::FILE, self.lock.to_text().as_bytes())
    }
}

/// Reads only until type and size are known; the server usually announces the size in bytes.
fn measure(client: &Client, url: &Url) -> Result<CoverEntry, Failure> {
    const MIN_READ_BYTES: u64 = 4096;
    let mut answer = client.get(url)?;
    let mut bytes = Vec::new();
    let Picture { mime_type, size } = loop {
        let step = MIN_READ_BYTES.max(bytes.len() as u64);
        let more = answer.read_on(&mut bytes, step)?;
        let probed = probe(&bytes);
        if !(more && matches!(probed, Probe::Incomplete(_))) {
            break probed.at_end_of_file().ok_or(Failure::NotAPicture)?;
        }
    };
    let length = match answer.length {
        Some(length) => length,
        None => bytes.len() as u64 + answer.rest()?.len() as u64,
    };
    Ok(CoverEntry { mime_type: mime_type.to_owned(), bytes: length, size })
}

fn fetch_finding(project: &Project, issue: &Issue, url: &Url, failure: &Failure) -> Finding {
    let help = match failure {
        Failure::Http(http::Error::NotPublic { .. }) => "only public internet hosts are contacted: use a public URL",
        Failure::Http(http::Error::Status(_)) | Failure::NotAPicture => "open the URL in a browser and correct it",
        Failure::Http(http::Error::TooLarge { .. }) => "use a smaller picture",
        Failure::Http(_) => "try again later; the previous entry is kept",
    };
    Finding::error("cover-fetch", format!("`{url}`: {failure}")).help(help).at(place_of_cover(project, issue))
}

#[cfg(test)]
mod tests;

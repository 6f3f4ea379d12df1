//! Caches the bodies of the issues in a build: each is read once for its hash in `feeds.lock`, for feeds and for pages.
//! A large project exceeds the cache, and its bodies are read again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::disk::Project;
use crate::feed::Dates;
use crate::finding::Finding;
use crate::identity::BodyPrint;
use crate::identity::lock::Lock;
use crate::issue::Issue;
use crate::load;

/// Bytes of bodies kept after hashing.
const MAX_CACHED_BYTES: usize = 1 << 20;

/// Reads bodies, or returns cached ones.
pub(super) struct BodyCache<'a> {
    project: &'a Project,
    /// By the paths of their issues.
    cached: HashMap<&'a str, String>,
}

impl<'a> BodyCache<'a> {
    /// An empty cache.
    pub fn new(project: &'a Project) -> Self {
        Self { project, cached: HashMap::new() }
    }

    /// The prints of these bodies, without duplicates, ordered by path. Unreadable bodies are skipped.
    pub fn prints(
        &mut self,
        lock: &Lock,
        dates: &Dates,
        issues: impl Iterator<Item = &'a Issue>,
    ) -> Vec<(&'a Issue, BodyPrint)> {
        let once: BTreeMap<&str, &Issue> = issues.map(|issue| (issue.path.as_str(), issue)).collect();
        let (project, bytes) = (self.project, AtomicUsize::new(0));
        let read = |issue: &'a Issue| {
            let body = load::body(project, issue).ok()?;
            let print = BodyPrint { seconds: dates.added.of(issue), ..BodyPrint::of(lock, issue, &body) };
            let fits = bytes.fetch_add(body.len(), Ordering::Relaxed) + body.len() <= MAX_CACHED_BYTES;
            Some(((issue, print), fits.then_some((issue.path.as_str(), body))))
        };
        let read: Vec<_> = once.into_values().collect::<Vec<_>>().into_par_iter().filter_map(read).collect();
        let (prints, cached): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        self.cached.extend(cached.into_iter().flatten());
        prints
    }

    /// The body of an issue.
    ///
    /// # Errors
    /// A finding if the file can no longer be read, or is not UTF-8.
    pub fn body(&self, issue: &Issue) -> Result<Cow<'_, str>, Box<Finding>> {
        match self.cached.get(issue.path.as_str()) {
            Some(body) => Ok(Cow::Borrowed(body)),
            None => load::body(self.project, issue).map(Cow::Owned),
        }
    }
}

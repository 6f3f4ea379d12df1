//! The bodies of the issues that a build shows: read once for the hash in `feeds.lock`, for feeds and for pages, as long as
//! they are few enough to be kept; a large project's are read again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::disk::Project;
use crate::finding::Finding;
use crate::identity::lock::content_hash;
use crate::issue::Issue;
use crate::load;

/// Bytes of bodies that are kept from the hash on.
const MAX_CACHED_BYTES: usize = 1 << 20;

/// Reads bodies, and has those that were read before.
pub(super) struct BodyCache<'a> {
    project: &'a Project,
    /// By the paths of their issues.
    held: HashMap<&'a str, String>,
}

impl<'a> BodyCache<'a> {
    /// None yet.
    pub fn new(project: &'a Project) -> Self {
        Self { project, held: HashMap::new() }
    }

    /// The `content_hash` of these bodies, each issue once, in the order of their paths. One that cannot be read is not
    /// among them.
    pub fn hashed(&mut self, issues: impl Iterator<Item = &'a Issue>) -> Vec<(&'a Issue, String)> {
        let once: BTreeMap<&str, &Issue> = issues.map(|issue| (issue.path.as_str(), issue)).collect();
        let (project, bytes) = (self.project, AtomicUsize::new(0));
        let read = |issue: &'a Issue| {
            let body = load::body(project, issue).ok()?;
            let hash = content_hash(&body);
            let fits = bytes.fetch_add(body.len(), Ordering::Relaxed) + body.len() <= MAX_CACHED_BYTES;
            Some(((issue, hash), fits.then_some((issue.path.as_str(), body))))
        };
        let read: Vec<_> = once.into_values().collect::<Vec<_>>().into_par_iter().filter_map(read).collect();
        let (hashed, held): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        self.held.extend(held.into_iter().flatten());
        hashed
    }

    /// The body of an issue.
    ///
    /// # Errors
    /// A finding when the file cannot be read any more, or its text is not UTF-8.
    pub fn of(&self, issue: &Issue) -> Result<Cow<'_, str>, Box<Finding>> {
        match self.held.get(issue.path.as_str()) {
            Some(body) => Ok(Cow::Borrowed(body)),
            None => load::body(self.project, issue).map(Cow::Owned),
        }
    }
}

//! Holds a mailing with errors: what `check` calls an error in the texts, pictures, shortcodes, templates or links of an
//! issue is mailed to no one.
//!
//! Takes what is planned; returns what is held, with its errors. The mailing is held, not the run; a digest waits whole, and
//! of a begun mailing the rest. What no one waits for is not judged. All are judged before the first is mailed, so that no error
//! is hidden by a limit or a server that fails; the editions are composed again then, since all at once may not fit into memory.

use crate::check::site::Site;
use crate::compose::MailErrors;
use crate::delivery::plan::{PlannedMailing, open_recipients};
use crate::finding::Finding;
use crate::issue::Slug;
use crate::send::SendRequest;
use crate::store::Store;
use crate::subscriber::Status;

/// Number of rules named in the help.
const MAX_NAMED_RULES: usize = 3;

/// A mailing that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldMailing {
    /// Slug of the issue, or name of the digest.
    pub slug: Slug,
    /// Its errors.
    pub errors: Vec<Finding>,
    /// What is held, and what to do; `None` if the errors say so themselves.
    pub notice: Option<Finding>,
}

impl HeldMailing {
    /// A mailing that is held by the plan.
    pub fn of_plan((slug, errors): (Slug, Vec<Finding>)) -> Self {
        Self { slug, errors, notice: None }
    }

    /// Its errors, and that it is held for them.
    pub fn findings(&self) -> Vec<Finding> {
        self.errors.iter().chain(&self.notice).cloned().collect()
    }
}

/// Judges the mailings of a run. The site is read for the first of them that someone waits for.
pub(super) struct Judge<'s, 'a> {
    sending: &'s SendRequest<'a>,
    site: Option<Site>,
}

impl<'s, 'a> Judge<'s, 'a> {
    pub fn new(sending: &'s SendRequest<'a>) -> Self {
        Self { sending, site: None }
    }

    /// Separates the mailings that are held from the others, which are mailed.
    ///
    /// # Errors
    /// When the store or `feeds.lock` cannot be read.
    pub fn separate<'i>(
        &mut self,
        store: &dyn Store,
        planned: Vec<PlannedMailing<'i>>,
    ) -> anyhow::Result<(Vec<HeldMailing>, Vec<PlannedMailing<'i>>)> {
        let (mut held, mut others) = (Vec::new(), Vec::new());
        let is_awaited = store.count_subscribers(Some(Status::Active))? > 0;
        for planned in planned {
            let judged = if is_awaited || planned.begun.is_some() { self.held(store, &planned)? } else { None };
            match judged {
                Some(mailing) => held.push(mailing),
                None => others.push(planned),
            }
        }
        Ok((held, others))
    }

    /// The mailing as held, if it has errors and is not finished.
    ///
    /// # Errors
    /// When the store or `feeds.lock` cannot be read.
    pub fn held(&mut self, store: &dyn Store, planned: &PlannedMailing<'_>) -> anyhow::Result<Option<HeldMailing>> {
        let sending = self.sending;
        let left = match &planned.begun {
            Some(begun) => Some(open_recipients(&store.counts(&begun.issue)?, sending.terms.policy.on_unknown)),
            None => None,
        };
        if sending.despite_errors || left == Some(0) {
            return Ok(None);
        }
        let site = match &self.site {
            Some(site) => site,
            None => self.site.insert(sending.composer.site(sending.terms.now)?),
        };
        let found = sending.composer.mail_errors(&planned.content, site);
        if found.errors.is_empty() {
            return Ok(None);
        }
        let slug = planned.content.slug().clone();
        let notice = Some(notice(&slug, &found, left));
        Ok(Some(HeldMailing { slug, errors: found.errors, notice }))
    }
}

/// The finding that a mailing is held; `left` recipients of a begun one wait.
fn notice(slug: &Slug, found: &MailErrors, left: Option<u64>) -> Finding {
    let (errors, them) = match found.errors.len() {
        1 => ("1 error".to_owned(), "it"),
        count => (format!("{count} errors"), "them"),
    };
    let who = match left {
        None => "it is mailed to no one".to_owned(),
        Some(1) => "the 1 remaining recipient waits".to_owned(),
        Some(left) => format!("the {left} remaining recipients wait"),
    };
    let help = match found.has_edition {
        false => format!("fix {them}: until then there is no edition that could be mailed"),
        true => format!(
            "fix {them}, or switch off what is no error to you (`check: {{off: [{}]}}`), or mail it as it is with `slugline \
             send {slug} --despite-errors`",
            rules(&found.errors)
        ),
    };
    Finding::error("mailing-held", format!("`{slug}` is held because of {errors}: {who}")).help(help)
}

/// The names of the rules, each once.
fn rules(errors: &[Finding]) -> String {
    let mut rules: Vec<&str> = Vec::new();
    for error in errors {
        if !rules.contains(&error.rule) {
            rules.push(error.rule);
        }
    }
    let more = if rules.len() > MAX_NAMED_RULES { ", …" } else { "" };
    rules.truncate(MAX_NAMED_RULES);
    format!("{}{more}", rules.join(", "))
}

//! Whether a run may mail from this store at all, decided before it changes anything.
//!
//! Takes the store and the record of mailings; returns a finding with the reason. Over SMTP, nothing is mailed from a new
//! store without `--first`: it may be in the place of a lost one. Nothing is mailed from a store file whose disk is
//! discarded after every job, as in CI. What goes into an outbox can be undone.

use crate::finding::Finding;
use crate::send::mailing_record::MailingRecord;
use crate::store::Store;

/// The circumstances of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// A person states that this is the first mailing ever.
    pub first: bool,
    /// It mails over SMTP.
    pub over_smtp: bool,
    /// It runs in CI.
    pub in_ci: bool,
    /// The store is a file.
    pub in_a_file: bool,
}

impl Admission {
    /// Why nothing may be mailed from this store; `None` if it may.
    ///
    /// # Errors
    /// When `feeds.lock` or the store cannot be read.
    pub fn refusal(&self, store: &dyn Store, record: &MailingRecord<'_>) -> anyhow::Result<Option<Finding>> {
        if let Some(behind) = record.refusal(store)? {
            return Ok(Some(behind));
        }
        if self.first && !(record.read()?.is_empty() && store.mailings()?.is_empty()) {
            return Ok(Some(not_the_first()));
        }
        if !self.over_smtp {
            return Ok(None);
        }
        if self.in_ci && self.in_a_file {
            return Ok(Some(discarded_disk()));
        }
        Ok((!self.first && store.is_empty()?).then(new_store))
    }
}

fn not_the_first() -> Finding {
    let help = "remove `--first`; it is for a new store from which no one was ever mailed";
    Finding::error("store-not-first", "`--first` does not apply: this is not the first mailing").help(help)
}

fn discarded_disk() -> Finding {
    let message = "nothing is mailed, because `CI` is set and the store is a file: if every job starts without it, everyone \
                   would get everything again";
    let help = "keep the store on a PostgreSQL server; or, if the disk is kept, unset `CI` for this command";
    Finding::error("store-ci", message).help(help)
}

fn new_store() -> Finding {
    let message = "nothing is mailed, because the store is new: it contains neither subscribers nor mailings";
    let help = "if no one was ever mailed, pass `--first`, or import the subscribers with `slugline subscribers import FILE`. If \
                there was a store, put it back or restore it with `slugline store restore FILE`: only that store knows who \
                unsubscribed";
    Finding::error("store-new", message).help(help)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::disk::Project;
    use crate::issue::IssueId;
    use crate::store::memory::Memory;
    use crate::subscriber::NewSubscriber;

    const SMTP: Admission = Admission { first: false, over_smtp: true, in_ci: false, in_a_file: true };

    /// A store with one subscriber.
    fn imported() -> Memory {
        let mut store = Memory::default();
        let reader = NewSubscriber::new("reader@example.org".parse().unwrap(), "");
        store.add_subscribers(&mut std::iter::once(reader), DateTime::UNIX_EPOCH).unwrap();
        store
    }

    fn mailed() -> Memory {
        let mut store = imported();
        store.freeze(&IssueId::new("a").unwrap(), "hash", None, DateTime::UNIX_EPOCH).unwrap();
        store
    }

    fn rule(admission: Admission, store: &Memory) -> Option<&'static str> {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        admission.refusal(store, &MailingRecord::new(&project, "slugline.yaml")).unwrap().map(|finding| finding.rule)
    }

    #[test]
    fn a_new_store_mails_over_smtp_only_if_confirmed() {
        assert_eq!(rule(SMTP, &Memory::default()), Some("store-new"));
        assert_eq!(rule(Admission { first: true, ..SMTP }, &Memory::default()), None);
        assert_eq!(rule(Admission { over_smtp: false, ..SMTP }, &Memory::default()), None);
        assert_eq!(rule(SMTP, &imported()), None, "subscribers were imported into it");
        assert_eq!(rule(SMTP, &mailed()), None);
    }

    #[test]
    fn first_is_refused_after_a_mailing_by_any_route() {
        for over_smtp in [true, false] {
            let first = Admission { first: true, over_smtp, ..SMTP };
            assert_eq!((rule(first, &imported()), rule(first, &mailed())), (None, Some("store-not-first")));
        }
    }

    #[test]
    fn nothing_is_mailed_from_a_file_in_ci() {
        let ci = Admission { in_ci: true, ..SMTP };
        assert_eq!(rule(ci, &mailed()), Some("store-ci"));
        assert_eq!(rule(Admission { first: true, ..ci }, &Memory::default()), Some("store-ci"));
        assert_eq!(rule(Admission { in_a_file: false, ..ci }, &mailed()), None);
        assert_eq!(rule(Admission { over_smtp: false, ..ci }, &mailed()), None);
    }
}

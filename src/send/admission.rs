//! Whether a run may mail from this store at all, found out before it changes anything.
//!
//! Takes the store and what is recorded of mailings; returns a finding that says why not. Over SMTP a new store mails nobody
//! unless a person says that it is the first: it may stand where a lost one was. A store in a file mails nobody where the
//! disk is thrown away after every job, as in CI. What is written into an outbox can be taken back.

use crate::finding::Finding;
use crate::send::mailing_record::MailingRecord;
use crate::store::Store;

/// What a run is, as far as that counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// A person says that this is the first mailing of all.
    pub first: bool,
    /// It mails over SMTP.
    pub over_smtp: bool,
    /// It runs in CI.
    pub in_ci: bool,
    /// The store is a file.
    pub in_a_file: bool,
}

impl Admission {
    /// Why this run mails nobody from this store; `None` when it may.
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
            return Ok(Some(thrown_away()));
        }
        Ok((!self.first && store.is_empty()?).then(new))
    }
}

fn not_the_first() -> Finding {
    let help = "leave `--first` out; it is for a store that is new because nobody was ever mailed";
    Finding::error("store-not-first", "this is not the first mailing: `--first` is wrong").help(help)
}

fn thrown_away() -> Finding {
    let message = "nothing is mailed, since `CI` is set and the store is a file: where each job begins without it, everybody \
                   would get everything again";
    let help = "keep the store on a PostgreSQL server; or, where the disk stays, unset `CI` for this command";
    Finding::error("store-ci", message).help(help)
}

fn new() -> Finding {
    let message = "nothing is mailed, since the store is new: it holds neither subscribers nor mailings";
    let help = "if nobody was ever mailed, say `--first`, or import the subscribers with `slugline subscribers import FILE`. If \
                there was a store, put it back, or bring it back with `slugline store restore FILE`: whoever left is known \
                there alone";
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
    fn a_new_store_mails_over_smtp_only_with_a_word() {
        assert_eq!(rule(SMTP, &Memory::default()), Some("store-new"));
        assert_eq!(rule(Admission { first: true, ..SMTP }, &Memory::default()), None);
        assert_eq!(rule(Admission { over_smtp: false, ..SMTP }, &Memory::default()), None);
        assert_eq!(rule(SMTP, &imported()), None, "somebody has put subscribers into it");
        assert_eq!(rule(SMTP, &mailed()), None);
    }

    #[test]
    fn the_first_is_the_first_whichever_way_it_goes() {
        for over_smtp in [true, false] {
            let first = Admission { first: true, over_smtp, ..SMTP };
            assert_eq!((rule(first, &imported()), rule(first, &mailed())), (None, Some("store-not-first")));
        }
    }

    #[test]
    fn a_file_mails_nobody_in_ci() {
        let ci = Admission { in_ci: true, ..SMTP };
        assert_eq!(rule(ci, &mailed()), Some("store-ci"));
        assert_eq!(rule(Admission { first: true, ..ci }, &Memory::default()), Some("store-ci"));
        assert_eq!(rule(Admission { in_a_file: false, ..ci }, &mailed()), None);
        assert_eq!(rule(Admission { over_smtp: false, ..ci }, &mailed()), None);
    }
}

//! Why a store could not do something, and what to do about it.

use chrono::{DateTime, Utc};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, or is no database of ours.
    #[error("cannot open the store `{place}`")]
    Open {
        /// The file or URL.
        place: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// The file is there, and what is in it is not what was written.
    #[error("the store `{place}` is damaged: {why}")]
    Damaged {
        /// The file.
        place: String,
        /// What SQLite says.
        why: &'static str,
    },
    /// It is a backup, from which nobody is mailed.
    #[error("the store `{place}` is a backup of {made}")]
    Backup {
        /// The file.
        place: String,
        /// When it was made.
        made: String,
    },
    /// It was to be made, and is there.
    #[error("`{place}` is there already, and was left as it is")]
    Exists {
        /// The file.
        place: String,
    },
    /// The server cannot be reached, or does not let us in.
    #[error("cannot reach the store `{place}`")]
    Connect {
        /// The URL.
        place: String,
        /// What to do.
        help: &'static str,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// The program was built without the feature `postgres`.
    #[error("this build of slugline has no PostgreSQL support: install it with `--features postgres`")]
    NoPostgres,
    /// The connection to the server broke, and could not be made again in time.
    #[error("the connection to the store `{place}` broke")]
    Lost {
        /// The URL.
        place: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// It was made by another version of this program.
    #[error("the store `{place}` has schema version {found}; this program knows versions up to {known}")]
    Version {
        /// The file or URL.
        place: String,
        /// What it says.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// It was moved elsewhere, or is being moved.
    #[error("the store `{place}` {} to `{to}` at {begun}{}",
        if *ended { "was moved" } else { "began to be moved" },
        if *ended { "" } else { ", and that did not come to its end" })]
    Moved {
        /// The file or URL.
        place: String,
        /// Where to, as the project file would say it.
        to: String,
        /// Since when it refuses.
        begun: DateTime<Utc>,
        /// Whether all is there.
        ended: bool,
    },
    /// It was to be filled.
    #[error("the store `{place}` holds subscribers or mailings already, and was left as it is")]
    NotEmpty {
        /// The file or URL.
        place: String,
    },
    /// Another process holds it for too long.
    #[error("the store is locked by another process")]
    Locked,
    /// There is no room left to write.
    #[error("the disk is full: the store cannot write")]
    Full,
    /// Anything else.
    #[error("the store failed to {doing}")]
    Failed {
        /// What it was doing.
        doing: &'static str,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl StoreError {
    /// The same about the file that people know, where another one was opened in its stead.
    #[must_use]
    pub fn at(mut self, file: &str) -> Self {
        if let Self::Open { place, .. } | Self::Damaged { place, .. } | Self::Version { place, .. } = &mut self {
            file.clone_into(place);
        }
        self
    }

    /// What to do about it, where that can be said.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Open { .. } => {
                "name the right file or database as `store` in the project file; if this was the store, bring it back from a \
                 backup with `slugline store restore FILE`"
            }
            Self::Damaged { .. } => {
                "leave it where it is, and bring the store back from a backup: `slugline store restore FILE` keeps the damaged \
                 file aside, and takes from it who left, as far as it can be read. Without a backup, `sqlite3 FILE .recover` \
                 saves what can be read"
            }
            Self::Backup { .. } => {
                "nobody is mailed from a backup: name the store as `store` in the project file, and bring it back with \
                 `slugline store restore FILE`"
            }
            Self::Exists { .. } => "name a file that is not there",
            Self::Connect { help, .. } => help,
            Self::Lost { .. } => "run it again once the server can be reached: nothing is lost",
            Self::Version { .. } => "use the newer version of slugline that made it",
            Self::Moved { to, ended: true, .. } => {
                return Some(format!(
                    "nothing is sent or changed here any more: write `store: {to}` into the project file"
                ));
            }
            Self::Moved { to, ended: false, .. } => {
                return Some(format!(
                    "`slugline store copy {to}` finishes it; `slugline store keep` gives it up, and goes on with this store"
                ));
            }
            Self::NotEmpty { .. } => "name a file that is not there, or an empty database or schema",
            Self::Locked => "wait until the other process is done, and run it again",
            Self::Full => "make room on the disk, and run it again: nothing is lost",
            Self::NoPostgres | Self::Failed { .. } => return None,
        };
        Some(help.to_owned())
    }
}

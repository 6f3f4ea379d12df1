//! Why a store could not do something, and what to do about it.

use chrono::{DateTime, Utc};

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, or is not a database of this program.
    #[error("cannot open the store `{place}`")]
    Open {
        /// The file or URL.
        place: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// The file's content is corrupt.
    #[error("the store `{place}` is damaged: {why}")]
    Damaged {
        /// The file.
        place: String,
        /// What SQLite reports.
        why: &'static str,
    },
    /// It is a backup, and backups never send.
    #[error("the store `{place}` is a backup of {made}")]
    Backup {
        /// The file.
        place: String,
        /// When it was made.
        made: String,
    },
    /// The file to be created exists.
    #[error("`{place}` already exists and was left unchanged")]
    Exists {
        /// The file.
        place: String,
    },
    /// The server cannot be reached, or refuses the login.
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
    /// The connection to the server broke and could not be restored in time.
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
        /// Its schema version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// It was moved elsewhere, or is being moved.
    #[error("the store `{place}` {} to `{to}` at {begun}{}",
        if *ended { "was moved" } else { "started moving" },
        if *ended { "" } else { ", and the move is unfinished" })]
    Moved {
        /// The file or URL.
        place: String,
        /// The new location, in the project file's notation.
        to: String,
        /// When it stopped accepting changes.
        begun: DateTime<Utc>,
        /// Whether the move is complete.
        ended: bool,
    },
    /// It is to be filled and is not empty.
    #[error("the store `{place}` already contains subscribers or mailings and was left unchanged")]
    NotEmpty {
        /// The file or URL.
        place: String,
    },
    /// Another process has locked it for too long.
    #[error("the store is locked by another process")]
    Locked,
    /// The disk is full.
    #[error("the disk is full: the store cannot write")]
    Full,
    /// Anything else.
    #[error("the store failed to {doing}")]
    Failed {
        /// The operation, to follow "failed to".
        doing: &'static str,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl StoreError {
    /// The same error naming `file`, for which another file was opened.
    #[must_use]
    pub fn at(mut self, file: &str) -> Self {
        if let Self::Open { place, .. } | Self::Damaged { place, .. } | Self::Version { place, .. } = &mut self {
            file.clone_into(place);
        }
        self
    }

    /// What to do about it, if known.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Open { .. } => {
                "name the right file or database as `store` in the project file; if this was the store, restore it from a \
                 backup with `slugline store restore FILE`"
            }
            Self::Damaged { .. } => {
                "leave it where it is, and restore the store from a backup: `slugline store restore FILE` keeps the damaged \
                 file and carries over who unsubscribed, as far as it can be read. Without a backup, `sqlite3 FILE .recover` \
                 rescues what can be read"
            }
            Self::Backup { .. } => {
                "backups never send: name the store as `store` in the project file, and restore it with \
                 `slugline store restore FILE`"
            }
            Self::Exists { .. } => "name a file that does not exist",
            Self::Connect { help, .. } => help,
            Self::Lost { .. } => "run the command again once the server can be reached: nothing is lost",
            Self::Version { .. } => "use the newer version of slugline that created it",
            Self::Moved { to, ended: true, .. } => {
                return Some(format!("this store no longer sends or changes: set `store: {to}` in the project file"));
            }
            Self::Moved { to, ended: false, .. } => {
                return Some(format!(
                    "`slugline store copy {to}` finishes the move; `slugline store keep` cancels it and keeps using this store"
                ));
            }
            Self::NotEmpty { .. } => "name a file that does not exist, or an empty database or schema",
            Self::Locked => {
                "wait until the other process has finished, and run the command again; stop `slugline serve` before you restore \
                 a store"
            }
            Self::Full => "free some disk space, and run the command again: nothing is lost",
            Self::NoPostgres | Self::Failed { .. } => return None,
        };
        Some(help.to_owned())
    }
}

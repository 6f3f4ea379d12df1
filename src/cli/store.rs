//! `slugline store`: backs up, restores and moves subscribers and ledger.

use std::fmt;
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::store::moving::{RowCounts, Table};

mod adopt;
mod backup;
mod copy;
mod restore;

/// Back up, restore or move the store
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline store backup /srv/backups/tides-monday.db\n  \
                        slugline store copy postgres://weekly@db.example.org/weekly")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copy the project's store into another, empty one, which takes its place
    ///
    /// Copies subscribers with their ids (so that unsubscribe links keep working), mailings, and deliveries. From the start the
    /// old store refuses to send and to change, so that no subscriber is mailed from both; it can still be read. If the copy is
    /// interrupted, run it again: it finishes.
    #[command(after_help = "Examples:\n  slugline store copy postgres://weekly@db.example.org/weekly\n  \
                            slugline store copy sqlite:slugline-2.db")]
    Copy {
        /// The other store, as in the project file: `postgres://USER@HOST/DATABASE` or `sqlite:FILE`
        to: String,
        /// File with the password of the other database, below the project folder [default: SLUGLINE_STORE_PASSWORD, else
        /// `store_password_file`]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Abandon an unfinished copy, and keep using this store
    ///
    /// The other store is asked whether the copy was finished. If it was, it is too late: the other store may have sent.
    #[command(after_help = "Examples:\n  slugline store keep")]
    Keep {
        /// The other store is gone for good: do not ask it
        #[arg(long)]
        lost: bool,
        /// File with the password of the other database, below the project folder
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Write the project's store into a new file, even while a run sends
    ///
    /// The backup is a SQLite file, whatever the store is. Nothing is sent from it; `slugline store restore` brings it back.
    /// Never copy the file of a store by other means while it is in use: recent writes would be missing.
    #[command(after_help = "Examples:\n  slugline store backup /srv/backups/tides-monday.db")]
    Backup {
        /// File to write, which must not exist
        file: PathBuf,
    },
    /// Bring the store back from a backup
    ///
    /// The backup is only read. An existing store file is kept beside the new one, and those who unsubscribed since the backup
    /// stay unsubscribed, as far as it can be read; a database has to be empty. Recipients that waited for a mailing when the
    /// backup was made become `unknown`, because they may have got it afterwards: `slugline resolve` decides.
    #[command(after_help = "Examples:\n  slugline store restore /srv/backups/tides-monday.db")]
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Count all mailings that `feeds.lock` records as sent, if the store that knows more is gone for good
    ///
    /// No subscriber gets those issues again from this store. Recipients still waiting for one of them become `unknown`. The next issue
    /// goes to all active subscribers.
    #[command(after_help = "Examples:\n  slugline store adopt\n  slugline store adopt --yes")]
    Adopt {
        /// Do not ask at the terminal
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    match &args.action {
        Action::Copy { to, password_file } => copy::copy(context, &config, to.trim(), password_file.as_deref()),
        Action::Keep { lost, password_file } => copy::keep(context, &config, *lost, password_file.as_deref()),
        Action::Backup { file } => backup::run(context, &config, file),
        Action::Restore { file } => restore::run(context, &config, file),
        Action::Adopt { yes } => adopt::run(context, &config, *yes),
    }
}

/// How much was copied or backed up, in a `--json` document.
#[derive(Serialize)]
struct RowsDocument {
    /// Number of subscribers.
    subscribers: u64,
    /// Number of mailings.
    mailings: u64,
    /// Number of deliveries.
    deliveries: u64,
}

impl RowsDocument {
    fn of(counts: &RowCounts) -> Self {
        let [subscribers, mailings, deliveries] =
            [Table::Subscriber, Table::Mailing, Table::Delivery].map(|table| counts.of(table));
        Self { subscribers, mailings, deliveries }
    }
}

impl fmt::Display for RowsDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribers, mailings, deliveries } = self;
        write!(f, "{subscribers} subscribers, {mailings} mailings, {deliveries} deliveries")
    }
}

//! `slugline store`: where subscribers and ledger are kept.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::{Context, Exit};

mod adopt;
mod backup;
mod copy;
mod restore;

/// Back up, restore or move the store
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copy all that the project's store holds into another, empty one, which takes its place
    ///
    /// Subscribers with their numbers (so that links to leave in mails keep working), mailings, and what became of each of
    /// their recipients. From its begin on the old store refuses to send and to change, so that nobody is mailed by both; it
    /// can still be read. When it dies on the way, run it again: it finishes.
    #[command(after_help = "Examples:\n  slugline store copy postgres://weekly@db.example.org/weekly\n  \
                            slugline store copy sqlite:slugline-2.db")]
    Copy {
        /// The other store, as in the project file: `postgres://…` or `sqlite:FILE`
        to: String,
        /// File that holds the password of the other database, below the project folder [default: SLUGLINE_STORE_PASSWORD,
        /// else `store_password_file`]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give up a move that was begun and not finished, and go on with this store
    ///
    /// Whether it was finished is seen in the other store. If that holds everything, it is too late: it may have sent.
    #[command(after_help = "Examples:\n  slugline store keep")]
    Keep {
        /// The other store is gone for good: do not look there
        #[arg(long)]
        lost: bool,
        /// File that holds the password of the other database, below the project folder
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Write all that the project's store holds into a new file, while others send
    ///
    /// Always a SQLite file, whatever the store is. Nobody is mailed from it; `slugline store restore` brings it back. Never
    /// copy the file of a store by other means while it is used: what is being written would be missing.
    #[command(after_help = "Examples:\n  slugline store backup /srv/backups/tides-monday.db")]
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
    },
    /// Bring the store back from a backup
    ///
    /// The backup is only read. A store file that is there already is kept beside the new one, and whoever left since then
    /// stays away, as far as it can be read; a database has to be empty. Whoever waited for a mailing when the backup was made
    /// becomes `unknown`, since nobody knows whether they were mailed afterwards: `slugline resolve` decides.
    #[command(after_help = "Examples:\n  slugline store restore /srv/backups/tides-monday.db")]
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Take for mailed all that `feeds.lock` records, where the store that knows more is gone for good
    ///
    /// Nobody gets those issues again from this store. Whoever still waits for one of them becomes `unknown`. The next issue
    /// goes to all.
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

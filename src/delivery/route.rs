//! The way out: mail servers, or a folder of .eml files.

use std::fmt;
use std::path::PathBuf;

use crate::disk::Project;
use crate::smtp::relay::Relay;

/// Which way mail leaves, with all that the way needs: what the project file names, with files and secrets read.
pub enum Route {
    /// To mail servers, one at least.
    Relays(Vec<Relay>),
    /// Into a folder of the project.
    Outbox {
        /// The project.
        project: Project,
        /// The folder, below the project's.
        root: PathBuf,
        /// So many files are written side by side.
        writers: usize,
    },
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Relays(relays) => {
                let names: Vec<String> = relays.iter().map(|relay| format!("`{relay}`")).collect();
                let noun = if names.len() == 1 { "server" } else { "servers" };
                write!(f, "the mail {noun} {}", names.join(", "))
            }
            Route::Outbox { project, root, .. } => write!(f, "the folder `{}`", project.path(root).display()),
        }
    }
}

//! How mail leaves: through mail servers, or into an outbox.

use std::fmt;
use std::path::PathBuf;

use crate::disk::Project;
use crate::smtp::relay::Relay;

/// How mail leaves, ready for use: files and secrets of the project file are read.
pub enum Route {
    /// Through mail servers, at least one.
    Relays(Vec<Relay>),
    /// Into an outbox, a folder of the project.
    Outbox {
        /// The project.
        project: Project,
        /// The folder, below the project folder.
        root: PathBuf,
        /// Number of files written in parallel.
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

//! The way out: one connection to an SMTP server, or a folder of .eml files.
//!
//! Takes finished letters, one at a time, and says what became of each and in which phase. Who gets what, what is
//! tried again and what is written down is `delivery`'s.

pub mod certificate;
mod dialogue;
mod keywords;
mod login;
pub mod outbox;
pub mod phase;
pub mod probe;
pub mod relay;
pub mod reply;
pub mod session;
pub mod stream;
mod tls;
mod wire;

use std::fmt;
use std::path::PathBuf;

use crate::disk::Project;
use crate::smtp::relay::Relay;

/// Which way mail leaves, with all that the way needs: `config::Via` with its files and secrets read.
pub enum Route {
    /// To a mail server.
    Relay(Box<Relay>),
    /// Into a folder of the project.
    Outbox {
        /// The project.
        project: Project,
        /// The folder, below the project's.
        root: PathBuf,
    },
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Relay(relay) => write!(f, "the mail server `{relay}`"),
            Route::Outbox { project, root } => write!(f, "the folder `{}`", project.path(root).display()),
        }
    }
}

#[cfg(test)]
#[path = "../../tests/it/smtp_peer/mod.rs"]
pub(crate) mod peer;

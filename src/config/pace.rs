//! A mail server as `mail.via` names it, with what it has of its own.

use std::path::PathBuf;

use crate::rate::{Rate, WarmUp};
use crate::smtp::Server;

/// An SMTP server that mail leaves through.
#[derive(Debug, Clone, PartialEq)]
pub struct MailServer {
    /// Where it is.
    pub server: Server,
    /// Its share of the mail beside others, at least 1.
    pub weight: u32,
    /// Login name; the password never stands in the project file.
    pub user: Option<String>,
    /// Environment variable that holds the password of this server.
    pub password_env: Option<String>,
    /// File that holds the password of this server, relative to the project folder.
    pub password_file: Option<PathBuf>,
    /// PEM file of further certificates to trust, relative to the project folder: for a relay of one's own.
    pub tls_ca_file: Option<PathBuf>,
    /// Connections used side by side.
    pub connections: usize,
    /// How fast mail may leave through it, beside `Policy::rate`.
    pub rate: Option<Rate>,
    /// How much mail may leave through it on each day while it is new, beside `Policy::warm_up`.
    pub warm_up: Option<WarmUp>,
}

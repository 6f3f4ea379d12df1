//! How mail is spread over servers and time: `mail.via` as a list, and `mail.canary`.

use std::path::PathBuf;

use chrono::Duration;

use crate::email::EmailAddress;
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
    /// How fast mail may leave through it, beside `MailConfig::rate`.
    pub rate: Option<Rate>,
    /// How much mail may leave through it on each day while it is new, beside `MailConfig::warm_up`.
    pub warm_up: Option<WarmUp>,
}

/// The recipients who get an issue before the others, and what has to come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Who.
    pub wave: Wave,
    /// So long the others wait after them.
    pub wait: Duration,
    /// If a greater share of them fails (from 0 to 1), nobody else is mailed.
    pub most_failures: f64,
}

/// Who gets an issue first.
#[derive(Debug, Clone, PartialEq)]
pub enum Wave {
    /// A share of the audience, from 0 to 1, from all over the list.
    Share(f64),
    /// These subscribers.
    To(Vec<EmailAddress>),
}

//! The keys below `inbox`.

use std::path::PathBuf;

use crate::email::EmailAddress;

/// Where mail comes in, and what it may ask for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The mailbox that is read without being named.
    pub source: Option<Source>,
    /// The address at which anyone can ask to be subscribed.
    pub subscribe: Option<EmailAddress>,
    /// The address at which readers confirm and undo, with `{token}` in it.
    pub confirm: Option<String>,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A Maildir, an mbox or a folder of messages, relative to the project folder.
    Path(PathBuf),
    /// A folder on an IMAP server.
    Imap(Account),
}

/// An account on an IMAP server.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// File with the password, relative to the project folder; SLUGLINE_IMAP_PASSWORD takes precedence.
    pub password_file: Option<PathBuf>,
    /// PEM file of additional trusted certificates, relative to the project folder.
    pub tls_ca_file: Option<PathBuf>,
    /// The folder.
    pub folder: String,
}

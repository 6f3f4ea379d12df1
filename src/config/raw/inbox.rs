//! `inbox` as written.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawInbox {
    pub path: Option<String>,
    pub imap: Option<String>,
    pub user: Option<String>,
    pub password_file: Option<String>,
    pub tls_ca_file: Option<String>,
    pub folder: Option<String>,
    pub subscribe: Option<String>,
    pub confirm: Option<String>,
}

//! SMTP (RFC 5321): one connection to a mail server.
//!
//! Takes finished letters, one at a time, and reports what became of each, and in which phase. Routing, retries and the
//! ledger are left to `delivery`.

#[cfg(feature = "doctor")]
pub mod certificate;
mod dialogue;
mod dot_stuffing;
mod extensions;
pub mod failure;
pub mod greeting;
mod login;
#[cfg(feature = "doctor")]
pub mod probe;
pub mod relay;
mod server;
pub mod session;
pub mod stream;
pub mod timeouts;
mod tls;

pub use crate::smtp::server::{Server, TlsMode};

#[cfg(test)]
#[path = "../tests/it/smtp_peer.rs"]
pub(crate) mod peer;

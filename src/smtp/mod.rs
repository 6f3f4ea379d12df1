//! The way out: one connection to an SMTP server, or a folder of .eml files.
//!
//! Takes finished letters, one at a time, and says what became of each and in which phase. Who gets what, what is
//! tried again and what is written down is `delivery`'s.

pub mod outbox;
pub mod phase;
pub mod relay;
pub mod reply;
pub mod session;
mod wire;

#[cfg(test)]
#[path = "../../tests/it/smtp_peer/mod.rs"]
pub(crate) mod peer;

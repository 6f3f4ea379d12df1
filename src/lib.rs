//! slugline turns a folder of Markdown issues into feeds and an email edition.
//!
//! ```text
//! content/ ──────► content ─► issue ──┬─► feed (rss, atom, json) ─► public/
//! slugline.yaml ─► config ────────────┤
//!                                     └─► edition (html + text) ─► delivery ─► smtp ─► mail server
//!                                            store (subscribers, ledger) ──┘
//! ```
//!
//! Five kinds of module, each using only the kinds before its own: nouns, transforms (no disk, network, database,
//! clock or terminal), edges (one outside thing each), use cases, faces. `tests/it/structure.rs` keeps it so.

// Only the build with every feature reports unused code.
#![cfg_attr(
    not(all(feature = "postgres", feature = "preview", feature = "serve", feature = "doctor")),
    allow(dead_code, unused_imports, unused_variables)
)]

// nouns
mod bounce;
mod consent;
mod digest;
mod email;
mod finding;
mod hex;
mod issue;
mod ledger;
mod letter;
mod publication;
mod rate;
mod renamed;
mod reply;
mod subscriber;
mod transactional_message;
mod unsubscription;

// transforms
mod authentication;
mod check;
mod content;
mod covers_lock;
mod dkim;
mod edition;
mod feed;
mod incoming;
mod page;
mod picture;
mod shortcodes;
mod statistics;
mod templates;
mod token;

// edges
mod disk;
#[cfg(feature = "doctor")]
mod dns;
mod fault;
mod http;
mod mailbox;
mod smtp;
mod store;

// use cases
mod compose;
mod config;
mod covers;
mod delivery;
#[cfg(feature = "doctor")]
mod diagnosis;
mod identity;
mod inbox;
mod load;
#[cfg(feature = "preview")]
mod preview;
mod private;
mod publish;
mod resources;
mod review;
mod send;
mod serve;
mod subscription;
mod transactional;
mod transport;

// faces
mod cli;
#[cfg(any(feature = "preview", feature = "serve"))]
mod web;

pub use crate::cli::{Exit, run};

/// What benchmarks, fuzzers and tests use without the command line. Not a stable interface.
pub mod parts {
    pub use crate::bounce::Class;
    pub use crate::config::Config;
    pub use crate::content::assemble::{Source, assemble};
    pub use crate::content::front_matter::split;
    pub use crate::content::markdown::Document;
    pub use crate::content::names::Names;
    pub use crate::delivery::Route;
    pub use crate::delivery::dispatcher::run as deliver;
    pub use crate::delivery::job::{Job, RateLimits, RunHooks};
    pub use crate::disk::Project;
    pub use crate::dkim::{Algorithm, Key, Signature, Signer};
    pub use crate::edition::{Edition, Files, NO_FILES, Recipient, Section};
    pub use crate::email::EmailAddress;
    pub use crate::identity::LockMode;
    pub use crate::incoming::parse as parse_incoming;
    pub use crate::issue::{IssueId, Slug};
    pub use crate::ledger::{AttemptOutcome, LedgerEntry, Run, State};
    pub use crate::letter::Letter;
    pub use crate::load::{config, issues};
    pub use crate::publish::build;
    pub use crate::smtp::relay::Relay;
    pub use crate::smtp::{Server, TlsMode};
    pub use crate::store::Store;
    pub use crate::store::events::MailEvent;
    #[cfg(feature = "postgres")]
    pub use crate::store::postgres::Postgres;
    pub use crate::store::sqlite::Sqlite;
    pub use crate::subscriber::{NewSubscriber, Status, Subscriber, SubscriberId};
    pub use crate::subscription::{Options, dry_run, export, import};
    pub use crate::transactional_message::MessageKind;
}

#[cfg(test)]
#[path = "../tests/it/skipped.rs"]
mod skipped;

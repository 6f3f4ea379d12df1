//! slugline turns a folder of Markdown issues into feeds and an e-mail edition.
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

// nouns
pub mod digest;
pub mod email;
pub mod finding;
pub mod hex;
pub mod issue;
pub mod ledger;
pub mod letter;
pub mod publication;
pub mod rate;
pub mod subscriber;

// transforms
pub mod authentication;
pub mod check;
pub mod content;
pub mod covers_lock;
pub mod dkim;
pub mod edition;
pub mod feed;
pub mod page;
pub mod picture;
pub mod shortcodes;
pub mod statistics;
pub mod templates;
pub mod token;

// edges
pub mod disk;
pub mod dns;
pub mod fault;
pub mod http;
pub mod outbox;
pub mod smtp;
pub mod store;

// use cases
pub mod compose;
pub mod config;
pub mod covers;
pub mod delivery;
pub mod diagnosis;
pub mod identity;
pub mod load;
pub mod preview;
pub mod publish;
pub mod resources;
pub mod review;
pub mod send;
pub mod subscription;
pub mod transport;

// faces
pub mod cli;
pub mod web;

#[cfg(test)]
#[path = "../tests/it/skipped.rs"]
mod skipped;

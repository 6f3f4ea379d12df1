//! The program as its users meet it: the one integration binary.
//!
//! Files are named after what they test; ARCHITECTURE.md lists them. All work on copies in temporary folders, and what
//! needs a server, root or a browser is skipped, and counted, where that is missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that panics has failed"
)]
#![cfg_attr(
    not(all(feature = "postgres", feature = "preview", feature = "serve", feature = "doctor")),
    allow(dead_code)
)]

mod any_issue;
#[cfg(feature = "postgres")]
mod bounces;
mod cases;
mod chromium;
mod cron;
mod database;
mod devtools;
mod dns_peer;
#[cfg(feature = "doctor")]
mod doctor;
#[cfg(all(feature = "preview", feature = "serve", feature = "doctor"))]
mod documents;
mod editions;
mod faults;
#[cfg(not(all(feature = "postgres", feature = "preview", feature = "serve", feature = "doctor")))]
mod features;
mod fleet;
mod formats;
mod fragments;
mod history;
mod holding;
mod inbox;
#[cfg(all(feature = "preview", feature = "serve", feature = "doctor"))]
mod json;
mod judge;
mod letters;
mod mail_programs;
mod mail_screens;
mod mail_servers;
mod markdown;
mod misbehaviour;
mod newsletter;
mod open_files;
mod pace;
mod postfix;
mod preview;
mod private;
mod program;
mod question;
#[cfg(feature = "serve")]
mod readers;
#[cfg(all(feature = "preview", feature = "serve", feature = "doctor"))]
mod readme;
#[cfg(all(feature = "preview", feature = "serve", feature = "doctor"))]
mod reference;
mod refusals;
mod renamed;
mod repeat;
mod rules;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod serving;
mod site;
mod skipped;
mod slips;
mod small_disk;
mod smtp_peer;
mod status_screens;
mod store_copy;
mod stores;
mod structure;
#[cfg(feature = "postgres")]
mod transactional;
#[cfg(feature = "serve")]
mod web_servers;

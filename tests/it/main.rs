//! The program as its users meet it: the one integration binary.
//!
//! `cases` runs the folders of `tests/cases`, `readme` the commands of the README, `structure` reads the source tree,
//! `rules` compares them with the table of `check`, `history` makes repositories, `refusals` meets a mail server that says
//! no, `misbehaviour` one that goes wrong at every step, `faults` and `store_copy` die at every step, `fleet` on some of
//! several machines, `small_disk` is full at every write,
//! `private` commits what nobody may see, `postfix` and `mail_servers` send to real ones, `chromium` and `mail_screens` look at feeds and editions as a person does, `preview`
//! at its page while files change, `status_screens` at the page of a mailing, `mail_programs` compares editions with what mail programs show. All work on copies in
//! temporary folders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that panics has failed"
)]

mod any_issue;
mod cases;
mod chromium;
mod database;
mod devtools;
mod dns_peer;
mod doctor;
mod editions;
mod faults;
mod fleet;
mod fragments;
mod history;
mod judge;
mod letters;
mod mail_programs;
mod mail_screens;
mod mail_servers;
mod markdown;
mod misbehaviour;
mod newsletter;
mod pace;
mod postfix;
mod preview;
mod private;
mod program;
mod readme;
mod reference;
mod refusals;
mod repeat;
mod rules;
mod site;
mod skipped;
mod small_disk;
mod smtp_peer;
mod status_screens;
mod store_copy;
mod stores;
mod structure;

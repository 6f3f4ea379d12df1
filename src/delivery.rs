//! Delivery: gets each due issue or digest to each of its recipients, exactly once.
//!
//! Takes issues, a store, a route and a writer of letters; returns the outcomes. The order of writes is the guarantee: the
//! audience is frozen before the first message, a recipient is claimed before the connection is used, marked `sending` before
//! the content leaves, and settled as soon as the reply has come. Letters are written by `edition` and sent by `smtp`.

pub mod canary;
mod concurrency_limit;
mod connection;
mod diagnostics;
pub mod digest_schedule;
pub mod digest_selection;
pub mod dispatcher;
pub mod eligibility;
pub mod failure_limit;
pub mod history;
pub mod job;
mod ledger_writer;
pub mod not_due;
pub mod outbox;
mod pipelining;
pub mod plan;
pub mod policy;
mod queue;
mod rate_limit;
mod recipient;
mod refusals;
mod reply_action;
mod retry_schedule;
mod route;
mod run_outcome;
mod server_pool;
mod server_state;
pub mod single_messages;
pub mod suppression;
pub mod test_send;
mod weighted_fair;

pub use crate::delivery::policy::Policy;
pub use crate::delivery::route::Route;

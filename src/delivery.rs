//! Delivery: who still has to get which issue, and seeing that they do, once each.
//!
//! Takes issues, a store, a way out and what writes letters; returns what became of the recipients. The order of writes is
//! the guarantee: the audience is frozen before the first message, a recipient is claimed before the connection is used,
//! marked `sending` before the content leaves, and settled as soon as the reply is there. What letters look like is
//! `edition`'s, how they travel `smtp`'s.

pub mod canary;
mod concurrency_limit;
mod connection;
mod diagnostics;
pub mod digest_schedule;
pub mod digest_selection;
pub mod dispatcher;
mod eligibility;
pub mod history;
pub mod job;
mod ledger_writer;
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
pub mod suppression;
pub mod test_send;
mod weighted_fair;

pub use crate::delivery::policy::Policy;
pub use crate::delivery::route::Route;

//! Delivery: who still has to get which issue, and seeing that they do, once each.
//!
//! Takes issues, a store and a way out; gives a report. The order of writes is the guarantee: the audience is frozen
//! before the first message, a recipient is claimed before the connection is used, marked `sending` before the content
//! leaves, and settled as soon as the reply is there. What letters look like is `edition`'s, how they travel `smtp`'s.

mod bell;
mod canary;
mod claimer;
mod desk;
pub mod digests;
pub mod forecast;
mod journal;
mod judgement;
mod lapsed;
mod papers;
pub mod past;
pub mod plan;
pub mod policy;
pub mod rehearsal;
pub mod retry;
mod route;
pub mod run;
pub mod schedule;
pub mod send;
mod server;
mod shares;
pub mod trial;
mod trouble;
mod verdict;
mod window;
mod worker;

pub use crate::delivery::policy::Policy;
pub use crate::delivery::route::Route;

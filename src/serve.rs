//! Answers the requests of readers: subscribe, confirm, leave, come back, my links.
//!
//! One function from a request to a response. Takes what `web` has received, and a store; only POST changes it. Nothing is
//! mailed here: messages are queued in the store, and `transactional` sends them.

pub use message::{Request, Response};
pub use options::{Listen, Network, Options};

mod message;
mod options;

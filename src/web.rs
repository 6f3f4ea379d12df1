//! What is served over HTTP: the preview to its author, and pages to readers. The only async code, and only at the edge: every
//! response is computed by a plain function on a blocking thread.

#[cfg(feature = "preview")]
pub mod preview;
#[cfg(feature = "serve")]
pub mod readers;
mod stop;

//! What is served over HTTP: the preview to its author. The only async code, and only at the edge: every response is computed
//! by a plain function on a blocking thread.

pub mod preview;

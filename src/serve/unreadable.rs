//! Why a value cannot be read. The project file and the command line take the same values.

/// Why a value of the project file or the command line cannot be read, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}: {help}")]
pub struct Unreadable {
    /// Why.
    pub why: String,
    /// What to write.
    pub help: String,
}

impl Unreadable {
    pub(super) fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }
}

//! Files without front matter, as the largest newsletters in git have them.
//!
//! The title is the first heading, the date that of the first commit.

use crate::content::format::{Format, Generator};

/// The format.
#[derive(Debug)]
pub struct Plain;

impl Format for Plain {
    fn generator(&self) -> Generator {
        Generator::Plain
    }

    fn reads_bare_files(&self) -> bool {
        true
    }

    fn needs_history(&self) -> bool {
        true
    }
}

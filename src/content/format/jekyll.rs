//! Jekyll: posts in `_posts`, named by date and slug.
//!
//! Takes its settings; returns what it determines about posts.

use crate::content::format::{Format, Generator, Settings};

/// The format.
#[derive(Debug)]
pub struct Jekyll {
    settings: Settings,
}

impl Jekyll {
    /// The format of a site with these settings; `permalink` is the pattern of the project file.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub fn new(settings: Settings, _permalink: Option<&str>) -> Result<Self, String> {
        Ok(Self { settings })
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(_file: &str, _text: &str) -> Result<Settings, String> {
    Ok(Settings::new())
}

impl Format for Jekyll {
    fn generator(&self) -> Generator {
        Generator::Jekyll
    }
}

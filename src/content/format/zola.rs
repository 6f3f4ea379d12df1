//! Zola: taxonomies, `@/` links and shortcodes of its own.
//!
//! Takes its settings; returns what it determines about posts.

use crate::content::format::{Format, Generator, Settings};

/// The format.
#[derive(Debug)]
pub struct Zola {
    settings: Settings,
}

impl Zola {
    /// The format of a site with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(_text: &str) -> Result<Settings, String> {
    Ok(Settings::new())
}

impl Format for Zola {
    fn generator(&self) -> Generator {
        Generator::Zola
    }
}

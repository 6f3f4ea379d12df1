//! Docusaurus, VuePress, VitePress, Astro and Eleventy.
//!
//! Takes its settings; returns what it determines about posts.

use crate::content::format::{Format, Generator, Settings};

/// The format.
#[derive(Debug)]
pub struct JavaScript {
    generator: Generator,
    settings: Settings,
}

impl JavaScript {
    /// The format of a site with these settings; `permalink` is the pattern of the project file.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub fn new(generator: Generator, settings: Settings, _permalink: Option<&str>) -> Result<Self, String> {
        Ok(Self { generator, settings })
    }
}

/// The settings in the text of its configuration.
///
/// # Errors
/// Why it cannot be parsed.
pub fn settings(_file: &str, _text: &str) -> Result<Settings, String> {
    Ok(Settings::new())
}

impl Format for JavaScript {
    fn generator(&self) -> Generator {
        self.generator
    }
}

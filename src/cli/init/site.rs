//! What the configuration of a generator other than Hugo says for the project file that `init` writes.
//!
//! Takes the format of the site; returns keys of the project file and their values, as YAML on one line.

use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::cli::init::hugo::is_of_a_site;
use crate::config::SiteFormat;
use crate::content::path::with_slashes;
use crate::disk::Project;
use crate::publication::{is_language, is_language_tag};

/// The keys that the configuration knows, with their values. The format is not among them: it is recognised again.
pub(super) fn values(project: &Project, format: &SiteFormat) -> Vec<(&'static str, String)> {
    let defaults = format.format.defaults();
    let text = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(Value::from);
    let folders = format.in_site(defaults.content.clone()).into_iter().map(|folder| with_slashes(&folder));
    // Without `content`, the folder of the site is read.
    let is_written = |folder: &String| !folder.is_empty() && project.path(folder).is_dir();
    let folders: Vec<String> = folders.filter(is_written).collect();
    let content = match folders.as_slice() {
        [] => None,
        [only] => Some(json!(only)),
        several => Some(json!(several)),
    };
    let found = [
        ("title", text(&defaults.title)),
        ("base_url", text(&defaults.base_url).filter(is_of_a_site)),
        ("description", text(&defaults.description)),
        ("language", defaults.language.filter(|tag| is_language_tag(tag) && is_language(tag)).map(Value::from)),
        ("timezone", defaults.timezone.filter(|zone| zone.parse::<Tz>().is_ok()).map(Value::from)),
        ("content", content),
    ];
    found.into_iter().filter_map(|(key, value)| Some((key, value?.to_string()))).collect()
}

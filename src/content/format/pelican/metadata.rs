//! The fields of a post that Pelican takes from elsewhere than its header: the path of the file, and the settings.
//!
//! Takes the path below `PATH` and the fields; adds to the fields. A field of the header always counts first.

use fancy_regex::Regex;
use serde_json::Value;

use crate::content::format::Settings;
use crate::content::format::pelican::date;
use crate::content::format::pelican::slug::regex;
use crate::content::front_matter::Fields;
use crate::content::front_matter::key_value::{in_terms_of_hugo, list};
use crate::content::path::{file_name, folder};

/// Pelican's own: the day at the beginning of a file name.
const FILENAME_METADATA: &str = r"(?P<date>\d{4}-\d{2}-\d{2}).*";

/// Where fields come from.
#[derive(Debug)]
pub(super) struct Metadata {
    of_file_name: Option<Regex>,
    of_path: Option<Regex>,
    uses_folder: bool,
    /// Fields by path of a file or folder.
    of_paths: Vec<(String, Vec<(String, Value)>)>,
    defaults: Vec<(String, Value)>,
}

impl Metadata {
    /// Reads the settings.
    pub fn new(settings: &Settings) -> Self {
        let pattern = |name: &str, own: &str| {
            let pattern = settings.get(name).map_or(Some(own), Value::as_str).filter(|pattern| !pattern.is_empty())?;
            regex(&format!(r"\A(?:{pattern})"))
        };
        let has_categories =
            settings.get("CATEGORY_SAVE_AS").is_none_or(|path| path.as_str().is_some_and(|path| !path.is_empty()));
        let mut of_paths: Vec<_> = match settings.get("EXTRA_PATH_METADATA").and_then(Value::as_object) {
            Some(paths) => paths.iter().map(|(path, fields)| (path.clone(), entries(fields))).collect(),
            None => Vec::new(),
        };
        of_paths.sort_by(|(a, _), (b, _)| b.cmp(a));
        let mut defaults = settings.get("DEFAULT_METADATA").map(entries).unwrap_or_default();
        defaults.retain(|(name, _)| name != "category" || !has_categories);
        defaults.extend(default_date(settings));
        if has_categories {
            let category = settings.get("DEFAULT_CATEGORY").cloned().unwrap_or_else(|| "misc".into());
            defaults.push(("category".to_owned(), category));
        }
        Self {
            of_file_name: pattern("FILENAME_METADATA", FILENAME_METADATA),
            of_path: pattern("PATH_METADATA", ""),
            uses_folder: has_categories && settings.get("USE_FOLDER_AS_CATEGORY") != Some(&Value::Bool(false)),
            of_paths,
            defaults,
        }
    }

    /// Adds what is absent, and writes dates as slugline reads them.
    pub fn complete(&self, path: &str, fields: &mut Fields) {
        let name = file_name(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        for (pattern, text) in [(&self.of_file_name, stem), (&self.of_path, path)] {
            captured(pattern.as_ref(), text).into_iter().for_each(|(name, value)| add(fields, &name, value.into()));
        }
        let above = file_name(folder(path));
        if self.uses_folder && !above.is_empty() {
            add(fields, "category", above.into());
        }
        let is_for = |of: &str| {
            path == of || path.strip_prefix(of.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
        };
        let of_paths = self.of_paths.iter().filter(|(of, _)| is_for(of)).flat_map(|(_, fields)| fields);
        of_paths.chain(&self.defaults).for_each(|(name, value)| add(fields, name, value.clone()));
        for name in ["date", "modified"] {
            if let Some(written) = fields.get(name).and_then(Value::as_str).map(date::normalized) {
                fields.set(name, written);
            }
        }
        in_terms_of_hugo(fields);
    }
}

/// Adds a field of Pelican's unless there is one.
fn add(fields: &mut Fields, name: &str, value: Value) {
    let name = match name {
        "category" => "categories",
        "lang" => "language",
        name => name,
    };
    let value = match (name, value) {
        ("tags" | "authors", Value::String(text)) => list(&text),
        (_, value) => value,
    };
    let is_absent = |name: &str| fields.get(name).is_none_or(Value::is_null);
    let has_other = name == "author" && !is_absent("authors") || name == "authors" && !is_absent("author");
    if is_absent(name) && !has_other {
        fields.set(name, value);
    }
}

/// The fields of a dictionary, or of a list of pairs.
fn entries(value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(entries) => entries.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
        Value::Array(pairs) => {
            let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_lowercase(), pair.get(1)?.clone()));
            pairs.iter().filter_map(pair).collect()
        }
        _ => Vec::new(),
    }
}

/// `DEFAULT_DATE`, a text or `(2026, 1, 2, 8, 30)`. `'fs'`, the time of the file on disk, differs from clone to clone.
fn default_date(settings: &Settings) -> Option<(String, Value)> {
    let date = match settings.get("DEFAULT_DATE")? {
        Value::String(text) if text != "fs" && !text.is_empty() => date::normalized(text),
        Value::Array(parts) => {
            let part = |at: usize| parts.get(at).and_then(Value::as_u64);
            let (year, month, day) = (part(0)?, part(1)?, part(2)?);
            let [hour, minute, second] = [3, 4, 5].map(|at| part(at).unwrap_or(0));
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        _ => return None,
    };
    Some(("date".to_owned(), date.into()))
}

/// The named groups of a match at the beginning, by lower-case name.
fn captured(pattern: Option<&Regex>, text: &str) -> Vec<(String, String)> {
    let Some(pattern) = pattern.filter(|_| text.len() <= 4096) else { return Vec::new() };
    let Ok(Some(found)) = pattern.captures(text) else { return Vec::new() };
    let names = pattern.capture_names().flatten();
    let group = |name: &str| Some((name.to_lowercase(), found.name(name)?.as_str().trim().to_owned()));
    names.filter_map(group).filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(settings: Value, path: &str, own: Value) -> Value {
        let mut fields = Fields::default();
        own.as_object().unwrap().iter().for_each(|(name, value)| fields.set(name, value.clone()));
        Metadata::new(settings.as_object().unwrap()).complete(path, &mut fields);
        Value::Object(fields.rest())
    }

    #[test]
    fn names_folders_and_settings_fill_in() {
        let none = || json!({});
        assert_eq!(completed(none(), "2026-01-02-low.md", none()), json!({"date": "2026-01-02", "categories": "misc"}));
        assert_eq!(completed(none(), "a/Tides/low.md", none()), json!({"categories": "Tides"}));
        let own = json!({"date": "20140506", "categories": "Own"});
        assert_eq!(
            completed(none(), "a/2026-01-02.md", own),
            json!({"date": "2014-05-06T00:00:00", "categories": "Own"})
        );
        let settings = json!({
            "FILENAME_METADATA": "(?P<date>\\d{4}-\\d{2}-\\d{2})_(?P<slug>.*)",
            "PATH_METADATA": "(?P<category>[^/]*)/(?P<lang>..)/(?P<Slug>.*)",
            "DEFAULT_METADATA": {"status": "draft", "Tags": "a, b"}, "DEFAULT_DATE": [2012, 3, 2, 14]
        });
        assert_eq!(
            completed(settings.clone(), "sea/de/2026-01-02_ebb.md", none()),
            json!({
                "date": "2026-01-02", "slug": "ebb", "categories": "sea", "language": "de", "status": "draft",
                "tags": ["a", "b"], "draft": true
            })
        );
        assert_eq!(completed(settings, "x.md", json!({"status": "published"}))["date"], "2012-03-02T14:00:00");
        let settings = json!({
            "USE_FOLDER_AS_CATEGORY": false, "DEFAULT_CATEGORY": "General", "DEFAULT_DATE": "fs", "FILENAME_METADATA": "(",
            "EXTRA_PATH_METADATA": {"a": {"author": "Ann"}, "a/b.md": {"author": "Bo"}}
        });
        assert_eq!(completed(settings.clone(), "a/b.md", none()), json!({"author": "Bo", "categories": "General"}));
        assert_eq!(completed(settings.clone(), "a/c.md", none())["author"], "Ann");
        assert_eq!(
            completed(settings, "ab.md", json!({"authors": ["Cy"]})),
            json!({"authors": ["Cy"], "categories": "General"})
        );
    }
}

//! Names of fields: what other generators, and sites of their own, call the fields that slugline knows.
//!
//! Takes the fields of a file; renames those whose meaning is the same everywhere. What a name means to one generator only is
//! left to its format.

use serde_json::Value;

use crate::content::format::Generator;
use crate::content::front_matter::Fields;

/// Other names, and those that slugline knows.
const RENAMED: [(&str, &str); 9] = [
    ("category", "categories"),
    ("tag", "tags"),
    ("lang", "language"),
    ("redirect_from", "aliases"),
    ("last_modified_at", "lastmod"),
    ("updateddate", "lastmod"),
    ("updated_date", "lastmod"),
    ("pub_date", "pubdate"),
    ("publish_date", "publishdate"),
];

/// Names of addresses, which mean nothing to Hugo; a format of its own reads them itself.
const ADDRESSES: [&str; 2] = ["permalink", "path"];

/// Renames the fields that have no other value under the known name. `own` are the names of the project file.
pub(super) fn rename(fields: &mut Fields, own: &[(String, String)], generator: Option<Generator>) {
    for (name, written) in own {
        fields.rename(&written.split('.').collect::<Vec<_>>(), name);
    }
    for (written, name) in RENAMED {
        fields.rename(&[written], name);
    }
    let taxonomies = fields.get("taxonomies").and_then(Value::as_object);
    let names: Vec<String> = taxonomies.into_iter().flat_map(|map| map.keys().cloned()).collect();
    for name in names {
        fields.rename(&["taxonomies", &name], &name.to_lowercase());
    }
    if fields.get("last_update").and_then(|update| update.get("date")).is_some() {
        fields.rename(&["last_update", "date"], "lastmod");
    }
    if generator.is_none_or(|generator| generator == Generator::Plain) {
        for written in ADDRESSES {
            if fields.get(written).is_some_and(is_address) {
                fields.rename(&[written], "url");
            }
        }
    }
}

/// Whether a value is the address of a page, not a template of one.
fn is_address(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty() && !text.contains(['{', '<']))
}

//! Names of fields: what other generators, and sites of their own, call the fields that slugline knows.
//!
//! Takes the fields of a file; renames those whose meaning is the same everywhere. What a name means to one generator only is
//! left to its format.

use serde_json::Value;

use crate::content::format::Generator;
use crate::content::front_matter::Fields;

/// Other names, and those that slugline knows.
const RENAMED: [(&str, &str); 6] = [
    ("category", "categories"),
    ("tag", "tags"),
    ("lang", "language"),
    ("redirect_from", "aliases"),
    ("last_modified_at", "lastmod"),
    ("updateddate", "lastmod"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::front_matter::split;

    fn renamed(front_matter: &str, own: &[(&str, &str)], generator: Option<Generator>) -> String {
        let own: Vec<_> = own.iter().map(|(name, written)| ((*name).to_owned(), (*written).to_owned())).collect();
        let file = format!("---\n{front_matter}\n---\n");
        let mut fields = split("a.md", file.as_bytes()).unwrap().fields("a.md").unwrap();
        rename(&mut fields, &own, generator);
        Value::Object(fields.rest()).to_string()
    }

    #[test]
    fn a_field_with_another_name_is_read_unless_it_has_its_own() {
        for (written, expected) in [
            ("category: a", r#"{"categories":"a"}"#),
            ("category: a\ncategories: [b]", r#"{"category":"a","categories":["b"]}"#),
            ("category: a\ncategories:", r#"{"categories":"a"}"#),
            (
                "taxonomies: {Tags: [a], categories: [b]}\ntags: c",
                r#"{"taxonomies":{"Tags":["a"],"categories":["b"]},"tags":"c","categories":["b"]}"#,
            ),
            (
                "last_update: {date: 2026-01-02, author: x}",
                r#"{"last_update":{"date":"2026-01-02","author":"x"},"lastmod":"2026-01-02"}"#,
            ),
            ("last_update: 2026-01-02", r#"{"last_update":"2026-01-02"}"#),
            ("path: log/ebb", r#"{"url":"log/ebb"}"#),
            ("permalink: '/{{ slug }}/'", r#"{"permalink":"/{{ slug }}/"}"#),
            ("permalink: false", r#"{"permalink":false}"#),
        ] {
            assert_eq!(renamed(written, &[], None), expected, "{written}");
        }
        let path = "path: log/ebb";
        assert_eq!(renamed(path, &[], Some(Generator::Hugo)), r#"{"path":"log/ebb"}"#);
    }

    #[test]
    fn a_site_has_names_of_its_own() {
        let own = [("author", "signed.by"), ("date", "created_at")];
        let found = renamed("signed: {by: Ann}\ncreated_at: 2026-01-02\ncategory: a", &own, None);
        let expected = r#"{"signed":{"by":"Ann"},"author":"Ann","date":"2026-01-02","categories":"a"}"#;
        assert_eq!(found, expected);
        assert_eq!(renamed("signed: Ann\ndate: 1", &own, None), r#"{"signed":"Ann","date":1}"#);
    }
}

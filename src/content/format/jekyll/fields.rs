//! The fields of a Jekyll file as Hugo has them: title, date and slug of its name, categories of its folders, `defaults`.
//!
//! Takes what the file is and the fields of its front matter; changes the fields.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::content::format::jekyll::location::{FileName, Kind, Location};
use crate::content::format::jekyll::time;
use crate::content::front_matter::Fields;

/// Fields that are dates.
const DATES: [&str; 2] = ["date", "lastmod"];

/// Completes the fields of a file. Dates get the offset of the site, from which permalinks are made.
pub fn complete(location: &Location<'_>, defaults: &Map<String, Value>, zone: Tz, fields: &mut Fields) {
    let categories = categories(location, defaults, fields);
    let tags = tags(defaults, fields);
    inherit(defaults, fields);
    set_list("categories", categories, fields);
    set_list("tags", tags, fields);
    let name = FileName::new(location.path);
    if is_missing(fields, "slug") {
        fields.set("slug", name.slug);
    }
    if is_missing(fields, "title") && !name.slug.is_empty() {
        fields.set("title", name.title());
    }
    for field in DATES {
        let date = fields.get(field).and_then(text).and_then(|written| time::parse(&written, zone));
        if let Some(date) = date {
            fields.set(field, date.to_rfc3339());
        }
    }
    if is_missing(fields, "date")
        && let Some(date) = name.date.and_then(time::of_name)
    {
        fields.set("date", date);
    }
    if location.kind == Kind::Draft {
        fields.set("draft", true);
    }
}

/// Whether there is no such field, or nothing in it.
fn is_missing(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// Adds the values of `defaults` that the front matter does not have.
fn inherit(defaults: &Map<String, Value>, fields: &mut Fields) {
    for (name, value) in defaults {
        match (fields.get(name), value) {
            (None | Some(Value::Null), _) => fields.set(name, value.clone()),
            (Some(Value::Object(own)), Value::Object(defaults)) => {
                let mut merged = defaults.clone();
                merged.extend(own.clone());
                fields.set(name, merged);
            }
            _ => {}
        }
    }
}

/// Those of the folders, of `defaults`, and of the front matter, whose `category` is never split.
fn categories(location: &Location<'_>, defaults: &Map<String, Value>, fields: &Fields) -> Vec<String> {
    let is_single = is_singular(fields, "categories", "category");
    let mut all: Vec<String> = location.categories().into_iter().map(str::to_owned).collect();
    all.extend(words(defaults.get("categories")));
    let own = fields.get("categories");
    all.extend(if is_single { texts(own) } else { words(own) });
    all.extend(texts(fields.get("category").or(defaults.get("category").filter(|_| !is_single))));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|category| !category.trim().is_empty() && seen.insert(category.clone()));
    all
}

/// `tag`, or else the words of `tags`. Commas between them are a slip that readers need not see.
fn tags(defaults: &Map<String, Value>, fields: &Fields) -> Vec<String> {
    let is_single = is_singular(fields, "tags", "tag");
    let written = fields.get("tags").filter(|tags| !tags.is_null()).or(defaults.get("tags"));
    let single = fields.get("tag").or(defaults.get("tag")).or(written.filter(|_| is_single));
    let tags = if single.is_some() { texts(single) } else { words(written) };
    tags.iter().map(|tag| tag.trim_end_matches(',').to_owned()).filter(|tag| !tag.trim().is_empty()).collect()
}

/// Whether a field was written under its name in the singular.
fn is_singular(fields: &Fields, name: &str, singular: &str) -> bool {
    fields.written(name) == [singular]
}

fn set_list(name: &str, list: Vec<String>, fields: &mut Fields) {
    if !list.is_empty() || fields.get(name).is_some() {
        fields.set(name, list);
    }
}

/// The texts in a value: one, or a list, also of lists.
pub fn texts(value: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = value.into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            value => found.extend(text(value)),
        }
    }
    found
}

/// The same, with a text split at white space.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        value => texts(value),
    }
}

/// A single value as text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::content::front_matter;

    /// The fields of a file with this front matter.
    fn completed(location: Location<'_>, written: &str) -> Value {
        let text = format!("---\n{written}\n---\n");
        let mut fields = front_matter::split("a.md", text.as_bytes()).unwrap().fields("a.md").unwrap();
        for (written, name) in [("category", "categories"), ("tag", "tags"), ("last_modified_at", "lastmod")] {
            fields.rename(&[written], name);
        }
        let defaults = json!({"author": "Maren", "categories": "all", "image": {"path": "a.png", "alt": "A"}});
        complete(&location, defaults.as_object().unwrap(), Tz::Asia__Shanghai, &mut fields);
        Value::Object(fields.rest())
    }

    fn post(path: &'static str) -> Location<'static> {
        Location { kind: Kind::Post, path }
    }

    #[test]
    fn a_file_says_what_its_front_matter_does_not() {
        assert_eq!(
            completed(post("news/_posts/2026-1-2-Neap-tides-1.0.md"), "tags: sea, sky\nimage: {alt: B}"),
            json!({
                "title": "Neap Tides 1.0", "date": "2026-01-02", "slug": "Neap-tides-1.0", "tags": ["sea", "sky"],
                "categories": ["news", "all"], "author": "Maren", "image": {"path": "a.png", "alt": "B"}
            })
        );
        let written = "title: T\nslug: s\ndate: 2026-01-03 23:00:00\nlast_modified_at: 2026-01-04 10:00\nauthor: Ida\nimage: b.png";
        assert_eq!(
            completed(post("_posts/2026-01-02-a.md"), written),
            json!({
                "title": "T", "slug": "s", "date": "2026-01-04T07:00:00+08:00", "lastmod": "2026-01-04T10:00:00+08:00",
                "author": "Ida", "image": "b.png", "categories": ["all"]
            })
        );
        let draft = completed(Location { kind: Kind::Draft, path: "_drafts/a.md" }, "published: true");
        assert_eq!((&draft["draft"], draft.get("date")), (&json!(true), None));
    }

    #[test]
    fn categories_and_tags_are_split_in_the_plural_only() {
        for (written, categories, tags) in [
            ("categories: sea sky\ntags: a b", json!(["all", "sea", "sky"]), json!(["a", "b"])),
            ("category: sea sky\ntag: a b", json!(["all", "sea sky"]), json!(["a b"])),
            ("category: sea\ncategories: [sky, sea, ~]\ntag: a\ntags: b", json!(["all", "sky", "sea"]), json!(["a"])),
            ("categories: [[a, b], 2026]\ntags: [a b, 7]", json!(["all", "a", "b", "2026"]), json!(["a b", "7"])),
            ("categories:\ntags:", json!(["all"]), json!([])),
        ] {
            let fields = completed(post("_posts/2026-01-02-a.md"), written);
            assert_eq!((&fields["categories"], &fields["tags"]), (&categories, &tags), "{written}");
        }
    }
}
